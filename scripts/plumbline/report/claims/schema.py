"""The claims ledger: each claim of the studies, judged by rule from the tables of a run.

A claim names the estimate that tests it (a selector of rows of a table, or the difference of
two) and the values that agree with the claim.  It holds if the whole 95 % interval lies among
those values, fails if the whole interval lies outside, and is undecided otherwise.  Outside a
range, which defines what counts as equal, the verdict is instead that ours differs, since better
values are no failure.  A number that was published for a dataset is judged on that dataset only.
"""

import math
import os
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from plumbline.config.base import Section
from plumbline.errors import InputError, nearest

HOW_TO_READ = """\
Each claim of the five studies with the estimate of this run that tests it, its 95 % interval, its
control, and a verdict by a fixed rule: the claim holds if the whole interval lies on the side of
the limit that the claim states, fails if it lies on the other side, and is undecided if it contains
the limit. Where the claim states a number, or that two quantities are equal, the limit is a range;
outside the range ours differs, higher or lower, and better values are no failure. A number that was
published for a dataset is judged on that dataset only; on others ours is shown for comparison and
not counted.

Each side of a 95 % interval has an error rate of 2.5 %, so 2.5 % of the rows whose true value lies
at the limit hold by chance. Verdicts are not corrected for multiple comparisons, and the rows are
not independent: they share nets, images and mutants.

Most estimates are from one net, that of the first seed, and from one sample of mutants, and their
intervals are over images only. Another training run, another sample or even another processor can
change them more: two runs may differ by 2.5 half widths in detection, detectors and stability
before they count as different. The column nets gives the number of nets of a row. For means over
several seeds, the width of the interval is due to the small number of seeds, not to the images or
cells counted by n.
"""
"""Explanation of the ledger, in paragraphs of plain text."""
Verdict = Literal[
    "holds", "fails", "differs: higher", "differs: lower", "undecided", "elsewhere", "not run"
]
LARGEST = "largest"  # the value of the rows with the largest number in a column, such as ε
Wanted = str | int | float


class Selector(Section):
    """Selects rows of one table: one estimate for each dataset and model."""

    table: str
    """Name of a file in the folder tables/ of the results, without extension."""

    where: dict[str, Wanted]
    """The required value of each column, or `largest` for its largest number; `metric` must be
    among the columns."""

    mean_over_seeds: bool = False
    """Average over training seeds, with an interval over seeds and images."""

    @model_validator(mode="after")
    def _names_a_metric(self) -> "Selector":
        if "metric" not in self.where:
            raise ValueError("where must name the metric")
        return self


class Control(Section):
    """A control, shown beside the estimate."""

    name: str
    """Description of the control."""

    select: Selector | None = None
    """Rows of its estimate, unless it is the class prior."""

    class_prior: str | None = None
    """The split whose largest class defines the accuracy of a constant prediction."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Control":
        if (self.select is None) == (self.class_prior is None):
            raise ValueError("give either select or class_prior")
        return self


class Claim(Section):
    """One claim of one study and the estimate that tests it."""

    id: str = Field(pattern=r"^00[0-4]-[a-z0-9-]+$")
    """Number of the study and a short name."""

    study: Literal["000", "001", "002", "003", "004"]
    """Number of the study."""

    statement: str
    """The claim, in our words."""

    source: str
    """Repository, README or paper that makes the claim."""

    published: str
    """The published value and the data it was measured on, or `not found`."""

    measured_on: tuple[str, ...] = ()
    """Datasets that the tested number was published for; empty if the claim states no number."""

    note: str
    """Faults of the study that matter for the claim, and how our test differs."""

    measure: str | None = None
    """Description of the tested estimate."""

    select: Selector | None = None
    """The tested estimate, or the minuend of a difference."""

    minus: Selector | None = None
    """The subtrahend, if the tested estimate is a difference."""

    each: tuple[str, ...] = ()
    """Columns besides dataset and model; the ledger has one row for each of their values."""

    above: float | None = None
    """The claim holds above this."""

    below: float | None = None
    """The claim holds below this."""

    within: tuple[float, float] | None = None
    """The claim holds in this closed range, which defines what counts as equal."""

    control: Control | None = None
    """The control, shown beside the estimate."""

    needs: str | None = None
    """What is missing for a test of the claim."""

    @model_validator(mode="after")
    def _is_whole(self) -> "Claim":
        bars = [name for name in ("above", "below", "within") if getattr(self, name) is not None]
        if not self.id.startswith(self.study):
            raise ValueError(f"id {self.id} does not begin with its study, {self.study}")
        if self.needs is not None:
            if self.select or bars:
                raise ValueError(
                    "a claim with needs cannot be tested: omit select, above, below and within"
                )
        elif not (self.select and self.measure):
            raise ValueError("give select and measure, or needs")
        elif len(bars) != 1:
            raise ValueError("give exactly one of above, below and within")
        if self.within and self.within[0] >= self.within[1]:
            raise ValueError("within: the first value must be smaller than the second")
        return self

    def is_about(self, dataset: str) -> bool:
        """Whether the claim can be judged on a dataset; its number may be of another one."""
        return not self.measured_on or dataset in self.measured_on

    @property
    def tested(self) -> Selector:
        """``select``; raises ``ValueError`` for a claim that cannot be tested."""
        if self.select is None:
            raise ValueError(f"claim {self.id} has no select")
        return self.select

    @property
    def tables(self) -> set[str]:
        """Names of the tables that the claim is judged from."""
        parts = [self.select, self.minus, self.control and self.control.select]
        named = {part.table for part in parts if part}
        return named | ({"training"} if self.control and self.control.class_prior else set())


def load_claims(path: str | os.PathLike) -> list[Claim]:
    """Read and check a file of claims.

    Raises :class:`InputError` for the first error, with file, claim and key.
    """
    try:
        with open(path, encoding="utf-8") as handle:
            raw = yaml.safe_load(handle)
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(raw, list):
        raise InputError(f"{path}: must be a list of claims")
    try:
        claims = TypeAdapter(list[Annotated[Claim, Field()]]).validate_python(raw)
    except ValidationError as error:
        raise InputError(f"{path}: {_explain(error, raw)}") from None
    seen: set[str] = set()
    for claim in claims:
        if claim.id in seen:
            raise InputError(f"{path}: two claims have the id {claim.id}")
        seen.add(claim.id)
    return claims


def _explain(error: ValidationError, raw: list) -> str:
    fault = error.errors()[0]
    first, *place = fault["loc"]
    number = int(first)
    given = raw[number]
    name = given.get("id", f"number {number + 1}") if isinstance(given, Mapping) else number + 1
    key = ".".join(str(each) for each in place)
    message = fault["msg"].removeprefix("Value error, ")
    return f"claim {name}: {f'{key}: ' if key else ''}{message}"


def check_tables(claims: Iterable[Claim], known: Collection[str]) -> None:
    """Raise :class:`InputError`, with the most similar name, if a claim is judged from a table that
    is not in ``known``."""
    for claim in claims:
        for table in sorted(claim.tables - set(known)):
            raise InputError(f"claim {claim.id}: no table {table!r}{nearest(table, known)}")


def tables_of(claims: list[Claim]) -> list[str]:
    """Names of the tables that the claims are judged from, sorted."""
    return sorted(set().union(*(claim.tables for claim in claims)))


def verdict(claim: Claim, low: float, high: float) -> Verdict:
    """Verdict on a claim by the position of the interval [low, high].

    The claim holds for intervals inside the claimed values and fails (or differs, for ``within``)
    for intervals outside; otherwise it is undecided.  The limits ``above`` and ``below`` are
    excluded from the claimed values; the ends of ``within`` are included.  Intervals with an
    unknown end (NaN) are undecided.  The dataset is not considered: see :meth:`Claim.is_about`.
    """
    if math.isnan(low) or math.isnan(high):
        return "undecided"
    if claim.within:
        return _within(*claim.within, low, high)
    if claim.above is not None:
        inside, outside = low > claim.above, high <= claim.above
    elif claim.below is not None:
        inside, outside = high < claim.below, low >= claim.below
    else:
        return "undecided"
    return "holds" if inside else "fails" if outside else "undecided"


def _within(least: float, most: float, low: float, high: float) -> Verdict:
    if low > most or high < least:
        return "differs: higher" if low > most else "differs: lower"
    return "holds" if least <= low and high <= most else "undecided"
