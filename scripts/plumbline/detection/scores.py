"""Scores of images by which a detector may call them suspicious: higher is more suspicious.

All scores of all image sets stand in one table with the index (set, index), a column per
score, empty where a score was not computed for an image.
"""

import numpy as np
import pandas as pd

from plumbline.artefacts import Arrays
from plumbline.errors import InputError

CONTROL = "softmax.max_probability"
CONDUCTANCE = "conductance"
MEASURES = ("entropy", "mutual_information", "expected_entropy", "max_probability", "variance")
VACUITY = "vacuity"  # evidential nets only
KEY = ["set", "index"]
FEWEST_ERRORS = 5  # with fewer, no detector is fitted


def uncertainty_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Columns ``{estimator}.{measure}`` of the uncertainty stage's table of images.

    The maximum probability is negated, because certainty is not suspicious.  A measure that an
    estimator does not have, or that is the same for all images, gives no column; nor does the
    expected entropy of a single pass, which is its entropy.
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
    return wide.add_prefix("label_change_rate.")


def correct(table: pd.DataFrame) -> pd.Series:
    """Whether the single net is right, by (set, index); the target of every score alike."""
    single = table[table["estimator"] == "softmax"].set_index(KEY)
    return single["correct"].astype(bool).sort_index()


def conductance_score(conductance: Arrays, right: pd.Series) -> pd.DataFrame | None:
    """Column ``conductance``: log odds that the net is wrong, from the channels' conductance.

    A logistic regression on standardised conductances with scikit-learn's default penalty
    (C = 1), fitted on calibration with ``right`` [(set, index)] as its target; images of
    calibration get no score.  None if the net is wrong on fewer than ``FEWEST_ERRORS`` images
    of calibration.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    wrong = ~right["calibration"].reindex(conductance["calibration.index"]).to_numpy(dtype=bool)
    if wrong.sum() < FEWEST_ERRORS:
        return None
    detector = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000))
    detector.fit(conductance["calibration"], wrong)
    parts = [
        pd.DataFrame(
            {
                "set": name,
                "index": conductance[f"{name}.index"],
                CONDUCTANCE: detector.decision_function(channels),
            }
        )
        for name, channels in conductance.items()
        if not name.endswith(".index") and name != "calibration"
    ]
    return pd.concat(parts).set_index(KEY)


def _refuse_nan(table: pd.DataFrame, columns: list[str]) -> None:
    bad = table[columns].isna().any(axis=1)
    if bad.any():
        name, index = table.loc[bad, KEY].iloc[0]
        raise InputError(f"a score of image {index} of set {name} is not a number")


def join(*tables: pd.DataFrame | None) -> pd.DataFrame:
    """One table of all scores, sorted; raises :class:`InputError` if the control is missing."""
    scores = pd.concat([each for each in tables if each is not None], axis=1).sort_index()
    if CONTROL not in scores:
        raise InputError(f"no score {CONTROL}, the control of all others")
    return scores.astype(np.float64)
