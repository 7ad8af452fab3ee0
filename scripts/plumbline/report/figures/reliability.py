"""Reliability diagrams: accuracy in bins of confidence, before and after temperature scaling."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, CONTROL, panels, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="training",
    topic="Accuracy and calibration",
    title="reliability",
    inputs={
        "reliability": lambda plan, at: [
            f"models/{at.dataset}/{model}/reliability.csv" for model in plan.config.models
        ]
    },
    caption="""
    Accuracy on test in each bin of confidence, for the net with seed 0, with 95 % Wilson intervals;
    below, the number of images in the bin, on a logarithmic scale. On the dashed line confidence
    equals accuracy; points below it mean that the net is overconfident.
    """,
)

COLUMNS = {"raw": "as trained", "temperature": "temperature-scaled"}


@styled
def draw(reliability: pd.DataFrame) -> Figure:
    """A row for each model; on the left as trained, on the right temperature-scaled.

    ``reliability`` has the rows of the stage training's reliability tables; those of seed 0 on
    test are drawn, with the number of images in each bin below.
    """
    rows = reliability[(reliability["split"] == "test") & (reliability["seed"] == 0)]
    models = list(rows["model"].unique())
    figure, axes = panels(
        2 * len(models),
        2,
        width=8.5,
        height=1.9,
        sharex=True,
        gridspec_kw={"height_ratios": [3, 1] * len(models)},
    )
    for line, model in enumerate(models):
        for column, (scaling, label) in enumerate(COLUMNS.items()):
            part = rows[(rows["model"] == model) & (rows["scaling"] == scaling)]
            above, below = axes[2 * line, column], axes[2 * line + 1, column]
            _diagram(above, below, part)
            above.set_title(f"{words(model)}, {label}")
    for ax in axes[-1]:
        ax.set_xlabel("confidence (largest probability)")
    axes[0, 0].legend(loc="upper left")
    figure.suptitle("Reliability on test, seed 0: accuracy by confidence, 95 % intervals")
    return figure


def _diagram(above: Axes, below: Axes, part: pd.DataFrame) -> None:
    above.plot([0, 1], [0, 1], label="calibrated", linewidth=1.2, **CONTROL)
    error = np.abs(part[["low", "high"]].to_numpy().T - part["value"].to_numpy())
    above.errorbar(
        part["confidence"],
        part["value"],
        yerr=error,
        fmt="o",
        markersize=4,
        color=COLORS[0],
        capsize=2,
        label="net",
    )
    above.set(xlim=(0, 1.02), ylim=(-0.03, 1.05), ylabel="accuracy")
    below.bar(part["confidence"], part["n"], width=0.03, color=COLORS[0])
    below.set_yscale("log")
    below.set(ylabel="images", ylim=(0.7, max(2, part["n"].max() * 2) if len(part) else 2))
