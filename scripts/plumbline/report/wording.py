"""Names of the configuration in the words of the field."""

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
LEFT_OUT = "not in this configuration"
ACRONYMS = {each.lower(): each for each in ("FGSM", "PGD", "LRP", "LIME", "NLL", "ECE", "CAM")}


@functools.cache
def words(name: str) -> str:
    """A name of the configuration as a reader would write it."""
    known = WORDS.get(name) or label(name)
    return known or " ".join(ACRONYMS.get(part, part) for part in name.split("_"))


def describe(images: ImageSetKey) -> str:
    """What an image set holds, as a reader would write it: PGD, ε = 0.3."""
    match images.kind:
        case "out_of_distribution":
            return words(images.source)
        case "adversarial" if not images.minimal:
            return f"{words(images.attack)}, ε = {images.epsilon:g}"
        case _:
            return words(images.name)
