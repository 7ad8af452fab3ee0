# What the rules of the stage uncertainty ask the configuration.


def estimated_nets(estimator):
    """Files of the nets that an entry of uncertainty.estimators asks."""
    objective = CONFIG.uncertainty.objective_of(estimator)
    nets = CONFIG.uncertainty.nets(estimator)
    return [classifier(seed, objective) for seed in range(nets)]


def changed_sets(dataset):
    """Names of the image sets that are made from the first images of test."""
    return [*adversarial_sets(), *shifted_sets(dataset)]


def swept(model):
    """What is swept of a net: without dropout, not the number of passes."""
    how = CONFIG.uncertainty.sweep.model_dump()
    return how | ({"samples": ()} if unmet(ESTIMATORS, "mc_dropout", model) else {})
