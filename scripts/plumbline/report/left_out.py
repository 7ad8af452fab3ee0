"""Entries of the configuration that do not apply to a net or dataset, and why."""

import pandas as pd

from plumbline.report.tables import Frames, ReportTable
from plumbline.report.wording import words

COLUMNS = ("stage", "dataset", "model", "entry", "reason")


def left_out(frames: Frames, dataset: str, stage: str) -> list[ReportTable]:
    """A table of the entries of a stage that have no job, if any.

    ``frames["left_out"]`` has ``COLUMNS``; those of a whole dataset have no ``model``.
    """
    if "left_out" not in frames:
        return []
    rows = frames["left_out"]
    rows = rows[(rows["stage"] == stage) & (rows["dataset"] == dataset)]
    lines = [
        [words(row.model) if row.model else "–", words(row.entry), row.reason]
        for row in rows.itertuples()
    ]
    return [ReportTable("Omitted entries", ["net", "entry", "reason"], lines, 2)] if lines else []


def coverage_frame(reasons: dict[str, dict[str, dict[str, str]]]) -> pd.DataFrame:
    """``reasons`` by dataset, model and method as rows with these columns and ``reason``."""
    rows = [
        {"dataset": dataset, "model": model, "method": method, "reason": reason}
        for dataset, models in reasons.items()
        for model, methods in models.items()
        for method, reason in methods.items()
    ]
    return pd.DataFrame(rows)
