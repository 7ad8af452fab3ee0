"""Writing and reading of tables, with one tidy row per estimate.

CSV files hold estimates: keys, metric, value, interval, count.  Parquet files have one row per
image.  :func:`read_rows` returns text, for values that are only passed on; the other readers
return data frames.
"""

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from plumbline.errors import ArtefactError, DamagedFileError
from plumbline.storage.files import atomic, write_text

if TYPE_CHECKING:
    import pandas as pd

ESTIMATE = ("metric", "value", "low", "high", "n")
POSITIVE = "n_positive"
TEXT = {"fill": str, "class": str, "label": str}  # columns of names, also where these are digits
Row = dict[str, Any]


def row(
    metric: str,
    value: float,
    low: float,
    high: float,
    n: int,
    n_positive: int | None = None,
    /,
    **keys: Any,
) -> Row:
    """One estimate: its ``keys``, value, 95 % interval, and number of items.

    ``n_positive`` is the number of positives among the n items, for detection metrics.
    """
    estimate = {"metric": metric, "value": value, "low": low, "high": high, "n": n}
    return {**keys, **estimate} | ({} if n_positive is None else {POSITIVE: n_positive})


def write_csv(path: str | os.PathLike, rows: Iterable[Row]) -> None:
    """Write ``rows`` atomically, key columns first, then metric, value, low, high, n and, if
    any row has it, n_positive.

    Floats have six significant digits; NaN is an empty field.  Raises ``ValueError`` if there are
    no rows, because a missing estimate must not look like an empty table.
    """
    rows = list(rows)
    if not rows:
        raise ValueError(f"{path}: a table without rows")
    known = dict.fromkeys(key for each in rows for key in each)
    last = [name for name in (*ESTIMATE, POSITIVE) if name in known]
    columns = [name for name in known if name not in last] + last
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: _field(v) for k, v in each.items()} for each in rows)
    write_text(path, text.getvalue())


def write_parquet(path: str | os.PathLike, columns: Mapping[str, Any]) -> None:
    """Write a table of one row per image atomically; the same ``columns`` give the same bytes."""
    import pyarrow
    from pyarrow import parquet

    with atomic(path) as temporary:
        parquet.write_table(pyarrow.table(dict(columns)), temporary, compression="zstd")


def read_rows(path: str | os.PathLike) -> list[Row]:
    """The rows of a CSV file, with every field as text.

    Raises :class:`DamagedFileError` if it has no rows or is not a CSV file.
    """
    try:
        with open(path, newline="", encoding="utf-8") as handle:
            rows: list[Row] = list(csv.DictReader(handle))
    except (ValueError, csv.Error) as error:
        raise DamagedFileError(path, f"not a readable CSV table ({error})") from None
    if not rows:
        raise DamagedFileError(path, "a CSV table without rows")
    return rows


def read_frame(paths: Iterable[str | os.PathLike]) -> "pd.DataFrame":
    """Several CSV files concatenated, with the columns of ``TEXT`` as text.

    Raises :class:`ArtefactError` if one is missing, :class:`DamagedFileError` if one is damaged.
    """
    import pandas as pd

    tables = [_read(pd.read_csv, path, "CSV", dtype=TEXT) for path in paths]
    return pd.concat(tables, ignore_index=True)


def read_parquet(path: str | os.PathLike) -> "pd.DataFrame":
    """A Parquet table; raises as :func:`read_frame`."""
    import pandas as pd

    return _read(pd.read_parquet, path, "Parquet", engine="pyarrow")


def _read(
    reader: Callable[..., "pd.DataFrame"], path: str | os.PathLike, kind: str, **options: Any
) -> "pd.DataFrame":
    try:
        return reader(path, **options)
    except FileNotFoundError:
        raise ArtefactError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # the errors of pandas and pyarrow derive from these
        reason = " ".join(str(error).split())[:200]
        raise DamagedFileError(path, f"not a readable {kind} table ({reason})") from None


def _field(value: Any) -> Any:
    if isinstance(value, float) or (hasattr(value, "dtype") and value.dtype.kind == "f"):
        return "" if value != value else f"{value:.6g}"
    return value
