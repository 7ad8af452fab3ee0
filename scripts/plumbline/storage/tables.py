"""Tables: one tidy row for every figure, written the same way everywhere."""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plumbline.storage.files import atomic, write_text

FIGURE = ("metric", "value", "low", "high", "n")
POSITIVE = "n_positive"
Row = dict[str, Any]


def row(
    metric: str,
    value: float,
    low: float,
    high: float,
    n: int,
    n_positive: int | None = None,
    **keys: Any,
) -> Row:
    """One figure: what it is of (``keys``), its value, its 95 % interval, its count.

    ``n_positive`` says how many of the n are positive, where positives are told from negatives.
    """
    figure = {"metric": metric, "value": value, "low": low, "high": high, "n": n}
    return {**keys, **figure} | ({} if n_positive is None else {POSITIVE: n_positive})


def write_csv(path: str | os.PathLike, rows: Iterable[Row]) -> None:
    """Write ``rows`` atomically, key columns first, then metric, value, low, high, n and, if
    any row has it, n_positive.

    Floats have six significant digits; NaN is an empty field.  Raises ``ValueError`` if there
    is no row, because a figure that was silently not made must not look like a table.
    """
    rows = list(rows)
    if not rows:
        raise ValueError(f"{path}: a table without rows")
    known = dict.fromkeys(key for each in rows for key in each)
    last = [name for name in (*FIGURE, POSITIVE) if name in known]
    columns = [name for name in known if name not in last] + last
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: _field(v) for k, v in each.items()} for each in rows)
    write_text(path, text.getvalue())


def write_parquet(path: str | os.PathLike, columns: Mapping[str, Sequence]) -> None:
    """Write a table of one row per image atomically; the same ``columns`` give the same bytes."""
    import pyarrow
    from pyarrow import parquet

    with atomic(path) as temporary:
        parquet.write_table(pyarrow.table(dict(columns)), temporary, compression="zstd")


def _field(value: Any) -> Any:
    if isinstance(value, float) or (hasattr(value, "dtype") and value.dtype.kind == "f"):
        return "" if value != value else f"{value:.6g}"
    return value
