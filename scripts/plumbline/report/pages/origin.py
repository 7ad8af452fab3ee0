"""Provenance of a report: machine, versions, data, time."""

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

    Each stage has its own environment; packages that are missing in that of the report have the
    version in ``pins``, from which all environments are built.
    """
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            pinned = pins.get(name)
            found[name] = f"{pinned} (pinned; used by other stages)" if pinned else "not installed"
    return found


def machine() -> dict[str, str]:
    """Platform, processor and number of CPUs of the machine that builds the report."""
    return {
        "platform": platform.platform(terse=True),
        "processor": platform.machine(),
        "CPUs": str(os.cpu_count()),
    }


def now() -> str:
    """Current time in UTC, to the minute."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def job_time(folder: Path) -> str | None:
    """Number of jobs and their total time from the benchmark files in ``folder``, if any."""
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
    """Rows of dataset, file, bytes, SHA-256 and origin of the source files.

    Only the first ``LISTED`` files of a dataset are listed, with the number of the others.
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
