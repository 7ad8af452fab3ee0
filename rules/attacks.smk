# Adversarial images: one job per attack and net, an ImageSet for every epsilon, or one with the
# smallest perturbation that the attack finds.


include: "common/attacks.smk"


rule attack:
    input:
        classifier=classifier,
        images=results("data/{dataset}/test.safetensors"),
    output:
        sets=expand(
            results("attacks/{dataset}/{model}/{name}.safetensors"),
            name=[
                ImageSetKey("adversarial", attack="{attack}", epsilon=epsilon).name
                for epsilon in CONFIG.attacks.epsilons
            ],
            allow_missing=True,
        ),
        table=results("attacks/{dataset}/{model}/{attack}.csv"),
    log:
        log("attack/{dataset}/{model}/{attack}"),
    benchmark:
        bench("attack/{dataset}/{model}/{attack}")
    wildcard_constraints:
        attack=one_of(bounded()),
    conda:
        "../envs/attacks.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=240,
    params:
        job=job(
            script="attack.py",
            code=lambda w: attack_code(w.attack, w.model),
            options=lambda w: attack_options(w, epsilons=CONFIG.attacks.epsilons),
        ),
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
    params:
        job=job(
            script="attack.py",
            code=lambda w: attack_code(w.attack, w.model),
            options=lambda w: attack_options(w),
        ),
