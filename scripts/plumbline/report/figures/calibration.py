"""Reliability diagrams of every estimator: accuracy in bins of confidence, with counts."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.metrics.classification import BINS
from plumbline.metrics.intervals import wilson
from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, CONTROL, legend_below, panels, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="uncertainty",
    topic="Estimators",
    title="calibration",
    inputs={"scores": "uncertainty/{dataset}/{model}/scores.parquet"},
    when=lambda plan, dataset: [{"model": model} for model in plan.config.uncertain_models],
    caption="""
    Accuracy on test in each bin of confidence (the largest mean probability) for every estimator,
    with 95 % Wilson intervals; below, the number of images in the bin, on a logarithmic scale. On
    the dashed line confidence equals accuracy. Points below it mean that the estimator is
    overconfident, points above it that it is underconfident, as the mean over dropout passes tends
    to be.
    """,
)

COLUMNS = 4


def bins(confidence: np.ndarray, right: np.ndarray) -> pd.DataFrame:
    """Mean ``confidence``, accuracy with its Wilson interval and ``n`` of each bin with images.

    The bins are those of the expected calibration error: equal width, closed above.
    """
    number = np.searchsorted(np.arange(1, BINS) / BINS, confidence, side="left")
    rows = []
    for each in np.unique(number):
        inside = number == each
        hits, n = int(right[inside].sum()), int(inside.sum())
        rows.append((confidence[inside].mean(), hits / n, *wilson(hits, n), n))
    return pd.DataFrame(rows, columns=["confidence", "value", "low", "high", "n"])


@styled
def draw(scores: pd.DataFrame, model: str) -> Figure:
    """Accuracy by confidence on test, a panel for each estimator, images per bin below.

    ``scores`` is the table of images of the net ``model``; confidence is the largest mean
    probability.
    """
    test = scores[scores["set"] == "test"]
    names = list(test["estimator"].unique())
    columns = min(COLUMNS, len(names))
    lines = -(-len(names) // columns)
    figure, axes = panels(
        2 * lines,
        columns,
        height=1.75,
        sharex=True,
        gridspec_kw={"height_ratios": [3, 1] * lines},
    )
    for place in range(columns * lines):
        line, column = divmod(place, columns)
        above, below = axes[2 * line, column], axes[2 * line + 1, column]
        if place >= len(names):
            above.set_axis_off()
            below.set_axis_off()
            continue
        part = test[test["estimator"] == names[place]]
        _diagram(above, below, bins(*(part[c].to_numpy() for c in ("max_probability", "correct"))))
        above.set_title(words(names[place]))
        below.set_xlabel("confidence")
        below.tick_params(labelbottom=True)
        if column == 0:
            above.set_ylabel("accuracy")
            below.set_ylabel("images")
    legend_below(figure, axes[0, 0])
    figure.suptitle(f"{words(model)}: accuracy on test by confidence, 95 % intervals")
    return figure


def _diagram(above: Axes, below: Axes, part: pd.DataFrame) -> None:
    above.plot([0, 1], [0, 1], label="calibrated", linewidth=1.2, **CONTROL)
    error = np.abs(part[["low", "high"]].to_numpy().T - part["value"].to_numpy())
    how: dict[str, Any] = {
        "fmt": "o",
        "markersize": 3.5,
        "capsize": 2,
        "linewidth": 1.2,
        "label": "net",
    }
    above.errorbar(part["confidence"], part["value"], yerr=error, color=COLORS[0], **how)
    above.set(xlim=(0, 1.02), ylim=(-0.03, 1.05))
    below.bar(part["confidence"], part["n"], width=0.03, color=COLORS[0])
    below.set_yscale("log")
    below.set(ylim=(0.7, max(2, part["n"].max() * 2)))
