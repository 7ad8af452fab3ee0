# Explanations of single decisions, and the test that all methods and controls go through.


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


rule degrade:
    input:
        classifier=files(PLAN.training.net),
        images=results("data/{dataset}/test.safetensors"),
        train=results("data/{dataset}/train.safetensors"),
        attribution=results("attribution/{dataset}/{model}/{method}.safetensors"),
    output:
        results("attribution/{dataset}/{model}/{method}.degradation.safetensors"),
    log:
        log("degrade/{dataset}/{model}/{method}"),
    benchmark:
        bench("degrade/{dataset}/{model}/{method}")
    conda:
        "../envs/attribution.yaml"
    resources:
        **needs(3000, minutes=60, gpu=1),
    params:
        job=job("degrade.py", "attribution", PLAN.attribution.degrade),
    shell:
        r"""
        python "$SCRIPTS/degrade.py" \
            --classifier {input.classifier:q} \
            --images {input.images:q} \
            --train {input.train:q} \
            --attribution {input.attribution:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule compare:
    input:
        files(PLAN.attribution.files, ending="degradation.safetensors"),
    output:
        results("attribution/{dataset}/{model}/degradation.csv"),
    log:
        log("compare/{dataset}/{model}"),
    benchmark:
        bench("compare/{dataset}/{model}")
    conda:
        "../envs/attribution.yaml"
    resources:
        **needs(2000, minutes=30),
    params:
        job=job("compare.py", "attribution", PLAN.attribution.compare),
    shell:
        r"""
        python "$SCRIPTS/compare.py" \
            --results {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


# The methods explain here for two classes each, so that their modules count.
rule log_odds:
    input:
        classifier=files(PLAN.training.net),
        images=results("data/{dataset}/test.safetensors"),
    output:
        results("attribution/{dataset}/{model}/log_odds.csv"),
    log:
        log("log_odds/{dataset}/{model}"),
    benchmark:
        bench("log_odds/{dataset}/{model}")
    conda:
        "../envs/attribution.yaml"
    resources:
        **needs(3000, minutes=240, gpu=1),
    params:
        job=job("log_odds.py", "attribution", PLAN.attribution.log_odds),
    shell:
        r"""
        python "$SCRIPTS/log_odds.py" \
            --classifier {input.classifier:q} \
            --images {input.images:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule conserve:
    input:
        classifier=files(PLAN.training.net),
        images=results("data/{dataset}/test.safetensors"),
    output:
        results("attribution/{dataset}/{model}/conservation.csv"),
    log:
        log("conserve/{dataset}/{model}"),
    benchmark:
        bench("conserve/{dataset}/{model}")
    conda:
        "../envs/attribution.yaml"
    resources:
        **needs(3000, minutes=60, gpu=1),
    params:
        job=job("conserve.py", "attribution", PLAN.attribution.conserve),
    shell:
        r"""
        python "$SCRIPTS/conserve.py" \
            --classifier {input.classifier:q} \
            --images {input.images:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """


# Each net with re-drawn weights is made once, for all methods.
rule randomize:
    input:
        classifier=files(PLAN.training.net),
        images=results("data/{dataset}/test.safetensors"),
    output:
        results("attribution/{dataset}/{model}/randomization.csv"),
    log:
        log("randomize/{dataset}/{model}"),
    benchmark:
        bench("randomize/{dataset}/{model}")
    conda:
        "../envs/attribution.yaml"
    resources:
        **needs(3000, minutes=240, gpu=1),
    params:
        job=job("randomize.py", "attribution", PLAN.attribution.randomize),
    shell:
        r"""
        python "$SCRIPTS/randomize.py" \
            --classifier {input.classifier:q} \
            --images {input.images:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """


# An evidential net is compared with the plain one where there is the same spread for both.  The
# seed does not depend on the entry: masks and noise are the same, so that images are paired.
rule spread:
    input:
        classifier=files(PLAN.attribution.spread_net),
        images=results("data/{dataset}/test.safetensors"),
        reference=files(PLAN.attribution.plain_spread),
    output:
        spread=results("attribution/{dataset}/{model}/spread/{spread}.safetensors"),
        table=results("attribution/{dataset}/{model}/spread/{spread}.csv"),
    log:
        log("spread/{dataset}/{model}/{spread}"),
    benchmark:
        bench("spread/{dataset}/{model}/{spread}")
    wildcard_constraints:
        spread=one_of(CONFIG.attribution.spread),
    conda:
        "../envs/attribution.yaml"
    resources:
        **needs(3000, minutes=240, gpu=1),
    params:
        job=job("spread.py", "attribution", PLAN.attribution.spread),
    shell:
        r"""
        python "$SCRIPTS/spread.py" \
            --classifier {input.classifier:q} \
            --images {input.images:q} \
            --reference {input.reference:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.spread:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """
