# Uncertainty: what every estimator says about every image set, and what that measures.


rule predict:
    input:
        classifiers=files(PLAN.uncertainty.nets),
        temperature=files(PLAN.uncertainty.temperature),
        sets=files(PLAN.uncertainty.sets),
    output:
        results("uncertainty/{dataset}/{model}/{estimator}.safetensors"),
    log:
        log("predict/{dataset}/{model}/{estimator}"),
    benchmark:
        bench("predict/{dataset}/{model}/{estimator}")
    conda:
        "../envs/uncertainty.yaml"
    resources:
        **needs(3000, minutes=120, gpu=1),
    params:
        job=job("predict.py", "uncertainty", PLAN.uncertainty.predict),
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
        files(PLAN.uncertainty.files),
    output:
        scores=results("uncertainty/{dataset}/{model}/scores.parquet"),
        table=results("uncertainty/{dataset}/{model}/measures.csv"),
    log:
        log("measure/{dataset}/{model}"),
    benchmark:
        bench("measure/{dataset}/{model}")
    conda:
        "../envs/uncertainty.yaml"
    resources:
        **needs(2000, minutes=30),
    params:
        job=job("measure.py", "uncertainty", PLAN.uncertainty.measure),
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
        files(PLAN.uncertainty.files),
    output:
        results("uncertainty/{dataset}/{model}/refusal.csv"),
    log:
        log("refuse/{dataset}/{model}"),
    benchmark:
        bench("refuse/{dataset}/{model}")
    conda:
        "../envs/uncertainty.yaml"
    resources:
        **needs(2000, minutes=30),
    params:
        job=job("refuse.py", "uncertainty", PLAN.uncertainty.refuse),
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
        classifiers=files(PLAN.training.nets),
        nets=files(PLAN.uncertainty.swept_nets),
        test=results("data/{dataset}/test.safetensors"),
    output:
        results("uncertainty/{dataset}/{model}/sweep.csv"),
    log:
        log("sweep/{dataset}/{model}"),
    benchmark:
        bench("sweep/{dataset}/{model}")
    conda:
        "../envs/uncertainty.yaml"
    resources:
        **needs(4000, minutes=240, gpu=1),
    params:
        job=job("sweep.py", "uncertainty", PLAN.uncertainty.sweep),
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
