"""Published values beside the estimates of this run.

The published tables, and the rows of ours to compare with, are declared in a file
(``config/published.yaml``).
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import pandas as pd
import yaml
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from plumbline.config.base import Section
from plumbline.errors import InputError
from plumbline.report.claims.schema import LARGEST
from plumbline.report.summary import estimate
from plumbline.report.tables import Frames, ReportTable, count, of_dataset
from plumbline.report.wording import words
from plumbline.storage.tables import POSITIVE

ELSEWHERE = "another dataset"
NUMBERS = ("value", "low", "high", "n", POSITIVE)
Wanted = str | int | float | None


class PublishedRow(Section):
    """A line of a published table."""

    name: str
    """Name of the line."""

    where: dict[str, Wanted]
    """Required values of our rows in addition to those of the table; null drops a column."""

    published: dict[str, float | None]
    """The published value of each column; null if there is none."""

    table: str | None = None
    """Our table, if it differs from that of the published table."""


class PublishedTable(Section):
    """A published table and the selection of our estimates to compare with it."""

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    """A short name."""

    under: Literal["stability", "detectors"]
    """Section of the page that shows it."""

    title: str
    """Title, with authors, quantity and data."""

    source: str
    """Source of the publication."""

    note: str
    """Differences from our estimates."""

    measured_on: tuple[str, ...]
    """Datasets of the publication."""

    beside: tuple[str, ...] = ()
    """Further datasets that show it for comparison."""

    table: str
    """Our table."""

    where: dict[str, Wanted]
    """Required values of all our rows."""

    columns: dict[str, dict[str, Wanted]]
    """Required values of our rows for each column."""

    rows: tuple[PublishedRow, ...] = Field(min_length=1)
    """The lines."""

    @model_validator(mode="after")
    def _knows_its_columns(self) -> "PublishedTable":
        for each in self.rows:
            for name in each.published:
                if name not in self.columns:
                    raise ValueError(f"row {each.name}: there is no column {name!r}")
        return self


def load_published(path: str | os.PathLike) -> list[PublishedTable]:
    """Read and check a file of published tables.

    Raises :class:`InputError` for the first error, with file and key.
    """
    try:
        with open(path, encoding="utf-8") as handle:
            raw = yaml.safe_load(handle)
        return TypeAdapter(list[Annotated[PublishedTable, Field()]]).validate_python(raw)
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(each) for each in fault["loc"])
        raise InputError(f"{path}: {place}: {fault['msg'].removeprefix('Value error, ')}") from None


def frame(published: Sequence[PublishedTable], frames: Frames) -> pd.DataFrame:
    """Every published value with our estimate, for each dataset that shows it and each net.

    Columns: ``under``, ``title``, ``note``, ``dataset``, ``model``, ``row``, ``column``,
    ``published``, ``value``, ``low``, ``high``, ``n``, ``n_positive``, ``verdict``.  If no net has
    an estimate there is one row, without a model.  Raises :class:`InputError` if a net has several
    estimates.
    """
    return pd.DataFrame([row for table in published for row in _rows(table, frames)])


def _rows(table: PublishedTable, frames: Frames) -> Iterator[dict]:
    nothing = pd.DataFrame({"dataset": []})
    for dataset in (*table.measured_on, *table.beside):
        for line in table.rows:
            ours = of_dataset(frames.get(line.table or table.table, nothing), dataset)
            for column, figure in line.published.items():
                where = table.where | table.columns[column] | line.where
                found = _matching(ours, where).to_dict("records") if len(ours) else []
                if len({each["model"] for each in found}) < len(found):
                    raise InputError(
                        f"published table {table.id}: several rows of {dataset} match {line.name}, "
                        f"{column}; select one"
                    )
                keys: dict[str, Any] = {
                    "under": table.under,
                    "title": table.title,
                    "dataset": dataset,
                }
                keys |= {"note": f"{table.note} Source: {table.source}.", "row": line.name}
                keys |= {"column": column, "published": figure}
                for each in found or [{}]:
                    own = {name: each.get(name) for name in ("model", *NUMBERS)}
                    said = _verdict(figure, own) if dataset in table.measured_on else ELSEWHERE
                    yield keys | own | {"verdict": said if each else "not run"}


def _matching(rows: pd.DataFrame, where: Mapping[str, Wanted]) -> pd.DataFrame:
    """Rows with all these values; `largest` is applied last, among the remaining rows."""
    for name, value in where.items():
        if value is not None and value != LARGEST:
            rows = rows[_same(rows[name], value)]
    for name, value in where.items():
        if value == LARGEST:
            rows = rows[rows[name] == rows[name].max()]
    return rows


def _same(column: pd.Series, value: str | float) -> pd.Series:
    if isinstance(value, str):
        return column.astype(object).where(column.notna(), "") == value
    return (pd.to_numeric(column, errors="coerce") - value).abs() < 1e-9


def _verdict(published: float | None, ours: Mapping[str, float]) -> str:
    """Position of ours: the published value is in our interval, or ours is higher or lower."""
    if published is None:
        return "not published"
    if pd.isna(ours["low"]) or pd.isna(ours["high"]):
        return "no interval"
    if ours["low"] <= published <= ours["high"]:
        return "agrees"
    return "higher" if ours["low"] > published else "lower"


def published_tables(frames: Frames, dataset: str, under: str) -> list[ReportTable]:
    """The published tables of one section of the page that have estimates of this run."""
    if "published" not in frames:
        return []
    rows = of_dataset(frames["published"], dataset)
    rows = rows[rows["under"] == under]
    found = []
    for title, own in rows.groupby("title", sort=False):
        models = list(own["model"].dropna().unique())
        if not models:
            continue
        judged = bool((own["verdict"] != ELSEWHERE)[own["model"].notna()].any())
        shown = own if judged else own[own["model"].notna()]
        lines = [
            [name, column, _exactly(part["published"].iloc[0]), *_ours(part, models, judged)]
            for (name, column), part in shown.groupby(["row", "column"], sort=False)
        ]
        columns = ("", ": n", ": ours") if judged else ("", ": n")
        nets = [f"{words(model)}{rest}" for model in models for rest in columns]
        title = f"Published values and ours [95 % interval]: {title}"
        head = ["quantity", "of", "published", *nets]
        found.append(ReportTable(title, head, lines, 2, own["note"].iloc[0]))
    return found


def _exactly(published: float) -> str:
    return "–" if pd.isna(published) else f"{published:.4g}"


def _ours(rows: pd.DataFrame, models: Sequence[str], judged: bool) -> list[str]:
    """Estimate and n of each net, with the verdict if ``judged``."""
    cells = []
    for model in models:
        own = rows[rows["model"] == model]
        line = ["–", "–", "not run"]
        if len(own):
            each = own.iloc[0]
            figure = estimate(each["value"], each["low"], each["high"])
            line = [figure, count(each), each["verdict"]]
        cells += line if judged else line[:2]
    return cells
