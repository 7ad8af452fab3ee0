# What the rules of the stage report share: which tables and figures a configuration has.
import functools

from plumbline.workflow.configuration_file import configuration_file
from plumbline.workflow.environments import locked
from plumbline.report import outline
from plumbline.report.claims.schema import load_claims, tables_of
from plumbline.report.families import FAMILIES, by_family
from plumbline.report.wording import LEFT_OUT


def beside(path):
    """A file of the repository, from the working folder: a moved folder reruns nothing."""
    return os.path.relpath(SCRIPTS.parent / path)


CAPTIONS = "../docs/captions"
CLAIMS = beside("config/claims.yaml")
TRAINING_FIGURES = ["accuracy", "reliability"]
UNCERTAINTY_FIGURES = ["entropy", "mutual_information"]
MEASURES = ["entropy", "mutual_information", "max_probability"]
DEGRADATION_FIGURES = ["gain", "keep", "delete"]
STABILITY_FIGURES = [
    "stability",
    "stability_rates",
    "stability_mutants",
    "stability_sequential",
]
EXPLORER = [
    f"plumbline/report/pages/explorer{rest}" for rest in (".html", ".js", "_arrays.js")
]
LEADERBOARD = [f"plumbline/report/pages/leaderboard{rest}" for rest in (".html", ".js")]

try:
    LEDGER = load_claims(CLAIMS)
except InputError as error:
    sys.exit(f"Claims: {error}")


def of_nets(path, **more):
    """Files of every dataset and model."""
    return expand(results(path), dataset=CONFIG.datasets, model=CONFIG.models, **more)


def of_uncertain(path, **more):
    """Files of every dataset and every model whose uncertainty is measured."""
    models = CONFIG.uncertain_models
    return expand(results(path), dataset=CONFIG.datasets, model=models, **more)


def of_models(path, **more):
    """Files of every model of the dataset of a rule."""
    return expand(results(path), model=CONFIG.models, allow_missing=True, **more)


def of_uncertain_models(path):
    """Files of every model of the dataset of a rule whose uncertainty is measured."""
    return expand(results(path), model=CONFIG.uncertain_models, allow_missing=True)


def uncertainty_figures(dataset):
    """Figures of what the estimators say.

    The mutual information of one pass through a net is 0: it is not drawn.
    """
    section, found = CONFIG.uncertainty, []
    for model in CONFIG.uncertain_models:
        several = any(
            section.passes(entry) > 1 or section.objective_of(entry) != CROSS_ENTROPY
            for entry in CONFIG.estimators(dataset, model)
        )
        measures = UNCERTAINTY_FIGURES if several else ["entropy"]
        found += [f"uncertainty_{measure}_{model}" for measure in measures]
        found += [f"calibration_{model}"]
        found += [f"shifts_{model}"] if changed_sets(dataset) else []
        found += [f"rotation_{model}"] if rotations() else []
    found += [
        f"sweep_{vary}" for vary in ("samples", "members") if sweeping(dataset, vary)
    ]
    return [*found, "risk_coverage", "refusal"]


def rotations():
    """Degrees by which test images are turned."""
    shifts = CONFIG.uncertainty.shifts
    return shifts["rotation"].levels if "rotation" in shifts else ()


def sweeping(dataset, vary):
    """Models whose figures are swept over the number of passes or of nets."""
    return [m for m in CONFIG.uncertain_models if swept(dataset, m)[vary]]


def trained(dataset):
    """Model and seed of every net that is trained on a dataset, not taken over."""
    return [
        (model, seed)
        for model in CONFIG.models
        if not CONFIG.weights(dataset, model)
        for seed in range(CONFIG.training.seeds)
    ]


def unmapped(dataset, corpus):
    """Why a corpus of a dataset has no maps; empty if it has."""
    if not any(mapped(dataset, model) for model in CONFIG.models):
        names = ", ".join(CONFIG.latent.estimators)
        return f"no net has an estimator that is mapped ({names})"
    if corpus == "out_of_distribution" and not CONFIG.also_encoded(dataset):
        return "no dataset in ood has images to train on"
    return ""


def corpora(dataset):
    """Corpora of a dataset: without out-of-distribution sets, one fewer; without maps, none."""
    entries = CONFIG.latent.corpora
    return [corpus for corpus in entries if not unmapped(dataset, corpus)]


def mapped_files(dataset, corpus, ending):
    """Files of one corpus of a dataset and every model that has maps."""
    return [
        results(f"latent/{dataset}/{corpus}/{model}.{ending}")
        for model in CONFIG.models
        if mapped(dataset, model)
    ]


def latent_files(dataset, ending):
    """Files of every corpus of a dataset and every model that has maps."""
    return [
        file
        for corpus in corpora(dataset)
        for file in mapped_files(dataset, corpus, ending)
    ]


def corpus_files(dataset, artefact):
    """Files of every corpus of a dataset: `vae` or `codes`."""
    return expand(
        results("latent/{dataset}/{corpus}/{artefact}.safetensors"),
        dataset=dataset,
        corpus=corpora(dataset),
        artefact=artefact,
    )


def explorers():
    """Pages to point at the latent maps: one of every dataset that has maps."""
    return [
        results(f"report/latent_{dataset}.html")
        for dataset in CONFIG.datasets
        if corpora(dataset)
    ]


def compared(model):
    """Whether methods of a net are compared with the random ranking."""
    return {"random"} < set(attributions(model))


# The CSVs that each table joins; a stage that the configuration leaves out has none.
PARTS = {
    "training": of_uncertain("models/{dataset}/{model}/evaluation.csv")
    + of_uncertain("models/{dataset}/{model}/temperature.csv"),
    "reliability": of_nets("models/{dataset}/{model}/reliability.csv"),
    "attacks": of_nets(
        "attacks/{dataset}/{model}/{attack}.csv", attack=CONFIG.attacks.methods
    ),
    "uncertainty": of_uncertain("uncertainty/{dataset}/{model}/measures.csv"),
    "refusal": of_uncertain("uncertainty/{dataset}/{model}/refusal.csv"),
    "sweep": [
        results(f"uncertainty/{dataset}/{model}/sweep.csv")
        for dataset in CONFIG.datasets
        for model in CONFIG.uncertain_models
        if model in sweeping(dataset, "samples") + sweeping(dataset, "members")
    ],
    "latent": [
        file for dataset in CONFIG.datasets for file in latent_files(dataset, "csv")
    ],
    "holes": [
        file
        for dataset in CONFIG.datasets
        for file in latent_files(dataset, "holes.csv")
    ],
    "interpolation": [
        file
        for dataset in CONFIG.datasets
        for corpus in corpora(dataset)[:1]
        for file in mapped_files(dataset, corpus, "interpolation.csv")
    ],
    "extension": [
        results(f"latent/{dataset}/{model}/extension.csv")
        for dataset in CONFIG.datasets
        for model in extended(dataset)
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
        of_operators("csv") + of_nets("stability/{dataset}/{model}/conductance.csv")
        if CONFIG.stability.operators
        else []
    ),
    "detection": of_nets("detection/{dataset}/{model}.csv"),
    "detectors": [
        file for dataset in CONFIG.datasets for file in detector_tables(dataset)
    ],
}
TABLES = [*(table for table, parts in PARTS.items() if parts), "leaderboard"]

try:
    outline.check([*PARTS, "leaderboard", "coverage"])
except InputError as error:
    sys.exit(f"Report: {error}")


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
        names += uncertainty_figures(dataset)
        names += [
            f"latent_{corpus}_{measure}{grid}"
            for grid in ("", "_quantile")
            for measure in MEASURES
            for corpus in corpora(dataset)
        ]
        names += [
            f"{kind}_{corpus}"
            for kind in ("latent_points", "latent_distance", "holes")
            for corpus in corpora(dataset)
        ]
        names += ["interpolation"] if corpora(dataset) else []
        names += [f"extension_{model}" for model in extended(dataset)]
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
        names += STABILITY_FIGURES if CONFIG.stability.operators else []
        names += ["ranks", *(f"detection_{model}" for model in CONFIG.models)]
        names += ["detectors"] if detector_tables(dataset) else []
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
    names = sorted(file.name for file in SCRIPTS.glob("*.py"))
    chosen = [NETWORKS.file(model) for model in CONFIG.uncertain_models]
    modules = map(CONFIG.attacks.module_of, CONFIG.attacks.methods)
    chosen += map(ATTACKS.file, sorted(set(modules)))
    modules = map(CONFIG.uncertainty.module_of, CONFIG.uncertainty.estimators)
    chosen += map(ESTIMATORS.file, sorted(set(modules)))
    modules = map(CONFIG.attribution.modules_of, CONFIG.attribution.methods)
    chosen += map(ATTRIBUTIONS.file, sorted(set().union(*modules)))
    modules = map(CONFIG.visualization.module_of, CONFIG.visualization.methods)
    chosen += map(VISUALIZATIONS.file, sorted(set(modules)))
    chosen += map(GENERATORS.file, CONFIG.visualization.used_generators())
    modules = map(CONFIG.stability.module_of, CONFIG.stability.operators)
    chosen += map(OPERATORS.file, sorted(set(modules)))
    modules = map(CONFIG.detection.module_of, CONFIG.detection.scores)
    chosen += map(SCORES.file, sorted(set(modules)))
    chosen += map(DETECTORS.file, CONFIG.detection.detectors.methods)
    return {
        name if Path(name).parts[0] != ".." else Path(name).name: code_hash(
            SCRIPTS, name
        )
        for name in names + chosen
    }


@functools.cache
def whole_configuration():
    """The file of the whole configuration and what follows from it, written when jobs are to run."""
    content = {
        "configuration": CONFIG.model_dump(mode="json"),
        "coverage": coverage(),
        "left_out": left_out(),
        "hashes": hashes(),
        "pins": locked(SCRIPTS.parent / "requirements.txt"),
    }
    runs = workflow.executor_plugin is not None and not workflow.dryrun
    return configuration_file(content, write=runs)
