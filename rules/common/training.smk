# What the rules of the stage training ask the configuration.


def given_weights(w):
    """The given weights of a net, as `training.weights` describes them."""
    weights = CONFIG.weights(w.dataset, w.model)
    if weights is None:
        raise InputError(f"training.weights: none for {w.model} on {w.dataset}")
    return weights


def objective_options(objective):
    """Options that only nets other than those trained by cross-entropy have."""
    if objective == CROSS_ENTROPY:
        return {}
    training = CONFIG.training
    return {
        "objective": training.objectives[objective].kind,
        "set": training.own_options(objective),
    }
