# What the rules of the stage training ask the configuration.

# Two rules make a net's file: `dataset/model` of the nets with given weights, as a pattern,
# tells them apart.  Without any, the pattern fits nothing.
GIVEN = "|".join(
    f"{dataset}/{model}"
    for dataset, models in CONFIG.training.weights.items()
    for model in models
)
GIVEN = GIVEN or "(?!)"


def objective_options(objective):
    """Options that only nets other than those trained by cross-entropy have."""
    if objective == "seed":
        return {}
    training = CONFIG.training
    return {
        "objective": training.objectives[objective].kind,
        "set": training.own_options(objective),
    }
