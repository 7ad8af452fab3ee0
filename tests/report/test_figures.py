"""Every figure says what it shows: title, axes, units, control, meaning of dark."""

import matplotlib.pyplot
import numpy as np
import pytest
from fake_results import ATTACKS, CLASSES, DATASET, METHODS, MODELS, OPERATORS
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.artefacts import Attribution, ImageSet, load_arrays
from plumbline.report import style
from plumbline.report.figures import (
    accuracy,
    attacks,
    degradation,
    detection,
    gallery,
    latent,
    reliability,
    stability,
    training_curves,
    uncertainty,
)
from plumbline.report.reading import read_frame, read_images


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
    rows = table.query("set == 'test' and scaling == 'raw' and metric == 'accuracy'")
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
    run = read(fake, f"models/{DATASET}/lenet5/seed0/history.csv").assign(model="lenet5", seed=0)
    run.loc[5, "val_accuracy"] = 1.0
    (ax,) = training_curves.draw(run).axes
    dot = ax.get_lines()[-1]
    assert dot.get_label() == "kept epoch"
    assert dot.get_xydata().tolist() == [[5, run.loc[5, "val_nll"]]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "NLL (nats)")


def test_attacks_stand_beside_noise_of_the_same_size(fake):
    figure = attacks.draw(read(fake, f"attacks/{DATASET}/*/*.csv"))
    assert legends(figure) == ["FGSM", "PGD", "random noise of size ε (control)"]
    success, accuracy_axes = figure.axes[0], figure.axes[2]
    assert success.get_ylabel() == "success rate"
    assert len(success.collections) == len(ATTACKS)  # a band for each
    noise = accuracy_axes.get_lines()[-1]
    assert (noise.get_color(), noise.get_linestyle()) == ("0.45", "--")
    assert noise.get_xdata().tolist() == [0, 0.05, 0.3]
    assert "ε" in accuracy_axes.get_xlabel()


def test_uncertainty_has_a_panel_for_each_estimator_that_disagrees(fake):
    paths = [fake / f"uncertainty/{DATASET}/{model}/scores.parquet" for model in MODELS]
    scores = read_images(paths, MODELS)
    of_entropy = uncertainty.draw(scores, "entropy")
    of_mutual = uncertainty.draw(scores, "mutual_information")
    assert (len(of_entropy.axes), len(of_mutual.axes)) == (6, 4)
    assert of_entropy.axes[-1].get_xlabel() == "entropy (nats)"
    expected = ["test, right", "test, wrong", "out of distribution", "adversarial"]
    assert legends(of_entropy) == expected
    wrong = scores.query("set == 'test' and model == 'lenet5' and estimator == 'softmax'")
    assert titles(of_entropy)[0] == f"LeNet-5, softmax: {(~wrong['correct']).sum()} wrong"


def latent_figure(fake, corpus, scale):
    arrays, _ = load_arrays(fake / f"latent/{DATASET}/{corpus}/lenet5.safetensors", "LatentMap")
    codes, about = load_arrays(fake / f"latent/{DATASET}/{corpus}/codes.safetensors", "Codes")
    second = latent.Codes(" and ".join(about["other"]), codes["other"])
    measure = "max_probability" if corpus == "adversarial" else "entropy"
    return arrays, latent.draw(
        {(e, m): arrays[f"{e}.{measure}"] for e in ("mc_dropout", "ensemble") for m in MODELS},
        latent.Codes("test images", codes["test"]),
        codes["test_labels"],
        second if len(second.points) else None,
        classes=CLASSES,
        corpus=corpus,
        measure=measure,
        covers=latent.extent(arrays["axis"]),
        scale=scale,
    )


def test_latent_maps_share_one_scale_and_say_that_dark_is_uncertain(fake):
    scale = latent.norm([np.array([0.0, 1.0]), np.array([0.5, 2.0])])
    assert (scale.vmin, scale.vmax) == (0.0, 2.0)
    figures = [latent_figure(fake, c, scale)[1] for c in ("in_distribution", "adversarial")]
    maps = [ax.images[0] for figure in figures for ax in figure.axes if ax.images]
    assert len(maps) == 8
    assert all(each.norm is scale for each in maps)
    bars = [figure.axes[-1].get_ylabel() for figure in figures]
    assert bars == [
        "entropy (nats); dark = uncertain",
        "largest probability; dark = low = uncertain",
    ]


@pytest.mark.parametrize(
    ("measure", "uncertain", "certain"),
    [("entropy", 1.0, 0.0), ("mutual_information", 1.0, 0.0), ("max_probability", 0.0, 1.0)],
)
def test_the_uncertain_end_of_each_scale_is_the_dark_one(measure, uncertain, certain):
    colormap = matplotlib.colormaps[latent.SCALES[measure][0]]
    assert sum(colormap(uncertain)[:3]) < 0.1
    assert sum(colormap(certain)[:3]) > 2.9


def test_latent_maps_are_drawn_upright_with_the_codes_where_they_lie(fake):
    arrays, figure = latent_figure(fake, "out_of_distribution", latent.norm([np.arange(3.0)]))
    ax, axis = figure.axes[0], arrays["axis"]
    image = ax.images[0]
    step = axis[1] - axis[0]
    assert image.origin == "lower"
    low, high = axis[0] - step / 2, axis[-1] + step / 2
    np.testing.assert_allclose(image.get_extent(), [low, high, low, high])
    hole = np.unravel_index(np.argmin(arrays["mc_dropout.entropy"][:8, :8]), (8, 8))
    np.testing.assert_allclose([axis[hole[1]], axis[hole[0]]], [-4, -4])
    dots, crosses = ax.collections
    assert (len(dots.get_offsets()), len(crosses.get_offsets())) == (120, 40)
    assert legends(figure) == [*CLASSES, "patches"]


def test_gallery_has_a_row_for_each_image_and_a_symmetric_scale(fake):
    images = ImageSet.load(fake / f"data/{DATASET}/test.safetensors")
    place = fake / f"attribution/{DATASET}/lenet5"
    found = {name: Attribution.load(place / f"{name}.safetensors") for name in METHODS}
    shown = gallery.choose(images.labels[:30], 4)
    figure = gallery.draw(
        images.pixels[shown],
        [CLASSES[k] for k in images.labels[shown]],
        [CLASSES[k] for k in found["lime"].target[shown]],
        {name: each.relevance[shown] for name, each in found.items()},
    )
    cells = np.array(figure.axes[:-1]).reshape(4, len(METHODS) + 1)
    assert [ax.get_ylabel() for ax in cells[:, 0]][3] == "is 3\nsaid 8"
    assert [ax.get_title().replace("\n", " ") for ax in cells[0]] == [
        "image",
        "gradient",
        "LRP-ε",
        "LIME",
        "KernelSHAP",
        "random (control)",
        "intensity (control)",
    ]
    for ax in cells[:, 1:].flat:
        low, high = ax.images[0].get_clim()
        assert low == -high < 0
    assert "99th percentile" in figure.axes[-1].get_xlabel()


def test_an_attribution_of_nothing_is_drawn_as_nothing():
    nothing = {"zero": np.zeros((1, 1, 4, 4), np.float32)}
    figure = gallery.draw(np.zeros((1, 1, 4, 4), np.float32), ["a"], ["a"], nothing)
    assert np.ptp(figure.axes[1].images[0].get_array()) == 0
    assert figure.axes[1].images[0].get_clim() == (-1, 1)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(1, 12))
def test_the_gallery_shows_as_many_classes_as_it_can(labels, count):
    labels = np.array(labels)
    shown = gallery.choose(labels, count)
    assert len(set(shown.tolist())) == len(shown) == min(count, len(labels))
    assert len(np.unique(labels[shown])) == min(len(shown), len(np.unique(labels)))


def test_degradation_has_keep_delete_and_reversed_and_grey_controls(fake):
    figure = degradation.draw(read(fake, f"attribution/{DATASET}/lenet5/*.csv"))
    assert titles(figure)[::2] == [
        "keep top of the ranking, fill 0",
        "keep bottom of the ranking, fill 0",
        "delete top of the ranking, fill 0",
        "delete bottom of the ranking, fill 0",
    ]
    assert legends(figure)[-2:] == ["random (control)", "intensity (control)"]
    ax = figure.axes[0]
    study, *lines = ax.get_lines()
    assert set(study.get_xdata()) == {0.2}
    grey = {line.get_label() for line in lines if line.get_color() == style.CONTROL["color"]}
    assert grey == {"random (control)", "intensity (control)"}
    assert len(ax.collections) == len(METHODS)
    assert figure.axes[-1].get_xlabel() == "share of pixels"


def test_stability_has_a_box_for_each_kind_of_image_and_the_rejection_rate(fake):
    place = fake / f"stability/{DATASET}/lenet5"
    changes = read_images([place / f"{name}.parquet" for name in OPERATORS], ["lenet5"] * 2)
    changes["correct"] = changes["prediction"] == changes["label"]
    table = read_frame([place / f"{name}.csv" for name in OPERATORS])
    figure = stability.draw(changes, table)
    rate = table.query("metric == 'rejection_rate'")["value"].iloc[0]
    assert titles(figure)[0] == (
        f"LeNet-5, neuron activation inversion; mutants rejected: {rate:.0%}"
    )
    assert figure.axes[0].get_xlabel() == "label change rate (share of mutants)"
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels[2:] == ["out of distribution (n = 40)", "adversarial (n = 80)"]


def test_detection_has_the_control_as_a_line_and_only_scores_that_vary(fake):
    table = read(fake, f"detection/{DATASET}/lenet5.csv")
    figure = detection.draw(table)
    assert titles(figure) == [
        "misclassified\ntest images",
        "out of distribution\npatches",
        "adversarial, successful\nFGSM, ε = 0.3",
        "adversarial, successful\nPGD, ε = 0.3",
    ]
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert "softmax: maximum probability (control)" in names
    assert "softmax: mutual information" not in names
    control = table.query(
        "score == 'softmax.max_probability' and metric == 'auroc' and task == 'misclassified'"
    )
    line = figure.axes[0].get_lines()[1]
    assert set(line.get_xdata()) == {control["value"].iloc[0]}
    assert line.get_linestyle() == "--"


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
        read(fake, f"models/{DATASET}/lenet5/seed0/history.csv").assign(model="lenet5", seed=0)
    )
    ours = np.asarray(Image.open(BytesIO(style.png(figure)))).astype(int)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    exact = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    assert np.abs(ours - exact).max() <= 3
    assert (ours[0, 0] == 255).all()
