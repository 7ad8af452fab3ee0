# Figures of the stage stability.


rule plot_stability:
    input:
        changes=of_models(
            "stability/{dataset}/{model}/{operator}.parquet",
            operator=CONFIG.stability.operators,
        ),
        tables=of_models(
            "stability/{dataset}/{model}/{operator}.csv",
            operator=CONFIG.stability.operators,
        ),
    output:
        figure("stability", "stability", "stability"),
    log:
        log("plot_stability/{dataset}"),
    benchmark:
        bench("plot_stability/{dataset}")
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_stability.py", "report"),
        options=options(
            models=[
                model for model in CONFIG.models for _ in CONFIG.stability.operators
            ]
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_stability.py" \
            --changes {input.changes:q} \
            --tables {input.tables:q} \
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """
