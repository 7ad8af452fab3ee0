"""Detection scores of images: higher is more suspicious.

The scores of all image sets form one table with the index (set, index) and one column per score,
empty where a score was not computed for an image.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from plumbline.data.image_sets import COLUMNS, ImageSetKey, columns_of
from plumbline.errors import InputError
from plumbline.metrics.evaluations import GRADIENT

CONTROL = "softmax.max_probability"
CONDUCTANCE = "conductance"
MEASURES = ("entropy", "mutual_information", "expected_entropy", "max_probability", "variance")
VACUITY = "vacuity"  # evidential nets only
LABEL_CHANGES = "label_change_rate"
KEY = ["set", "index"]


def uncertainty_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Columns ``{estimator}.{measure}`` of the uncertainty stage's table of images.

    The maximum probability is negated, because a high value means certainty.  Measures that an
    estimator does not have, or that are constant over all images, have no column; nor does the
    expected entropy of a single pass, which equals its entropy.
    """
    _refuse_nan(table, list(MEASURES))
    known = [measure for measure in (*MEASURES, VACUITY) if measure in table]
    wide = table.pivot(index=KEY, columns="estimator", values=known)
    wide.columns = [f"{estimator}.{measure}" for measure, estimator in wide.columns]
    certainty = [name for name in wide.columns if name.endswith(".max_probability")]
    wide[certainty] = -wide[certainty]
    same = [
        f"{estimator}.expected_entropy"
        for estimator in table["estimator"].unique()
        if (wide[f"{estimator}.mutual_information"] == 0).all()
    ]
    constant = [name for name in wide if wide[name].nunique() < 2 and name != CONTROL]
    return wide.drop(columns=list({*same, *constant}))


def label_change_scores(tables: list[pd.DataFrame]) -> pd.DataFrame | None:
    """Columns ``label_change_rate.{operator}`` of the stability stage's tables of images."""
    if not tables:
        return None
    table = pd.concat(tables)
    _refuse_nan(table, ["label_change_rate"])
    wide = table.pivot(index=KEY, columns="operator", values="label_change_rate")
    return wide.add_prefix(f"{LABEL_CHANGES}.")


def further_scores(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    """One column for each table of ``detection.scores``, named after its entry."""
    if not tables:
        return None
    return pd.concat({name: each.set_index(KEY)["score"] for name, each in tables.items()}, axis=1)


def detector_columns(scores: pd.DataFrame, sets: Mapping[str, ImageSetKey]) -> dict:
    """Columns of the table of the fitted detectors' ``scores``, which have the index (set, index);
    ``sets`` are the keys of the sets by name."""
    names, places = (scores.index.get_level_values(name) for name in KEY)
    found = columns_of([sets[name] for name in names], 1) | {"index": places}
    return found | {name: scores[name].to_numpy() for name in scores}


def detector_scores(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of the fitted detectors, ``{detector}.{features}``."""
    return table.set_index(KEY).drop(columns=list(COLUMNS))


def correct(table: pd.DataFrame) -> pd.Series:
    """Whether the prediction of the single net is correct, by (set, index)."""
    single = table[table["estimator"] == "softmax"].set_index(KEY)
    return single["correct"].astype(bool).sort_index()


def evaluations(
    names: list[str],
    passes: Mapping[str, int],
    mutants: Mapping[str, int],
    steps: int,
    further: Mapping[str, float],
) -> dict[str, float]:
    """Network evaluations per image of each score: a forward pass counts 1, with its backward
    pass 3.

    The cost of an estimator is its number of ``passes``, that of a label change rate the number of
    ``mutants`` of its operator plus the net itself, that of conductance ``steps`` gradients plus
    the net itself, that of a detector the cost of its features, and that of ``further`` scores the
    number that was counted.
    """
    changes, conductance = sum(mutants.values()), GRADIENT * steps
    read = {"lcr": changes, "both": changes + conductance, "all": changes + conductance}

    def cost(name: str) -> float:
        family, _, rest = name.partition(".")
        if name in further:
            return further[name]
        if family in passes:
            return passes[family]
        if family == LABEL_CHANGES:
            return mutants[rest] + 1
        features = rest or family
        return 1 + read.get(features, conductance if features.startswith(CONDUCTANCE) else 0)

    return {name: float(cost(name)) for name in names}


def _refuse_nan(table: pd.DataFrame, columns: list[str]) -> None:
    bad = table[columns].isna().any(axis=1)
    if bad.any():
        name, index = table.loc[bad, KEY].iloc[0]
        raise InputError(f"a score of image {index} of set {name} is not a number")


def join(*tables: pd.DataFrame | None) -> pd.DataFrame:
    """One sorted table of all scores; raises :class:`InputError` if the control is missing."""
    scores = pd.concat([each for each in tables if each is not None], axis=1).sort_index()
    if CONTROL not in scores:
        raise InputError(f"the score {CONTROL}, the control of all others, is missing")
    return scores.astype(np.float64)
