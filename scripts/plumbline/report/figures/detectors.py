"""Fitted detectors of misclassified images: gain over the maximum softmax probability."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.spec import FigureSpec
from plumbline.report.style import CONTROL, colors, notice, panels, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="detection",
    topic="Fitted detectors",
    title="detectors",
    inputs={"table": lambda plan, at: plan.detection.detector_tables(at.dataset)},
    when=lambda plan, dataset: bool(plan.detection.detector_tables(dataset)),
    caption="""
    Difference in AUROC between a fitted detector and the maximum softmax probability of the same
    net, for the detection of misclassified test images. Bars are 95 % bootstrap intervals of the
    paired difference on the same images; with fewer than ten misclassified images there is no bar.
    Detectors are fitted on calibration only. A bar that includes the dashed line shows no gain.
    """,
)

FEATURES = ("softmax", "lcr", "conductance", "both", "all")
BLOCK = "conductance_"
MARKERS = "osD^vP"
SPREAD = 0.5  # of a row, between its first and its last detector


@styled
def draw(table: pd.DataFrame) -> Figure:
    """A panel for each net, a row for each group of features, a mark for each detector.

    ``table`` has the rows of one dataset.  Right of the dashed line a detector finds errors on
    test better than the control does; bars are intervals of the paired difference.
    """
    rows = table[(table["metric"] == "auroc_gain") & (table["task"] == "misclassified")]
    models = list(rows["model"].unique())
    if not models:
        return notice("Too few errors on calibration to fit a detector, or on test to judge one.")
    shades = colors(list(rows["detector"].unique()))
    named = {model: _ordered(rows[rows["model"] == model]["features"]) for model in models}
    figure, axes = panels(
        1, len(models), height=1.6 + 0.36 * max(map(len, named.values())), sharex=True
    )
    for ax, (model, features) in zip(axes[0], named.items(), strict=True):
        own = rows[rows["model"] == model]
        for place, (detector, color) in enumerate(shades.items()):
            shift = SPREAD * (place / max(1, len(shades) - 1) - 0.5)
            part = own[own["detector"] == detector].set_index("features")
            marker = MARKERS[place % len(MARKERS)]
            _marks(ax, part, features, shift, words(detector), color=color, marker=marker)
        ax.axvline(0, **CONTROL)
        ax.set_yticks(range(len(features)), [name(each) for each in features])
        ax.set_ylim(len(features) - 0.5, -0.5)
        ax.grid(False, axis="y")
        most = own.loc[own["n"].idxmax()]
        ax.set(title=f"{words(model)}, {most['n_positive']:.0f} of {most['n']:.0f} images wrong")
        ax.set_xlabel("AUROC minus that of the control")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.suptitle("Fitted detectors of wrong answers; dashed: maximum softmax probability")
    return figure


def name(features: str) -> str:
    """A group of features as a reader would write it."""
    if features.startswith(BLOCK):
        return f"conductance of {features.removeprefix(BLOCK)}"
    return {"conductance": "conductance, all blocks"}.get(features, words(features))


def _ordered(features: pd.Series) -> list[str]:
    """Groups of features, the blocks from the first to the last before the others."""
    known = list(features.unique())
    blocks = [each for each in known if each.startswith(BLOCK)]
    return blocks + [each for each in FEATURES if each in known]


def _marks(
    ax: Axes, part: pd.DataFrame, features: list[str], shift: float, label: str, **how: Any
) -> None:
    """Value and interval of one detector on each group of features that it was fitted on."""
    for place, each in enumerate(features):
        if each not in part.index:
            continue
        value, low, high = part.loc[each, ["value", "low", "high"]].astype(float)
        error = [[value - low], [high - value]]
        at = place + shift
        ax.errorbar(value, at, xerr=error, markersize=5, capsize=2, ls="", label=label, **how)
        label = ""  # the legend needs one mark
