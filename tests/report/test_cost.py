"""Quality against cost: every method a point with a label that covers no other."""

import json

import numpy as np
import pandas as pd
import pytest
from fake_results import DATASET, METHODS
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from plumbline.report.figures import cost
from plumbline.report.pages.report import report_tables
from plumbline.report.summary import number
from plumbline.storage.tables import read_frame


@pytest.fixture(scope="module")
def place(fake):
    return fake / f"attribution/{DATASET}/lenet5"


@pytest.fixture(scope="module")
def net(place):
    costs = read_frame([place / f"{name}.cost.csv" for name in METHODS])
    return costs, read_frame([place / "degradation.csv"])


def many(count):
    """Tables of ``count`` methods, many of them alike in cost and gain."""
    rng = np.random.default_rng(0)
    costs, gains = [], []
    for place, name in enumerate(f"lrp_deep_and_long_{i}" for i in range(count)):
        for metric in cost.COSTS:
            costs.append({"method": name, "metric": metric, "value": 1.0 + (place % 3)})
        for mode in cost.MODES:
            value = float(rng.normal(0.2, 0.01))
            where = {"method": name, "control": "random", "mode": mode, "fill": "0"}
            figure = {"value": value, "low": value - 0.02, "high": value + 0.02}
            gains.append({**where, "metric": "area_gain", **figure})
    return pd.DataFrame(costs), pd.DataFrame(gains)


def test_each_point_is_a_method_s_price_and_gain(net):
    costs, table = net
    figure = cost.draw(costs, table)
    assert [ax.get_xlabel() for ax in figure.axes[::2]] == list(cost.COSTS.values())
    assert [ax.get_title() for ax in figure.axes[:2]] == list(cost.MODES.values())
    lime = table.query(
        "method == 'lime' and metric == 'area_gain' and control == 'random' and fill == '0'"
    ).set_index("mode")
    for ax, mode in zip(figure.axes[:2], cost.MODES, strict=True):
        names = [text.get_text() for text in ax.texts]
        assert sorted(names) == sorted(
            ["gradient", "LRP-ε", "LIME", "KernelSHAP", "intensity (control)"]
        )
        (point,) = [text.xy for text in ax.texts if text.get_text() == "LIME"]
        assert point == (300, lime.loc[mode, "value"])
        zero = ax.get_lines()[0]
        assert set(zero.get_ydata()) == {0}
        bars = [line.get_ydata() for line in ax.get_lines() if len(line.get_xdata()) == 2]
        assert list(lime.loc[mode, ["low", "high"]]) in [list(each) for each in bars]
    assert [ax.get_xscale() for ax in figure.axes] == ["symlog", "symlog", "log", "log"]


@pytest.mark.parametrize("count", [1, 5, 36])
def test_labels_do_not_overlap_and_stay_inside(count):
    figure = cost.draw(*many(count))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    panels = [ax.get_window_extent() for ax in figure.axes]
    boxes = [
        Text.get_window_extent(text, canvas.get_renderer())  # without the line to the point
        for ax in figure.axes
        for text in ax.texts
    ]
    assert len(boxes) == 4 * count
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in [*boxes[:place], *panels])
        assert figure.bbox.x0 < box.x0 < box.x1 < figure.bbox.x1
        assert figure.bbox.y0 < box.y0 < box.y1 < figure.bbox.y1


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=30).map(sorted),
    st.floats(0.001, 0.2),
)
def test_labels_keep_their_distance_their_order_and_the_panel(wanted, space):
    heights = cost.spread(np.array(wanted), space)
    least = min(space, 1 / max(len(wanted) - 1, 1))
    assert (np.diff(heights) >= least - 1e-9).all()
    assert heights.min() >= -1e-9
    assert heights.max() <= 1 + 1e-9


def test_labels_that_have_room_stand_beside_their_points():
    wanted = np.array([0.1, 0.5, 0.52, 0.9])
    np.testing.assert_allclose(cost.spread(wanted, 0.02), wanted)
    np.testing.assert_allclose(cost.spread(wanted, 0.1), [0.1, 0.46, 0.56, 0.9])


def test_the_script_draws_from_tables(run, place, tmp_path):
    inputs = {
        "cost": [str(place / f"{name}.cost.csv") for name in METHODS],
        "attribution": [str(place / "degradation.csv")],
    }
    how = ("--inputs", json.dumps(inputs), "--out", tmp_path / "cost.png")
    run("plot.py", "--figure", "cost", *how)
    assert Image.open(tmp_path / "cost.png").width == 1650


def test_the_table_says_what_each_method_costs_and_gains(tables):
    frames = {name: read_frame([tables[name]]) for name in ("cost", "attribution")}
    alexnet, lenet = report_tables("attribution", "cost", frames, DATASET)
    assert alexnet.title.startswith("AlexNet")
    rows = {row[1]: row for row in lenet.rows}
    assert rows["LIME"][:4] == ["Perturbation", "LIME", number(300), number(0.3004)]
    assert rows["random (control)"][2:] == ["0.000", "0.0004", "–", "–", "–"]
    assert rows["LIME"][-1] == "30"
    alone = report_tables("attribution", "cost", {"cost": frames["cost"]}, DATASET)
    assert {row[-2] for table in alone for row in table.rows} == {"–"}


def test_the_coverage_table_has_no_silent_hole(tables, coverage):
    from plumbline.report.left_out import coverage_frame

    frames = {
        "coverage": coverage_frame({DATASET: coverage}),
        "attribution": read_frame([tables["attribution"]]),
    }
    (table,) = report_tables("attribution", "coverage", frames, DATASET)
    assert list(table.head) == ["family", "method", "LeNet-5", "AlexNet"]
    rows = {row[1]: row[2:] for row in table.rows}
    assert rows["LIME"] == ["30", "30"]
    assert rows["gradient"] == ["60", "60"]
    assert rows["CAM"] == ["does not apply", "no row in tables/attribution.csv"]
    assert f"CAM does not apply to LeNet-5: {coverage['lenet5']['cam']}." in table.note
    assert "Methods not in this configuration: saliency." in table.note
    assert "Nets not in this configuration: ResNet-20." in table.note
    assert all(cell for row in table.rows for cell in row)
