"""Where a report comes from: machine, versions, data, time."""

import csv
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from plumbline.data.manifest import Manifest

LISTED = 12

PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "foolbox",
    "matplotlib",
    "seaborn",
    "snakemake",
)


def versions(pins: Mapping[str, str]) -> dict[str, str]:
    """Version of Python and of each main package in the environment that builds the report.

    A package that is not in it, because each stage has an environment of its own, has the
    version of ``pins``, from which those are made.
    """
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            pinned = pins.get(name)
            found[name] = f"{pinned} (pinned; other stages use it)" if pinned else "not installed"
    return found


def machine() -> dict[str, str]:
    """The machine that built the report."""
    return {
        "platform": platform.platform(terse=True),
        "processor": platform.machine(),
        "CPUs": str(os.cpu_count()),
    }


def now() -> str:
    """The time, to the minute."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def job_time(folder: Path) -> str | None:
    """Number of jobs and the sum of their times, from the benchmark files in ``folder``."""
    files = sorted(folder.rglob("*.tsv"))
    seconds = sum(_seconds(path) for path in files)
    if not files:
        return None
    minutes, rest = divmod(round(seconds), 60)
    return f"{len(files)} jobs, {minutes} min {rest} s in all"


def _seconds(path: Path) -> float:
    with open(path, newline="", encoding="utf-8") as handle:
        return sum(float(row["s"]) for row in csv.DictReader(handle, delimiter="\t"))


def data_files(manifests: Iterable[Path]) -> list[list[str]]:
    """Rows of dataset, file, bytes, SHA-256 and origin of what was obtained.

    Of a dataset with many files the first ``LISTED`` stand there, and how many more there are.
    """
    rows = []
    for path in manifests:
        manifest = Manifest.load(path)
        for each in manifest.files[:LISTED]:
            size = f"{each.bytes:,}".replace(",", "\u202f")
            rows.append([manifest.dataset, each.name, size, each.sha256, each.origin])
        more = len(manifest.files) - LISTED
        if more > 0:
            rows.append([manifest.dataset, f"and {more} more", "", "", ""])
    return rows
