# Uncertainty: what every estimator says about every image set, and what that measures.


include: "common/uncertainty.smk"


rule predict:
    input:
        classifiers=lambda w: estimated_nets(w.dataset, w.model, w.estimator),
        temperature=lambda w: (
            results("models/{dataset}/{model}/temperature.csv")
            if CONFIG.uncertainty.scaled(w.estimator)
            else []
        ),
        sets=lambda w: set_files(w, predicted_sets(w.dataset)),
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
        mem_mb=memory(3000),
        runtime=120,
    params:
        job=job(
            script="predict.py",
            code=lambda w: code(
                "predict.py",
                "uncertainty",
                ESTIMATORS.file(CONFIG.uncertainty.module_of(w.estimator)),
                NETWORKS.file(w.model),
            ),
            options=lambda w: options(
                set=CONFIG.uncertainty.options_of(w.estimator),
                method=CONFIG.uncertainty.module_of(w.estimator),
                estimator=w.estimator,
                names=[key.name for key in predicted_sets(w.dataset)],
                **runtime("predict", w.dataset, w.model, w.estimator),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/predict.py" \
            --classifiers {input.classifiers:q} \
            --temperature {input.temperature:q} \
            --sets {input.sets:q} \
            {params.job[options]} \
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
        mem_mb=memory(2000),
        runtime=30,
    params:
        job=job(
            script="measure.py",
            code=code("measure.py", "uncertainty"),
            options=lambda w: options(
                dataset=w.dataset,
                model=w.model,
                minimal=CONFIG.attacks.minimal(),
                seed=derive(CONFIG.seed, "measure", w.dataset, w.model),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/measure.py" \
            --predictions {input:q} \
            {params.job[options]} \
            --scores {output.scores:q} \
            --out {output.table:q} \
            >{log:q} 2>&1
        """


rule refuse:
    input:
        lambda w: [
            results(f"uncertainty/{w.dataset}/{w.model}/{estimator}.safetensors")
            for estimator in CONFIG.estimators(w.dataset, w.model)
        ],
    output:
        results("uncertainty/{dataset}/{model}/refusal.csv"),
    log:
        log("refuse/{dataset}/{model}"),
    benchmark:
        bench("refuse/{dataset}/{model}")
    conda:
        "../envs/uncertainty.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        job=job(
            script="refuse.py",
            code=code("refuse.py", "uncertainty"),
            options=lambda w: options(
                CONFIG.uncertainty.refusal,
                minimal=CONFIG.attacks.minimal(),
                dataset=w.dataset,
                model=w.model,
                seed=derive(CONFIG.seed, "refuse", w.dataset, w.model),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/refuse.py" \
            --predictions {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule sweep:
    input:
        classifiers=classifiers,
        nets=lambda w: sum(swept_nets(w.dataset, w.model).values(), []),
        test=results("data/{dataset}/test.safetensors"),
    output:
        results("uncertainty/{dataset}/{model}/sweep.csv"),
    log:
        log("sweep/{dataset}/{model}"),
    benchmark:
        bench("sweep/{dataset}/{model}")
    conda:
        "../envs/uncertainty.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(4000),
        runtime=240,
    params:
        job=job(
            script="sweep.py",
            code=lambda w: code(
                "sweep.py",
                "uncertainty",
                ESTIMATORS.file("ensemble"),
                *map(ESTIMATORS.file, swept_modules(w.dataset, w.model)),
                NETWORKS.file(w.model),
            ),
            options=lambda w: options(
                swept(w.dataset, w.model),
                estimators=swept_estimators(w.dataset, w.model),
                dataset=w.dataset,
                model=w.model,
                **runtime("sweep", w.dataset, w.model),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/sweep.py" \
            --classifiers {input.classifiers:q} \
            --nets {input.nets:q} \
            --test {input.test:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """
