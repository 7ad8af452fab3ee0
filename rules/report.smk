# Report: one table per stage, figures, the claims ledger, and the page that holds them all.


include: "common/report.smk"
include: "common/left_out.smk"
include: "figures/training.smk"
include: "figures/attacks.smk"
include: "figures/uncertainty.smk"
include: "figures/latent.smk"
include: "figures/attribution.smk"
include: "figures/visualization.smk"
include: "figures/stability.smk"
include: "figures/detection.smk"


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
        mem_mb=memory(1000),
        runtime=10,
    params:
        job=job(
            script="join_tables.py",
            code=code("join_tables.py", "report"),
        ),
    shell:
        r"""
        python "$SCRIPTS/join_tables.py" \
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
        mem_mb=memory(3000),
        runtime=10,
    params:
        job=job(
            script="build_explorer.py",
            code=code("build_explorer.py", "report", *EXPLORER),
            options=lambda w: options(
                dataset=w.dataset,
                estimators=CONFIG.latent.estimators,
                measures=MEASURES,
                back=f"index.html#latent-{w.dataset}",
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/build_explorer.py" \
            --train {input.train:q} \
            --vaes {input.vaes:q} \
            --codes {input.codes:q} \
            --maps {input.maps:q} \
            --holes {input.holes:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule build_leaderboard:
    input:
        results("tables/leaderboard.csv"),
    output:
        results("report/leaderboard.html"),
    log:
        log("build_leaderboard"),
    benchmark:
        bench("build_leaderboard")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    params:
        job=job(
            script="build_leaderboard.py",
            code=code("build_leaderboard.py", "report", *LEADERBOARD),
            options=lambda w: options(back="index.html#detection"),
        ),
    shell:
        r"""
        python "$SCRIPTS/build_leaderboard.py" \
            --leaderboard {input:q} \
            {params.job[options]} \
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
        mem_mb=memory(1000),
        runtime=10,
    params:
        job=job(
            script="judge_claims.py",
            code=code("judge_claims.py", "report"),
        ),
    shell:
        r"""
        python "$SCRIPTS/judge_claims.py" \
            --claims {input.claims:q} \
            --tables {input.tables:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule record_configuration:
    output:
        results("config.json"),
    log:
        log("record_configuration"),
    benchmark:
        bench("record_configuration")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    params:
        job=job(
            script="record_configuration.py",
            code=code("record_configuration.py", "report"),
            options=lambda w: options(source=str(whole_configuration())),
        ),
    shell:
        r"""
        python "$SCRIPTS/record_configuration.py" \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule build_report:
    input:
        configuration=results("config.json"),
        claims=CLAIMS,
        published=beside("config/published.yaml"),
        ledger=results("tables/claims.csv"),
        tables=tables(TABLES),
        figures=figures(),
        manifests=expand(
            results("data/{dataset}/manifest.json"), dataset=used_datasets()
        ),
        explorers=explorers(),
        leaderboard=results("report/leaderboard.html"),
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
        mem_mb=memory(2000),
        runtime=10,
    params:
        job=job(
            script="build_report.py",
            code=code(
                "build_report.py",
                "report",
                "plumbline/report/pages/report.html",
                *outline.modules(),
            ),
            options=lambda w: options(benchmarks=results("benchmarks")),
        ),
    shell:
        r"""
        python "$SCRIPTS/build_report.py" \
            --configuration {input.configuration:q} \
            --claims {input.claims:q} \
            --published {input.published:q} \
            --ledger {input.ledger:q} \
            --tables {input.tables:q} \
            --figures {input.figures:q} \
            --manifests {input.manifests:q} \
            --explorers {input.explorers:q} {input.leaderboard:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """
