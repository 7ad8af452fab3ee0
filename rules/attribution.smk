# Explanations of single decisions, and the test that all methods and controls go through.


include: "common/attribution.smk"


rule explain:
    input:
        classifier=classifier,
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
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=240,
    params:
        job=job(
            script="explain.py",
            code=lambda w: code(
                "explain.py",
                "attribution",
                *map(ATTRIBUTIONS.file, CONFIG.attribution.modules_of(w.method)),
                NETWORKS.file(w.model),
            ),
            options=lambda w: options(
                name=w.method,
                method=CONFIG.attribution.module_of(w.method),
                set=CONFIG.attribution.options_of(w.method),
                count=CONFIG.attribution.images_of(w.method),
                gallery=gallery(w.dataset),
                memory_mb=CONFIG.attribution.memory_mb,
                dataset=w.dataset,
                model=w.model,
                **runtime("explain", w.dataset, w.model, w.method),
            ),
        ),
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
        classifier=classifier,
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
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=60,
    params:
        job=job(
            script="degrade.py",
            code=lambda w: code("degrade.py", "attribution", NETWORKS.file(w.model)),
            options=lambda w: options(
                CONFIG.attribution.degradation,
                count=CONFIG.attribution.images_of(w.method),
                memory_mb=CONFIG.attribution.memory_mb,
                dataset=w.dataset,
                model=w.model,
                **runtime("degrade", w.dataset, w.model, w.method),
            ),
        ),
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
        lambda w: [
            results(
                f"attribution/{w.dataset}/{w.model}/{entry}.degradation.safetensors"
            )
            for entry in attributions(w.model)
        ],
    output:
        results("attribution/{dataset}/{model}/degradation.csv"),
    log:
        log("compare/{dataset}/{model}"),
    benchmark:
        bench("compare/{dataset}/{model}")
    conda:
        "../envs/attribution.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        job=job(
            script="compare.py",
            code=code("compare.py", "attribution"),
            options=lambda w: options(
                seed=derive(CONFIG.seed, "compare", w.dataset, w.model)
            ),
        ),
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
        classifier=classifier,
        images=results("data/{dataset}/test.safetensors"),
    output:
        results("attribution/{dataset}/{model}/log_odds.csv"),
    log:
        log("log_odds/{dataset}/{model}"),
    benchmark:
        bench("log_odds/{dataset}/{model}")
    conda:
        "../envs/attribution.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=240,
    params:
        job=job(
            script="log_odds.py",
            code=lambda w: code(
                "log_odds.py",
                "attribution",
                *map(ATTRIBUTIONS.file, log_odds_modules(w.model)),
                NETWORKS.file(w.model),
            ),
            options=lambda w: options(
                methods=log_odds_methods(w.model),
                pairs=CONFIG.attribution.log_odds.pairs,
                share=CONFIG.attribution.log_odds.share,
                count=CONFIG.attribution.log_odds.images,
                memory_mb=CONFIG.attribution.memory_mb,
                dataset=w.dataset,
                model=w.model,
                **runtime("log_odds", w.dataset, w.model),
            ),
        ),
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
        classifier=classifier,
        images=results("data/{dataset}/test.safetensors"),
    output:
        results("attribution/{dataset}/{model}/conservation.csv"),
    log:
        log("conserve/{dataset}/{model}"),
    benchmark:
        bench("conserve/{dataset}/{model}")
    conda:
        "../envs/attribution.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=60,
    params:
        job=job(
            script="conserve.py",
            code=lambda w: code(
                "conserve.py",
                "attribution",
                *(
                    ATTRIBUTIONS.file(CONFIG.attribution.module_of(entry))
                    for entry in propagating(w.model)
                ),
                NETWORKS.file(w.model),
            ),
            options=lambda w: options(
                methods=modules_and_options(propagating(w.model)),
                count=CONFIG.attribution.images,
                memory_mb=CONFIG.attribution.memory_mb,
                dataset=w.dataset,
                model=w.model,
                **runtime("conserve", w.dataset, w.model),
            ),
        ),
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
        classifier=classifier,
        images=results("data/{dataset}/test.safetensors"),
    output:
        results("attribution/{dataset}/{model}/randomization.csv"),
    log:
        log("randomize/{dataset}/{model}"),
    benchmark:
        bench("randomize/{dataset}/{model}")
    conda:
        "../envs/attribution.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=240,
    params:
        job=job(
            script="randomize.py",
            code=lambda w: code(
                "randomize.py",
                "attribution",
                *(
                    ATTRIBUTIONS.file(module)
                    for entry in randomized(w.model)
                    for module in CONFIG.attribution.modules_of(entry)
                ),
                NETWORKS.file(w.model),
            ),
            options=lambda w: options(
                methods=modules_and_options(randomized(w.model)),
                count=CONFIG.attribution.randomization.images,
                memory_mb=CONFIG.attribution.memory_mb,
                dataset=w.dataset,
                model=w.model,
                **runtime("randomize", w.dataset, w.model),
            ),
        ),
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
        classifier=lambda w: net(
            w.dataset,
            w.model,
            objective=CONFIG.attribution.spread[w.spread].objective,
        ),
        images=results("data/{dataset}/test.safetensors"),
        reference=lambda w: [
            results(f"attribution/{w.dataset}/{w.model}/spread/{other}.safetensors")
            for other in plain_spread(w.dataset, w.model, w.spread)
        ],
    output:
        spread=results("attribution/{dataset}/{model}/spread/{spread}.safetensors"),
        table=results("attribution/{dataset}/{model}/spread/{spread}.csv"),
    log:
        log("spread/{dataset}/{model}/{spread}"),
    benchmark:
        bench("spread/{dataset}/{model}/{spread}")
    wildcard_constraints:
        spread="|".join(CONFIG.attribution.spread) or "(?!)",
    conda:
        "../envs/attribution.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=240,
    params:
        job=job(
            script="spread.py",
            code=lambda w: code(
                "spread.py",
                "attribution",
                *map(
                    ATTRIBUTIONS.file,
                    CONFIG.attribution.modules_of(
                        CONFIG.attribution.spread[w.spread].method
                    ),
                ),
                NETWORKS.file(w.model),
            ),
            options=lambda w: options(
                spread_options(w.dataset, w.model, w.spread),
                memory_mb=CONFIG.attribution.memory_mb,
                dataset=w.dataset,
                model=w.model,
                **runtime("spread", w.dataset, w.model),
            ),
        ),
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
