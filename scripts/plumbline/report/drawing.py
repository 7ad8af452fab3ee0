"""Draw one figure from files, which are read according to the annotations of its ``draw``."""

import importlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pandas as pd

from plumbline.errors import InputError, nearest, shown
from plumbline.report.style import save
from plumbline.storage.tables import read_frame, read_parquet

FIGURES = Path(__file__).parent / "figures"


def draw(
    kind: str,
    inputs: Mapping[str, Sequence[str]],
    options: Mapping[str, Any],
    path: str | os.PathLike,
) -> None:
    """Draw the figure ``kind`` from the files in ``inputs``, and write it to ``path`` as PNG.

    Raises :class:`InputError` for an unknown figure, or if its arguments differ.
    """
    known = sorted(file.stem for file in FIGURES.glob("[!_]*.py"))
    if kind not in known:
        raise InputError(f"no figure {shown(kind)}{nearest(kind, known)}")
    module = importlib.import_module(f"plumbline.report.figures.{kind}")
    taken = get_type_hints(module.draw)
    taken.pop("return", None)
    if taken.keys() != {*inputs, *options}:
        raise InputError(f"{kind} takes {', '.join(taken)}, not {', '.join([*inputs, *options])}")
    read = {name: _read(taken[name], paths) for name, paths in inputs.items()}
    figure = module.draw(**read, **options)
    save(figure, path, keep=getattr(module, "KEPT_COLORS", None))


def _read(annotation: Any, paths: Sequence[str]) -> Any:
    """Value of an argument by its annotation: a list with an entry for each file, one table of all
    files, or the artefact in a single file."""
    if get_origin(annotation) is list:
        (kind,) = get_args(annotation)
        return [_read(kind, [path]) for path in paths]
    if annotation is pd.DataFrame:
        return read_parquet(paths[0]) if paths[0].endswith(".parquet") else read_frame(paths)
    (path,) = paths
    return annotation.load(path)
