# Detection: every score as a detector of wrong, adversarial and out-of-distribution images.


include: "common/detection.smk"


rule score:
    input:
        classifiers=lambda w: nets(w.dataset, w.model, CONFIG.detection.nets(w.score)),
        train=lambda w: needed(w.score, "train", "data/{dataset}/train.safetensors"),
        vae=lambda w: needed(
            w.score, "vae", "latent/{dataset}/in_distribution/vae.safetensors"
        ),
        sets=lambda w: set_files(w, image_sets(w.dataset)),
    output:
        results("detection/{dataset}/{model}/scores/{score}.parquet"),
    log:
        log("score/{dataset}/{model}/{score}"),
    benchmark:
        bench("score/{dataset}/{model}/{score}")
    conda:
        "../envs/detection.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=120,
    params:
        job=job(
            script="score.py",
            code=lambda w: code(
                "score.py",
                "detection",
                SCORES.file(CONFIG.detection.module_of(w.score)),
                NETWORKS.file(w.model),
            ),
            options=lambda w: options(
                set=CONFIG.detection.options_of(w.score),
                method=CONFIG.detection.module_of(w.score),
                score=w.score,
                **set_names(image_sets(w.dataset)),
                **runtime("score", w.dataset, w.model, w.score),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/score.py" \
            --classifiers {input.classifiers:q} \
            --train {input.train:q} \
            --vae {input.vae:q} \
            --sets {input.sets:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule fit_detectors:
    input:
        predictions=results("uncertainty/{dataset}/{model}/softmax.safetensors"),
        label_changes=lambda w: expand(
            results("stability/{dataset}/{model}/{operator}.parquet"),
            dataset=w.dataset,
            model=w.model,
            operator=CONFIG.stability.operators_of(w.model),
        ),
        conductance=results("stability/{dataset}/{model}/conductance.safetensors"),
    output:
        scores=results("detection/{dataset}/{model}/detectors.parquet"),
        table=results("detection/{dataset}/{model}/detectors.csv"),
    log:
        log("fit_detectors/{dataset}/{model}"),
    benchmark:
        bench("fit_detectors/{dataset}/{model}")
    conda:
        "../envs/detection.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=120,
    params:
        job=job(
            script="fit_detectors.py",
            code=code(
                "fit_detectors.py",
                "detection",
                *map(DETECTORS.file, CONFIG.detection.detectors.methods),
            ),
            options=lambda w: options(
                CONFIG.detection.detectors,
                minimal=CONFIG.attacks.minimal(),
                dataset=w.dataset,
                model=w.model,
                seed=derive(CONFIG.seed, "fit_detectors", w.dataset, w.model),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/fit_detectors.py" \
            --predictions {input.predictions:q} \
            --label-changes {input.label_changes:q} \
            --conductance {input.conductance:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.scores:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """


rule detect:
    input:
        uncertainty=results("uncertainty/{dataset}/{model}/scores.parquet"),
        scores=lambda w: [
            results(f"detection/{w.dataset}/{w.model}/scores/{entry}.parquet")
            for entry in scored(w.dataset, w.model)
        ],
        label_changes=lambda w: expand(
            results("stability/{dataset}/{model}/{operator}.parquet"),
            dataset=w.dataset,
            model=w.model,
            operator=CONFIG.stability.operators_of(w.model),
        ),
        detectors=lambda w: detector_files(w, "parquet"),
    output:
        results("detection/{dataset}/{model}.csv"),
    log:
        log("detect/{dataset}/{model}"),
    benchmark:
        bench("detect/{dataset}/{model}")
    conda:
        "../envs/detection.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=60,
    params:
        job=job(
            script="detect.py",
            code=code("detect.py", "detection"),
            options=lambda w: options(
                dataset=w.dataset,
                model=w.model,
                near=CONFIG.data.sources[w.dataset].near,
                passes=passes(w.dataset, w.model),
                steps=CONFIG.stability.conductance.steps,
                seed=derive(CONFIG.seed, "detect", w.dataset, w.model),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/detect.py" \
            --uncertainty {input.uncertainty:q} \
            --scores {input.scores:q} \
            --label-changes {input.label_changes:q} \
            --detectors {input.detectors:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule rank:
    input:
        expand(
            results("detection/{dataset}/{model}.csv"),
            dataset=CONFIG.datasets,
            model=CONFIG.models,
        ),
    output:
        results("tables/leaderboard.csv"),
    log:
        log("rank"),
    benchmark:
        bench("rank")
    conda:
        "../envs/detection.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        job=job(
            script="rank.py",
            code=code("rank.py", "detection"),
            options=lambda w: options(
                replicates=NETWORKS.replicates, seed=derive(CONFIG.seed, "rank")
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/rank.py" \
            --tables {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """
