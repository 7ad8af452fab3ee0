# Nets: train or import them, fit temperatures, evaluate on all splits.


rule train:
    input:
        train=results("data/{dataset}/train.safetensors"),
        val=results("data/{dataset}/val.safetensors"),
        extra=[],
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
        objective=one_of(PLAN.training.objectives()),
    conda:
        "../envs/training.yaml"
    resources:
        **needs(3000, minutes=480, gpu=1),
    params:
        job=job("train.py", "training", PLAN.training.train),
    shell:
        r"""
        python "$SCRIPTS/train.py" \
            --train {input.train:q} \
            --val {input.val:q} \
            --extra {input.extra:q} \
            {params.job[options]} \
            --threads {threads} \
            --checkpoint {output.classifier:q}.checkpoint \
            --out {output.classifier:q} \
            --history {output.history:q} \
            >{log:q} 2>&1
        """


# Training with extra images, decoded from a latent space.
use rule train as retrain with:
    input:
        train=results("data/{dataset}/train.safetensors"),
        val=results("data/{dataset}/val.safetensors"),
        extra=results("latent/{dataset}/{model}/extension_{arm}.safetensors"),
    output:
        classifier=results(
            "models/{dataset}/{model}/extension_{arm}/{seed}/classifier.safetensors"
        ),
        history=results("models/{dataset}/{model}/extension_{arm}/{seed}/history.csv"),
    log:
        log("retrain/{dataset}/{model}/{arm}/{seed}"),
    benchmark:
        bench("retrain/{dataset}/{model}/{arm}/{seed}")
    wildcard_constraints:
        arm="random|holes",
    params:
        job=job("train.py", "training", PLAN.latent.retrain),


# Imported weights are a single net with number 0.  Compute nodes may have no network access.
localrules:
    import_weights,


rule import_weights:
    input:
        images=results("data/{dataset}/test.safetensors"),
        weights=lambda w: own_files(asked(PLAN.training.weights, w).path),
    output:
        results("models/{dataset}/{model}/given/0/classifier.safetensors"),
    log:
        log("import_weights/{dataset}/{model}"),
    benchmark:
        bench("import_weights/{dataset}/{model}")
    conda:
        "../envs/training.yaml"
    resources:
        **needs(2000, minutes=60),
    params:
        job=job("import_weights.py", "training", PLAN.training.import_weights),
    shell:
        r"""
        python "$SCRIPTS/import_weights.py" \
            --images {input.images:q} \
            --downloads "$PLUMBLINE_DOWNLOADS" \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule evaluate:
    input:
        classifiers=files(PLAN.training.nets),
        train=results("data/{dataset}/train.safetensors"),
        val=results("data/{dataset}/val.safetensors"),
        calibration=results("data/{dataset}/calibration.safetensors"),
        test=results("data/{dataset}/test.safetensors"),
    output:
        temperature=results("models/{dataset}/{model}/temperature.csv"),
        table=results("models/{dataset}/{model}/evaluation.csv"),
        reliability=results("models/{dataset}/{model}/reliability.csv"),
    log:
        log("evaluate/{dataset}/{model}"),
    benchmark:
        bench("evaluate/{dataset}/{model}")
    conda:
        "../envs/training.yaml"
    resources:
        **needs(3000, minutes=60, gpu=1),
    params:
        job=job("evaluate.py", "training", PLAN.training.evaluate),
    shell:
        r"""
        python "$SCRIPTS/evaluate.py" \
            --classifiers {input.classifiers:q} \
            --calibration {input.calibration:q} \
            --sets {input.train:q} {input.val:q} {input.calibration:q} {input.test:q} \
            {params.job[options]} \
            --threads {threads} \
            --temperature {output.temperature:q} \
            --out {output.table:q} \
            --reliability {output.reliability:q} \
            >{log:q} 2>&1
        """
