# Which figures a configuration has.
from plumbline.report.families import FAMILIES, by_family
from plumbline.runtime.seeding import derive

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


def plotted(script, code, options=None):
    """The parameter `job` of a figure's rule."""

    def of(w):
        return {
            "script": script,
            "code": code,
            "options": options(w) if callable(options) else options or "",
        }

    of.script = script
    return of


def code(script, env):
    return code_hash(SCRIPTS, script, f"../envs/{env}.yaml")


def options(**given):
    return flags(given)


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
    found = []
    for model in CONFIG.uncertain_models:
        several = PLAN.uncertainty.several(dataset, model)
        measures = UNCERTAINTY_FIGURES if several else ["entropy"]
        found += [f"uncertainty_{measure}_{model}" for measure in measures]
        found += [f"calibration_{model}"]
        found += (
            [f"shifts_{model}"]
            if CONFIG.attacks.methods or CONFIG.uncertainty.shifts
            else []
        )
        found += [f"rotation_{model}"] if PLAN.uncertainty.rotations() else []
    found += [
        f"sweep_{vary}"
        for vary in ("samples", "members")
        if PLAN.uncertainty.sweeping(dataset, vary)
    ]
    return [*found, "risk_coverage", "refusal"]


def figures():
    """Every figure of the configuration, in the order of the page."""
    found = []
    for dataset in CONFIG.datasets:
        names = [*TRAINING_FIGURES]
        names += ["training_curves"] if PLAN.training.trained(dataset) else []
        names += ["attacks"] if CONFIG.attacks.methods else []
        names += uncertainty_figures(dataset)
        names += [
            f"latent_{corpus}_{measure}{grid}"
            for grid in ("", "_quantile")
            for measure in MEASURES
            for corpus in PLAN.latent.corpora(dataset)
        ]
        names += [
            f"{kind}_{corpus}"
            for kind in ("latent_points", "latent_distance", "holes")
            for corpus in PLAN.latent.corpora(dataset)
        ]
        names += ["interpolation"] if PLAN.latent.corpora(dataset) else []
        names += [f"extension_{model}" for model in PLAN.latent.extended(dataset)]
        if CONFIG.attribution.methods:
            names += [
                f"gallery_{model}_{family}"
                for model in CONFIG.models
                for family in by_family(PLAN.attribution.entries(model))
            ]
            names += [
                f"degradation_{part}_{model}"
                for part in DEGRADATION_FIGURES
                for model in CONFIG.models
            ]
        names += [
            f"log_odds_{model}"
            for model in CONFIG.models
            if PLAN.attribution.with_log_odds(model)
        ]
        names += [
            f"randomization_{model}"
            for model in CONFIG.models
            if PLAN.attribution.randomized(model)
        ]
        names += [
            f"spread_{model}_{name}"
            for name in CONFIG.attribution.spread
            for model in CONFIG.models
            if name in PLAN.attribution.spreads(dataset, model)
        ]
        names += [
            f"cost_{model}"
            for model in CONFIG.models
            if PLAN.attribution.compared(model)
        ]
        if CONFIG.visualization.methods:
            names += [f"visualization_{model}" for model in CONFIG.models]
        names += ["gan"] if CONFIG.visualization.used_generators() else []
        names += STABILITY_FIGURES if CONFIG.stability.operators else []
        names += ["ranks", *(f"detection_{model}" for model in CONFIG.models)]
        names += ["detectors"] if PLAN.detection.detector_tables(dataset) else []
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
