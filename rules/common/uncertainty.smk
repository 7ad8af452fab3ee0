# What the rules of the stage uncertainty ask the configuration.


def estimated_nets(dataset, model, estimator):
    """Files of the nets that an entry of uncertainty.estimators asks."""
    section = CONFIG.uncertainty
    objective = section.objective_of(estimator)
    return nets(dataset, model, section.nets(estimator), objective)


def changed_sets(dataset):
    """Keys of the image sets that are made from the first images of test."""
    return [key for key in predicted_sets(dataset) if key.made_from_test]


def swept(dataset, model):
    """What is swept of a net: without an estimator of several passes, not their number."""
    how = CONFIG.uncertainty.sweep.model_dump(exclude={"estimators"})
    return how | ({} if swept_nets(dataset, model) else {"samples": ()})


def swept_nets(dataset, model):
    """The nets of every estimator whose number of passes is swept, by its name; in the order of
    the names, as options are written."""
    section = CONFIG.uncertainty
    return {
        name: (
            nets(dataset, model)
            if section.objective_of(name) == CROSS_ENTROPY
            else estimated_nets(dataset, model, name)
        )
        for name in sorted(section.sweep.estimators)
        if name in CONFIG.estimators(dataset, model)
    }


def swept_modules(dataset, model):
    """The modules of these estimators."""
    return sorted(
        {each["method"] for each in swept_estimators(dataset, model).values()}
    )


def swept_estimators(dataset, model):
    """Module, options and number of nets of these estimators."""
    section = CONFIG.uncertainty
    return {
        name: {
            "method": section.module_of(name),
            "options": section.options_of(name),
            "nets": len(files),
        }
        for name, files in swept_nets(dataset, model).items()
    }
