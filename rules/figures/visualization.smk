# Figures of the stage visualization.


rule plot_visualization:
    input:
        images=expand(
            results("visualization/{{dataset}}/{{model}}/{visualization}.safetensors"),
            visualization=CONFIG.visualization.methods,
        ),
        tables=expand(
            results("visualization/{{dataset}}/{{model}}/{visualization}.csv"),
            visualization=CONFIG.visualization.methods,
        ),
        test=results("data/{dataset}/test.safetensors"),
    output:
        figure("visualization_{model}", "visualization", "visualization", of="{model}"),
    log:
        log("plot_visualization/{dataset}/{model}"),
    benchmark:
        bench("plot_visualization/{dataset}/{model}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_visualization.py",
            code=code("plot_visualization.py", "report"),
            options=lambda w: options(model=w.model),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_visualization.py" \
            --images {input.images:q} \
            --tables {input.tables:q} \
            --test {input.test:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_gan:
    input:
        histories=expand(
            results("visualization/{{dataset}}/{generator}.history.csv"),
            generator=CONFIG.visualization.used_generators(),
        ),
        samples=expand(
            results("visualization/{{dataset}}/{generator}.samples.safetensors"),
            generator=CONFIG.visualization.used_generators(),
        ),
        train=results("data/{dataset}/train.safetensors"),
    output:
        figure("gan", "visualization", "gan"),
    log:
        log("plot_gan/{dataset}"),
    benchmark:
        bench("plot_gan/{dataset}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_gan.py",
            code=code("plot_gan.py", "report"),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_gan.py" \
            --histories {input.histories:q} \
            --samples {input.samples:q} \
            --train {input.train:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """
