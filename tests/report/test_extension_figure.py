"""Nets trained with images from holes: their figure and their tables."""

import fake_extension
import numpy as np
import pytest
from matplotlib.collections import PathCollection

from plumbline.report.figures import extension
from plumbline.report.sections.latent import extension as extension_tables
from plumbline.report.summary import estimate
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.tables import read_frame, write_csv


@pytest.fixture(scope="module", params=[1, 3])
def rows(request, tmp_path_factory):
    """The table of made-up nets of one and of three seeds, as it is read."""
    path = tmp_path_factory.mktemp("extension") / "extension.csv"
    write_csv(path, fake_extension.rows(request.param, "lenet5"))
    return read_frame([path])


def made(count):
    pixels = np.random.default_rng(0).random((count, 1, 6, 6)).astype(np.float32)
    return ImageSet("holes", pixels, np.zeros(count), np.arange(count))


def test_without_a_hole_the_figure_says_so(rows):
    figure = extension.draw(rows, made(0), made(8), "lenet5")
    assert "This map has no hole" in figure.axes[0].texts[0].get_text()


def test_every_net_is_a_point_and_the_difference_stands_below(rows):
    images = made(8)
    figure = extension.draw(rows, images, images, "lenet5")
    upper, lower = figure.subfigs
    titles = [ax.get_title() for ax in upper.axes]
    assert titles[:2] == ["accuracy on test", "NLL on test (nats)"]
    assert titles[-1] == "AUROC of entropy\npatches"
    own = rows[(rows["metric"] == "nll") & rows["control"].isna()]
    single, several = (own[own["estimator"] == each] for each in ("softmax", "ensemble"))
    ax = upper.axes[1]
    points = [each for each in ax.collections if isinstance(each, PathCollection)]
    drawn = np.concatenate([each.get_offsets()[:, 1] for each in points])
    assert sorted(drawn) == pytest.approx(sorted([*single["value"], *several["value"]]))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["none", "random", "holes"]
    over = "seeds" if len(single) > 3 else "images"
    gap = rows[(rows["metric"] == "nll_difference") & (rows["over"] == over)]
    gap = gap[(gap["arm"] == "holes") & (gap["control"] == "random")]
    gap = gap[gap["estimator"] == "softmax"]
    assert ax.get_xlabel().endswith(estimate(*gap[["value", "low", "high"]].iloc[0]))
    legend = [text.get_text() for text in upper.legends[0].get_texts()]
    assert ("their ensemble" in legend) == bool(len(several))
    assert [ax.get_title() for ax in lower.axes] == [
        "from holes: 8 images, 100% in holes",
        "from anywhere off the data: 8 images, 75% in holes",
    ]


def test_the_tables_name_the_controls_and_both_intervals(rows):
    values, gaps = extension_tables({"extension": rows}, "digits")
    seeds = rows["seed"].nunique()
    assert len(values.rows) == (6 if seeds > 1 else 3)
    assert [line[2] for line in values.rows[:3]] == [
        "none (control)",
        "random (control)",
        "from holes",
    ]
    assert [line[3] for line in values.rows[:3]] == ["–", "75%", "100%"]
    assert values.head[-1] == "AUROC of entropy, patches"
    kinds = {line[2] for line in gaps.rows}
    assert kinds == ({"seeds", "images"} if seeds > 1 else {"images"})
    assert {line[1] for line in gaps.rows} == {
        "holes minus random",
        "holes minus none",
        "random minus none",
    }
    first = rows[(rows["metric"] == "accuracy_difference") & (rows["over"] == "images")]
    expected = estimate(*first[["value", "low", "high"]].iloc[0])
    line = next(line for line in gaps.rows if line[2] == "images")
    assert line[3] == expected
    assert all(len(line) == len(table.head) for table in (values, gaps) for line in table.rows)
