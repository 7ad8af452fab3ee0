# What the rules of the stages visualization and report ask the configuration.


def second_net(dataset, model):
    """Model and seed of an independently trained net: another seed, if not another model."""
    if CONFIG.seeds_of(dataset, model) > 1:
        return [(model, 1)]
    return [(other, 0) for other in CONFIG.models if other != model][:1]


def second_classifier(w):
    """File of the second net of a rule; none if the run has none."""
    return [
        net(w.dataset, model, seed) for model, seed in second_net(w.dataset, w.model)
    ]


def judges(w):
    """Architectures of the net that is visualized and of the second one."""
    return [w.model, *(model for model, _ in second_net(w.dataset, w.model))]


def searched(w):
    """The generator whose codes a visualization searches, if it is of that kind."""
    name = CONFIG.visualization.generator_of(w.visualization)
    return [name] if name else []


def searched_generator(w):
    """File of that generator."""
    return [
        results(f"visualization/{w.dataset}/{name}.safetensors") for name in searched(w)
    ]


def training_images(w):
    """File of the training images, for a visualization that starts from them."""
    if not CONFIG.visualization.needs_training_images(w.visualization):
        return []
    return [results(f"data/{w.dataset}/train.safetensors")]


def compared_with(w):
    """File of the visualization that another one is compared with."""
    other = CONFIG.visualization.against_of(w.visualization)
    folder = results(f"visualization/{w.dataset}/{w.model}")
    return [f"{folder}/{other}.safetensors"] if other else []
