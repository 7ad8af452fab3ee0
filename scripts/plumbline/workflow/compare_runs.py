"""Whether two runs of one configuration came to the same result: table by table, row by row.

``python -m plumbline.workflow.compare_runs A B`` reads the tables of two results folders and ends
with status 1 if a figure of one lies farther from that of the other than
``config/tolerances.yaml`` allows.
On one machine, with the same packages, two runs are equal byte by byte: ``--exact``.
"""

import argparse
import csv
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from plumbline.errors import InputError
from plumbline.metrics.intervals import FEWEST, Z
from plumbline.runtime import cli
from plumbline.storage.tables import POSITIVE

TOLERANCES = Path(__file__).resolve().parents[3] / "config/tolerances.yaml"
COUNTS = ("n", POSITIVE)
NUMBERS = ("value", "low", "high", *COUNTS)
Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Row = dict[str, str]
Key = tuple[str, ...]


class Tolerance(BaseModel):
    """How far a table may differ.

    A number may differ by ``absolute``, plus ``relative`` times the larger of the two, plus
    ``intervals`` times half the width of the wider 95 % interval of its row; ``n`` by ``counts``
    times the larger, ``n_positive`` by ``intervals`` times half the width of a count's.  Where
    ``intervals`` are allowed for, figures of too few images for one may differ, and have one or
    none.  Columns of ``measured`` are numbers that the run found out; a change in those of
    ``told`` is allowed, and told; all others, but ``ignored``, say what a row is of.  Rows of the
    metrics ``without`` are left out.  With ``rows: shared`` only the rows of both tables are
    compared.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    absolute: Share = 0.0
    relative: Share = 0.0
    intervals: Share = 0.0
    counts: Share = 0.0
    measured: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    rows: Literal["same", "shared"] = "same"

    def exact(self) -> Self:
        """The same rows, and no difference in any column."""
        return type(self)(without=self.without)

    def excess(self, column: str, one: Row, other: Row) -> float:
        """How far a number differs between two rows of the same key, 1 being just allowed."""
        numbers = [_number(row[column]) for row in (one, other)]
        apart, larger = abs(numbers[0] - numbers[1]), max(map(abs, numbers))
        allowed = self.counts * larger
        if column == POSITIVE:
            allowed = self.intervals * Z * math.sqrt(larger)
        elif column != "n":
            half = max(_half(row) for row in (one, other))
            allowed = self.absolute + self.relative * larger + self.intervals * half
        if apart <= allowed:
            return apart / allowed if allowed else 0.0
        return apart / allowed if allowed else math.inf


@dataclass(frozen=True)
class Difference:
    """How one number or word of a table differs: ``excess`` is in units of what is allowed."""

    key: Key
    column: str
    one: str
    other: str
    excess: float

    def __str__(self) -> str:
        place = ", ".join(filter(None, self.key))
        if not self.column:
            return f"{place}: only in {self.one}"
        return f"{place}: {self.column} {self.one or 'empty'} and {self.other or 'empty'}"


def load_tolerances(path: Path) -> tuple[Tolerance, dict[str, Tolerance]]:
    """The default and, by table, what differs from it; raises :class:`InputError`."""
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        default = found["default"]
        tables = {name: Tolerance(**{**default, **own}) for name, own in found["tables"].items()}
        return Tolerance(**default), tables
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: {where}: {first['msg']}, not {first['input']!r}") from None
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: no tolerances, default and tables ({error})") from None


def differences(one: Path, other: Path, tolerance: Tolerance) -> Iterator[Difference]:
    """What differs between two tables, also where it is allowed (``excess`` up to 1)."""
    first, second = (_rows(path, tolerance) for path in (one, other))
    if tolerance.rows == "same":
        for path, key in [(one, key) for key in first if key not in second] + [
            (other, key) for key in second if key not in first
        ]:
            yield Difference(key, "", str(path), "", math.inf)
    for key in first:
        if key in second:
            yield from _pair(key, first[key], second[key], tolerance)


def _pair(key: Key, one: Row, other: Row, tolerance: Tolerance) -> Iterator[Difference]:
    """What differs between two rows of the same key."""
    lenient = tolerance.intervals > 0 and (_few(one) or _few(other))
    for column in COUNTS if lenient else (*NUMBERS, *tolerance.measured):
        ours, theirs = one.get(column, ""), other.get(column, "")
        if ours != theirs and (column in COUNTS or "0" not in (one.get("n"), other.get("n"))):
            excess = tolerance.excess(column, one, other) if ours and theirs else math.inf
            yield Difference(key, column, ours, theirs, excess)
    for column in tolerance.told:
        if one[column] != other[column]:
            yield Difference(key, column, one[column], other[column], 0.0)


def _few(row: Row) -> bool:
    """Whether there is too little for an interval: positives, negatives, or images at all."""
    found, n = _number(row.get(POSITIVE, "")), _number(row.get("n", ""))
    return min(found, n - found) < FEWEST or (not row.get("low") and n < FEWEST)


def _rows(path: Path, tolerance: Tolerance) -> dict[Key, Row]:
    """Rows of a table by what they are of; equal keys are told apart by their order."""
    apart = {*NUMBERS, *tolerance.measured, *tolerance.told, *tolerance.ignored}
    found: dict[Key, Row] = {}
    seen: Counter[Key] = Counter()
    with open(path, newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if row.get("metric") in tolerance.without:
                continue
            key = tuple(value for column, value in row.items() if column not in apart)
            seen[key] += 1
            found[(*key, f"row {seen[key]}") if seen[key] > 1 else key] = row
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _half(row: Row) -> float:
    """Half the width of a row's interval; 0 where there is none."""
    width = _number(row.get("high", "")) - _number(row.get("low", ""))
    return width / 2 if math.isfinite(width) else 0.0


def compare(
    one: Path, other: Path, default: Tolerance, tables: Mapping[str, Tolerance], exact: bool = False
) -> dict[str, list[Difference]]:
    """Differences of every table of two results folders, the largest first.

    Raises :class:`InputError` if a folder has no tables; a table that only one has is a
    difference.
    """
    names = [_tables(folder) for folder in (one, other)]
    found: dict[str, list[Difference]] = {}
    for name in sorted(names[0] | names[1]):
        tolerance = tables.get(name, default)
        paths = [folder / f"tables/{name}.csv" for folder in (one, other)]
        lacking = [path for path in paths if not path.is_file()]
        if lacking:
            there = next(path for path in paths if path not in lacking)
            found[name] = [Difference((name,), "", str(there), "", math.inf)]
            continue
        allowed = tolerance.exact() if exact else tolerance
        each = differences(paths[0], paths[1], allowed)
        found[name] = sorted(each, key=lambda difference: -difference.excess)
    return found


def _tables(folder: Path) -> set[str]:
    names = {path.stem for path in (folder / "tables").glob("*.csv")}
    if not names:
        raise InputError(f"{folder}: no results folder, it has no tables/*.csv")
    return names


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("one", type=Path, help="a results folder")
    parser.add_argument("other", type=Path, help="that of another run of the same configuration")
    parser.add_argument("--tolerances", type=Path, default=TOLERANCES, help="YAML")
    parser.add_argument("--exact", action="store_true", help="allow no difference")


def main(args: argparse.Namespace) -> None:
    default, tables = load_tolerances(args.tolerances)
    found = compare(args.one, args.other, default, tables, args.exact)
    beyond = [each.excess > 1 for differences in found.values() for each in differences]
    for name, each in found.items():
        print(f"{name}: {summary(each)}")
        told = tables.get(name, default).told
        for difference in each:
            if difference.column in told:
                print(f"  {difference}")
    if any(beyond):
        sys.exit(1)


def summary(found: list[Difference]) -> str:
    """How much a table differs, in a line: the worst first among ``found``."""
    if not found:
        return "equal"
    worst, beyond = found[0], sum(each.excess > 1 for each in found)
    if not beyond:
        return f"within tolerance, at most {worst.excess:.2g} of it at {worst}"
    how = f"{worst.excess:.2g} times the tolerance at " if math.isfinite(worst.excess) else ""
    return f"{beyond} beyond tolerance, worst {how}{worst}"


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, logged=False)
