"""A made-up table of fitted detectors: scores are drawn, their figures are computed."""

import numpy as np
import pandas as pd

from plumbline.data.image_sets import parse_all
from plumbline.detection.columns import KEY
from plumbline.detection.operating import judge_detectors
from plumbline.storage.tables import Row

KINDS = ("logistic", "mlp")
FEATURES = ("conductance_conv1", "conductance", "lcr", "softmax", "both", "all")
SIZES = {"calibration": 80, "test": 90, "ood_patches": 20, "pgd_eps0.3": 60}
FEW = 3  # wrong answers on calibration of a net without detectors


def rows(dataset: str, model: str, fitted: bool) -> list[Row]:
    """Rows of one net; ``all`` tells more of errors than ``softmax``, and less of patches."""
    random = np.random.default_rng(0)
    places = [(name, 100 + i) for name, n in SIZES.items() for i in range(n)]
    index = pd.MultiIndex.from_tuples(places, names=KEY)
    name = index.get_level_values("set")
    right = pd.Series(random.random(len(index)) > 0.3, index) & (name != "ood_patches")
    if not fitted:
        right["calibration"] = np.arange(SIZES["calibration"]) >= FEW
    control = pd.Series(random.normal(size=len(index)) + ~right, index)
    scores = pd.DataFrame(index=index)
    for kind in KINDS if fitted else ():
        for features in FEATURES:
            scores[f"{kind}.{features}"] = random.normal(size=len(index)) + ~right
        further = 3 * (~right & (name != "ood_patches")) - 3 * (name == "ood_patches")
        scores[f"{kind}.all"] = scores[f"{kind}.softmax"] + further
    return list(
        judge_detectors(scores, control, right, parse_all(SIZES), 0, dataset=dataset, model=model)
    )
