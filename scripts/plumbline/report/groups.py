"""Groups of images that figures compare."""

from collections.abc import Collection
from typing import Any

import pandas as pd

from plumbline.report.style import COLORS

ADAPTIVE, SMALLEST = "adversarial, adaptive", "adversarial, smallest"
GROUPS: dict[str, dict[str, Any]] = {
    "test, right": {"color": COLORS[0], "linestyle": "-"},
    "test, wrong": {"color": COLORS[3], "linestyle": "-"},
    "out of distribution": {"color": COLORS[1], "linestyle": "-."},
    "adversarial": {"color": COLORS[4], "linestyle": ":"},
    ADAPTIVE: {"color": COLORS[5], "linestyle": "--"},
    SMALLEST: {"color": COLORS[2], "linestyle": (0, (5, 1, 1, 1, 1, 1))},
}


def groups(scores: pd.DataFrame, adaptive: Collection[str] = ()) -> pd.Series:
    """The group of each row of scores; rows of calibration and of shifted sets have none.

    Adversarial images are those of the largest ε of every attack.  Among them, those of attacks in
    ``adaptive``, which are adapted to a detector, form a group; so do those of attacks without ε.
    """
    kind, epsilon = scores["set_kind"], scores["epsilon"]
    group = pd.Series(pd.NA, index=scores.index, dtype="object")
    group[(kind == "clean") & scores["correct"]] = "test, right"
    group[(kind == "clean") & ~scores["correct"]] = "test, wrong"
    group[kind == "out_of_distribution"] = "out of distribution"
    group[(kind == "adversarial") & epsilon.isna()] = SMALLEST
    group[epsilon == epsilon.max()] = "adversarial"
    group[(group == "adversarial") & scores["attack"].isin(adaptive)] = ADAPTIVE
    return group
