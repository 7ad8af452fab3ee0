"""The tables of the stage uncertainty on the page."""

import pytest
from fake_results import DATASET
from fake_uncertainty import ESTIMATORS

from plumbline.report.sections.uncertainty import refusal, uncertainty
from plumbline.report.tables import cell
from plumbline.report.wording import words
from plumbline.storage.tables import read_frame


@pytest.fixture(scope="module")
def frames(tables):
    return {name: read_frame([tables[name]]) for name in ("uncertainty", "refusal")}


def lines(table):
    return {tuple(line[: table.keys]): line[table.keys :] for line in table.rows}


def test_every_estimator_has_its_line_and_all_but_the_control_a_difference(frames):
    quality, difference, *_ = uncertainty(frames, DATASET)
    assert quality.head[:6] == ["net", "estimator", "accuracy", "NLL", "Brier score", "ECE"]
    names = [words(name) for name in ESTIMATORS]
    assert [line[1] for line in quality.rows] == names * 2
    assert [line[1] for line in difference.rows] == names[1:] * 2
    rows = frames["uncertainty"].query(
        "set == 'test' and model == 'alexnet' and estimator == 'ensemble'"
    )
    own = rows[rows["control"] == "softmax"]
    expected = cell(own, "nll_difference")
    assert lines(difference)["AlexNet", "deep ensemble"][1] == expected


def test_errors_rises_and_evidence_stand_below(frames):
    *_, errors, rises, evidence = uncertainty(frames, DATASET)
    assert errors.head[3:] == [
        *("AUROC of error", "AURC", "risk at 80 %", "risk at 90 %", "risk at 95 %", "n"),
    ]
    keys = list(lines(errors))
    assert ("LeNet-5", "softmax", "mutual information") not in keys
    assert ("LeNet-5", "MC dropout", "mutual information") in keys
    assert ("LeNet-5", "evidential", "vacuity") in keys
    assert rises.head == ["net", "estimator", "measure", "30°", "90°", "180°"]
    rows = frames["uncertainty"].query(
        "set == 'rotation_90' and model == 'lenet5' and estimator == 'evidential' "
        "and measure == 'vacuity'"
    )
    assert lines(rises)["LeNet-5", "evidential", "vacuity"][1] == cell(rows, "rise")
    assert evidence.head == ["net", "estimator", "test", "patches"]
    assert set(lines(evidence)) == {("LeNet-5", "evidential"), ("AlexNet", "evidential")}


def test_published_anchors_stand_under_the_table_of_their_dataset(frames):
    assert uncertainty(frames, DATASET)[0].note == ""
    mnist = {"uncertainty": frames["uncertainty"].assign(dataset="mnist")}
    assert "ensemble of 10 .994" in uncertainty(mnist, "mnist")[0].note


def test_refusal_gives_the_threshold_of_both_rules(frames):
    (table,) = refusal(frames, DATASET)
    assert table.head[-1] == "patches rejected"
    rows = frames["refusal"].query(
        "set == 'test' and model == 'lenet5' and estimator == 'mc_dropout' and rule == 'chosen'"
    )
    threshold = f"chosen: {rows['threshold'].iloc[0]:.3g}"
    found = lines(table)["LeNet-5", "MC dropout", threshold]
    assert found[:3] == [cell(rows, name) for name in ("coverage", "accuracy", "accuracy_gain")]
    assert ("LeNet-5", "MC dropout", "fixed: 0.2") in lines(table)
    assert len(table.rows) == 2 * 2 * len(ESTIMATORS)
