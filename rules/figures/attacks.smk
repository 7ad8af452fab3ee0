# Figures of the stage attacks.


rule plot_attacks:
    input:
        of_models(
            "attacks/{dataset}/{model}/{attack}.csv", attack=CONFIG.attacks.methods
        ),
    output:
        figure("attacks", "attacks", "attacks"),
    log:
        log("plot_attacks/{dataset}"),
    benchmark:
        bench("plot_attacks/{dataset}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_attacks.py",
            code=code("plot_attacks.py", "report"),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_attacks.py" \
            --tables {input:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """
