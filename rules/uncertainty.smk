# Uncertainty: what every estimator says about every image set, and what that measures.


rule predict:
    input:
        classifiers=lambda w: [
            classifier(seed) for seed in range(CONFIG.uncertainty.nets(w.estimator))
        ],
        sets=lambda w: list(image_sets(w.dataset, w.model).values()),
    output:
        results("uncertainty/{dataset}/{model}/{estimator}.safetensors"),
    log:
        log("predict/{dataset}/{model}/{estimator}"),
    benchmark:
        bench("predict/{dataset}/{model}/{estimator}")
    conda:
        "../envs/uncertainty.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=3000,
        runtime=120,
    params:
        code=lambda w: code(
            "predict.py",
            "uncertainty",
            ESTIMATORS.file(w.estimator),
            NETWORKS.file(w.model),
        ),
        options=lambda w: options(
            set=CONFIG.uncertainty.estimators[w.estimator],
            estimator=w.estimator,
            names=list(image_sets(w.dataset, w.model)),
            **runtime("predict", w.dataset, w.model, w.estimator),
        ),
    shell:
        r"""
        python "$SCRIPTS/predict.py" \
            --classifiers {input.classifiers:q} \
            --sets {input.sets:q} \
            {params.options} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule measure:
    input:
        lambda w: [
            results(f"uncertainty/{w.dataset}/{w.model}/{estimator}.safetensors")
            for estimator in CONFIG.estimators(w.dataset, w.model)
        ],
    output:
        scores=results("uncertainty/{dataset}/{model}/scores.parquet"),
        table=results("uncertainty/{dataset}/{model}/measures.csv"),
    log:
        log("measure/{dataset}/{model}"),
    benchmark:
        bench("measure/{dataset}/{model}")
    conda:
        "../envs/uncertainty.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("measure.py", "uncertainty"),
        options=lambda w: options(
            dataset=w.dataset,
            model=w.model,
            seed=derive(CONFIG.seed, "measure", w.dataset, w.model),
        ),
    shell:
        r"""
        python "$SCRIPTS/measure.py" \
            --predictions {input:q} \
            {params.options} \
            --scores {output.scores:q} \
            --out {output.table:q} \
            >{log:q} 2>&1
        """
