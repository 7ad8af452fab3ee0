"""Features of images for detectors: conductance, label change rates, softmax.

Every group of features is a table with the index (set, index) and a column per feature.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import entr

from plumbline.detection.columns import KEY
from plumbline.storage.artefacts import Arrays, Prediction

TOP = 10  # maximum number of classes
LEAST = 1e-12  # lower limit of probabilities, below the precision of float32


def conductance_features(arrays: Arrays, blocks: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Conductance by channel for each block, from the arrays of the stage stability."""
    names = [name.removesuffix(".index") for name in arrays if name.endswith(".index")]
    found = {}
    for block in blocks:
        parts = []
        for name in names:
            channels = arrays[f"{name}/{block}"].astype(np.float64)
            columns = [f"{block}.{channel}" for channel in range(channels.shape[1])]
            parts.append(pd.DataFrame(channels, _index(name, arrays[f"{name}.index"]), columns))
        found[block] = pd.concat(parts)
    return found


def softmax_features(predictions: Mapping[str, Prediction]) -> pd.DataFrame:
    """Features of one net's probabilities that do not depend on the class: the largest
    probabilities in descending order, the entropy in nats, the margin between the first two, and
    both log-odds, because nearly all maxima are close to 1."""
    parts = []
    for name, each in predictions.items():
        ordered = -np.sort(-each.probs[0].astype(np.float64), axis=1)
        columns = {f"top{i + 1}": ordered[:, i] for i in range(min(TOP, ordered.shape[1]))}
        columns |= {"entropy": entr(ordered).sum(1), "margin": ordered[:, 0] - ordered[:, 1]}
        first, second, rest = ordered[:, 0], ordered[:, 1], ordered[:, 1:].sum(1)
        columns["log_odds"] = np.log(first / np.maximum(rest, LEAST))
        columns["log_margin"] = np.log(first / np.maximum(second, LEAST))
        parts.append(pd.DataFrame(columns, _index(name, each.index)))
    return pd.concat(parts)


def right(predictions: Mapping[str, Prediction]) -> pd.Series:
    """Whether one net's prediction is correct, by (set, index); False for images without class."""
    parts = [
        pd.Series(each.probs[0].argmax(1) == each.labels, _index(name, each.index))
        for name, each in predictions.items()
    ]
    return pd.concat(parts)


def _index(name: str, index: np.ndarray) -> pd.MultiIndex:
    return pd.MultiIndex.from_product([[name], index], names=KEY)
