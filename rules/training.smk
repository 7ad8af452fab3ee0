# Nets: train them, fit their temperature, measure them on val, calibration and test.


rule train:
    input:
        train=results("data/{dataset}/train.safetensors"),
        val=results("data/{dataset}/val.safetensors"),
    output:
        classifier=results("models/{dataset}/{model}/seed{seed}/classifier.safetensors"),
        history=results("models/{dataset}/{model}/seed{seed}/history.csv"),
    log:
        log("train/{dataset}/{model}/seed{seed}"),
    benchmark:
        bench("train/{dataset}/{model}/seed{seed}")
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=3000,
        runtime=480,
    params:
        code=lambda w: code("train.py", "training", NETWORKS.file(w.model)),
        options=lambda w: options(
            CONFIG.training_options(w.dataset, w.model),
            **runtime("train", w.dataset, w.model, int(w.seed)),
        ),
    shell:
        r"""
        python "$SCRIPTS/train.py" \
            --model {wildcards.model:q} \
            --train {input.train:q} \
            --val {input.val:q} \
            {params.options} \
            --threads {threads} \
            --checkpoint {output.classifier:q}.checkpoint \
            --out {output.classifier:q} \
            --history {output.history:q} \
            >{log:q} 2>&1
        """


rule calibrate:
    input:
        classifiers=[classifier(seed) for seed in range(CONFIG.training.seeds)],
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
        mem_mb=3000,
        runtime=60,
    params:
        code=lambda w: code("calibrate.py", "training", NETWORKS.file(w.model)),
        options=lambda w: options(
            dataset=w.dataset,
            model=w.model,
            **runtime("calibrate", w.dataset, w.model),
        ),
    shell:
        r"""
        python "$SCRIPTS/calibrate.py" \
            --classifiers {input.classifiers:q} \
            --calibration {input.calibration:q} \
            {params.options} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule evaluate:
    input:
        classifiers=[classifier(seed) for seed in range(CONFIG.training.seeds)],
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
        mem_mb=3000,
        runtime=60,
    params:
        code=lambda w: code("evaluate.py", "training", NETWORKS.file(w.model)),
        options=lambda w: options(
            dataset=w.dataset, model=w.model, **runtime("evaluate", w.dataset, w.model)
        ),
    shell:
        r"""
        python "$SCRIPTS/evaluate.py" \
            --classifiers {input.classifiers:q} \
            --temperature {input.temperature:q} \
            --sets {input.train:q} {input.val:q} {input.calibration:q} {input.test:q} \
            {params.options} \
            --threads {threads} \
            --out {output.table:q} \
            --reliability {output.reliability:q} \
            >{log:q} 2>&1
        """
