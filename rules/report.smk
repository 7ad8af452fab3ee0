# Report: joined tables of each stage, the claims ledger, and the HTML pages.


include: "figures.smk"


rule join_tables:
    input:
        lambda w: results(PLAN.report.parts()[w.table]),
    output:
        results("tables/{table}.csv"),
    log:
        log("join_tables/{table}"),
    benchmark:
        bench("join_tables/{table}")
    wildcard_constraints:
        table=one_of(PLAN.report.parts()),
    conda:
        "../envs/report.yaml"
    resources:
        **needs(1000, minutes=10),
    params:
        job=job("join_tables.py", "report"),
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
        vaes=files(PLAN.latent.of_vaes, artefact="vae"),
        codes=files(PLAN.latent.of_vaes, artefact="codes"),
        maps=files(PLAN.latent.of_corpora, ending="safetensors"),
        holes=files(PLAN.latent.of_corpora, ending="holes.safetensors"),
    output:
        results("report/latent_{dataset}.html"),
    log:
        log("build_explorer/{dataset}"),
    benchmark:
        bench("build_explorer/{dataset}")
    conda:
        "../envs/report.yaml"
    resources:
        **needs(3000, minutes=10),
    params:
        job=job("build_page.py", "report", PLAN.report.explorer),
    shell:
        r"""
        python "$SCRIPTS/build_page.py" explorer \
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
    resources:
        **needs(1000, minutes=10),
    params:
        job=job("build_page.py", "report", PLAN.report.leaderboard),
    shell:
        r"""
        python "$SCRIPTS/build_page.py" leaderboard \
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
            caption=CAPTION,
            category="claims",
            labels={"table": "claims ledger"},
        ),
    log:
        log("judge_claims"),
    benchmark:
        bench("judge_claims")
    conda:
        "../envs/report.yaml"
    resources:
        **needs(1000, minutes=10),
    params:
        job=job("judge_claims.py", "report", judgement),
        caption=HOW_TO_READ,
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
    resources:
        **needs(1000, minutes=10),
    params:
        job=job("record_configuration.py", "report", recorded_configuration),
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
        tables=tables(PLAN.report.tables()),
        figures=results(drawing.file for drawing in FIGURES.drawings),
        manifests=results(
            f"data/{dataset}/manifest.json" for dataset in PLAN.data.datasets()
        ),
        explorers=results(PLAN.report.explorers()),
        leaderboard=results("report/leaderboard.html"),
    output:
        results("report/index.html"),
    log:
        log("build_report"),
    benchmark:
        bench("build_report")
    conda:
        "../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=job("build_page.py", "report", page),
    shell:
        r"""
        python "$SCRIPTS/build_page.py" report \
            --configuration {input.configuration:q} \
            --claims {input.claims:q} \
            --published {input.published:q} \
            --ledger {input.ledger:q} \
            --tables {input.tables:q} \
            --manifests {input.manifests:q} \
            --explorers {input.explorers:q} {input.leaderboard:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """
