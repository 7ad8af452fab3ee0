"""Every figure says what it shows: title, axes, units, control, meaning of dark."""

import matplotlib.pyplot
import numpy as np
import pandas as pd
import pytest
from fake_results import ADAPTIVE, ATTACKS, DATASET, OPERATORS

from plumbline.data.image_sets import parse_all
from plumbline.report import style
from plumbline.report.figures import (
    accuracy,
    attacks,
    degradation,
    detection,
    log_odds,
    reliability,
    stability,
    training_curves,
)
from plumbline.report.groups import groups
from plumbline.report.wording import words
from plumbline.storage.tables import read_frame, read_parquet


def test_colours_are_seaborns_for_the_colour_blind():
    import seaborn

    assert list(seaborn.color_palette("colorblind")) == style.COLORS


@pytest.fixture(autouse=True)
def _pyplot_keeps_no_figure():
    yield
    assert matplotlib.pyplot.get_fignums() == []


def titles(figure):
    return [ax.get_title() for ax in figure.axes]


def legends(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def read(fake, pattern):
    return read_frame(sorted(fake.glob(pattern)))


def test_accuracy_has_a_mark_for_every_model_and_both_scalings(fake):
    figure = accuracy.draw(read(fake, f"models/{DATASET}/*/evaluation.csv"))
    assert figure.get_suptitle().startswith("Accuracy and calibration on test, mean over 2")
    assert [ax.get_xlabel() for ax in figure.axes] == [
        "accuracy on test",
        "NLL (nats) on test",
        "ECE (15 bins) on test",
    ]
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["AlexNet", "LeNet-5"]
    assert [len(ax.containers) for ax in figure.axes] == [2, 4, 4]
    assert legends(figure) == ["as trained", "temperature-scaled"]


def test_accuracy_draws_the_numbers_of_the_table(fake):
    table = read(fake, f"models/{DATASET}/lenet5/evaluation.csv")
    rows = table.query("split == 'test' and scaling == 'raw' and metric == 'accuracy'")
    rows = rows[rows["class"] == "all"]
    point = accuracy.draw(table).axes[0].containers[0][0]
    assert point.get_xdata()[0] == pytest.approx(rows["value"].mean())


def test_reliability_has_the_diagonal_and_counts(fake):
    figure = reliability.draw(read(fake, f"models/{DATASET}/*/reliability.csv"))
    assert "AlexNet, as trained" in titles(figure)
    assert "LeNet-5, temperature-scaled" in titles(figure)
    above, below = figure.axes[0], figure.axes[2]
    diagonal = above.get_lines()[0]
    assert diagonal.get_color() == style.CONTROL["color"]
    np.testing.assert_array_equal(diagonal.get_xydata(), [[0, 0], [1, 1]])
    assert (above.get_ylabel(), below.get_ylabel()) == ("accuracy", "images")
    assert [bar.get_height() for bar in below.patches] == [4 + 3 * b for b in range(4, 15)]


def test_training_curves_mark_the_kept_epoch(fake):
    run = read(fake, f"models/{DATASET}/lenet5/cross_entropy/0/history.csv")
    run.loc[5, "val_accuracy"] = 1.0
    (ax,) = training_curves.draw([run], ["lenet5"], [0]).axes
    dot = ax.get_lines()[-1]
    assert dot.get_label() == "kept epoch"
    assert dot.get_xydata().tolist() == [[5, run.loc[5, "val_nll"]]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "NLL (nats)")


def test_attacks_stand_beside_noise_of_the_same_size(fake):
    figure = attacks.draw(read(fake, f"attacks/{DATASET}/*/*.csv"))
    control = "random noise of size ε (control)"
    assert legends(figure) == ["FGSM", "PGD", "PGD against label change", control]
    success, accuracy_axes = figure.axes[0], figure.axes[2]
    assert success.get_ylabel() == "success rate"
    assert len(success.collections) == len((*ATTACKS, ADAPTIVE))  # a band for each
    noise = accuracy_axes.get_lines()[-1]
    assert (noise.get_color(), noise.get_linestyle()) == ("0.45", "--")
    assert noise.get_xdata().tolist() == [0, 0.05, 0.3]
    assert "ε" in accuracy_axes.get_xlabel()


def test_degradation_curves_have_a_row_for_each_family_and_grey_controls(fake):
    table = read(fake, f"attribution/{DATASET}/lenet5/degradation.csv")
    for mode in ("keep", "delete"):
        figure = degradation.draw(table, mode)
        cells = np.array(figure.axes).reshape(3, 2)
        assert titles(figure)[:2] == ["fill: 0", "fill: 1"]
        assert [ax.get_ylabel().split("\n")[0] for ax in cells[:, 0]] == [
            "Gradients",
            "Relevance",
            "Perturbation",
        ]
        assert legends(figure) == ["random (control)", "intensity (control)"]
        own = [text.get_text() for text in cells[2, -1].get_legend().get_texts()]
        assert own == ["LIME, n = 30", "KernelSHAP, n = 30"]
        for ax in cells.flat:
            study, *lines = ax.get_lines()
            assert set(study.get_xdata()) == {0.2}
            grey = {line.get_label() for line in lines if line.get_color() == "0.45"}
            assert grey == {"random (control)", "intensity (control)"}
        line = cells[0, 1].get_lines()[1]
        where = "method == 'gradient' and fill == '1' and metric == 'accuracy'"
        drawn = table.query(f"{where} and mode == @mode and ranking == 'descending'")
        assert line.get_label() == "gradient"
        assert line.get_ydata().tolist() == drawn["value"].tolist()
        assert figure.axes[-1].get_xlabel() == "share of pixels"


def test_degradation_curves_stop_at_what_there_is(fake):
    """Only controls, one fill: one row, no legend beside it."""
    table = read(fake, f"attribution/{DATASET}/lenet5/degradation.csv")
    few = table[table["method"].isin(["random", "intensity"]) & table["fill"].isin(["0"])]
    figure = degradation.draw(few, "keep")
    (ax,) = figure.axes
    assert ax.get_legend() is None
    assert legends(figure) == ["random (control)", "intensity (control)"]


def test_gains_are_ranked_against_each_control(fake):
    table = read(fake, f"attribution/{DATASET}/lenet5/degradation.csv")
    figure = degradation.draw(table, "gain")
    assert titles(figure) == [
        f"top {what}\nagainst {control} (control)"
        for control in ("random", "intensity")
        for what in ("kept", "deleted")
    ]
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert "random (control)" not in names
    gains = table.query("metric == 'area_gain' and control == 'random'")
    order = gains.groupby("method")["value"].mean().sort_values(ascending=False).index
    assert [name.split(",")[0] for name in names] == [words(name) for name in order]
    assert legends(figure) == ["fill: 0", "fill: 1"]
    first = figure.axes[1].containers[0].lines[0].get_xdata()
    deleted = gains.query("mode == 'delete' and fill == '0'").set_index("method")["value"]
    assert first.tolist() == deleted[order].tolist()


def test_without_a_control_the_figure_says_so(fake):
    table = read(fake, f"attribution/{DATASET}/lenet5/degradation.csv")
    figure = degradation.draw(table[table["control"].isna()], "gain")
    assert "no control among the methods" in figure.axes[0].texts[0].get_text()


def test_log_odds_have_a_panel_for_each_pair_and_grey_controls(fake):
    table = read(fake, f"attribution/{DATASET}/lenet5/log_odds.csv")
    figure = log_odds.draw(table)
    assert titles(figure) == ["8 → 3 (n = 36)", "9 → 1 (n = 36)"]
    labels = figure.axes[0].get_yticklabels()
    grey = [text.get_text() for text in labels if text.get_color() == "0.45"]
    assert grey == ["intensity (control)", "random (control)"]
    assert [text.get_text() for text in labels][-1] == "random (control)"
    box = figure.axes[1].patches[-1]
    own = table.query("method == 'random' and pair == '9->1'").set_index("metric")["value"]
    assert box.get_x() == own["lower_quartile"]
    assert box.get_x() + box.get_width() == pytest.approx(own["upper_quartile"])
    figure = log_odds.draw(table[table["pair"].isna()])
    assert "None of the pairs" in figure.axes[0].texts[0].get_text()


def test_stability_has_a_box_for_each_kind_of_image_and_the_rejection_rate(fake):
    place = fake / f"stability/{DATASET}/lenet5"
    changes = [read_parquet(place / f"{name}.parquet") for name in OPERATORS]
    table = read_frame([place / f"{name}.csv" for name in OPERATORS])
    figure = stability.draw(changes, table, ["lenet5"] * 2, ["pgd_adaptive_label_change"])
    rate = table.query("metric == 'rejection_rate'")["value"].iloc[0]
    assert titles(figure)[0] == (
        f"LeNet-5\nneuron activation inversion\nmutants rejected: {rate:.0%}"
    )
    assert figure.axes[0].get_xlabel() == "label change rate"
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels[2:] == [
        "out of distribution (n = 40)",
        "adversarial (n = 80)",
        "adversarial, adaptive (n = 40)",
        "adversarial, smallest (n = 40)",
    ]


def test_kinds_of_images_follow_from_the_columns_of_their_sets():
    kinds = {
        "calibration": None,
        "test": "test, right",
        "ood_noise": "out of distribution",
        "fgsm_eps0.05": None,
        "fgsm_eps0.1": "adversarial",
        "knows_eps0.1": "adversarial, adaptive",
        "pgd_adaptive_but_not_eps0.1": "adversarial",
        "hop_skip_jump": "adversarial, smallest",
        "rotation_30": None,
        "noise_0.1": None,
    }
    keys = parse_all(kinds, ["hop_skip_jump"]).values()
    found = groups(pd.DataFrame([key.columns() for key in keys]).assign(correct=True), ["knows"])
    assert found.where(found.notna(), None).tolist() == list(kinds.values())


def test_detection_has_the_control_as_a_line_and_every_score(fake):
    table = read(fake, f"detection/{DATASET}/lenet5.csv")
    figure = detection.draw(table)
    assert titles(figure) == [
        "misclassified\ntest images",
        "out of distribution\npatches",
        "adversarial, successful\nFGSM, ε = 0.3",
        "adversarial, successful\nPGD, ε = 0.3",
        "adversarial, successful\nPGD against label\nchange, ε = 0.3",
        "adversarial, successful\nDeepFool",
    ]
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert "softmax: maximum probability (control)" in names
    assert len(names) == table["score"].map(detection.kind).nunique()
    control = table.query(
        "score == 'softmax.max_probability' and metric == 'auroc' and task == 'misclassified'"
    )
    line = figure.axes[0].get_lines()[1]
    assert set(line.get_xdata()) == {control["value"].iloc[0]}
    assert line.get_linestyle() == "--"


def test_of_many_scores_detection_draws_the_best_and_the_control(fake):
    table = read(fake, f"detection/{DATASET}/lenet5.csv")
    better = table.assign(**{each: table[each] + 1 for each in ("value", "low", "high")})
    parts = [better.assign(score=f"own{each}") for each in range(detection.SHOWN + 3)]
    parts = [part.drop_duplicates(["task", "set", "positives", "metric"]) for part in parts]
    figure = detection.draw(pd.concat([table, *parts], ignore_index=True))
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert len(names) == detection.SHOWN + 1
    assert names[-1] == "softmax: maximum probability (control)"
    assert figure.get_suptitle().startswith("The best score of each kind as detectors")


def test_each_kind_of_score_is_drawn_by_its_best():
    order = ["ensemble.entropy", "mlp.conductance_conv1", "mlp.lcr", "dropout_ensemble.variance"]
    order += ["logistic.conductance", "softmax.entropy", "energy", "softmax.max_probability"]
    best = [name for name in order if name not in (order[3], order[4])]
    assert detection.best_of_kinds(order) == best
    assert detection.best_of_kinds(order, 2) == [*best[:2], "softmax.max_probability"]


def test_a_score_has_the_colour_of_the_family_of_its_estimator():
    colors = detection.FAMILY_COLORS
    assert detection.color("bayes_by_backprop.entropy") == colors["bayesian"]
    assert detection.color("dropout_ensemble.entropy") == colors["ensemble"]
    assert detection.color("mc_dropout_logits.entropy") == colors["dropout"]
    assert detection.color("label_change_rate.weight_noise") == colors["label_change_rate"]
    assert detection.color("logistic.lcr") == style.COLORS[7]


def test_the_same_figure_is_the_same_bytes_whatever_the_settings(fake, tmp_path):
    table = read(fake, f"attacks/{DATASET}/*/*.csv")
    first = style.png(attacks.draw(table))
    with matplotlib.rc_context({"font.size": 30, "axes.grid": False}):
        second = style.png(attacks.draw(table))
    assert first == second
    assert b"Software" not in first
    style.save(attacks.draw(table), tmp_path / "figures/a.png")
    assert (tmp_path / "figures/a.png").read_bytes() == first


def test_rounding_of_colours_stays_invisible(fake):
    from io import BytesIO

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure = training_curves.draw(
        [read(fake, f"models/{DATASET}/lenet5/cross_entropy/0/history.csv")], ["lenet5"], [0]
    )
    ours = np.asarray(Image.open(BytesIO(style.png(figure)))).astype(int)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    exact = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    assert np.abs(ours - exact).max() <= 3
    assert (ours[0, 0] == 255).all()
