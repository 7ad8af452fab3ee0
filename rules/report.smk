# Report: one table per stage, figures, the claims ledger, and the page that holds them all.
from plumbline.report.claims import load_claims, tables_of

CAPTIONS = "../docs/captions"
REPOSITORY = os.path.relpath(SCRIPTS.parent)  # relative: a moved folder reruns nothing
CLAIMS = os.path.join(REPOSITORY, "config/claims.yaml")
CAPTIONED = sorted(file.stem for file in SCRIPTS.parent.glob("docs/captions/*.rst"))
TRAINING_FIGURES = ["accuracy", "reliability", "training_curves"]
UNCERTAINTY_FIGURES = ["entropy", "mutual_information"]
MEASURES = ["entropy", "mutual_information", "max_probability"]


def of_nets(path, **more):
    """Files of every dataset and model."""
    return expand(results(path), dataset=CONFIG.datasets, model=CONFIG.models, **more)


def of_models(path, **more):
    """Files of every model of the dataset of a rule."""
    return expand(results(path), model=CONFIG.models, allow_missing=True, **more)


def corpora(dataset):
    """Corpora of a dataset: without out-of-distribution sets, one fewer."""
    return [
        corpus
        for corpus in CONFIG.latent.corpora
        if corpus != "out_of_distribution" or CONFIG.data.sources[dataset].ood
    ]


def latent_files(dataset, ending):
    """Files of every corpus and model of a dataset."""
    return expand(
        results("latent/{dataset}/{corpus}/{model}.{ending}"),
        dataset=dataset,
        corpus=corpora(dataset),
        model=CONFIG.models,
        ending=ending,
    )


# The CSVs that each table joins; a stage that the configuration leaves out has none.
PARTS = {
    "training": of_nets("models/{dataset}/{model}/evaluation.csv")
    + of_nets("models/{dataset}/{model}/temperature.csv"),
    "reliability": of_nets("models/{dataset}/{model}/reliability.csv"),
    "attacks": of_nets(
        "attacks/{dataset}/{model}/{attack}.csv", attack=CONFIG.attacks.methods
    ),
    "uncertainty": of_nets("uncertainty/{dataset}/{model}/measures.csv"),
    "latent": [
        file for dataset in CONFIG.datasets for file in latent_files(dataset, "csv")
    ],
    "attribution": of_nets(
        "attribution/{dataset}/{model}/{method}.csv", method=CONFIG.attribution.methods
    ),
    "stability": of_nets(
        "stability/{dataset}/{model}/{part}.csv",
        part=[*CONFIG.stability.operators, "conductance"],
    ),
    "detection": of_nets("detection/{dataset}/{model}.csv"),
}
TABLES = [table for table, parts in PARTS.items() if parts]


def tables(names):
    """Files of those tables among `names` that this configuration has."""
    return [results(f"tables/{name}.csv") for name in TABLES if name in names]


def figures():
    """Every figure of the configuration, in the order of the page."""
    found = []
    for dataset in CONFIG.datasets:
        names = [*TRAINING_FIGURES]
        names += ["attacks"] if CONFIG.attacks.methods else []
        names += [f"uncertainty_{measure}" for measure in UNCERTAINTY_FIGURES]
        names += [f"latent_{c}_{m}" for m in MEASURES for c in corpora(dataset)]
        if CONFIG.attribution.methods:
            names += [f"gallery_{model}" for model in CONFIG.models]
            names += [f"degradation_{model}" for model in CONFIG.models]
        names += ["stability"] if CONFIG.stability.operators else []
        names += [f"detection_{model}" for model in CONFIG.models]
        found += [results(f"figures/{dataset}/{name}.png") for name in names]
    return found


def figure(name, stage, kind, **labels):
    """An output that `snakemake --report` shows with its caption."""
    return report(
        results(f"figures/{{dataset}}/{name}.png"),
        caption=f"{CAPTIONS}/{kind}.rst",
        category=stage,
        labels={"dataset": "{dataset}", "figure": kind.replace("_", " ")} | labels,
    )


def used_datasets():
    """Datasets of the run and those that are out of distribution for them."""
    names = [
        name
        for dataset in CONFIG.datasets
        for name in (dataset, *CONFIG.data.sources[dataset].ood)
    ]
    return list(dict.fromkeys(names))


def hashes():
    """Hash of every script that a rule runs, and of every chosen method."""
    names = sorted({f"{rule.name}.py" for rule in workflow.rules})
    chosen = [NETWORKS.file(model) for model in CONFIG.models]
    chosen += map(ATTACKS.file, CONFIG.attacks.methods)
    chosen += map(ESTIMATORS.file, CONFIG.uncertainty.estimators)
    chosen += map(ATTRIBUTIONS.file, CONFIG.attribution.methods)
    chosen += map(OPERATORS.file, CONFIG.stability.operators)
    scripts = [name for name in names if (SCRIPTS / name).is_file()]
    return {name: code_hash(SCRIPTS, name) for name in scripts + chosen}


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
        tables=tables(tables_of(load_claims(CLAIMS))),
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
        captions=expand(
            os.path.join(REPOSITORY, "docs/captions/{kind}.rst"),
            kind=CAPTIONED,
        ),
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
