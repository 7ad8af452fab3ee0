"""Tables of the workflow as data frames; one that is damaged is named."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from plumbline.errors import ArtefactError, DamagedFileError

if TYPE_CHECKING:
    import pandas as pd


def read_csv(path: str | os.PathLike, **options: Any) -> "pd.DataFrame":
    """A CSV; ``options`` are those of pandas.

    Raises :class:`DamagedFileError` if it is none.
    """
    import pandas as pd

    return _read(pd.read_csv, path, "CSV", **options)


def read_parquet(path: str | os.PathLike) -> "pd.DataFrame":
    """A Parquet table; raises as :func:`read_csv`."""
    import pandas as pd

    return _read(pd.read_parquet, path, "Parquet", engine="pyarrow")


def _read(
    reader: Callable[..., "pd.DataFrame"], path: str | os.PathLike, kind: str, **options: Any
) -> "pd.DataFrame":
    try:
        return reader(path, **options)
    except FileNotFoundError:
        raise ArtefactError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # pandas' and pyarrow's own faults are such, too
        reason = " ".join(str(error).split())[:200]
        raise DamagedFileError(path, f"not a readable {kind} table ({reason})") from None
