"""The page says what fitted detectors add to the softmax, and where there are none."""

import pandas as pd
import pytest
from fake_detectors import FEATURES, FEW, KINDS
from fake_results import DATASET

from plumbline.report.figures import detectors as drawing
from plumbline.report.sections.detection import detectors, sentence
from plumbline.report.tables import cell
from plumbline.storage.tables import read_frame


@pytest.fixture(scope="module")
def table(tables):
    return read_frame([tables["detectors"]])


def test_the_sentence_follows_the_intervals(table):
    text = sentence(table)
    assert text.startswith("The AUROC of logistic regression on softmax features: conductance and")
    assert "increase it in 2 tasks (LeNet-5: misclassified, PGD, ε = 0.3)" in text
    assert "decrease it in 1 task (LeNet-5: patches)" in text
    assert "significantly" not in text  # no task is left
    where = (table["metric"] == "auroc_difference") & (table["set"] == "test")
    unsure = table.assign(low=table["low"].where(~where, -0.1))
    assert "increase it in 1 task (LeNet-5: PGD, ε = 0.3)" in sentence(unsure)
    assert "do not change it significantly in the other 1 task" in sentence(unsure)
    few = table.assign(low=table["low"].where(~where), high=table["high"].where(~where))
    assert "and cannot be judged in 1 task with too few positives" in sentence(few)
    none = table[table["model"] == "alexnet"]
    assert sentence(none).startswith("Whether conductance and label change rate improve")


def test_nets_without_detectors_are_named(table):
    added, found, _, working = detectors({"detectors": table}, DATASET)
    assert f"AlexNet has no detector: it misclassifies {FEW} of 80 calibration images" in added.note
    assert {line[0] for line in found.rows} == {"LeNet-5"}
    assert {line[0] for line in working.rows} == {"LeNet-5"}
    alone = {"detectors": table[table["model"] == "alexnet"]}
    (added,) = detectors(alone, DATASET)
    assert added.rows == [["AlexNet", "–", "–"]]
    assert "AlexNet has no detector" in added.note


def test_figures_stand_with_the_control_first(table):
    added, found, by_block, working = detectors({"detectors": table}, DATASET)
    shown = added, found, by_block, working
    assert all(len(line) == len(table.head) for table in shown for line in table.rows)
    blocks = [features for features in FEATURES if features.startswith("conductance_")]
    assert len(found.rows) == 1 + len(KINDS) * (len(FEATURES) - len(blocks))
    assert len(by_block.rows) == len(KINDS) * len(blocks)
    assert [table.folded for table in shown] == [False, False, True, False]
    assert found.rows[0][:3] == ["LeNet-5", "none (control)", "maximum probability"]
    own = table.query("detector == 'mlp' and features == 'lcr' and task == 'misclassified'")
    line = next(each for each in found.rows if each[1:3] == ["MLP", "label change rate"])
    test, calibration = (own[own["set"] == name] for name in ("test", "calibration"))
    assert line[3:] == [
        *(cell(calibration, "auroc"), cell(test, "auroc"), cell(test, "auroc_gain")),
        f"{test['n_positive'].max():.0f} of 90",
    ]
    line = next(each for each in working.rows if each[1:3] == ["MLP", "label change rate"])
    assert line[4] == cell(test, "recall_wrong")


def test_completeness_of_every_block():
    keys = {"dataset": "d", "model": "resnet20", "set": "test", "n": 9}
    rows = [
        {**keys, "metric": metric, "block": block, "value": value, "low": value, "high": value}
        for metric, block, value in (
            ("completeness_gap", "layer1_0", 0.1),
            ("completeness_gap", "layer3_2", 0.0),
            ("closed_form_gap", "layer3_2", 0.0),
        )
    ]
    keys = {
        "dataset": "d",
        "model": "resnet20",
        "metric": "calibration_errors",
        "set": "calibration",
    }
    few = pd.DataFrame([{**keys, "value": 1.0, "n": 20, "task": "misclassified"}])
    few[["detector", "features", "against", "positives"]] = None
    table = detectors({"detectors": few, "stability": pd.DataFrame(rows)}, "d")[-1]
    assert [line[1] for line in table.rows] == ["layer1_0", "layer3_2"]
    assert table.rows[0][3] == "–"
    assert table.rows[1][3] != "–"


def test_a_mark_for_every_detector_and_group_of_features(table):
    figure = drawing.draw(table)
    (ax,) = figure.axes  # AlexNet has none
    wrong = table.query("metric == 'auroc_gain'")["n_positive"].iloc[0]
    assert ax.get_title() == f"LeNet-5, {wrong:.0f} of 90 images wrong"
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        *("conductance of conv1", "softmax", "label change rate", "conductance, all blocks"),
        *("conductance and label change rate", "these and softmax"),
    ]
    assert len(ax.containers) == len(KINDS) * len(FEATURES)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["logistic regression", "MLP"]
    own = table.query("detector == 'logistic' and features == 'softmax' and metric == 'auroc_gain'")
    drawn = [bar[0].get_xdata()[0] for bar in ax.containers]
    assert float(own["value"].iloc[0]) in drawn


def test_without_any_detector_the_figure_says_so(table):
    figure = drawing.draw(table[table["model"] == "alexnet"])
    assert "Too few errors" in figure.axes[0].texts[0].get_text()
