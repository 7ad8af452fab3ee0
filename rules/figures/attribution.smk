# Figures of the stage attribution.


rule plot_gallery:
    input:
        images=results("data/{dataset}/test.safetensors"),
        attributions=lambda w: [
            results(f"attribution/{w.dataset}/{w.model}/{method}.safetensors")
            for method in by_family(PLAN.attribution.entries(w.model))[w.family]
        ],
    output:
        figure(
            "gallery_{model}_{family}",
            "attribution",
            "gallery",
            of="{model}",
            family="{family}",
        ),
    log:
        log("plot_gallery/{dataset}/{model}/{family}"),
    benchmark:
        bench("plot_gallery/{dataset}/{model}/{family}")
    wildcard_constraints:
        family="|".join(FAMILIES),
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_gallery.py",
            code=code("plot_gallery.py", "report"),
            options=lambda w: options(gallery=PLAN.attribution.gallery(w.dataset)),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_gallery.py" \
            --images {input.images:q} \
            --attributions {input.attributions:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_cost:
    input:
        costs=lambda w: [
            results(f"attribution/{w.dataset}/{w.model}/{method}.cost.csv")
            for method in PLAN.attribution.entries(w.model)
        ],
        degradation=results("attribution/{dataset}/{model}/degradation.csv"),
    output:
        figure("cost_{model}", "attribution", "cost", of="{model}"),
    log:
        log("plot_cost/{dataset}/{model}"),
    benchmark:
        bench("plot_cost/{dataset}/{model}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_cost.py",
            code=code("plot_cost.py", "report"),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_cost.py" \
            --costs {input.costs:q} \
            --degradation {input.degradation:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_degradation:
    input:
        results("attribution/{dataset}/{model}/degradation.csv"),
    output:
        [
            figure(
                f"degradation_{part}_{{model}}",
                "attribution",
                "degradation",
                of="{model}",
                part=part,
            )
            for part in DEGRADATION_FIGURES
        ],
    log:
        log("plot_degradation/{dataset}/{model}"),
    benchmark:
        bench("plot_degradation/{dataset}/{model}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_degradation.py",
            code=code("plot_degradation.py", "report"),
            options=options(parts=DEGRADATION_FIGURES),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_degradation.py" \
            --table {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_log_odds:
    input:
        results("attribution/{dataset}/{model}/log_odds.csv"),
    output:
        figure("log_odds_{model}", "attribution", "log_odds", of="{model}"),
    log:
        log("plot_log_odds/{dataset}/{model}"),
    benchmark:
        bench("plot_log_odds/{dataset}/{model}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_log_odds.py",
            code=code("plot_log_odds.py", "report"),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_log_odds.py" \
            --table {input:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_randomization:
    input:
        results("attribution/{dataset}/{model}/randomization.csv"),
    output:
        figure("randomization_{model}", "attribution", "randomization", of="{model}"),
    log:
        log("plot_randomization/{dataset}/{model}"),
    benchmark:
        bench("plot_randomization/{dataset}/{model}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_randomization.py",
            code=code("plot_randomization.py", "report"),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_randomization.py" \
            --table {input:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_spread:
    input:
        images=results("data/{dataset}/test.safetensors"),
        spread=results("attribution/{dataset}/{model}/spread/{spread}.safetensors"),
    output:
        figure(
            "spread_{model}_{spread}", "attribution", "spread", of="{model}, {spread}"
        ),
    log:
        log("plot_spread/{dataset}/{model}/{spread}"),
    benchmark:
        bench("plot_spread/{dataset}/{model}/{spread}")
    wildcard_constraints:
        model="|".join(CONFIG.models),
        spread="|".join(CONFIG.attribution.spread) or "(?!)",
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_spread.py",
            code=code("plot_spread.py", "report"),
            options=lambda w: options(
                model=w.model,
                method=CONFIG.attribution.spread[w.spread].method,
                objective=CONFIG.objective(
                    w.dataset, w.model, CONFIG.attribution.spread[w.spread].objective
                ),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_spread.py" \
            --images {input.images:q} \
            --spread {input.spread:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """
