"""Published tables stand beside ours: the right row is found, and the verdict follows the rule."""

import pandas as pd
import pytest
import yaml
from fake_results import DATASET
from support import ROOT

from plumbline.config.schema import load
from plumbline.data.image_sets import ImageSetKey
from plumbline.errors import InputError
from plumbline.report.claims.published import ELSEWHERE, frame, load_published, published_tables
from plumbline.report.pages.report import report_tables
from plumbline.storage.tables import row
from plumbline.workflow.plan import Plan

FILE = ROOT / "config/published.yaml"
TABLE = {
    "id": "a-table",
    "under": "stability",
    "title": "They 2019",
    "source": "their paper",
    "note": "Another net.",
    "measured_on": ["mnist"],
    "beside": ["digits"],
    "table": "detection",
    "where": {"metric": "auroc", "against": ""},
    "columns": {"fuzzing": {"score": "lcr.fuzzing"}, "control": {"score": "softmax"}},
    "rows": [
        {
            "name": "FGSM",
            "where": {"attack": "fgsm", "epsilon": "largest"},
            "published": {"fuzzing": 0.9, "control": None},
        },
        {"name": "JSMA", "where": {"set": "jsma"}, "published": {"fuzzing": 0.95}},
        {
            "name": "threshold",
            "table": "stability",
            "where": {"metric": "threshold", "against": None, "score": None, "rate": 0.05},
            "published": {"fuzzing": 0.04},
        },
    ],
}


def write(folder, *tables):
    path = folder / "published.yaml"
    path.write_text(yaml.safe_dump(list(tables), sort_keys=False), encoding="utf-8")
    return path


def detection(low, high, datasets=("mnist",)):
    """AUROCs of two nets at two ε, the larger one's interval as given."""
    rows = [
        row(metric, (low + high) / 2 - off, low - off, high - off, 50, **keys, score=score)
        for dataset in datasets
        for model in ("lenet", "lenet5")
        for epsilon, off in ((0.05, 0.3), (0.2, 0.0), (0.1, 0.2))
        for score in ("lcr.fuzzing", "softmax")
        for metric in ("auroc", "aupr")
        for keys in [
            ImageSetKey("adversarial", attack="fgsm", epsilon=epsilon).columns()
            | {"dataset": dataset, "model": model, "against": None}
        ]
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.85, 0.95, "agrees"), (0.9, 0.95, "agrees"), (0.91, 0.95, "higher"), (0.8, 0.89, "lower")],
)
def test_the_verdict_says_where_the_published_figure_lies(tmp_path, low, high, verdict):
    found = frame(load_published(write(tmp_path, TABLE)), {"detection": detection(low, high)})
    ours = found[(found["row"] == "FGSM") & (found["column"] == "fuzzing")]
    ours = ours[ours["dataset"] == "mnist"]
    assert list(ours["model"]) == ["lenet", "lenet5"]
    assert set(ours["verdict"]) == {verdict}
    assert ours["low"].tolist() == [low, low]  # of the largest ε
    control = found[(found["column"] == "control") & (found["dataset"] == "mnist")]
    assert set(control["verdict"]) == {"not published"}


def test_what_has_no_row_was_not_run_and_another_dataset_is_not_judged(tmp_path):
    tables = {"detection": detection(0.8, 0.9, ("mnist", "digits"))}
    found = frame(load_published(write(tmp_path, TABLE)), tables)
    absent = found[found["row"].isin(("JSMA", "threshold"))]
    assert set(absent["verdict"]) == {"not run"}
    assert absent["model"].isna().all()
    there = found[found["model"].notna()]
    assert set(there.loc[there["dataset"] == "digits", "verdict"]) == {ELSEWHERE}
    (mnist,) = published_tables({"published": found}, "mnist", "stability")
    (digits,) = published_tables({"published": found}, "digits", "stability")
    nets = [f"{net}{rest}" for net in ("LeNet", "LeNet-5") for rest in ("", ": n", ": ours")]
    assert mnist.head[2:] == ["published", *nets]
    assert [line[:3] for line in mnist.rows] == [
        ["FGSM", "fuzzing", "0.9"],
        ["FGSM", "control", "–"],
        ["JSMA", "fuzzing", "0.95"],
        ["threshold", "fuzzing", "0.04"],
    ]
    assert mnist.rows[2][3:6] == ["–", "–", "not run"]
    assert [line[0] for line in digits.rows] == ["FGSM", "FGSM"]
    assert "their paper" in mnist.note
    assert published_tables({"published": found}, "mnist", "detectors") == []
    assert published_tables({}, "mnist", "stability") == []


def test_several_rows_of_a_net_are_refused(tmp_path):
    twice = pd.concat([detection(0.8, 0.9)] * 2)
    with pytest.raises(InputError, match="a-table: several rows of mnist match FGSM, fuzzing"):
        frame(load_published(write(tmp_path, TABLE)), {"detection": twice})


def test_a_row_may_stand_in_another_table_and_null_takes_a_column_away(tmp_path):
    keys = {"dataset": "mnist", "model": "lenet"}
    stability = [row("threshold", 0.1 * rate, None, None, 1, **keys, rate=rate) for rate in (1, 5)]
    tables = {"stability": pd.DataFrame(stability).assign(rate=lambda t: t["rate"] / 100)}
    found = frame(load_published(write(tmp_path, TABLE)), tables)
    ours = found[(found["row"] == "threshold") & (found["dataset"] == "mnist")]
    assert ours["value"].tolist() == [0.5]
    assert ours["verdict"].tolist() == ["no interval"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [{"name": "x", "where": {}, "published": {"no": 1}}]}, "no column 'no'"),
        ({"under": "latent"}, "under"),
        ({"rows": []}, "rows"),
    ],
    ids=["column", "part", "empty"],
)
def test_faults_are_named(tmp_path, change, message):
    with pytest.raises(InputError, match=r"published\.yaml") as refused:
        load_published(write(tmp_path, TABLE | change))
    assert message in str(refused.value)


def test_ours_is_one_row_for_each_net(tables):
    """On the tree of results, under the names of the datasets that were published for."""
    from plumbline.storage.tables import read_frame

    ours = {
        name: read_frame([path]).assign(dataset="mnist")
        for name, path in tables.items()
        if name in ("stability", "detection", "detectors")
    }
    found = frame(load_published(FILE), ours)
    known = found[found["model"].notna()]
    assert not known.duplicated(["title", "dataset", "model", "row", "column"]).any()
    assert {"stability", "detectors"} == set(known["under"])
    for name in ("stability", "detectors"):
        stage = {"stability": "stability", "detectors": "detection"}[name]
        shown = report_tables(stage, name, ours | {"published": found}, "mnist")
        titles = [table.title for table in shown]
        assert any(title.startswith("Published values and ours") for title in titles)


def test_the_file_quotes_the_studies():
    """Spot checks against the papers' own pages: the first and the last figure of each table."""
    found = {table.id: table for table in load_published(FILE)}
    rates, work = found["wang-label-change-rates"].rows, found["study-004-at-work"].rows
    assert rates[0].published["test, right"] == 0.0128
    assert rates[-1].published["DeepFool"] == 0.516
    assert work[-1].published["accuracy of the accepted"] == 0.968
    assert [row.published["AUROC"] for row in found["study-004-auroc"].rows[:3]] == [
        *(0.8872, 0.9271, 0.9327)
    ]
    assert DATASET in found["study-004-auroc"].beside


def test_the_published_tables_here_name_tables_that_a_run_has():
    config = load(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    known = {*Plan(config).report.parts(), "leaderboard"}
    tables = load_published(FILE)
    assert {table.table for table in tables} <= known
    assert {row.table for table in tables for row in table.rows if row.table} <= known
