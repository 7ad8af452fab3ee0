"""Display names of entries of the configuration, measures and image sets."""

import functools

from plumbline.data.image_sets import ImageSetKey
from plumbline.registry import label

WORDS = {
    "log_odds": "log-odds",
    "max_probability": "maximum probability",
    "lcr": "label change rate",
    "both": "conductance and label change rate",
    "all": "these and softmax",
    "extension": "training on holes",
    "ood": "out of distribution",
    "brier": "Brier score",
    "brier_difference": "Brier score difference",
}
"""Measures, tables and sets of features; methods are named by their own modules."""
ACRONYMS = {each.lower(): each for each in ("FGSM", "PGD", "LRP", "LIME", "NLL", "ECE", "CAM")}


@functools.cache
def words(name: str) -> str:
    """The display name of a name in the configuration or a table."""
    known = WORDS.get(name) or label(name)
    return known or " ".join(ACRONYMS.get(part, part) for part in name.split("_"))


def describe(images: ImageSetKey) -> str:
    """The display name of an image set, such as "PGD, ε = 0.3"."""
    match images.kind:
        case "out_of_distribution":
            return words(images.source)
        case "adversarial" if not images.minimal:
            return f"{words(images.attack)}, ε = {images.epsilon:g}"
        case _:
            return words(images.name)
