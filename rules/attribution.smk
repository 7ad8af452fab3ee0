# Attributions of single predictions, and the degradation test of all methods and controls.


rule explain:
    input:
        classifier=files(PLAN.training.net),
        images=results("data/{dataset}/test.safetensors"),
    output:
        attribution=results("attribution/{dataset}/{model}/{method}.safetensors"),
        cost=results("attribution/{dataset}/{model}/{method}.cost.csv"),
    log:
        log("explain/{dataset}/{model}/{method}"),
    benchmark:
        bench("explain/{dataset}/{model}/{method}")
    conda:
        "../envs/attribution.yaml"
    resources:
        **needs(3000, minutes=240, gpu=1),
    params:
        job=job("explain.py", "attribution", PLAN.attribution.explain),
    shell:
        r"""
        python "$SCRIPTS/explain.py" \
            --classifier {input.classifier:q} \
            --images {input.images:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.attribution:q} \
            --cost {output.cost:q} \
            >{log:q} 2>&1
        """


rule measure_degradation:
    input:
        classifier=files(PLAN.training.net),
        images=results("data/{dataset}/test.safetensors"),
        train=results("data/{dataset}/train.safetensors"),
        attribution=results("attribution/{dataset}/{model}/{method}.safetensors"),
    output:
        results("attribution/{dataset}/{model}/{method}.degradation.safetensors"),
    log:
        log("measure_degradation/{dataset}/{model}/{method}"),
    benchmark:
        bench("measure_degradation/{dataset}/{model}/{method}")
    conda:
        "../envs/attribution.yaml"
    resources:
        **needs(3000, minutes=60, gpu=1),
    params:
        job=job(
            "measure_degradation.py",
            "attribution",
            PLAN.attribution.measure_degradation,
        ),
    shell:
        r"""
        python "$SCRIPTS/measure_degradation.py" \
            --classifier {input.classifier:q} \
            --images {input.images:q} \
            --train {input.train:q} \
            --attribution {input.attribution:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule compare_attributions:
    input:
        files(PLAN.attribution.files, ending="degradation.safetensors"),
    output:
        results("attribution/{dataset}/{model}/degradation.csv"),
    log:
        log("compare_attributions/{dataset}/{model}"),
    benchmark:
        bench("compare_attributions/{dataset}/{model}")
    conda:
        "../envs/attribution.yaml"
    resources:
        **needs(2000, minutes=30),
    params:
        job=job(
            "compare_attributions.py",
            "attribution",
            PLAN.attribution.compare_attributions,
        ),
    shell:
        r"""
        python "$SCRIPTS/compare_attributions.py" \
            --results {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


# One job for all methods of a net: the nets with randomized weights are shared.
rule check_attributions:
    input:
        classifier=files(PLAN.training.net),
        images=results("data/{dataset}/test.safetensors"),
    output:
        results("attribution/{dataset}/{model}/{check}.csv"),
    log:
        log("check_attributions/{dataset}/{model}/{check}"),
    benchmark:
        bench("check_attributions/{dataset}/{model}/{check}")
    wildcard_constraints:
        check="conservation|log_odds|randomization",
    conda:
        "../envs/attribution.yaml"
    resources:
        **needs(3000, minutes=240, gpu=1),
    params:
        job=job("check_attributions.py", "attribution", PLAN.attribution.check),
    shell:
        r"""
        python "$SCRIPTS/check_attributions.py" {wildcards.check} \
            --classifier {input.classifier:q} \
            --images {input.images:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """


# The spread of an evidential net is compared with that of the deterministic net if both exist.
# The seed does not depend on the entry: masks and noise are equal, so that images are paired.
rule check_spread:
    input:
        classifier=files(PLAN.attribution.spread_net),
        images=results("data/{dataset}/test.safetensors"),
        reference=files(PLAN.attribution.plain_spread),
    output:
        spread=results("attribution/{dataset}/{model}/spread/{spread}.safetensors"),
        table=results("attribution/{dataset}/{model}/spread/{spread}.csv"),
    log:
        log("check_spread/{dataset}/{model}/{spread}"),
    benchmark:
        bench("check_spread/{dataset}/{model}/{spread}")
    wildcard_constraints:
        spread=one_of(CONFIG.attribution.spread),
    conda:
        "../envs/attribution.yaml"
    resources:
        **needs(3000, minutes=240, gpu=1),
    params:
        job=job("check_attributions.py", "attribution", PLAN.attribution.check_spread),
    shell:
        r"""
        python "$SCRIPTS/check_attributions.py" spread \
            --classifier {input.classifier:q} \
            --images {input.images:q} \
            --reference {input.reference:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.spread:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """
