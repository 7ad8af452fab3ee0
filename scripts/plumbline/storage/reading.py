"""Reading tables: as text where values only pass through, as frames where they are drawn."""

import csv
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from plumbline.errors import DamagedFileError
from plumbline.storage.frames import read_csv, read_parquet

if TYPE_CHECKING:
    import pandas as pd

TEXT = {"fill": str, "class": str, "label": str}


def read_rows(path: str | os.PathLike) -> list[dict[str, str]]:
    """The rows of a CSV, every field as the text that stands there.

    Raises :class:`DamagedFileError` if there are none.
    """
    try:
        with open(path, newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
    except (ValueError, csv.Error) as error:
        raise DamagedFileError(path, f"not a readable CSV table ({error})") from None
    if not rows:
        raise DamagedFileError(path, "a CSV table without rows")
    return rows


def read_frame(paths: Sequence[str | os.PathLike]) -> "pd.DataFrame":
    """Several CSVs one below the other; names that look like numbers stay text."""
    import pandas as pd

    return pd.concat([read_csv(path, dtype=TEXT) for path in paths], ignore_index=True)


def read_images(paths: Sequence[str | os.PathLike], models: Sequence[str]) -> "pd.DataFrame":
    """Several Parquet tables of images one below the other, with a column ``model``."""
    import pandas as pd

    parts = [
        read_parquet(path).assign(model=model) for path, model in zip(paths, models, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def coverage_frame(reasons: dict[str, dict[str, dict[str, str]]]) -> "pd.DataFrame":
    """``reasons`` by dataset, model and method as rows with these columns and ``reason``."""
    import pandas as pd

    rows = [
        {"dataset": dataset, "model": model, "method": method, "reason": reason}
        for dataset, models in reasons.items()
        for model, methods in models.items()
        for method, reason in methods.items()
    ]
    return pd.DataFrame(rows)
