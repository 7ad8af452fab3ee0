# What the rules of the stage detection ask the configuration.


def unscored(entry, dataset, model):
    """Why an entry of detection.scores does not apply to a net; empty if it does."""
    section, nets = CONFIG.detection, CONFIG.seeds_of(dataset, model)
    if section.nets(entry) > nets:
        return f"needs {section.nets(entry)} nets, there is {nets}"
    if "vae" in section.needs(entry) and "in_distribution" not in CONFIG.latent.corpora:
        return "latent.corpora has no in_distribution"
    return ""


def scored(dataset, model):
    """Entries of detection.scores whose nets and VAE there are."""
    entries = CONFIG.detection.scores
    return [entry for entry in entries if not unscored(entry, dataset, model)]


def needed(entry, what, path):
    """A file that an entry of detection.scores needs, if it needs `what`."""
    return results(path) if what in CONFIG.detection.needs(entry) else []


def passes(dataset, model):
    """How often each estimator puts an image before a net."""
    return {
        entry: CONFIG.uncertainty.passes(entry)
        for entry in CONFIG.estimators(dataset, model)
    }


def detecting(model):
    """Whether detectors are fitted: they read label change rates."""
    methods, operators = CONFIG.detection.detectors.methods, CONFIG.stability
    return bool(methods and operators.operators_of(model))


def detector_files(w, ending):
    """A file of the detectors of a net: `parquet` or `csv`."""
    path = results(f"detection/{w.dataset}/{w.model}/detectors.{ending}")
    return [path] if detecting(w.model) else []


def detector_tables(dataset):
    """Tables of the detectors of every net of a dataset that has any."""
    return [
        results(f"detection/{dataset}/{model}/detectors.csv")
        for model in CONFIG.models
        if detecting(model)
    ]
