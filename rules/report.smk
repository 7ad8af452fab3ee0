# Report: one table per stage, figures, the claims ledger, and the page that holds them all.


include: "common/report.smk"


rule join_tables:
    input:
        lambda w: PARTS[w.table],
    output:
        results("tables/{table}.csv"),
    log:
        log("join_tables/{table}"),
    benchmark:
        bench("join_tables/{table}")
    wildcard_constraints:
        table="|".join(PARTS),
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("join_tables.py", "report"),
    shell:
        r"""
        python "$SCRIPTS/join_tables.py" \
            --tables {input:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_training:
    input:
        evaluation=of_models("models/{dataset}/{model}/evaluation.csv"),
        bins=of_models("models/{dataset}/{model}/reliability.csv"),
    output:
        accuracy=figure("accuracy", "training", "accuracy"),
        reliability=figure("reliability", "training", "reliability"),
    log:
        log("plot_training/{dataset}"),
    benchmark:
        bench("plot_training/{dataset}")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_training.py", "report"),
    shell:
        r"""
        python "$SCRIPTS/plot_training.py" \
            --evaluation {input.evaluation:q} \
            --bins {input.bins:q} \
            --accuracy {output.accuracy:q} \
            --reliability {output.reliability:q} \
            >{log:q} 2>&1
        """


rule plot_training_curves:
    input:
        lambda w: [
            results(f"models/{w.dataset}/{model}/seed{seed}/history.csv")
            for model, seed in trained(w.dataset)
        ],
    output:
        figure("training_curves", "training", "training_curves"),
    log:
        log("plot_training_curves/{dataset}"),
    benchmark:
        bench("plot_training_curves/{dataset}")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_training_curves.py", "report"),
        options=lambda w: options(
            models=[model for model, _ in trained(w.dataset)],
            seeds=[seed for _, seed in trained(w.dataset)],
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_training_curves.py" \
            --histories {input:q} \
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """


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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_attacks.py", "report"),
    shell:
        r"""
        python "$SCRIPTS/plot_attacks.py" \
            --tables {input:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        code=code("plot_uncertainty.py", "report"),
        options=lambda w: options(model=w.model, measures=[w.measure]),
    shell:
        r"""
        python "$SCRIPTS/plot_uncertainty.py" \
            --scores {input:q} \
            {params.options} \
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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        code=code("plot_calibration.py", "report"),
        options=lambda w: options(model=w.model),
    shell:
        r"""
        python "$SCRIPTS/plot_calibration.py" \
            --scores {input:q} \
            {params.options} \
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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        code=code("plot_risk_coverage.py", "report"),
        options=options(models=CONFIG.uncertain_models),
    shell:
        r"""
        python "$SCRIPTS/plot_risk_coverage.py" \
            --scores {input:q} \
            {params.options} \
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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_refusal.py", "report"),
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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_shifts.py", "report"),
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
            results(f"shifts/{w.dataset}/rotation_{level:g}.safetensors")
            for level in rotations()
        ],
        scores=results("uncertainty/{dataset}/{model}/scores.parquet"),
    output:
        figure("rotation_{model}", "uncertainty", "rotation", of="{model}"),
    log:
        log("plot_rotation/{dataset}/{model}"),
    benchmark:
        bench("plot_rotation/{dataset}/{model}")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        code=code("plot_rotation.py", "report"),
        options=lambda w: options(model=w.model, levels=rotations()),
    shell:
        r"""
        python "$SCRIPTS/plot_rotation.py" \
            --sets {input.sets:q} \
            --scores {input.scores:q} \
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_sweep:
    input:
        lambda w: [
            results(f"uncertainty/{w.dataset}/{model}/sweep.csv")
            for model in sweeping(w.vary)
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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_sweep.py", "report"),
        options=lambda w: options(vary=w.vary),
    shell:
        r"""
        python "$SCRIPTS/plot_sweep.py" \
            --tables {input:q} \
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """


# Every job reads the maps of all corpora: their figures share one colour scale per measure.
rule plot_latent:
    input:
        codes=results("latent/{dataset}/{corpus}/codes.safetensors"),
        maps=lambda w: latent_files(w.dataset, "safetensors"),
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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_latent.py", "report"),
        options=lambda w: options(
            corpus=w.corpus,
            estimators=CONFIG.latent.estimators,
            measures=MEASURES,
            seed=derive(CONFIG.seed, "plot_latent", w.dataset, w.corpus),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_latent.py" \
            --codes {input.codes:q} \
            --maps {input.maps:q} \
            --test {input.test:q} \
            {params.options} \
            --linear {output.linear:q} \
            --quantile {output.quantile:q} \
            --points {output.points:q} \
            --distance {output.distance:q} \
            >{log:q} 2>&1
        """


rule plot_holes:
    input:
        maps=lambda w: mapped_files(w.dataset, w.corpus, "safetensors"),
        holes=lambda w: mapped_files(w.dataset, w.corpus, "holes.safetensors"),
        train=results("data/{dataset}/train.safetensors"),
    output:
        figure("holes_{corpus}", "latent", "holes", corpus="{corpus}"),
    log:
        log("plot_holes/{dataset}/{corpus}"),
    benchmark:
        bench("plot_holes/{dataset}/{corpus}")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_holes.py", "report"),
        options=lambda w: options(corpus=w.corpus, estimators=CONFIG.latent.estimators),
    shell:
        r"""
        python "$SCRIPTS/plot_holes.py" \
            --maps {input.maps:q} \
            --holes {input.holes:q} \
            --train {input.train:q} \
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_interpolation:
    input:
        lambda w: mapped_files(
            w.dataset, corpora(w.dataset)[0], "interpolation.safetensors"
        ),
    output:
        figure("interpolation", "latent", "interpolation"),
    log:
        log("plot_interpolation/{dataset}"),
    benchmark:
        bench("plot_interpolation/{dataset}")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_interpolation.py", "report"),
        options=options(estimators=CONFIG.latent.estimators),
    shell:
        r"""
        python "$SCRIPTS/plot_interpolation.py" \
            --ways {input:q} \
            {params.options} \
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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_extension.py", "report"),
        options=lambda w: options(model=w.model),
    shell:
        r"""
        python "$SCRIPTS/plot_extension.py" \
            --table {input.table:q} \
            --holes {input.holes:q} \
            --random {input.random:q} \
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_gallery:
    input:
        images=results("data/{dataset}/test.safetensors"),
        attributions=lambda w: [
            results(f"attribution/{w.dataset}/{w.model}/{method}.safetensors")
            for method in by_family(attributions(w.model))[w.family]
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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_gallery.py", "report"),
        options=lambda w: options(gallery=gallery(w.dataset)),
    shell:
        r"""
        python "$SCRIPTS/plot_gallery.py" \
            --images {input.images:q} \
            --attributions {input.attributions:q} \
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_cost:
    input:
        costs=lambda w: [
            results(f"attribution/{w.dataset}/{w.model}/{method}.cost.csv")
            for method in attributions(w.model)
        ],
        degradation=results("attribution/{dataset}/{model}/degradation.csv"),
    output:
        figure("cost_{model}", "attribution", "cost", of="{model}"),
    log:
        log("plot_cost/{dataset}/{model}"),
    benchmark:
        bench("plot_cost/{dataset}/{model}")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_cost.py", "report"),
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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_degradation.py", "report"),
        options=options(parts=DEGRADATION_FIGURES),
    shell:
        r"""
        python "$SCRIPTS/plot_degradation.py" \
            --table {input:q} \
            {params.options} \
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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_log_odds.py", "report"),
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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_randomization.py", "report"),
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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_spread.py", "report"),
        options=lambda w: options(
            model=w.model,
            method=CONFIG.attribution.spread[w.spread].method,
            objective=CONFIG.attribution.spread[w.spread].objective,
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_spread.py" \
            --images {input.images:q} \
            --spread {input.spread:q} \
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """


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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_visualization.py", "report"),
        options=lambda w: options(model=w.model),
    shell:
        r"""
        python "$SCRIPTS/plot_visualization.py" \
            --images {input.images:q} \
            --tables {input.tables:q} \
            --test {input.test:q} \
            {params.options} \
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
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_gan.py", "report"),
    shell:
        r"""
        python "$SCRIPTS/plot_gan.py" \
            --histories {input.histories:q} \
            --samples {input.samples:q} \
            --train {input.train:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


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
        "../envs/report.yaml"
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
        "../envs/report.yaml"
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


rule build_explorer:
    input:
        train=results("data/{dataset}/train.safetensors"),
        vaes=lambda w: corpus_files(w.dataset, "vae"),
        codes=lambda w: corpus_files(w.dataset, "codes"),
        maps=lambda w: latent_files(w.dataset, "safetensors"),
        holes=lambda w: latent_files(w.dataset, "holes.safetensors"),
    output:
        results("report/latent_{dataset}.html"),
    log:
        log("build_explorer/{dataset}"),
    benchmark:
        bench("build_explorer/{dataset}")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        code=code("build_explorer.py", "report", *EXPLORER),
        options=lambda w: options(
            dataset=w.dataset,
            estimators=CONFIG.latent.estimators,
            measures=MEASURES,
            back=f"index.html#latent-{w.dataset}",
        ),
    shell:
        r"""
        python "$SCRIPTS/build_explorer.py" \
            --train {input.train:q} \
            --vaes {input.vaes:q} \
            --codes {input.codes:q} \
            --maps {input.maps:q} \
            --holes {input.holes:q} \
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule judge_claims:
    input:
        claims=CLAIMS,
        tables=tables(tables_of(LEDGER)),
    output:
        report(
            results("tables/claims.csv"),
            caption=f"{CAPTIONS}/claims.rst",
            category="claims",
            labels={"table": "claims ledger"},
        ),
    log:
        log("judge_claims"),
    benchmark:
        bench("judge_claims")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("judge_claims.py", "report"),
    shell:
        r"""
        python "$SCRIPTS/judge_claims.py" \
            --claims {input.claims:q} \
            --tables {input.tables:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule build_report:
    input:
        claims=CLAIMS,
        ledger=results("tables/claims.csv"),
        tables=tables(TABLES),
        figures=figures(),
        captions=[beside(f"docs/captions/{kind}.rst") for kind in CAPTIONED],
        manifests=expand(
            results("data/{dataset}/manifest.json"), dataset=used_datasets()
        ),
        explorers=explorers(),
    output:
        results("report/index.html"),
    log:
        log("build_report"),
    benchmark:
        bench("build_report")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("build_report.py", "report", "plumbline/report/template.html"),
        options=lambda w: options(
            benchmarks=results("benchmarks"),
            config=CONFIG.model_dump(mode="json"),
            hashes=hashes(),
            coverage=coverage(),
            pins=locked(SCRIPTS.parent / "requirements.txt"),
        ),
    shell:
        r"""
        python "$SCRIPTS/build_report.py" \
            --claims {input.claims:q} \
            --ledger {input.ledger:q} \
            --tables {input.tables:q} \
            --figures {input.figures:q} \
            --captions {input.captions:q} \
            --manifests {input.manifests:q} \
            --explorers {input.explorers:q} \
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """
