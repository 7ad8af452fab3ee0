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
        histories=of_models(
            "models/{dataset}/{model}/seed{seed}/history.csv",
            seed=range(CONFIG.training.seeds),
        ),
    output:
        accuracy=figure("accuracy", "training", "accuracy"),
        reliability=figure("reliability", "training", "reliability"),
        curves=figure("training_curves", "training", "training_curves"),
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
        options=options(
            models=[
                model for model in CONFIG.models for _ in range(CONFIG.training.seeds)
            ],
            seeds=[
                seed for _ in CONFIG.models for seed in range(CONFIG.training.seeds)
            ],
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_training.py" \
            --evaluation {input.evaluation:q} \
            --bins {input.bins:q} \
            --histories {input.histories:q} \
            {params.options} \
            --accuracy {output.accuracy:q} \
            --reliability {output.reliability:q} \
            --curves {output.curves:q} \
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
        of_models("uncertainty/{dataset}/{model}/scores.parquet"),
    output:
        [
            figure(f"uncertainty_{measure}", "uncertainty", "uncertainty", of=measure)
            for measure in UNCERTAINTY_FIGURES
        ],
    log:
        log("plot_uncertainty/{dataset}"),
    benchmark:
        bench("plot_uncertainty/{dataset}")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        code=code("plot_uncertainty.py", "report"),
        options=options(models=CONFIG.models, measures=UNCERTAINTY_FIGURES),
    shell:
        r"""
        python "$SCRIPTS/plot_uncertainty.py" \
            --scores {input:q} \
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
        [
            figure(
                f"latent_{{corpus}}_{measure}",
                "latent",
                "latent",
                of=measure,
                corpus="{corpus}",
            )
            for measure in MEASURES
        ],
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
            corpus=w.corpus, estimators=CONFIG.latent.estimators, measures=MEASURES
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_latent.py" \
            --codes {input.codes:q} \
            --maps {input.maps:q} \
            --test {input.test:q} \
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_gallery:
    input:
        images=results("data/{dataset}/test.safetensors"),
        attributions=expand(
            results("attribution/{{dataset}}/{{model}}/{method}.safetensors"),
            method=CONFIG.attribution.methods,
        ),
    output:
        figure("gallery_{model}", "attribution", "gallery", of="{model}"),
    log:
        log("plot_gallery/{dataset}/{model}"),
    benchmark:
        bench("plot_gallery/{dataset}/{model}")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_gallery.py", "report"),
        options=options(count=CONFIG.report.gallery_images),
    shell:
        r"""
        python "$SCRIPTS/plot_gallery.py" \
            --images {input.images:q} \
            --attributions {input.attributions:q} \
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule plot_degradation:
    input:
        expand(
            results("attribution/{{dataset}}/{{model}}/{method}.csv"),
            method=CONFIG.attribution.methods,
        ),
    output:
        figure("degradation_{model}", "attribution", "degradation", of="{model}"),
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
    shell:
        r"""
        python "$SCRIPTS/plot_degradation.py" \
            --tables {input:q} \
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
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """
