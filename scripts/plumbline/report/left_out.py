"""What the configuration names but a net or a dataset cannot have, stage by stage, and why."""

import pandas as pd

from plumbline.report.tables import Frames, ReportTable
from plumbline.report.wording import words

COLUMNS = ("stage", "dataset", "model", "entry", "reason")


def left_out(frames: Frames, dataset: str, stage: str) -> list[ReportTable]:
    """The entries of a stage that have no job, if there are any.

    ``frames["left_out"]`` has ``COLUMNS``; an entry of a dataset as a whole has no ``model``.
    """
    if "left_out" not in frames:
        return []
    rows = frames["left_out"]
    rows = rows[(rows["stage"] == stage) & (rows["dataset"] == dataset)]
    lines = [
        [words(row.model) if row.model else "–", words(row.entry), row.reason]
        for row in rows.itertuples()
    ]
    return [ReportTable("Left out, and why", ["net", "entry", "reason"], lines, 2)] if lines else []


def coverage_frame(reasons: dict[str, dict[str, dict[str, str]]]) -> pd.DataFrame:
    """``reasons`` by dataset, model and method as rows with these columns and ``reason``."""
    rows = [
        {"dataset": dataset, "model": model, "method": method, "reason": reason}
        for dataset, models in reasons.items()
        for model, methods in models.items()
        for method, reason in methods.items()
    ]
    return pd.DataFrame(rows)
