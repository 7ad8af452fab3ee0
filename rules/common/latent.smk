# What the rules of the stage latent ask the configuration.
from plumbline.latent.extension import ARMS


def second_sets(w, split):
    """Files of the images that a corpus has beside the training set."""
    if w.corpus == "out_of_distribution":
        others = CONFIG.also_encoded(w.dataset)
        return [results(f"data/{other}/{split}.safetensors") for other in others]
    if w.corpus == "adversarial" and split == "train":
        keys = ATTACKED[CONFIG.latent.attack]
        largest = max(keys, key=lambda key: key.epsilon or 0)
        return [set_file(w.dataset, CONFIG.models[0], largest)]
    return []


def of_vaes(name):
    """A file of the VAE whose maps are drawn, then those of the further VAEs of its corpus."""
    numbers = ["", *(f".{seed}" for seed in range(1, CONFIG.latent.vae.seeds))]
    return [
        results(f"latent/{{dataset}}/{{corpus}}/{name}{number}.safetensors")
        for number in numbers
    ]


def mapped(dataset, model):
    """Module and options of the estimators that are mapped and apply to a net, by name."""
    section = CONFIG.uncertainty
    return {
        name: {"method": section.module_of(name), "options": section.options_of(name)}
        for name in CONFIG.latent.estimators
        if name in CONFIG.estimators(dataset, model)
    }


def mapped_modules(dataset, model):
    """Every module of the mapped estimators of a net."""
    return sorted({each["method"] for each in mapped(dataset, model).values()})


def attacked(corpus):
    """The net whose adversarial images are in a corpus."""
    return CONFIG.models[0] if corpus == "adversarial" else None


def latent_nets(dataset, model):
    """How many nets the mapped estimators ask for."""
    return max(CONFIG.uncertainty.nets(each) for each in mapped(dataset, model))


def extension_inapplicable(dataset, model):
    """Why a net is not trained anew with decoded images; empty if it is."""
    if CONFIG.weights(dataset, model):
        return "given weights, so no training"
    if CONFIG.latent.extension.estimator not in mapped(dataset, model):
        return f"no map of {CONFIG.latent.extension.estimator}, which shows the holes"
    return ""


def extended(dataset):
    """Nets that are trained anew with decoded images: trained here, and mapped."""
    return [
        model
        for model in CONFIG.models
        if CONFIG.latent.corpora
        and model in CONFIG.latent.extension.models
        and not extension_inapplicable(dataset, model)
    ]


def extended_net(w, arm, seed):
    """File of a net: trained without further images, with random ones, or with holes."""
    if arm == "none":
        return net(w.dataset, w.model, seed)
    folder = f"models/{w.dataset}/{w.model}/extension/{arm}{seed}"
    return results(f"{folder}/classifier.safetensors")


def extended_nets():
    """Arm and seed of every net that is compared."""
    seeds = range(CONFIG.latent.extension.seeds)
    return [(arm, seed) for arm in ARMS for seed in seeds]
