# Stability: how easily small changes of a net change its answers, and its conductance.


include: "common/stability.smk"


# An operator's table could bear the name of the conductance's.
ruleorder: conduct > mutate


rule mutate:
    input:
        classifier=classifier,
        calibration=results("data/{dataset}/calibration.safetensors"),
        sets=lambda w: set_files(w, mutated_sets(w.dataset)),
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
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=480,
    params:
        job=job(
            script="mutate.py",
            code=lambda w: code(
                "mutate.py",
                "stability",
                OPERATORS.file(CONFIG.stability.module_of(w.operator)),
                NETWORKS.file(w.model),
            ),
            options=mutation_options,
        ),
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


rule conduct:
    input:
        classifier=classifier,
        sets=lambda w: set_files(w, image_sets(w.dataset)),
    output:
        images=results("stability/{dataset}/{model}/conductance.safetensors"),
        table=results("stability/{dataset}/{model}/conductance.csv"),
    log:
        log("conduct/{dataset}/{model}"),
    benchmark:
        bench("conduct/{dataset}/{model}")
    conda:
        "../envs/stability.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=120,
    params:
        job=job(
            script="conduct.py",
            code=lambda w: code("conduct.py", "stability", NETWORKS.file(w.model)),
            options=lambda w: options(
                CONFIG.stability.conductance,
                dataset=w.dataset,
                model=w.model,
                **set_names(image_sets(w.dataset)),
                **runtime("conduct", w.dataset, w.model),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/conduct.py" \
            --classifier {input.classifier:q} \
            --sets {input.sets:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.images:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """
