"""The tables of the report, and formatting of their cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from plumbline.report.summary import estimate, over_seeds
from plumbline.storage.tables import POSITIVE

Frames = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class ReportTable:
    """A table of the report, in which the first ``keys`` columns are row headings.

    ``note`` is shown below the table.  A ``folded`` table is collapsed until its title is clicked.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    keys: int = 1
    note: str = ""
    folded: bool = False


def of_dataset(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """The rows of one dataset."""
    return table[table["dataset"] == dataset]


def cell(rows: pd.DataFrame, metric: str) -> str:
    """The estimate of ``metric`` in ``rows`` as text; a dash if there is none."""
    part = rows.loc[rows["metric"] == metric, ["value", "low", "high"]]
    return estimate(*part.iloc[0]) if len(part) else "–"


def count(row: pd.Series) -> str:
    """The n of an estimate; for detection also the number of positives."""
    found = row.get(POSITIVE, float("nan"))
    return f"{row['n']:.0f}" if pd.isna(found) else f"{found:.0f} of {row['n']:.0f}"


def mean_cell(rows: pd.DataFrame, metric: str) -> str:
    """The mean over seeds of ``metric`` in ``rows``, which has one row per seed; a dash if none."""
    part = rows.loc[rows["metric"] == metric, ["value", "low", "high"]]
    if part.empty:
        return "–"
    return estimate(*over_seeds(metric, list(part.itertuples(index=False, name=None))))


def of_models(tables: Sequence[pd.DataFrame], models: Sequence[str]) -> pd.DataFrame:
    """Tables of images one below the other, with a column ``model`` that says of which net each
    is."""
    pairs = zip(tables, models, strict=True)
    return pd.concat([rows.assign(model=model) for rows, model in pairs], ignore_index=True)
