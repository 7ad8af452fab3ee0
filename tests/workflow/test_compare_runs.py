"""Two runs are compared table by table, within tolerances that are written down."""

import subprocess
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support import ROOT, SCRIPTS

from plumbline.config.schema import load
from plumbline.errors import InputError
from plumbline.workflow.compare_runs import (
    TOLERANCES,
    Tolerance,
    compare,
    differences,
    load_tolerances,
)
from plumbline.workflow.plan import Plan

HEADER = "dataset,method,threshold,verdict,metric,value,low,high,n\n"
ROW = "digits,lrp,{threshold},{verdict},{metric},{value},{low},{high},{n}\n"
BASE = {
    "threshold": 0.5,
    "verdict": "holds",
    "metric": "accuracy",
    "value": 0.8,
    "low": 0.7,
    "high": 0.9,
    "n": 100,
}
COLUMNS = {"measured": ("threshold",), "reported": ("verdict",)}


def folder(path, *rows, name="training"):
    """A results folder with one table."""
    (path / "tables").mkdir(parents=True, exist_ok=True)
    text = HEADER + "".join(ROW.format(**{**BASE, **row}) for row in rows)
    (path / f"tables/{name}.csv").write_text(text)
    return path


@pytest.fixture
def excess(tmp_path):
    """How far two tables of one row are apart, the worst difference in units of what is allowed."""

    def measure(one, other, **tolerance):
        ours, theirs = folder(tmp_path / "a", one), folder(tmp_path / "b", other)
        found = compare(ours, theirs, Tolerance(**COLUMNS, **tolerance), {})["training"]
        return max((each.excess for each in found), default=None)

    return measure


def test_equal_tables_do_not_differ(excess):
    assert excess({}, {}) is None


@pytest.mark.parametrize(
    ("tolerance", "other", "expected"),
    [
        ({"absolute": 0.1}, 0.82, 0.2),
        ({"relative": 0.1}, 1.0, 2.0),  # 0.2 apart, 0.1 of 1.0 allowed
        ({"intervals": 2.0}, 0.9, 0.5),  # half the interval is 0.1
        ({"absolute": 0.1, "relative": 0.1, "intervals": 1.0}, 1.0, 2 / 3),
        ({}, 0.8000001, float("inf")),
    ],
)
def test_what_is_allowed_is_the_sum_of_three_parts(excess, tolerance, other, expected):
    assert excess({}, {"value": other}, **tolerance) == pytest.approx(expected, rel=1e-6)


def test_of_too_few_positives_only_counts_are_compared(tmp_path):
    header = "metric,value,low,high,n,n_positive\n"
    lines = ["auroc,0.9,0.8,1.0,100,10\n", "auroc,0.5,,,100,9\n", "auroc,0.5,,,100,1\n"]
    paths = []
    for place, line in enumerate(lines):
        paths.append(tmp_path / f"{place}.csv")
        paths[-1].write_text(header + line)
    near, far = (
        [
            (each.column, each.excess)
            for each in differences(paths[0], other, Tolerance(intervals=1))
        ]
        for other in paths[1:]
    )
    ((column, excess),) = near
    assert (column, excess) == ("n_positive", pytest.approx(1 / (1.96 * 10**0.5), rel=1e-3))
    assert far[0][1] > 1
    exact = {each.column for each in differences(*paths[:2], Tolerance())}
    assert exact == {"value", "low", "high", "n_positive"}


def test_the_wider_interval_counts(excess):
    assert excess({}, {"value": 0.9, "low": 0.4, "high": 0.9}, intervals=1.2) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "tolerance", "within"),
    [
        ({"n": 90}, {"counts": 0.1}, True),
        ({"n": 89}, {"counts": 0.1}, False),
        ({"threshold": 0.6}, {"absolute": 0.1}, True),
        ({"threshold": 0.7}, {"absolute": 0.1}, False),
        ({"verdict": "fails"}, {}, True),
        ({"metric": "ece"}, {"absolute": 9}, False),
        ({"value": ""}, {"absolute": 9}, False),
        ({"value": "", "n": 0}, {"counts": 1}, True),
    ],
)
def test_columns_by_what_they_are(excess, change, tolerance, within):
    assert (excess({}, change, **tolerance) <= 1) is within


def test_a_row_or_a_table_that_only_one_has_is_a_difference(tmp_path):
    one = folder(tmp_path / "a", {}, {"metric": "ece"})
    other = folder(tmp_path / "b", {})
    for ours, theirs in ((one, other), (other, one)):
        (found,) = compare(ours, theirs, Tolerance(**COLUMNS, absolute=9), {})["training"]
        assert "digits, lrp, ece: only in" in str(found)
        assert str(one) in str(found)
        shared = {"training": Tolerance(**COLUMNS, rows="shared")}
        assert compare(ours, theirs, Tolerance(), shared)["training"] == []
    folder(tmp_path / "b", {}, name="sweep")
    assert "only in" in str(compare(one, other, Tolerance(), {})["sweep"][0])


def test_rows_of_the_same_key_are_told_apart_by_their_order(tmp_path):
    one = folder(tmp_path / "a", {}, {"value": 0.1})
    other = folder(tmp_path / "b", {}, {"value": 0.2})
    (found,) = compare(one, other, Tolerance(**COLUMNS), {})["training"]
    assert (found.one, found.other) == ("0.1", "0.2")


def test_exact_allows_nothing_but_the_clock(tmp_path):
    one = folder(tmp_path / "a", {}, {"metric": "seconds"})
    other = folder(tmp_path / "b", {}, {"metric": "seconds", "value": 0.1})
    tolerances = {"training": Tolerance(**COLUMNS, absolute=9, skipped=("seconds",))}
    assert compare(one, other, Tolerance(), tolerances, exact=True)["training"] == []
    for change in ({"value": 0.80001}, {"verdict": "fails"}, {"threshold": 0.4}, {"n": 99}):
        other = folder(tmp_path / "b", change)
        assert compare(one, other, Tolerance(), tolerances, exact=True)["training"]


@given(
    one=st.floats(-1e6, 1e6),
    other=st.floats(-1e6, 1e6),
    tolerance=st.builds(Tolerance, absolute=st.floats(0, 1), relative=st.floats(0, 1)),
)
def test_it_does_not_matter_which_comes_first(one, other, tolerance):
    rows = [{"value": repr(each), "low": "", "high": "", "n": "3"} for each in (one, other)]
    excess = tolerance.excess("value", *rows)
    assert excess == tolerance.excess("value", *rows[::-1])
    if one == other:
        assert excess == 0
    else:
        allowed = tolerance.absolute + tolerance.relative * max(abs(one), abs(other))
        assert (excess <= 1) == (abs(one - other) <= allowed)


def test_every_table_that_has_a_tolerance_is_one_of_the_report():
    _, tables = load_tolerances(TOLERANCES)
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    known = {*Plan(load(config)).report.parts(), "leaderboard", "claims"}
    assert set(tables) <= known


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("default: {absolut: 1}\ntables: {}", "absolut"),
        ("default: {absolute: -1}\ntables: {}", "absolute"),
        ("default: {}", "tables"),
        ("3", "not a file with default and tables"),
        ("a: [", "not a file with default and tables"),
    ],
)
def test_bad_tolerances_are_named(tmp_path, text, message):
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        load_tolerances(tmp_path / "t.yaml")


def test_the_program_names_the_worst_row_and_fails(tmp_path):
    one = folder(tmp_path / "a", {}, {"metric": "ece"})
    other = folder(tmp_path / "b", {"value": 0.801}, {"metric": "ece", "value": 0.3})

    def run(*arguments):
        command = [sys.executable, "-m", "plumbline.workflow.compare_runs", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True
        )

    tolerances = tmp_path / "t.yaml"
    tolerances.write_text(
        "default: {}\n"
        "tables: {training: {absolute: 0.1, measured: [threshold], reported: [verdict]}}"
    )
    bad = run(one, other, "--tolerances", tolerances)
    assert bad.returncode == 1
    (line,) = bad.stdout.splitlines()
    assert line == (
        "training: 1 beyond tolerance, worst 5 times the tolerance at "
        "digits, lrp, ece: value 0.8 and 0.3"
    )
    same = run(one, one, "--exact")
    assert (same.returncode, same.stdout, same.stderr) == (0, "training: equal\n", "")
    none = run(one, tmp_path)
    assert none.returncode == 1
    assert none.stderr.count("\n") == 1
    assert "not a results folder" in none.stderr
