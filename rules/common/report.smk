# What the rules of the stage report share: which tables and figures a configuration has.
from plumbline.report.claims import load_claims, tables_of


def beside(path):
    """A file of the repository, from the working folder: a moved folder reruns nothing."""
    return os.path.relpath(SCRIPTS.parent / path)


CAPTIONS = "../docs/captions"
CLAIMS = beside("config/claims.yaml")
CAPTIONED = sorted(file.stem for file in SCRIPTS.parent.glob("docs/captions/*.rst"))
TRAINING_FIGURES = ["accuracy", "reliability", "training_curves"]
UNCERTAINTY_FIGURES = ["entropy", "mutual_information"]
MEASURES = ["entropy", "mutual_information", "max_probability"]

try:
    LEDGER = load_claims(CLAIMS)
except InputError as error:
    sys.exit(f"Claims: {error}")


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
