# What a net or a dataset cannot have, and why: told in the report.


def left_out():
    """What has no job because a net or a dataset cannot have it: stage, dataset, net or nothing,
    entry, reason; the explanations are in coverage()."""
    found = []
    for dataset in CONFIG.datasets:
        of_dataset = [
            (
                "uncertainty",
                dataset,
                model,
                entry,
                CONFIG.missing(entry, dataset, model),
            )
            for model in CONFIG.uncertain_models
            for entry in CONFIG.uncertainty.estimators
        ]
        of_dataset += [
            ("latent", dataset, "", corpus, unmapped(dataset, corpus))
            for corpus in CONFIG.latent.corpora
        ]
        of_dataset += [
            (
                "latent",
                dataset,
                model,
                "extension",
                extension_inapplicable(dataset, model),
            )
            for model in CONFIG.latent.extension.models
            if model in CONFIG.models and CONFIG.latent.corpora
        ]
        for model in CONFIG.models:
            of_dataset += [
                (
                    "attribution",
                    dataset,
                    model,
                    name,
                    spread_inapplicable(dataset, model, name),
                )
                for name in CONFIG.attribution.spread
            ]
            of_dataset += [
                ("detection", dataset, model, entry, unscored(entry, dataset, model))
                for entry in CONFIG.detection.scores
            ]
        found += [each for each in of_dataset if each[-1]]
    return found
