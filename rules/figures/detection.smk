# Figures of the stage detection.


rule plot_detection:
    input:
        results("detection/{dataset}/{model}.csv"),
    output:
        figure("detection_{model}", "detection", "detection", of="{model}"),
    log:
        log("plot_detection/{dataset}/{model}"),
    benchmark:
        bench("plot_detection/{dataset}/{model}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_detection.py",
            code=code("plot_detection.py", "report"),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_detection.py" \
            --tables {input:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_ranks:
    input:
        results("tables/leaderboard.csv"),
    output:
        figure("ranks", "detection", "ranks"),
    log:
        log("plot_ranks/{dataset}"),
    benchmark:
        bench("plot_ranks/{dataset}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_ranks.py",
            code=code("plot_ranks.py", "report"),
            options=lambda w: options(dataset=w.dataset),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_ranks.py" \
            --leaderboard {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_detectors:
    input:
        files(PLAN.detection.detector_tables),
    output:
        figure("detectors", "detection", "detectors"),
    log:
        log("plot_detectors/{dataset}"),
    benchmark:
        bench("plot_detectors/{dataset}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_detectors.py",
            code=code("plot_detectors.py", "report"),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_detectors.py" \
            --tables {input:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """
