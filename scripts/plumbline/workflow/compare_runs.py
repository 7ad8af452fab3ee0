"""Compare the results of two runs of one configuration: table by table, row by row.

``python -m plumbline.workflow.compare_runs A B`` reads the tables of two results folders and ends
with status 1 if a number differs by more than ``config/tolerances.yaml`` allows.  On one machine,
with the same packages, two runs are equal byte by byte; ``--exact`` checks that.
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
    """How much two versions of a table may differ.

    A number may differ by ``absolute``, plus ``relative`` times the larger of the two, plus
    ``intervals`` times half the width of the wider 95 % interval of its row.  ``n`` may differ by
    ``counts`` times the larger, ``n_positive`` by ``intervals`` times half the width of the
    interval of a count.  If ``intervals`` is positive, estimates from too few images for an
    interval are not compared.

    The columns ``measured`` hold further numbers to compare.  Differences in the columns
    ``reported`` are allowed and printed, columns ``ignored`` are not compared, and all others are
    the key of a row.  Rows of the metrics ``skipped`` are not compared.  With ``rows: shared``,
    neither are rows that only one of the tables has.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    absolute: Share = 0.0
    relative: Share = 0.0
    intervals: Share = 0.0
    counts: Share = 0.0
    measured: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    rows: Literal["same", "shared"] = "same"

    def exact(self) -> Self:
        """The tolerance that allows no difference in any row or column."""
        return type(self)(skipped=self.skipped)

    def excess(self, column: str, one: Row, other: Row) -> float:
        """The difference of a number between two rows, divided by the allowed difference."""
        numbers = [_number(row[column]) for row in (one, other)]
        difference, larger = abs(numbers[0] - numbers[1]), max(map(abs, numbers))
        allowed = self.counts * larger
        if column == POSITIVE:
            allowed = self.intervals * Z * math.sqrt(larger)
        elif column != "n":
            half = max(_half(row) for row in (one, other))
            allowed = self.absolute + self.relative * larger + self.intervals * half
        if allowed:
            return difference / allowed
        return math.inf if difference > 0 else 0.0


@dataclass(frozen=True)
class Difference:
    """A value that differs between two tables; ``excess`` is in units of the allowed difference.

    ``column`` is empty for a row that only the table ``one`` has.
    """

    key: Key
    column: str
    one: str
    other: str
    excess: float

    def __str__(self) -> str:
        row = ", ".join(filter(None, self.key))
        if not self.column:
            return f"{row}: only in {self.one}"
        return f"{row}: {self.column} {self.one or 'empty'} and {self.other or 'empty'}"


def load_tolerances(path: Path) -> tuple[Tolerance, dict[str, Tolerance]]:
    """The default tolerance and those of single tables; raises :class:`InputError`."""
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
        raise InputError(f"{path}: not a file with default and tables ({error})") from None


def differences(one: Path, other: Path, tolerance: Tolerance) -> Iterator[Difference]:
    """All differences between two tables, also the allowed ones (``excess`` up to 1)."""
    first, second = (_rows(path, tolerance) for path in (one, other))
    if tolerance.rows == "same":
        for path, key in [(one, key) for key in first if key not in second] + [
            (other, key) for key in second if key not in first
        ]:
            yield Difference(key, "", str(path), "", math.inf)
    for key in first:
        if key in second:
            yield from _row_differences(key, first[key], second[key], tolerance)


def _row_differences(key: Key, one: Row, other: Row, tolerance: Tolerance) -> Iterator[Difference]:
    """All differences between two rows with the same key."""
    only_counts = tolerance.intervals > 0 and (_too_few(one) or _too_few(other))
    for column in COUNTS if only_counts else (*NUMBERS, *tolerance.measured):
        ours, theirs = one.get(column, ""), other.get(column, "")
        if ours != theirs and (column in COUNTS or "0" not in (one.get("n"), other.get("n"))):
            excess = tolerance.excess(column, one, other) if ours and theirs else math.inf
            yield Difference(key, column, ours, theirs, excess)
    for column in tolerance.reported:
        if one[column] != other[column]:
            yield Difference(key, column, one[column], other[column], 0.0)


def _too_few(row: Row) -> bool:
    """Whether a row has too few positives, negatives or images for an interval."""
    found, n = _number(row.get(POSITIVE, "")), _number(row.get("n", ""))
    return min(found, n - found) < FEWEST or (not row.get("low") and n < FEWEST)


def _rows(path: Path, tolerance: Tolerance) -> dict[Key, Row]:
    """Rows of a table by their key; rows with equal keys are numbered in their order."""
    values = {*NUMBERS, *tolerance.measured, *tolerance.reported, *tolerance.ignored}
    found: dict[Key, Row] = {}
    seen: Counter[Key] = Counter()
    with open(path, newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if row.get("metric") in tolerance.skipped:
                continue
            key = tuple(value for column, value in row.items() if column not in values)
            seen[key] += 1
            found[(*key, f"row {seen[key]}") if seen[key] > 1 else key] = row
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _half(row: Row) -> float:
    """Half the width of the interval of a row; 0 without an interval."""
    width = _number(row.get("high", "")) - _number(row.get("low", ""))
    return width / 2 if math.isfinite(width) else 0.0


def compare(
    one: Path, other: Path, default: Tolerance, tables: Mapping[str, Tolerance], exact: bool = False
) -> dict[str, list[Difference]]:
    """Differences of every table of two results folders, the largest first.

    A table that only one folder has is a difference.  Raises :class:`InputError` if a folder has
    no tables.
    """
    names = [_tables(folder) for folder in (one, other)]
    found: dict[str, list[Difference]] = {}
    for name in sorted(names[0] | names[1]):
        tolerance = tables.get(name, default)
        paths = [folder / f"tables/{name}.csv" for folder in (one, other)]
        present = [path for path in paths if path.is_file()]
        if len(present) == 1:
            found[name] = [Difference((name,), "", str(present[0]), "", math.inf)]
            continue
        unsorted = differences(paths[0], paths[1], tolerance.exact() if exact else tolerance)
        found[name] = sorted(unsorted, key=lambda difference: -difference.excess)
    return found


def _tables(folder: Path) -> set[str]:
    names = {path.stem for path in (folder / "tables").glob("*.csv")}
    if not names:
        raise InputError(f"{folder}: not a results folder, it has no tables/*.csv")
    return names


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("one", type=Path, help="a results folder")
    parser.add_argument("other", type=Path, help="the results folder of another run")
    parser.add_argument(
        "--tolerances", type=Path, default=TOLERANCES, help="YAML of the allowed differences"
    )
    parser.add_argument("--exact", action="store_true", help="allow no difference at all")


def main(args: argparse.Namespace) -> None:
    default, tables = load_tolerances(args.tolerances)
    found = compare(args.one, args.other, default, tables, args.exact)
    for name, table_differences in found.items():
        print(f"{name}: {summary(table_differences)}")
        reported = tables.get(name, default).reported
        for difference in table_differences:
            if difference.column in reported:
                print(f"  {difference}")
    if any(difference.excess > 1 for table in found.values() for difference in table):
        sys.exit(1)


def summary(found: list[Difference]) -> str:
    """One line about the differences ``found`` in a table, sorted with the largest first."""
    if not found:
        return "equal"
    worst, beyond = found[0], sum(difference.excess > 1 for difference in found)
    if not beyond:
        return f"within tolerance, at most {worst.excess:.2g} of it at {worst}"
    how = f"{worst.excess:.2g} times the tolerance at " if math.isfinite(worst.excess) else ""
    return f"{beyond} beyond tolerance, worst {how}{worst}"


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, logged=False)
