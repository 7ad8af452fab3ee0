"""Figures of the stage uncertainty: panels, controls, the numbers of the tables."""

import matplotlib.pyplot
import numpy as np
import pandas as pd
import pytest
from fake_results import DATASET, MODELS
from fake_uncertainty import ANGLES, CHANGED, ESTIMATORS
from sklearn.calibration import calibration_curve

from plumbline.report.estimators import styles
from plumbline.report.figures import (
    calibration,
    refusal,
    risk_coverage,
    rotation,
    shifts,
    sweep,
    uncertainty,
)
from plumbline.report.wording import words
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.tables import read_frame, read_parquet

NAMES = [words(name) for name in ESTIMATORS]


@pytest.fixture(autouse=True)
def _pyplot_keeps_no_figure():
    yield
    assert matplotlib.pyplot.get_fignums() == []


@pytest.fixture(scope="module")
def scores(fake):
    tables = {name: fake / f"uncertainty/{DATASET}/{name}/scores.parquet" for name in MODELS}
    return pd.concat(
        [read_parquet(path).assign(model=name) for name, path in tables.items()], ignore_index=True
    )


@pytest.fixture(scope="module")
def lenet5(scores):
    return scores[scores["model"] == "lenet5"]


def read(fake, name, models=MODELS):
    return read_frame([fake / f"uncertainty/{DATASET}/{model}/{name}.csv" for model in models])


def titles(figure):
    return [ax.get_title() for ax in figure.axes]


def legends(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_members_of_a_family_share_a_colour_and_differ_in_their_lines():
    names = ["softmax", "mc_dropout", "mc_dropout_logits", "ensemble", "evidential"]
    looks = styles([*names, "evidential_log", "bayes_by_backprop", "new", "other"])
    assert looks["softmax"]["linestyle"] == "--"
    assert looks["mc_dropout"]["color"] == looks["mc_dropout_logits"]["color"]
    assert looks["mc_dropout"]["linestyle"] != looks["mc_dropout_logits"]["linestyle"]
    assert len({str((look["color"], look["linestyle"])) for look in looks.values()}) == 9
    assert looks["new"]["color"] != looks["other"]["color"]


def test_uncertainty_has_a_panel_for_each_estimator_that_disagrees(lenet5):
    of_entropy = uncertainty.draw(lenet5, "lenet5", "entropy", ["pgd_adaptive_label_change"])
    of_mutual = uncertainty.draw(lenet5, "lenet5", "mutual_information", [])
    assert (len(of_entropy.axes), len(of_mutual.axes)) == (4, 2)
    assert of_entropy.axes[-1].get_xlabel() == "entropy (nats)"
    expected = ["test, right", "test, wrong", "out of distribution", "adversarial"]
    expected += ["adversarial, adaptive", "adversarial, smallest"]
    assert legends(of_entropy) == expected
    wrong = lenet5.query("set == 'test' and estimator == 'softmax'")
    assert titles(of_entropy)[0] == f"softmax\n{(~wrong['correct']).sum()} wrong"


def test_calibration_has_a_diagram_and_counts_for_each_estimator(lenet5):
    figure = calibration.draw(lenet5, "lenet5")
    assert [title for title in titles(figure) if title] == NAMES
    above, below = figure.axes[0], figure.axes[4]
    np.testing.assert_array_equal(above.get_lines()[0].get_xydata(), [[0, 0], [1, 1]])
    assert (above.get_ylabel(), below.get_ylabel()) == ("accuracy", "images")
    assert sum(bar.get_height() for bar in below.patches) == 120
    own = lenet5.query("set == 'test' and estimator == 'softmax'")
    right, sure = calibration_curve(own["correct"], own["max_probability"], n_bins=15)
    drawn = above.containers[0][0].get_xydata()
    np.testing.assert_allclose(drawn, np.column_stack([sure, right]))


def test_risk_is_drawn_against_coverage_beside_the_control(scores):
    tables = [scores[scores["model"] == model].drop(columns="model") for model in MODELS]
    figure = risk_coverage.draw(tables, MODELS)
    measures = ["maximum probability", "entropy", "mutual information", "vacuity"]
    assert titles(figure)[:4] == [f"LeNet-5, by {measure}" for measure in measures]
    assert len(figure.axes) == 4 * len(MODELS)
    of_mutual, of_vacuity = figure.axes[2], figure.axes[3]
    control = "softmax, maximum probability (control)"
    lines = [line.get_label() for line in of_mutual.get_lines()]
    assert lines == ["MC dropout", "deep ensemble", control]
    assert [line.get_label() for line in of_vacuity.get_lines()] == ["evidential", control]
    assert of_mutual.get_lines()[-1].get_linestyle() == "--"
    test = scores.query("model == 'lenet5' and set == 'test' and estimator == 'mc_dropout'")
    line = of_mutual.get_lines()[0].get_ydata()
    assert line[-1] == pytest.approx((~test["correct"]).mean())
    kept = test.sort_values("mutual_information").head(60)
    assert line[49] == pytest.approx((~kept["correct"]).mean())
    assert set(legends(figure)) == {*NAMES[1:], control}


def test_shifts_have_a_line_for_each_estimator_and_the_numbers_of_the_table(fake):
    table = read(fake, "measures", ["lenet5"])
    figure = shifts.draw(table)
    axes = np.array(figure.axes).reshape(6, 5)
    shown = ["rotation", "noise", "FGSM", "PGD", "PGD against\nlabel change"]
    assert [ax.get_title() for ax in axes[0]] == shown
    assert [ax.get_ylabel() for ax in axes[:3, 0]] == ["accuracy", "NLL (nats)", "ECE"]
    assert axes[-1, 0].get_xlabel() == "rotation (degrees)"
    assert legends(figure) == NAMES
    assert [len(ax.get_lines()) for ax in axes[:, 0]] == [4, 4, 4, 4, 2, 1]
    line = axes[0, 0].get_lines()[1]
    where = "metric == 'accuracy' and estimator == 'mc_dropout'"
    rows = table.query(where).set_index("set")["value"]
    assert line.get_xdata().tolist() == list(ANGLES)
    assert line.get_ydata().tolist() == [rows[f"rotation_{angle}"] for angle in ANGLES]


def test_without_shifts_and_attacks_the_figure_says_so(fake):
    table = read(fake, "measures", ["lenet5"])
    figure = shifts.draw(table[table["set"].isin(["test", "ood_patches"])])
    assert "No set of test is shifted" in figure.axes[0].texts[0].get_text()


def test_the_rotation_strip_holds_what_every_estimator_says(fake, lenet5):
    sets = [
        ImageSet.load(fake / f"shifts/{DATASET}/rotation_{angle}.safetensors") for angle in ANGLES
    ]
    figure = rotation.draw(sets, ANGLES, lenet5, "lenet5")
    strips, answers = figure.axes[0:6:2], figure.axes[1:6:2]
    assert [ax.get_ylabel() for ax in strips] == ["is 1", "is 4", "is 6"]
    assert [t.get_text() for t in strips[0].get_xticklabels()] == ["0°", "30°", "90°", "180°"]
    assert [t.get_text() for t in answers[0].get_yticklabels()] == NAMES
    assert len(answers[0].texts) == 2 * len(ESTIMATORS) * len(ANGLES)
    row = lenet5.query("set == 'rotation_30' and estimator == 'softmax' and index == 1").iloc[0]
    said, entropy = (text.get_text() for text in answers[0].texts[2:4])
    assert said == f"{row['prediction']} ({row['max_probability']:.2f})"
    assert entropy == f"{row['entropy']:.2f}"
    assert answers[0].images[0].get_array()[0, 1] == pytest.approx(row["entropy"])
    weight = "normal" if row["correct"] else "bold"
    assert answers[0].texts[2].get_fontweight() == weight
    assert figure.axes[-1].get_xlabel() == "entropy (nats); dark = uncertain"
    assert len(sets[0]) == CHANGED


@pytest.mark.parametrize(("vary", "sizes"), [("samples", [1, 2, 6]), ("members", [1, 2, 3])])
def test_sweeps_draw_the_mean_over_nets(fake, vary, sizes):
    table = read(fake, "sweep")
    figure = sweep.draw(table, vary)
    who = [words(model) for model in MODELS]
    if vary == "samples":
        who = [f"{each}, {name}" for each in who for name in ("MC dropout", "Bayes by backprop")]
    axes = np.array(figure.axes).reshape(len(who), 5)
    assert [ax.get_title() for ax in axes[:, 0]] == [f"{each}:\naccuracy" for each in who]
    assert [ax.get_title() for ax in axes[0, 1:]] == [*list(sweep.METRICS.values())[1:]]
    assert legends(figure) == ["by entropy", "by mutual information"]
    rows = table[(table["vary"] == vary) & (table["model"] == "lenet5") & (table["seed"] == "all")]
    rows = rows[rows["estimator"] != "bayes_by_backprop"]
    means = rows[rows["metric"] == "nll"].sort_values("size")["value"].tolist()
    lines = [line.get_xydata().T.tolist() for line in axes[0, 1].get_lines()]
    assert [sizes, means] in lines
    assert "mean over 3 nets" in figure.get_suptitle()
    assert ("of one net over images" in figure.get_suptitle()) == (vary == "samples")


def test_refusal_draws_curve_thresholds_and_foreign_sets(fake):
    table = read(fake, "refusal")
    figure = refusal.draw(table)
    axes = np.array(figure.axes).reshape(2, len(MODELS))
    assert [ax.get_title() for ax in axes[0]] == [words(model) for model in MODELS]
    assert axes[1, 0].get_xlabel() == "share of patches refused"
    assert [t.get_text() for t in axes[1, 0].get_yticklabels()] == NAMES
    assert legends(figure) == [*NAMES, "threshold chosen on calibration", "threshold of study 001"]
    own = table.query("model == 'lenet5' and estimator == 'softmax' and set == 'test'")
    curve, dot, cross = axes[0, 0].get_lines()[:3]
    assert curve.get_linestyle() == "--"
    assert curve.get_ydata().tolist() == own.query("rule == 'curve'")["value"].tolist()
    for mark, rule in ((dot, "chosen"), (cross, "fixed")):
        at = own[own["rule"] == rule].set_index("metric")["value"]
        assert mark.get_xydata().tolist() == [[at["coverage"], at["accuracy"]]]
