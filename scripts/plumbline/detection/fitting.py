"""All detectors on all groups of features, fitted on calibration and applied to all sets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np
import pandas as pd

from plumbline.detection.crossfit import Detector, Fit, Plain, Stacked, out_of_fold, split
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive

CALIBRATION = "calibration"
FEWEST_ERRORS = 5  # minimum number of errors on calibration to fit detectors
STACKED = {"both": ("lcr",), "all": ("lcr", "softmax")}  # features added to conductance's score


@dataclass(frozen=True)
class Method:
    """A detection method; ``combine`` fits few features that include the score of ``fit``."""

    fit: Fit
    combine: Fit


def shared(tables: Sequence[pd.DataFrame]) -> pd.MultiIndex:
    """The images (set, index) that occur in all ``tables``."""
    return reduce(pd.MultiIndex.intersection, (each.index for each in tables))


def score_all(
    blocks: Mapping[str, pd.DataFrame],
    label_changes: pd.DataFrame,
    softmax: pd.DataFrame,
    right: pd.Series,
    methods: Mapping[str, Method],
    *,
    by_block: Sequence[str],
    folds: int,
    seed: int,
) -> pd.DataFrame:
    """Columns ``{method}.{features}`` of the log-odds of an error of the net, by (set, index).

    Features are ``conductance`` of all ``blocks``, ``conductance_{block}`` for the methods in
    ``by_block``, ``lcr`` (label change rates), ``softmax``, ``both`` (the score of the conductance
    detector and label change rates) and ``all`` (these and softmax).  All detectors are fitted on
    the same images, those of calibration with all features; scores of these images are out of
    fold.  Images without the features have no score (NaN).  There are no columns if the net has
    fewer than ``FEWEST_ERRORS`` errors, or correct predictions, on the images to fit.
    """
    groups = {"conductance": pd.concat(blocks.values(), axis=1)}
    groups |= {"lcr": label_changes, "softmax": softmax}
    known = shared(list(groups.values()))
    fitted_on = known[known.get_level_values("set") == CALIBRATION].sort_values()
    wrong = ~right.reindex(fitted_on).to_numpy(dtype=bool)
    scores = pd.DataFrame(index=softmax.index)
    if min(wrong.sum(), (~wrong).sum()) < FEWEST_ERRORS:
        return scores
    fold = split(wrong, folds, derive(seed, "folds"))
    calibration = _Calibration(fitted_on, wrong, fold)
    for name, method in progress(list(methods.items()), "methods"):
        chosen = blocks if name in by_block else {}
        tables = {f"conductance_{block}": table for block, table in chosen.items()} | groups
        scored = _scores(method, tables, calibration, partial(derive, seed, name))
        for features, column in scored.items():
            scores[f"{name}.{features}"] = column
    return scores


@dataclass(frozen=True)
class _Calibration:
    """The images that detectors are fitted on, whether the net is ``wrong`` on each, bool [N],
    and its ``fold`` of the cross-fitting, [N]."""

    images: pd.MultiIndex
    wrong: np.ndarray
    fold: np.ndarray


def _scores(
    method: Method,
    tables: Mapping[str, pd.DataFrame],
    calibration: _Calibration,
    seed_of: Callable[[str], int],
) -> dict[str, pd.Series]:
    """Scores by features: of each of ``tables``, then of those that are ``STACKED``."""
    plain = {
        features: Plain(
            method.fit,
            table.loc[calibration.images].to_numpy(),
            calibration.wrong,
            calibration.fold,
            seed_of(features),
        )
        for features, table in tables.items()
    }
    scores = {
        features: _applied(plain[features], table, calibration.images)
        for features, table in tables.items()
    }
    for features, more in STACKED.items():
        parts = [tables["conductance"], *(tables[other] for other in more)]
        table = pd.concat([part.loc[shared(parts)] for part in parts], axis=1)
        learnt_from = table.loc[calibration.images].to_numpy()
        stacked = Stacked(plain["conductance"], method.combine, learnt_from, seed_of(features))
        scores[features] = _applied(stacked, table, calibration.images)
    return scores


def _applied(detector: Detector, table: pd.DataFrame, fitted_on: pd.MultiIndex) -> pd.Series:
    """Scores of all images of ``table``; out of fold for the images that were fitted."""
    others = table.index.difference(fitted_on)
    final = detector.without(frozenset())
    parts = [
        pd.Series(out_of_fold(detector), fitted_on),
        pd.Series(final(table.loc[others].to_numpy()), others) if len(others) else None,
    ]
    return pd.concat([each for each in parts if each is not None])
