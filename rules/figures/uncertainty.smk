# Figures of the stage uncertainty.


rule plot_uncertainty:
    input:
        results("uncertainty/{dataset}/{model}/scores.parquet"),
    output:
        figure(
            "uncertainty_{measure}_{model}",
            "uncertainty",
            "uncertainty",
            of="{model}, {measure}",
        ),
    log:
        log("plot_uncertainty/{dataset}/{model}/{measure}"),
    benchmark:
        bench("plot_uncertainty/{dataset}/{model}/{measure}")
    wildcard_constraints:
        measure="|".join(UNCERTAINTY_FIGURES),
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(3000, minutes=10),
    params:
        job=plotted(
            script="plot_uncertainty.py",
            code=code("plot_uncertainty.py", "report"),
            options=lambda w: options(
                model=w.model,
                measures=[w.measure],
                adaptive=CONFIG.attacks.adaptive(),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_uncertainty.py" \
            --scores {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_calibration:
    input:
        results("uncertainty/{dataset}/{model}/scores.parquet"),
    output:
        figure("calibration_{model}", "uncertainty", "calibration", of="{model}"),
    log:
        log("plot_calibration/{dataset}/{model}"),
    benchmark:
        bench("plot_calibration/{dataset}/{model}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(3000, minutes=10),
    params:
        job=plotted(
            script="plot_calibration.py",
            code=code("plot_calibration.py", "report"),
            options=lambda w: options(model=w.model),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_calibration.py" \
            --scores {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_risk_coverage:
    input:
        of_uncertain_models("uncertainty/{dataset}/{model}/scores.parquet"),
    output:
        figure("risk_coverage", "uncertainty", "risk_coverage"),
    log:
        log("plot_risk_coverage/{dataset}"),
    benchmark:
        bench("plot_risk_coverage/{dataset}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(3000, minutes=10),
    params:
        job=plotted(
            script="plot_risk_coverage.py",
            code=code("plot_risk_coverage.py", "report"),
            options=options(models=CONFIG.uncertain_models),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_risk_coverage.py" \
            --scores {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_refusal:
    input:
        of_uncertain_models("uncertainty/{dataset}/{model}/refusal.csv"),
    output:
        figure("refusal", "uncertainty", "refusal"),
    log:
        log("plot_refusal/{dataset}"),
    benchmark:
        bench("plot_refusal/{dataset}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_refusal.py",
            code=code("plot_refusal.py", "report"),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_refusal.py" \
            --tables {input:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_shifts:
    input:
        results("uncertainty/{dataset}/{model}/measures.csv"),
    output:
        figure("shifts_{model}", "uncertainty", "shifts", of="{model}"),
    log:
        log("plot_shifts/{dataset}/{model}"),
    benchmark:
        bench("plot_shifts/{dataset}/{model}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_shifts.py",
            code=code("plot_shifts.py", "report"),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_shifts.py" \
            --table {input:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_rotation:
    input:
        sets=lambda w: [
            results(PLAN.data.file(w.dataset, w.model, key))
            for key in PLAN.data.shifted_keys()
            if key.shift == "rotation"
        ],
        scores=results("uncertainty/{dataset}/{model}/scores.parquet"),
    output:
        figure("rotation_{model}", "uncertainty", "rotation", of="{model}"),
    log:
        log("plot_rotation/{dataset}/{model}"),
    benchmark:
        bench("plot_rotation/{dataset}/{model}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(3000, minutes=10),
    params:
        job=plotted(
            script="plot_rotation.py",
            code=code("plot_rotation.py", "report"),
            options=lambda w: options(
                model=w.model, levels=PLAN.uncertainty.rotations()
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_rotation.py" \
            --sets {input.sets:q} \
            --scores {input.scores:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_sweep:
    input:
        lambda w: [
            results(f"uncertainty/{w.dataset}/{model}/sweep.csv")
            for model in PLAN.uncertainty.sweeping(w.dataset, w.vary)
        ],
    output:
        figure("sweep_{vary}", "uncertainty", "sweep", of="{vary}"),
    log:
        log("plot_sweep/{dataset}/{vary}"),
    benchmark:
        bench("plot_sweep/{dataset}/{vary}")
    wildcard_constraints:
        vary="samples|members",
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_sweep.py",
            code=code("plot_sweep.py", "report"),
            options=lambda w: options(vary=w.vary),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_sweep.py" \
            --tables {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """
