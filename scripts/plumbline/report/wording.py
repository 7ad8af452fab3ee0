"""Names of the configuration in the words of the field."""

import functools

from plumbline.data.image_sets import ImageSetKey
from plumbline.registry import label, labels

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
    "risk_coverage": "risk and coverage",
}
"""Measures, tables and sets of features; methods are named by their own modules."""
LEFT_OUT = "not in this configuration"
ACRONYMS = {each.lower(): each for each in ("FGSM", "PGD", "LRP", "LIME", "NLL", "ECE", "CAM")}


@functools.cache
def words(name: str) -> str:
    """A name of the configuration as a reader would write it."""
    known = WORDS.get(name) or label(name)
    return known or " ".join(ACRONYMS.get(part, part) for part in name.split("_"))


def phrase(name: str) -> str:
    """Several names joined by underscores: ``lenet5_modified_backward`` is LeNet-5, modified
    backward.  Known names stand apart, what lies between them stays together."""
    parts, known = name.split("_"), WORDS.keys() | labels().keys()
    found: list[str] = []
    rest: list[str] = []
    while parts:
        ends = range(len(parts), 0, -1)
        end = next((n for n in ends if "_".join(parts[:n]) in known), 0)
        if end:
            found += ["_".join(rest)] if rest else []
            found.append("_".join(parts[:end]))
            rest, parts = [], parts[end:]
        else:
            rest.append(parts.pop(0))
    found += ["_".join(rest)] if rest else []
    return ", ".join(words(each) for each in found)


def describe(images: ImageSetKey) -> str:
    """What an image set holds, as a reader would write it: PGD, ε = 0.3."""
    match images.kind:
        case "out_of_distribution":
            return words(images.source)
        case "adversarial" if not images.minimal:
            return f"{words(images.attack)}, ε = {images.epsilon:g}"
        case _:
            return words(images.name)
