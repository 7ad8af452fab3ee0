"""Judging claims: from selectors and tables to the rows of the ledger."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from plumbline.data.image_sets import ImageSetKey
from plumbline.errors import InputError, nearest
from plumbline.metrics.intervals import FEWEST
from plumbline.report.claims.repeats import repeats
from plumbline.report.claims.schema import LARGEST, Claim, Selector, Wanted, verdict
from plumbline.report.summary import Estimate, difference, over_seeds
from plumbline.report.wording import describe, words
from plumbline.storage.tables import POSITIVE, Row

Fields = Mapping[str, str]
Tables = Mapping[str, Sequence[Fields]]
Place = tuple[str, ...]
QUADRATURE = "interval of the difference in quadrature, as if independent"
CELLS = "cells are not independent"


class Found(NamedTuple):
    """An estimate with its count, the number of positives (of detection) and the number of training
    seeds that it averages."""

    figure: Estimate
    n: int
    positive: int | None
    seeds: int


def judge(claims: Sequence[Claim], tables: Tables) -> list[Row]:
    """Rows of the ledger: one for each claim, dataset, model and value of its ``each``.

    ``tables`` maps names to rows of text; tables of stages that did not run are missing.  Raises
    :class:`InputError` if a claim names a column that its table lacks, or selects several rows.
    """
    datasets = list(dict.fromkeys(row["dataset"] for rows in tables.values() for row in rows))
    return [row for claim in claims for row in _rows(claim, tables, datasets)]


def _rows(claim: Claim, tables: Tables, datasets: Sequence[str]) -> Iterator[Row]:
    if claim.needs:
        reason = f"needs {claim.needs}"
        yield from (_row(claim, dataset, "", reason=reason) for dataset in datasets)
        return
    missing = [t for t in sorted(_tested_tables(claim)) if t not in tables]
    if missing:
        reason = f"the stage {missing[0]} is not in this run"
        yield from (_row(claim, dataset, "", reason=reason) for dataset in datasets)
        return
    columns = ("dataset", "model", *claim.each)
    first = _select(claim, claim.tested, tables, columns)
    second = _select(claim, claim.minus, tables, _free(claim.minus, columns)) if claim.minus else {}
    for dataset in datasets:
        places = [place for place in first if place[0] == dataset]
        for place in places:
            yield _judged(claim, place, first[place], second, tables, columns)
        for model in _models(claim.tested, tables, dataset):
            if model not in {place[1] for place in places}:
                yield _row(claim, dataset, model, reason=_no_rows(claim.tested))


def _models(selector: Selector, tables: Tables, dataset: str) -> list[str]:
    """Models in the table for a dataset, or the one that the selector names."""
    if "model" in selector.where:
        return [str(selector.where["model"])]
    rows = tables[selector.table]
    return list(dict.fromkeys(row["model"] for row in rows if row["dataset"] == dataset)) or [""]


def _tested_tables(claim: Claim) -> set[str]:
    return {part.table for part in (claim.select, claim.minus) if part}


def _judged(
    claim: Claim,
    place: Place,
    first: Found,
    second: Mapping[Place, Found],
    tables: Tables,
    columns: Sequence[str],
) -> Row:
    figure, n, positive, seeds = first
    how = [CELLS] if str(claim.tested.where["metric"]).endswith("hole_share") else []
    if claim.minus:
        other = _at(second, place, claim.minus, columns)
        if other is None:
            described = _described(claim, place[2:], tables)
            return _row(claim, *place[:2], *described, reason=_no_rows(claim.minus))
        figure, n = difference(figure, other.figure), min(n, other.n)
        how.append(QUADRATURE)
    found = verdict(claim, *figure[1:]) if claim.is_about(place[0]) else "elsewhere"
    return _row(
        claim,
        *place[:2],
        *_described(claim, place[2:], tables),
        figure=figure,
        n=n,
        positive=positive,
        nets=repeats(claim.tested, place[2:], n, seeds),
        control=_control(claim, place, tables, columns),
        found=found,
        reason="; ".join([_reason(claim, figure, found, n, positive), *how]),
    )


def _described(claim: Claim, values: Sequence[str], tables: Tables) -> list[str]:
    """Labels of the values of ``each``."""
    rows = tables[claim.tested.table] if "set" in claim.each else ()
    keys = {row["set"]: row for row in rows if row.get("set_kind")}
    return [
        describe(ImageSetKey.of(keys[value])) if name == "set" else words(value)
        for name, value in zip(claim.each, values, strict=True)
    ]


def _row(
    claim: Claim,
    dataset: str,
    model: str,
    *rest: str,
    figure: Estimate = (math.nan,) * 3,
    n: int | str = "",
    positive: int | None = None,
    nets: str = "",
    control: float = math.nan,
    found: str = "not run",
    reason: str,
) -> Row:
    measure = claim.measure or ""
    if rest:
        measure += f" ({', '.join(rest)})"
    return {
        "claim": claim.id,
        "study": claim.study,
        "dataset": dataset,
        "model": model,
        "statement": claim.statement,
        "published": claim.published,
        "metric": measure,
        "value": figure[0],
        "low": figure[1],
        "high": figure[2],
        "n": n,
        POSITIVE: "" if positive is None else positive,
        "nets": nets,
        "control": claim.control.name if claim.control else "",
        "control_value": control,
        "verdict": found,
        "reason": reason,
    }


def _reason(claim: Claim, figure: Estimate, found: str, n: int, positive: int | None) -> str:
    if found == "elsewhere":
        return f"a number of {' and '.join(claim.measured_on)}, ours is for comparison"
    if any(math.isnan(each) for each in figure):
        return _unknown(claim, figure[0], n, positive)
    if claim.within:
        bar = f"{claim.within[0]:g} to {claim.within[1]:g}"
        return {
            "holds": f"the interval lies within {bar}",
            "differs: higher": f"the interval lies above {bar}",
            "differs: lower": f"the interval lies below {bar}",
            "undecided": f"the interval reaches over an end of {bar}",
        }[found]
    side = "above" if claim.above is not None else "below"
    limit = claim.above if claim.above is not None else claim.below
    return {
        "holds": f"the interval lies {side} {limit:g}",
        "fails": f"nothing of the interval lies {side} {limit:g}",
        "undecided": f"the interval straddles {limit:g}",
    }[found]


def _unknown(claim: Claim, value: float, n: int, positive: int | None) -> str:
    """The reason why there is no interval or no value."""
    if claim.tested.table == "refusal" and value == 0:
        return "nothing was refused"
    counts = {"image": n}
    if positive is not None:
        wrong = {"test", "misclassified"} & {str(each) for each in claim.tested.where.values()}
        names = ("error", "right answer") if wrong else ("positive", "negative")
        counts = dict(zip(names, (positive, n - positive), strict=True))
    name, count = min(counts.items(), key=lambda item: item[1])
    if count >= FEWEST:
        return "there is no value or no interval, for want of images"
    return f"{count} {name}{' is' if count == 1 else 's are'} too few"


def _no_rows(selector: Selector) -> str:
    wanted = [f"{name}={value}" for name, value in selector.where.items()]
    return f"the stage {selector.table} has no rows with {', '.join(wanted)}"


def _select(
    claim: Claim, selector: Selector, tables: Tables, columns: Sequence[str]
) -> dict[Place, Found]:
    """The estimate for each combination of values of ``columns`` among the matching rows."""
    rows = list(tables[selector.table])
    known = list(rows[0]) if rows else []
    for name in (*selector.where, *columns):
        if rows and name not in known:
            hint = nearest(name, known)
            raise InputError(f"claim {claim.id}: {selector.table} has no column {name!r}{hint}")
    for name, value in sorted(selector.where.items(), key=lambda item: _late(item[1])):
        rows = _matching(rows, name, value)
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in columns)].append(row)
    return {place: _figure(claim, selector, group) for place, group in groups.items()}


def _late(value: Wanted) -> bool:
    """`largest` is applied last, among the rows that all other conditions select."""
    return value == LARGEST


def _matching(rows: Sequence[Fields], name: str, value: Wanted) -> list[Fields]:
    if value != LARGEST:
        return [row for row in rows if _same(row[name], value)]
    most = max((_number(row[name]) for row in rows if row[name]), default=math.nan)
    return [row for row in rows if _number(row[name]) == most]


def _same(text: str, value: str | int | float) -> bool:
    if isinstance(value, str):
        return text == value
    try:
        return float(text) == value
    except ValueError:
        return False


def _figure(claim: Claim, selector: Selector, rows: Sequence[Fields]) -> Found:
    apart = {"value", "low", "high", "n", POSITIVE} | (
        {"seed"} if selector.mean_over_seeds else set()
    )
    differ = [
        name for name in rows[0] if name not in apart and len({row[name] for row in rows}) > 1
    ]
    if differ or (len(rows) > 1 and not selector.mean_over_seeds):
        raise InputError(
            f"claim {claim.id}: {len(rows)} rows of {selector.table} match; "
            f"select one by {' and '.join(differ) or 'seed'}"
        )
    estimates = [(_number(row["value"]), _number(row["low"]), _number(row["high"])) for row in rows]
    n = min(int(float(row["n"])) for row in rows)
    positives = [int(float(row[POSITIVE])) for row in rows if row.get(POSITIVE)]
    figure = over_seeds(str(selector.where["metric"]), estimates)
    return Found(figure, n, min(positives, default=None), len(rows))


def _number(text: str) -> float:
    return float(text) if text else math.nan


def _free(selector: Selector, columns: Sequence[str]) -> list[str]:
    """Columns that distinguish the selected estimates: all but those that the selector fixes."""
    fixed = set(selector.where)
    if fixed & {"source", "attack", "shift"}:  # these determine the set
        fixed.add("set")
    return [name for name in columns if name not in fixed]


def _at(
    found: Mapping[Place, Found], place: Place, selector: Selector, columns: Sequence[str]
) -> Found | None:
    by_name = dict(zip(columns, place, strict=True))
    return found.get(tuple(by_name[name] for name in _free(selector, columns)))


def _control(claim: Claim, place: Place, tables: Tables, columns: Sequence[str]) -> float:
    control = claim.control
    if control is None:
        return math.nan
    if control.class_prior:
        return _class_prior(tables.get("training", ()), place, control.class_prior)
    selector = control.select
    if selector is None or selector.table not in tables:
        return math.nan
    found = _select(claim, selector, tables, _free(selector, columns))
    here = _at(found, place, selector, columns)
    return here.figure[0] if here else math.nan


def _class_prior(rows: Sequence[Fields], place: Place, split: str) -> float:
    """Accuracy of always predicting the most frequent class."""
    counts = {
        row["class"]: int(float(row["n"]))
        for row in rows
        if (row["dataset"], row["model"]) == place[:2]
        and row.get("split") == split
        and row["metric"] == "accuracy"
    }
    total = counts.pop("all", 0)
    return max(counts.values()) / total if counts and total else math.nan
