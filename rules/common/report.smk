# What the rules of the stage report share: which tables and figures a configuration has.
from plumbline.environments import locked
from plumbline.report.claims import load_claims, tables_of
from plumbline.report.families import FAMILIES, by_family
from plumbline.report.wording import LEFT_OUT


def beside(path):
    """A file of the repository, from the working folder: a moved folder reruns nothing."""
    return os.path.relpath(SCRIPTS.parent / path)


CAPTIONS = "../docs/captions"
CLAIMS = beside("config/claims.yaml")
CAPTIONED = sorted(file.stem for file in SCRIPTS.parent.glob("docs/captions/*.rst"))
TRAINING_FIGURES = ["accuracy", "reliability"]
UNCERTAINTY_FIGURES = ["entropy", "mutual_information"]
MEASURES = ["entropy", "mutual_information", "max_probability"]
DEGRADATION_FIGURES = ["gain", "keep", "delete"]

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


def uncertainty_figures(dataset):
    """Measures drawn: the mutual information of a single net without dropout is 0."""
    several = any(len(CONFIG.estimators(dataset, each)) > 1 for each in CONFIG.models)
    return UNCERTAINTY_FIGURES if several else ["entropy"]


def trained(dataset):
    """Model and seed of every net that is trained on a dataset, not taken over."""
    return [
        (model, seed)
        for model in CONFIG.models
        if not CONFIG.weights(dataset, model)
        for seed in range(CONFIG.training.seeds)
    ]


def corpora(dataset):
    """Corpora of a dataset: without out-of-distribution sets, one fewer; without maps, none."""
    if not any(mapped(dataset, model) for model in CONFIG.models):
        return []
    return [
        corpus
        for corpus in CONFIG.latent.corpora
        if corpus != "out_of_distribution" or CONFIG.data.sources[dataset].ood
    ]


def latent_files(dataset, ending):
    """Files of every corpus of a dataset and every model that has maps."""
    return expand(
        results("latent/{dataset}/{corpus}/{model}.{ending}"),
        dataset=dataset,
        corpus=corpora(dataset),
        model=[model for model in CONFIG.models if mapped(dataset, model)],
        ending=ending,
    )


def compared(model):
    """Whether methods of a net are compared with the random ranking."""
    return {"random"} < set(attributions(model))


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
    "attribution": (
        of_nets("attribution/{dataset}/{model}/degradation.csv")
        if CONFIG.attribution.methods
        else []
    ),
    "cost": [
        results(f"attribution/{dataset}/{model}/{method}.cost.csv")
        for dataset in CONFIG.datasets
        for model in CONFIG.models
        for method in attributions(model)
    ],
    "log_odds": [
        results(f"attribution/{dataset}/{model}/log_odds.csv")
        for dataset in CONFIG.datasets
        for model in CONFIG.models
        if log_odds_entries(model)
    ],
    "conservation": [
        results(f"attribution/{dataset}/{model}/conservation.csv")
        for dataset in CONFIG.datasets
        for model in CONFIG.models
        if propagating(model)
    ],
    "randomization": [
        results(f"attribution/{dataset}/{model}/randomization.csv")
        for dataset in CONFIG.datasets
        for model in CONFIG.models
        if randomized(model)
    ],
    "spread": [
        results(f"attribution/{dataset}/{model}/spread/{name}.csv")
        for dataset in CONFIG.datasets
        for model in CONFIG.models
        for name in spreads(dataset, model)
    ],
    "visualization": of_nets(
        "visualization/{dataset}/{model}/{visualization}.csv",
        visualization=CONFIG.visualization.methods,
    ),
    "generators": expand(
        results("visualization/{dataset}/{generator}.csv"),
        dataset=CONFIG.datasets,
        generator=CONFIG.visualization.used_generators(),
    ),
    "stability": (
        of_nets(
            "stability/{dataset}/{model}/{part}.csv",
            part=[*CONFIG.stability.operators, "conductance"],
        )
        if CONFIG.stability.operators
        else []
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
        names += ["training_curves"] if trained(dataset) else []
        names += ["attacks"] if CONFIG.attacks.methods else []
        names += [f"uncertainty_{measure}" for measure in uncertainty_figures(dataset)]
        names += [f"latent_{c}_{m}" for m in MEASURES for c in corpora(dataset)]
        if CONFIG.attribution.methods:
            names += [
                f"gallery_{model}_{family}"
                for model in CONFIG.models
                for family in by_family(attributions(model))
            ]
            names += [
                f"degradation_{part}_{model}"
                for part in DEGRADATION_FIGURES
                for model in CONFIG.models
            ]
        names += [
            f"log_odds_{model}" for model in CONFIG.models if log_odds_entries(model)
        ]
        names += [
            f"randomization_{model}" for model in CONFIG.models if randomized(model)
        ]
        names += [
            f"spread_{model}_{name}"
            for name in CONFIG.attribution.spread
            for model in CONFIG.models
            if name in spreads(dataset, model)
        ]
        names += [f"cost_{model}" for model in CONFIG.models if compared(model)]
        if CONFIG.visualization.methods:
            names += [f"visualization_{model}" for model in CONFIG.models]
        names += ["gan"] if CONFIG.visualization.used_generators() else []
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


def coverage():
    """Why a method has no job: dataset, net, method, reason; an empty reason if it has one."""
    entries = CONFIG.attribution.methods
    used = {each for entry in entries for each in CONFIG.attribution.modules_of(entry)}
    unused = {name: LEFT_OUT for name in ATTRIBUTIONS.names() if name not in used}
    nets = {name: {each: LEFT_OUT for each in entries} for name in NETWORKS.names()}
    for model in CONFIG.models:
        nets[model] = {entry: inapplicable(entry, model) for entry in entries}
    found = {model: unused | reasons for model, reasons in nets.items()}
    return {dataset: found for dataset in CONFIG.datasets}


def hashes():
    """Hash of every script that a rule runs, and of every chosen method."""
    names = sorted({f"{rule.name}.py" for rule in workflow.rules})
    chosen = [NETWORKS.file(model) for model in CONFIG.models]
    chosen += map(ATTACKS.file, CONFIG.attacks.methods)
    chosen += map(ESTIMATORS.file, CONFIG.uncertainty.estimators)
    modules = map(CONFIG.attribution.modules_of, CONFIG.attribution.methods)
    chosen += map(ATTRIBUTIONS.file, sorted(set().union(*modules)))
    modules = map(CONFIG.visualization.module_of, CONFIG.visualization.methods)
    chosen += map(VISUALIZATIONS.file, sorted(set(modules)))
    chosen += map(GENERATORS.file, CONFIG.visualization.used_generators())
    chosen += map(OPERATORS.file, CONFIG.stability.operators)
    scripts = [name for name in names if (SCRIPTS / name).is_file()]
    return {name: code_hash(SCRIPTS, name) for name in scripts + chosen}
