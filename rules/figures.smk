# Figures: each is a module in plumbline/report/figures that declares its inputs and conditions.


rule plot:
    input:
        files(FIGURES.inputs),
    output:
        report(
            results("figures/{dataset}/{figure}.png"),
            caption=CAPTION,
            category=lambda w: FIGURES.stage(w.dataset, w.figure),
            labels=lambda w: FIGURES.labels(w.dataset, w.figure),
        ),
    log:
        log("plot/{dataset}/{figure}"),
    benchmark:
        bench("plot/{dataset}/{figure}")
    wildcard_constraints:
        figure=one_of(FIGURES.names()),
    conda:
        "../envs/report.yaml"
    resources:
        **needs(3000, minutes=10),
    params:
        job=job("plot.py", "report", FIGURES.plot),
        caption=lambda w: FIGURES.caption(w.dataset, w.figure),
    shell:
        r"""
        python "$SCRIPTS/plot.py" \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """
