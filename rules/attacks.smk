# Adversarial images: one job per attack and net, with an ImageSet for every epsilon, or a single
# one for attacks that minimize the perturbation.


rule attack:
    input:
        classifier=files(PLAN.training.net),
        images=results("data/{dataset}/test.safetensors"),
    output:
        sets=results(PLAN.data.bounded_sets()),
        table=results("attacks/{dataset}/{model}/{attack}.csv"),
    log:
        log("attack/{dataset}/{model}/{attack}"),
    benchmark:
        bench("attack/{dataset}/{model}/{attack}")
    wildcard_constraints:
        attack=one_of(PLAN.attacks.bounded()),
    conda:
        "../envs/attacks.yaml"
    resources:
        **needs(3000, minutes=240, gpu=1),
    params:
        job=job("attack.py", "attacks", PLAN.attacks.attack),
    shell:
        r"""
        python "$SCRIPTS/attack.py" \
            --classifier {input.classifier:q} \
            --images {input.images:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.sets:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """


use rule attack as attack_minimal with:
    output:
        sets=results("attacks/{dataset}/{model}/{attack}.safetensors"),
        table=results("attacks/{dataset}/{model}/{attack}.csv"),
    log:
        log("attack_minimal/{dataset}/{model}/{attack}"),
    benchmark:
        bench("attack_minimal/{dataset}/{model}/{attack}")
    wildcard_constraints:
        attack=one_of(CONFIG.attacks.minimal()),
