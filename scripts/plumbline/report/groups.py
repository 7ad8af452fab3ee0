"""Kinds of images that figures compare, read from the names of image sets."""

from collections.abc import Collection

import pandas as pd

from plumbline.registry import SHIFTS
from plumbline.report.style import COLORS

ADAPTIVE, SMALLEST = "adversarial, adaptive", "adversarial, smallest"
GROUPS = {
    "test, right": {"color": COLORS[0], "linestyle": "-"},
    "test, wrong": {"color": COLORS[3], "linestyle": "-"},
    "out of distribution": {"color": COLORS[1], "linestyle": "-."},
    "adversarial": {"color": COLORS[4], "linestyle": ":"},
    ADAPTIVE: {"color": COLORS[5], "linestyle": "--"},
    SMALLEST: {"color": COLORS[2], "linestyle": (0, (5, 1, 1, 1, 1, 1))},
}


def groups(scores: pd.DataFrame, adaptive: Collection[str] = ()) -> pd.Series:
    """The group of each row of scores; rows of calibration and of shifted sets have none.

    Adversarial images are those of the largest ε of every attack; adaptive are those among them
    whose set is in ``adaptive``, made by attacks that know a detector, smallest those of attacks
    without ε.
    """
    sets = scores["set"]
    adversarial = sets.str.extract(r"_eps([0-9.e-]+)$")[0].astype(float)
    shifted = sets.str.rpartition("_")[0].isin(SHIFTS.names())
    group = pd.Series(pd.NA, index=scores.index, dtype="object")
    group[(sets == "test") & scores["correct"]] = "test, right"
    group[(sets == "test") & ~scores["correct"]] = "test, wrong"
    group[adversarial.isna() & ~shifted & ~sets.isin(["test", "calibration"])] = SMALLEST
    group[sets.str.startswith("ood_")] = "out of distribution"
    group[adversarial == adversarial.max()] = "adversarial"
    group[(group == "adversarial") & sets.isin(adaptive)] = ADAPTIVE
    return group
