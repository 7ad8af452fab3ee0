# Adversarial images: one job per attack and net, an ImageSet for every epsilon.


rule attack:
    input:
        classifier=classifier(),
        images=results("data/{dataset}/test.safetensors"),
    output:
        sets=expand(
            results(
                "attacks/{{dataset}}/{{model}}/{{attack}}_eps{epsilon:g}.safetensors"
            ),
            epsilon=CONFIG.attacks.epsilons,
        ),
        table=results("attacks/{dataset}/{model}/{attack}.csv"),
    log:
        log("attack/{dataset}/{model}/{attack}"),
    benchmark:
        bench("attack/{dataset}/{model}/{attack}")
    conda:
        "../envs/attacks.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=3000,
        runtime=240,
    params:
        code=lambda w: code(
            "attack.py", "attacks", ATTACKS.file(w.attack), NETWORKS.file(w.model)
        ),
        options=lambda w: options(
            set=CONFIG.attacks.methods[w.attack],
            method=w.attack,
            dataset=w.dataset,
            model=w.model,
            count=CONFIG.attacks.images,
            epsilons=CONFIG.attacks.epsilons,
            **runtime("attack", w.dataset, w.model, w.attack),
        ),
    shell:
        r"""
        python "$SCRIPTS/attack.py" \
            --classifier {input.classifier:q} \
            --images {input.images:q} \
            {params.options} \
            --threads {threads} \
            --out {output.sets:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """
