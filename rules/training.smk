# Nets: train them or take them over, fit their temperature, measure them on all splits.


include: "common/training.smk"


rule train:
    input:
        train=results("data/{dataset}/train.safetensors"),
        val=results("data/{dataset}/val.safetensors"),
    output:
        classifier=results(
            "models/{dataset}/{model}/{objective}/{seed}/classifier.safetensors"
        ),
        history=results("models/{dataset}/{model}/{objective}/{seed}/history.csv"),
    log:
        log("train/{dataset}/{model}/{objective}/{seed}"),
    benchmark:
        bench("train/{dataset}/{model}/{objective}/{seed}")
    wildcard_constraints:
        objective="|".join([CROSS_ENTROPY, *CONFIG.training.objectives]),
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=480,
    params:
        job=job(
            script="train.py",
            code=lambda w: code("train.py", "training", NETWORKS.file(w.model))
            + NETWORKS.maker(w.model),
            options=lambda w: options(
                CONFIG.training_options(w.dataset, w.model, w.objective),
                **objective_options(w.objective),
                model=NETWORKS.architecture(w.model),
                entry=NETWORKS.made_by(w.model),
                **runtime("train", w.dataset, w.model, int(w.seed)),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/train.py" \
            --train {input.train:q} \
            --val {input.val:q} \
            {params.job[options]} \
            --threads {threads} \
            --checkpoint {output.classifier:q}.checkpoint \
            --out {output.classifier:q} \
            --history {output.history:q} \
            >{log:q} 2>&1
        """


# Given weights are one net, number 0; the network is where the workflow was started.
localrules:
    adopt,


rule adopt:
    input:
        images=results("data/{dataset}/test.safetensors"),
        weights=lambda w: own_files(given_weights(w).path),
    output:
        results(f"models/{{dataset}}/{{model}}/{GIVEN}/0/classifier.safetensors"),
    log:
        log("adopt/{dataset}/{model}"),
    benchmark:
        bench("adopt/{dataset}/{model}")
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=60,
    params:
        job=job(
            script="adopt.py",
            code=lambda w: code("adopt.py", "training", NETWORKS.file(w.model))
            + NETWORKS.maker(w.model),
            options=lambda w: options(
                given_weights(w),
                model=NETWORKS.architecture(w.model),
                entry=NETWORKS.made_by(w.model),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/adopt.py" \
            --images {input.images:q} \
            --downloads "$PLUMBLINE_DOWNLOADS" \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule calibrate:
    input:
        classifiers=classifiers,
        calibration=results("data/{dataset}/calibration.safetensors"),
    output:
        results("models/{dataset}/{model}/temperature.csv"),
    log:
        log("calibrate/{dataset}/{model}"),
    benchmark:
        bench("calibrate/{dataset}/{model}")
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=60,
    params:
        job=job(
            script="calibrate.py",
            code=lambda w: code("calibrate.py", "training", NETWORKS.file(w.model)),
            options=lambda w: options(
                dataset=w.dataset,
                model=w.model,
                **runtime("calibrate", w.dataset, w.model),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/calibrate.py" \
            --classifiers {input.classifiers:q} \
            --calibration {input.calibration:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule evaluate:
    input:
        classifiers=classifiers,
        temperature=results("models/{dataset}/{model}/temperature.csv"),
        train=results("data/{dataset}/train.safetensors"),
        val=results("data/{dataset}/val.safetensors"),
        calibration=results("data/{dataset}/calibration.safetensors"),
        test=results("data/{dataset}/test.safetensors"),
    output:
        table=results("models/{dataset}/{model}/evaluation.csv"),
        reliability=results("models/{dataset}/{model}/reliability.csv"),
    log:
        log("evaluate/{dataset}/{model}"),
    benchmark:
        bench("evaluate/{dataset}/{model}")
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=60,
    params:
        job=job(
            script="evaluate.py",
            code=lambda w: code("evaluate.py", "training", NETWORKS.file(w.model)),
            options=lambda w: options(
                dataset=w.dataset,
                model=w.model,
                **runtime("evaluate", w.dataset, w.model),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/evaluate.py" \
            --classifiers {input.classifiers:q} \
            --temperature {input.temperature:q} \
            --sets {input.train:q} {input.val:q} {input.calibration:q} {input.test:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.table:q} \
            --reliability {output.reliability:q} \
            >{log:q} 2>&1
        """
