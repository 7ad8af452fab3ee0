# Detection: every score as a detector of misclassified, adversarial and OOD images.


rule score_images:
    input:
        classifiers=files(PLAN.detection.nets),
        train=files(PLAN.detection.needed, what="train"),
        vae=files(PLAN.detection.needed, what="vae"),
        sets=files(PLAN.data.sets),
    output:
        results("detection/{dataset}/{model}/scores/{score}.parquet"),
    log:
        log("score_images/{dataset}/{model}/{score}"),
    benchmark:
        bench("score_images/{dataset}/{model}/{score}")
    conda:
        "../envs/detection.yaml"
    resources:
        **needs(3000, minutes=120, gpu=1),
    params:
        job=job("score_images.py", "detection", PLAN.detection.score_images),
    shell:
        r"""
        python "$SCRIPTS/score_images.py" \
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
        label_changes=files(PLAN.stability.files, ending="parquet"),
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
    resources:
        **needs(3000, minutes=120),
    params:
        job=job("fit_detectors.py", "detection", PLAN.detection.fit_detectors),
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


rule compare_scores:
    input:
        uncertainty=results("uncertainty/{dataset}/{model}/scores.parquet"),
        scores=files(PLAN.detection.score_files),
        label_changes=files(PLAN.stability.files, ending="parquet"),
        detectors=files(PLAN.detection.detector_scores),
    output:
        results("detection/{dataset}/{model}.csv"),
    log:
        log("compare_scores/{dataset}/{model}"),
    benchmark:
        bench("compare_scores/{dataset}/{model}")
    conda:
        "../envs/detection.yaml"
    resources:
        **needs(2000, minutes=60),
    params:
        job=job("compare_scores.py", "detection", PLAN.detection.compare_scores),
    shell:
        r"""
        python "$SCRIPTS/compare_scores.py" tasks \
            --uncertainty {input.uncertainty:q} \
            --scores {input.scores:q} \
            --label-changes {input.label_changes:q} \
            --detectors {input.detectors:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule rank_scores:
    input:
        results(PLAN.report.parts()["detection"]),
    output:
        results("tables/leaderboard.csv"),
    log:
        log("rank_scores"),
    benchmark:
        bench("rank_scores")
    conda:
        "../envs/detection.yaml"
    resources:
        **needs(2000, minutes=30),
    params:
        job=job("compare_scores.py", "detection", PLAN.detection.rank_scores),
    shell:
        r"""
        python "$SCRIPTS/compare_scores.py" ranks \
            --tables {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """
