"""The judge: its rule, its selectors, its errors; and the ledger that is shipped."""

import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support import ROOT

from plumbline.data.image_sets import parse_all
from plumbline.errors import InputError
from plumbline.report.claims.judging import judge
from plumbline.report.claims.schema import Claim, check_tables, load_claims, tables_of, verdict
from plumbline.storage.tables import read_rows

CLAIMS = ROOT / "config/claims.yaml"
WORDS = {
    "id": "001-test",
    "study": "001",
    "statement": "s",
    "source": "s",
    "published": "not found",
    "note": "n",
    "measure": "accuracy",
}


def claim(**more):
    select = {"table": "training", "where": {"metric": "accuracy"}}
    return Claim(**{**WORDS, "select": select, **more})


def fields(value, low, high, n=100, **keys):
    numbers = {"metric": "accuracy", "value": value, "low": low, "high": high, "n": n}
    found = {"dataset": "d", "model": "m"} | keys | numbers
    return {k: "" if v != v else str(v) for k, v in found.items()}


number = st.floats(-10, 10, allow_nan=False)
intervals = st.tuples(number, number).map(sorted)


@settings(deadline=None, max_examples=300)
@given(intervals, number, st.floats(0, 1))
def test_above_and_below_are_about_every_point_of_the_interval(interval, bar, place):
    low, high = interval
    point = min(max(low + place * (high - low), low), high)
    above, below = verdict(claim(above=bar), low, high), verdict(claim(below=bar), low, high)
    if above == "holds":
        assert point > bar
    if above == "fails":
        assert point <= bar
    if above == "undecided":
        assert low <= bar < high
    if below == "holds":
        assert point < bar
    if below == "fails":
        assert point >= bar
    if below == "undecided":
        assert low < bar <= high


@settings(deadline=None, max_examples=300)
@given(intervals, intervals.filter(lambda pair: pair[0] < pair[1]), st.floats(0, 1))
def test_within_is_about_every_point_of_the_interval(interval, bars, place):
    low, high = interval
    point = min(max(low + place * (high - low), low), high)
    found = verdict(claim(within=bars), low, high)
    assert found != "holds" or bars[0] <= point <= bars[1]
    assert found != "differs: higher" or point > bars[1]
    assert found != "differs: lower" or point < bars[0]
    if found == "undecided":
        assert low <= bars[1]
        assert high >= bars[0]
        assert low < bars[0] or high > bars[1]


@pytest.mark.parametrize("bar", [{"above": 0.5}, {"below": 0.5}, {"within": (0.4, 0.6)}])
@pytest.mark.parametrize("interval", [(math.nan, 1.0), (0.0, math.nan), (math.nan, math.nan)])
def test_an_unknown_interval_decides_nothing(bar, interval):
    assert verdict(claim(**bar), *interval) == "undecided"


@pytest.mark.parametrize(
    ("bar", "interval", "expected"),
    [
        ({"above": 0.93}, (0.94, 0.99), "holds"),
        ({"above": 0.93}, (0.93, 0.99), "undecided"),
        ({"above": 0.93}, (0.90, 0.93), "fails"),
        ({"below": 0.0}, (-0.2, -0.1), "holds"),
        ({"below": 0.0}, (-0.2, 0.0), "undecided"),
        ({"below": 0.0}, (0.0, 0.1), "fails"),
        ({"within": (0.1, 0.2)}, (0.1, 0.2), "holds"),
        ({"within": (0.1, 0.2)}, (0.15, 0.25), "undecided"),
        ({"within": (0.1, 0.2)}, (0.21, 0.25), "differs: higher"),
        ({"within": (0.1, 0.2)}, (1.0, 1.0), "differs: higher"),
        ({"within": (0.1, 0.2)}, (0.0, 0.09), "differs: lower"),
        ({"within": (0.1, 0.2)}, (0.0, 0.3), "undecided"),
    ],
)
def test_the_rule_at_its_edges(bar, interval, expected):
    assert verdict(claim(**bar), *interval) == expected


def test_a_row_for_each_dataset_and_model():
    table = [
        fields(0.95, 0.94, 0.96, dataset="a", model="m"),
        fields(0.90, 0.89, 0.91, dataset="a", model="k"),
        fields(0.93, 0.92, 0.94, dataset="b", model="m"),
    ]
    rows = judge([claim(above=0.93)], {"training": table})
    assert [(r["dataset"], r["model"], r["verdict"]) for r in rows] == [
        ("a", "m", "holds"),
        ("a", "k", "fails"),
        ("b", "m", "undecided"),
    ]
    assert rows[0]["reason"] == "the interval lies above 0.93"
    assert (rows[0]["value"], rows[0]["n"], rows[0]["published"]) == (0.95, 100, "not found")


@pytest.mark.parametrize(
    ("n", "positive", "where", "reason"),
    [
        (100, 4, {"set": "test"}, "4 errors are too few"),
        (100, 1, {"task": "misclassified"}, "1 error is too few"),
        (100, 99, {"set": "test"}, "1 right answer is too few"),
        (40, 9, {"set": "deepfool"}, "9 positives are too few"),
        (3, "", {"set": "deepfool"}, "3 images are too few"),
        (100, "", {"set": "test"}, "there is no value or no interval, for want of images"),
    ],
)
def test_too_few_leave_undecided_and_are_counted(n, positive, where, reason):
    table = [fields(0.97, "", "", n=n, n_positive=positive, **where)]
    select = {"table": "training", "where": {"metric": "accuracy", **where}}
    (row,) = judge([claim(above=0.9, select=select)], {"training": table})
    assert (row["verdict"], row["value"], row["reason"]) == ("undecided", 0.97, reason)
    assert (row["n"], row["n_positive"]) == (n, positive)


def test_where_nothing_was_refused_nothing_is_decided():
    select = {"table": "refusal", "where": {"metric": "accuracy"}}
    (row,) = judge([claim(above=0, select=select)], {"refusal": [fields(0, "", "")]})
    assert (row["verdict"], row["reason"]) == ("undecided", "nothing was refused")


def test_a_number_of_one_dataset_is_shown_on_others_and_judged_on_none():
    table = [fields(0.9, 0.8, 1.0, dataset=name) for name in ("mnist", "digits")]
    tested = claim(within=(0.1, 0.2), measured_on=["mnist"])
    there, here = judge([tested], {"training": table})
    assert (there["verdict"], there["reason"]) == (
        "differs: higher",
        "the interval lies above 0.1 to 0.2",
    )
    assert (here["verdict"], here["value"], here["low"], here["n"]) == ("elsewhere", 0.9, 0.8, 100)
    assert here["reason"] == "a number of mnist, ours is for comparison"
    unknown = [fields(0.9, math.nan, math.nan, dataset="digits")]
    (row,) = judge([tested], {"training": unknown})
    assert row["verdict"] == "elsewhere"


def test_a_difference_and_its_control():
    table = [
        fields(0.9, 0.87, 0.93, n=50, method="lrp"),
        fields(0.5, 0.46, 0.54, n=40, method="lime"),
        fields(0.3, 0.2, 0.4, method="random"),
    ]

    def of(method):
        return {"table": "attribution", "where": {"metric": "accuracy", "method": method}}

    tested = claim(
        above=0,
        select=of("lrp"),
        minus=of("lime"),
        control={"name": "random", "select": of("random")},
    )
    (row,) = judge([tested], {"attribution": table})
    assert (row["value"], row["low"], row["high"]) == pytest.approx((0.4, 0.35, 0.45))
    assert (row["n"], row["control"], row["control_value"]) == (40, "random", 0.3)
    assert row["verdict"] == "holds"
    assert "quadrature" in row["reason"]


def test_the_mean_over_seeds_is_asked_for_or_refused():
    table = [fields(v, v - 0.01, v + 0.01, seed=s) for s, v in enumerate((0.90, 0.92, 0.94))]
    with pytest.raises(InputError, match=r"001-test: 3 rows of training match; select one by seed"):
        judge([claim(above=0.5)], {"training": table})
    select = {"table": "training", "where": {"metric": "accuracy"}, "mean_over_seeds": True}
    (row,) = judge([claim(above=0.5, select=select)], {"training": table})
    assert row["value"] == pytest.approx(0.92)
    assert row["high"] - row["low"] > 0.02 + 2 * 0.02
    assert (row["n"], row["nets"]) == (100, "3 nets")


def test_the_largest_epsilon_is_the_largest_number():
    sets = ("pgd_eps0.3", "pgd_eps0.05", "pgd_eps1e-05", "fgsm_eps0.9", "test")
    columns = [key.columns() for key in parse_all(sets).values()]
    table = [fields(i, i, i, **each) for i, each in enumerate(columns)]
    where = {"attack": "pgd", "epsilon": "largest", "metric": "accuracy"}
    select = {"table": "detection", "where": where}
    (row,) = judge([claim(above=0, each=["set"], select=select)], {"detection": table})
    assert row["value"] == 0
    assert row["metric"] == "accuracy (PGD, ε = 0.3)"
    numbers = [fields(e, e, e, epsilon=e) for e in (0.1, 0.3, 0.2)]
    select = {"table": "attacks", "where": {"epsilon": "largest", "metric": "accuracy"}}
    (row,) = judge([claim(above=0, select=select)], {"attacks": numbers})
    assert row["value"] == 0.3


def test_numbers_match_as_numbers_and_text_as_text():
    table = [fields(0.1, 0, 1, share="0.2", fill="0"), fields(0.7, 0, 1, share="0.20", fill="1")]
    select = {"table": "attribution", "where": {"share": 0.2, "fill": "0", "metric": "accuracy"}}
    (row,) = judge([claim(above=0, select=select)], {"attribution": table})
    assert row["value"] == 0.1


def test_what_did_not_run_says_what_is_missing():
    table = [fields(0.9, 0.8, 1.0, method="lrp")]
    where = {"metric": "accuracy", "method": "guided_backpropagation"}
    select = {"table": "attribution", "where": where}
    missing = claim(above=0, select=select)
    needs = Claim(**{**WORDS, "measure": None, "needs": "the stage visualization"})
    stage = claim(above=0, id="001-other")
    lime = {"table": "attribution", "where": {"metric": "accuracy", "method": "lime"}}
    lrp = {"table": "attribution", "where": {"metric": "accuracy", "method": "lrp"}}
    minus = claim(above=0, id="001-minus", select=lrp, minus=lime)
    rows = judge([missing, needs, stage, minus], {"attribution": table})
    assert [row["verdict"] for row in rows] == ["not run"] * 4
    assert [row["reason"] for row in rows] == [
        "the stage attribution has no rows with metric=accuracy, method=guided_backpropagation",
        "needs the stage visualization",
        "the stage training is not in this run",
        "the stage attribution has no rows with metric=accuracy, method=lime",
    ]
    assert all(math.isnan(row["value"]) for row in rows)


def test_a_model_without_the_figure_is_named_beside_those_that_have_it():
    table = [
        fields(0.9, 0.8, 1.0, score="conductance", model="lenet5"),
        fields(0.9, 0.8, 1.0, score="entropy", model="lenet5"),
        fields(0.9, 0.8, 1.0, score="entropy", model="resnet34"),
    ]
    where = {"metric": "accuracy", "score": "conductance"}
    tested = claim(above=0.5, select={"table": "detection", "where": where})
    rows = judge([tested], {"detection": table})
    assert [(row["model"], row["verdict"]) for row in rows] == [
        ("lenet5", "holds"),
        ("resnet34", "not run"),
    ]


def test_an_empty_value_is_undecided():
    row = fields(0, 0, 0) | {"value": "", "low": "", "high": ""}
    (judged,) = judge([claim(above=0.5)], {"training": [row]})
    assert (judged["verdict"], judged["reason"]) == (
        "undecided",
        "there is no value or no interval, for want of images",
    )


def test_a_missing_control_does_not_stop_the_verdict():
    select = {"table": "detection", "where": {"metric": "auroc"}}
    tested = claim(above=0, control={"name": "c", "select": select})
    (row,) = judge([tested], {"training": [fields(1, 0.9, 1)]})
    assert row["verdict"] == "holds"
    assert math.isnan(row["control_value"])


def test_the_class_prior_is_the_share_of_the_largest_class():
    table = [fields(0.9, 0.8, 1.0, n=n, split="test", **{"class": c}) for c, n in CLASSES.items()]
    where = {"metric": "accuracy", "class": "all"}
    tested = claim(
        above=0.5,
        select={"table": "training", "where": where},
        control={"name": "prior", "class_prior": "test"},
    )
    (row,) = judge([tested], {"training": table})
    assert row["control_value"] == 0.6


CLASSES = {"all": 50, "zero": 20, "one": 30}


def test_a_column_that_is_not_there_is_named():
    select = {"table": "training", "where": {"metric": "accuracy", "sett": "test"}}
    with pytest.raises(InputError, match=r"no column 'sett'; did you mean 'set'"):
        judge([claim(above=0, select=select)], {"training": [fields(1, 1, 1, set="test")]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"above": 0.1, "below": 0.2}, "exactly one of above, below and within"),
        ({}, "exactly one of above, below and within"),
        ({"within": (0.3, 0.2)}, "first value must be smaller"),
        ({"above": 0, "study": "002"}, "does not begin with its study"),
        ({"above": 0, "measure": None}, "give select and measure, or needs"),
        ({"above": 0, "needs": "more"}, "cannot be tested"),
        ({"above": 0, "control": {"name": "c"}}, "either select or class_prior"),
        ({"above": 0, "colour": "red"}, "Extra inputs are not permitted"),
        ({"above": 0, "id": "1-x"}, "should match pattern"),
        ({"above": 0, "select": {"table": "training", "where": {}}}, "must name the metric"),
    ],
)
def test_a_faulty_claim_is_refused(change, message, tmp_path):
    with pytest.raises(ValidationError, match=message):
        claim(**change)
    plain = {"select": {"table": "training", "where": {"metric": "accuracy"}}}
    path = tmp_path / "claims.yaml"
    content = {**WORDS, **plain, **change}
    path.write_text(yaml.safe_dump([{k: v for k, v in content.items() if v is not None}]))
    if "within" in change:  # YAML has no tuples
        return
    with pytest.raises(InputError, match=rf"claims\.yaml: claim .*{message}"):
        load_claims(path)


@pytest.mark.parametrize("text", ["{a: 1}", "[", "- 3\n"])
def test_a_file_that_is_no_list_of_claims_is_refused(text, tmp_path):
    (tmp_path / "claims.yaml").write_text(text)
    with pytest.raises(InputError, match=r"claims\.yaml: "):
        load_claims(tmp_path / "claims.yaml")


def test_a_table_that_no_run_has_is_refused():
    faulty = claim(above=0, select={"table": "costs", "where": {"metric": "seconds_per_image"}})
    check_tables([claim(above=0)], ["training"])
    with pytest.raises(InputError, match="claim 001-test: no table 'costs'; did you mean 'cost'"):
        check_tables([claim(above=0), faulty], ["training", "cost"])


def test_two_claims_of_one_name_are_refused(tmp_path):
    whole = {**WORDS, "measure": None, "needs": "something"}
    whole.pop("measure")
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump([whole, whole]))
    with pytest.raises(InputError, match="two claims have the id 001-test"):
        load_claims(tmp_path / "claims.yaml")


def test_the_ledger_has_claims_of_every_study_and_no_fault_unnamed():
    claims = load_claims(CLAIMS)
    testable = {claim.study for claim in claims if claim.select}
    assert testable == {"000", "001", "002", "003", "004"}
    assert all(claim.note and claim.source and claim.published for claim in claims)
    assert all(claim.control for claim in claims if claim.select)


def test_the_ledger_is_judged_whole_from_a_run_s_tables(tables):
    claims = load_claims(CLAIMS)
    assert set(tables_of(claims)) <= set(tables)
    rows = judge(claims, {name: read_rows(tables[name]) for name in tables_of(claims)})
    by_claim = {claim.id: {r["model"] for r in rows if r["claim"] == claim.id} for claim in claims}
    for claim in claims:
        expected = {""} if claim.needs else {"lenet5", "alexnet"}
        if claim.id == "000-resnet-has-a-hole":
            expected = {"resnet34"}
        assert by_claim[claim.id] == expected, claim.id
    tested = [row for row in rows if row["verdict"] != "not run"]
    assert all(row["low"] <= row["value"] <= row["high"] for row in tested)
    assert all(not math.isnan(row["control_value"]) for row in tested)
