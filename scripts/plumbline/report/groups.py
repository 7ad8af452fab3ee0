"""Kinds of images that figures compare, read from the names of image sets."""

import pandas as pd

from plumbline.report.style import COLORS

GROUPS = {
    "test, right": {"color": COLORS[0], "linestyle": "-"},
    "test, wrong": {"color": COLORS[3], "linestyle": "-"},
    "out of distribution": {"color": COLORS[1], "linestyle": "-."},
    "adversarial": {"color": COLORS[4], "linestyle": ":"},
}


def groups(scores: pd.DataFrame) -> pd.Series:
    """The group of each row of scores; rows of calibration have none.

    Adversarial images are those of the largest ε of every attack.
    """
    sets = scores["set"]
    adversarial = sets.str.extract(r"_eps([0-9.e-]+)$")[0].astype(float)
    group = pd.Series(pd.NA, index=scores.index, dtype="object")
    group[(sets == "test") & scores["correct"]] = "test, right"
    group[(sets == "test") & ~scores["correct"]] = "test, wrong"
    group[sets.str.startswith("ood_")] = "out of distribution"
    group[adversarial == adversarial.max()] = "adversarial"
    return group
