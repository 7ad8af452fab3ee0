"""Whether files under their final names are whole, and results equal."""

import io
import json
from pathlib import Path

import pandas as pd
from PIL import Image
from safetensors import safe_open

from plumbline.storage.artefacts import load_arrays

# Written while jobs run, by the shell and by Snakemake: no results.
RECORDS = ("logs", "benchmarks")


def made(results: Path) -> dict[str, Path]:
    """Every result by its path in the folder ``results``; no logs, benchmarks, temporaries."""
    found = {}
    for path in sorted(results.rglob("*")):
        parts = path.relative_to(results).parts
        hidden = any(part.startswith(".") for part in parts)
        if path.is_file() and not hidden and parts[0] not in RECORDS:
            found["/".join(parts)] = path
    return found


def check(path: Path) -> None:
    """Raise whatever reading ``path`` raises, to its last byte, if it is not whole."""
    match path.suffix:
        case ".safetensors":
            with safe_open(path, framework="numpy") as handle:
                kind = json.loads(handle.metadata()["plumbline"])["kind"]
            load_arrays(path, kind)
        case ".csv":
            assert not pd.read_csv(path).empty
            assert path.read_bytes().endswith(b"\n")
        case ".parquet":
            pd.read_parquet(path)
        case ".json":
            json.loads(path.read_text())
        case ".png":
            Image.open(path).load()
        case ".html":
            assert path.read_text().rstrip().endswith("</html>")
        case ".checkpoint":
            import torch

            from plumbline.storage.checkpoints import SEAL

            torch.load(io.BytesIO(path.read_bytes()[SEAL:]), weights_only=True)
        case _:
            raise AssertionError(f"{path}: no way is known to check it")


def check_all(results: Path, known: set) -> None:
    """Check every result that is not ``known`` as it is now, and note it there."""
    for path in made(results).values():
        try:
            status = path.stat()
            state = path, status.st_ino, status.st_mtime_ns
            if state not in known:
                check(path)
                known.add(state)
        except Exception:
            if path.exists():  # not removed meanwhile, by a run of which a job alone was killed
                raise


def temporaries(results: Path) -> list[Path]:
    """What unfinished writes have left."""
    return [path for path in results.rglob("*") if path.name.startswith(".")]


def equal(one: Path, other: Path) -> None:
    """Assert that two folders of results hold the same files, byte by byte."""
    ours, theirs = made(one), made(other)
    assert sorted(ours) == sorted(theirs)
    different = [name for name in ours if ours[name].read_bytes() != theirs[name].read_bytes()]
    assert different == []
