# What the rules of the stage latent ask the configuration.


def second_sets(w, split):
    """Files of the images that a corpus has beside the training set."""
    if w.corpus == "out_of_distribution":
        others = CONFIG.data.sources[w.dataset].ood
        return [results(f"data/{other}/{split}.safetensors") for other in others]
    if w.corpus == "adversarial" and split == "train":
        name = f"{CONFIG.latent.attack}_eps{max(CONFIG.attacks.epsilons):g}"
        return [results(f"attacks/{w.dataset}/{CONFIG.models[0]}/{name}.safetensors")]
    return []


def mapped(dataset, model):
    """Options of the estimators that are mapped and apply to a net."""
    return {
        name: CONFIG.uncertainty.estimators[name]
        for name in CONFIG.estimators(dataset, model)
        if name in CONFIG.latent.estimators
    }


def latent_nets(dataset, model):
    """How many nets the mapped estimators ask for."""
    return max(CONFIG.uncertainty.nets(each) for each in mapped(dataset, model))
