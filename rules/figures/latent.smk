# Figures of the stage latent.


rule plot_latent:
    input:
        codes=results("latent/{dataset}/{corpus}/codes.safetensors"),
        maps=files(PLAN.latent.of_corpora, ending="safetensors"),
        test=results("data/{dataset}/test.safetensors"),
    output:
        linear=[
            figure(
                f"latent_{{corpus}}_{measure}",
                "latent",
                "latent",
                of=measure,
                corpus="{corpus}",
            )
            for measure in MEASURES
        ],
        quantile=[
            figure(
                f"latent_{{corpus}}_{measure}_quantile",
                "latent",
                "latent",
                of=f"{measure}, quantiles",
                corpus="{corpus}",
            )
            for measure in MEASURES
        ],
        points=figure(
            "latent_points_{corpus}", "latent", "latent_points", corpus="{corpus}"
        ),
        distance=figure(
            "latent_distance_{corpus}", "latent", "latent_distance", corpus="{corpus}"
        ),
    log:
        log("plot_latent/{dataset}/{corpus}"),
    benchmark:
        bench("plot_latent/{dataset}/{corpus}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_latent.py",
            code=code("plot_latent.py", "report"),
            options=lambda w: options(
                corpus=w.corpus,
                estimators=CONFIG.latent.estimators,
                measures=MEASURES,
                seed=derive(CONFIG.seed, "plot_latent", w.dataset, w.corpus),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_latent.py" \
            --codes {input.codes:q} \
            --maps {input.maps:q} \
            --test {input.test:q} \
            {params.job[options]} \
            --linear {output.linear:q} \
            --quantile {output.quantile:q} \
            --points {output.points:q} \
            --distance {output.distance:q} \
            >{log:q} 2>&1
        """


rule plot_holes:
    input:
        maps=files(PLAN.latent.of_models, ending="safetensors"),
        holes=files(PLAN.latent.of_models, ending="holes.safetensors"),
        train=results("data/{dataset}/train.safetensors"),
    output:
        figure("holes_{corpus}", "latent", "holes", corpus="{corpus}"),
    log:
        log("plot_holes/{dataset}/{corpus}"),
    benchmark:
        bench("plot_holes/{dataset}/{corpus}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_holes.py",
            code=code("plot_holes.py", "report"),
            options=lambda w: options(
                corpus=w.corpus, estimators=CONFIG.latent.estimators
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_holes.py" \
            --maps {input.maps:q} \
            --holes {input.holes:q} \
            --train {input.train:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_interpolation:
    input:
        lambda w: results(
            PLAN.latent.of_models(
                w.dataset,
                PLAN.latent.corpora(w.dataset)[0],
                "interpolation.safetensors",
            )
        ),
    output:
        figure("interpolation", "latent", "interpolation"),
    log:
        log("plot_interpolation/{dataset}"),
    benchmark:
        bench("plot_interpolation/{dataset}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_interpolation.py",
            code=code("plot_interpolation.py", "report"),
            options=options(estimators=CONFIG.latent.estimators),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_interpolation.py" \
            --ways {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_extension:
    input:
        table=results("latent/{dataset}/{model}/extension.csv"),
        holes=results("latent/{dataset}/{model}/extension_holes.safetensors"),
        random=results("latent/{dataset}/{model}/extension_random.safetensors"),
    output:
        figure("extension_{model}", "latent", "extension", of="{model}"),
    log:
        log("plot_extension/{dataset}/{model}"),
    benchmark:
        bench("plot_extension/{dataset}/{model}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_extension.py",
            code=code("plot_extension.py", "report"),
            options=lambda w: options(model=w.model),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_extension.py" \
            --table {input.table:q} \
            --holes {input.holes:q} \
            --random {input.random:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """
