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
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_detection.py", "report"),
    shell:
        r"""
        python "$SCRIPTS/plot_detection.py" \
            --tables {input:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """
