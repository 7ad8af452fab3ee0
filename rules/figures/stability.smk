# Figures of the stage stability.


rule plot_stability:
    input:
        changes=files(PLAN.stability.of_dataset, ending="parquet"),
        tables=files(PLAN.stability.of_dataset, ending="csv"),
    output:
        boxes=figure("stability", "stability", "stability"),
        rates=figure("stability_rates", "stability", "stability_rates"),
        mutants=figure("stability_mutants", "stability", "stability_mutants"),
        sequential=figure("stability_sequential", "stability", "stability_sequential"),
    log:
        log("plot_stability/{dataset}"),
    benchmark:
        bench("plot_stability/{dataset}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_stability.py",
            code=code("plot_stability.py", "report"),
            options=options(
                models=[
                    model
                    for model in CONFIG.models
                    for _ in CONFIG.stability.operators_of(model)
                ],
                adaptive=CONFIG.attacks.adaptive(),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_stability.py" \
            --changes {input.changes:q} \
            --tables {input.tables:q} \
            {params.job[options]} \
            --boxes {output.boxes:q} \
            --rates {output.rates:q} \
            --mutants {output.mutants:q} \
            --sequential {output.sequential:q} \
            >{log:q} 2>&1
        """
