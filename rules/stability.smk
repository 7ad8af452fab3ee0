# Stability: label change rates under mutation of the weights, and conductance.


# An operator named `conductance` would otherwise make these two rules ambiguous.
ruleorder: measure_conductance > mutate


rule mutate:
    input:
        classifier=files(PLAN.training.net),
        calibration=results("data/{dataset}/calibration.safetensors"),
        sets=files(PLAN.stability.sets),
    output:
        images=results("stability/{dataset}/{model}/{operator}.parquet"),
        table=results("stability/{dataset}/{model}/{operator}.csv"),
        changes=results("stability/{dataset}/{model}/{operator}.safetensors"),
    log:
        log("mutate/{dataset}/{model}/{operator}"),
    benchmark:
        bench("mutate/{dataset}/{model}/{operator}")
    conda:
        "../envs/stability.yaml"
    resources:
        **needs(3000, minutes=480, gpu=1),
    params:
        job=job("mutate.py", "stability", PLAN.stability.mutate),
    shell:
        r"""
        python "$SCRIPTS/mutate.py" \
            --classifier {input.classifier:q} \
            --calibration {input.calibration:q} \
            --sets {input.sets:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.images:q} \
            --table {output.table:q} \
            --changes {output.changes:q} \
            >{log:q} 2>&1
        """


rule measure_conductance:
    input:
        classifier=files(PLAN.training.net),
        sets=files(PLAN.data.sets),
    output:
        images=results("stability/{dataset}/{model}/conductance.safetensors"),
        table=results("stability/{dataset}/{model}/conductance.csv"),
    log:
        log("measure_conductance/{dataset}/{model}"),
    benchmark:
        bench("measure_conductance/{dataset}/{model}")
    conda:
        "../envs/stability.yaml"
    resources:
        **needs(3000, minutes=120, gpu=1),
    params:
        job=job(
            "measure_conductance.py", "stability", PLAN.stability.measure_conductance
        ),
    shell:
        r"""
        python "$SCRIPTS/measure_conductance.py" \
            --classifier {input.classifier:q} \
            --sets {input.sets:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.images:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """
