"""The claims ledger: each claim of the studies, judged by rule from the tables of a run.

A claim names the figure that tests it (a selector of rows of a table, or the difference of
two) and the values that bear it out.  It holds if the whole 95 % interval lies among those
values, fails if the whole interval lies outside, and is undecided if the interval straddles.
Outside a range, which is what counts as equal, it differs instead: being better is no failure.
A number that was published for a dataset is judged on that dataset alone.
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
Each claim of the five studies with the figure of this run that tests it, its 95 % interval, its
control, and the verdict by rule: it holds if the whole interval lies on the claim's side of the
bar, fails if all of it lies on the other, and is undecided if it straddles. Where the claim names a
number, or says that two things are equal, the bar is a range; outside it ours differs, higher or
lower, and being better is no failure. A number that was published for a dataset is judged on that
dataset alone; elsewhere ours is shown for comparison and not counted.

A 95 % interval errs once in forty on either side, so of the rows whose truth lies at the bar 2.5 %
hold by chance. No verdict is corrected for their number, and the rows are not independent: they
share nets, images and mutants.

Most figures are of one net, that of the first seed, and of one draw of mutants, and their intervals
are over images alone. Another training, another draw, even another processor can move them further:
two runs may differ by 2.5 half widths in detection, detectors and stability before they count as
different. The column nets says of how many a row is. Where it is the mean over several seeds, these
few make the interval wide, not the images or cells that n counts.
"""
"""How to read the ledger, in paragraphs of plain text."""
Verdict = Literal[
    "holds", "fails", "differs: higher", "differs: lower", "undecided", "elsewhere", "not run"
]
LARGEST = "largest"  # the value of the rows with the largest number in a column, such as ε
Wanted = str | int | float


class Selector(Section):
    """Rows of one table: for each dataset and model the figure that is meant."""

    table: str
    """Name of a file of the folder tables/ of the results, without its ending."""

    where: dict[str, Wanted]
    """The value that each column must have, or `largest` for its largest number; `metric` must be
    among the columns."""

    mean_over_seeds: bool = False
    """Take the mean over training seeds, with an interval over seeds and images."""

    @model_validator(mode="after")
    def _names_a_metric(self) -> "Selector":
        if "metric" not in self.where:
            raise ValueError("where must name the metric")
        return self


class Control(Section):
    """What a sceptic would ask for first, shown beside the value."""

    name: str
    """What it is."""

    select: Selector | None = None
    """Where it stands, unless it is the class prior."""

    class_prior: str | None = None
    """The split whose largest class gives the accuracy of a constant answer."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Control":
        if (self.select is None) == (self.class_prior is None):
            raise ValueError("give either select or class_prior")
        return self


class Claim(Section):
    """One claim of one study and what tests it."""

    id: str = Field(pattern=r"^00[0-4]-[a-z0-9-]+$")
    """Number of the study and a short name."""

    study: Literal["000", "001", "002", "003", "004"]
    """Number of the study."""

    statement: str
    """What is claimed, in our words."""

    source: str
    """Repository, README or paper that claims it."""

    published: str
    """The published value and what it was measured on, or `not found`."""

    measured_on: tuple[str, ...] = ()
    """Datasets that the tested number was published for; empty if the claim is of no number."""

    note: str
    """The study's fault that a reader must know, and what our test does instead."""

    measure: str | None = None
    """The tested figure in words."""

    select: Selector | None = None
    """The tested figure, or its first part."""

    minus: Selector | None = None
    """What is subtracted from it."""

    each: tuple[str, ...] = ()
    """Columns beside dataset and model that have a row of the ledger for each value."""

    above: float | None = None
    """The claim holds above this."""

    below: float | None = None
    """The claim holds below this."""

    within: tuple[float, float] | None = None
    """The claim holds between these, ends included: what counts as equal."""

    control: Control | None = None
    """Shown beside the value."""

    needs: str | None = None
    """What is missing before the claim can be tested."""

    @model_validator(mode="after")
    def _is_whole(self) -> "Claim":
        bars = [name for name in ("above", "below", "within") if getattr(self, name) is not None]
        if not self.id.startswith(self.study):
            raise ValueError(f"id {self.id} does not begin with its study, {self.study}")
        if self.needs is not None:
            if self.select or bars:
                raise ValueError("a claim that needs something cannot be tested: no select, no bar")
        elif not (self.select and self.measure):
            raise ValueError("give select and measure, or needs")
        elif len(bars) != 1:
            raise ValueError("give exactly one of above, below and within")
        if self.within and self.within[0] >= self.within[1]:
            raise ValueError("within: the first must be the smaller")
        return self

    def is_about(self, dataset: str) -> bool:
        """Whether the claim can be judged on a dataset, or its number is of another."""
        return not self.measured_on or dataset in self.measured_on

    @property
    def tested(self) -> Selector:
        """``select``; ``ValueError`` of a claim that cannot be tested."""
        if self.select is None:
            raise ValueError(f"claim {self.id} has no select")
        return self.select

    @property
    def tables(self) -> set[str]:
        """Tables that the claim is judged from."""
        parts = [self.select, self.minus, self.control and self.control.select]
        named = {part.table for part in parts if part}
        return named | ({"training"} if self.control and self.control.class_prior else set())


def load_claims(path: str | os.PathLike) -> list[Claim]:
    """Read and check a file of claims.

    Raises :class:`InputError`, naming the file, the claim and the key, for the first fault.
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
    """Raise :class:`InputError`, naming the nearest, if a claim is judged from a table that is not
    among the ``known`` ones."""
    for claim in claims:
        for table in sorted(claim.tables - set(known)):
            raise InputError(f"claim {claim.id}: no table {table!r}{nearest(table, known)}")


def tables_of(claims: list[Claim]) -> list[str]:
    """Tables that the claims are judged from, in the order of the alphabet."""
    return sorted(set().union(*(claim.tables for claim in claims)))


def verdict(claim: Claim, low: float, high: float) -> Verdict:
    """The rule: is the interval [low, high] inside, outside or astride what is claimed?

    A bar of ``above`` or ``below`` is not itself among the values that bear the claim out; the
    ends of ``within`` are.  An interval with an unknown end decides nothing.  The dataset is not
    asked for: see :meth:`Claim.is_about`.
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
