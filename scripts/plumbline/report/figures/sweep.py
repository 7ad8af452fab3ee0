"""Estimates as a function of the number of passes, and of nets in an ensemble."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, curve, legend_below, panels, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="uncertainty",
    topic="More passes, more nets",
    title="sweep",
    inputs={
        "sweep": lambda plan, at: [
            f"uncertainty/{at.dataset}/{model}/sweep.csv"
            for model in plan.uncertainty.sweeping(at.dataset, at.vary)
        ]
    },
    when=lambda plan, dataset: [
        {"vary": vary}
        for vary in ("samples", "members")
        if plan.uncertainty.sweeping(dataset, vary)
    ],
    caption="""
    Estimates on test as a function of the number of passes of an estimator, or of nets in an
    ensemble. Lines are means over training seeds, dots are single seeds, bands and bars are 95 %
    intervals over seeds: Student's for passes, the jackknife over nets for ensembles, whose members
    overlap. With a single net, as for Bayes by backprop, the band is over images (bootstrap). The
    ensemble of all nets has no interval. If an interval is wider than the change along the line,
    more passes or nets matter less than the training seed.
    """,
)

METRICS = {
    "accuracy": "accuracy",
    "nll": "NLL (nats)",
    "brier": "Brier score",
    "ece": "ECE",
    "error_auroc": "AUROC of error",
}
ORDERS = {
    "": (COLORS[0], "-"),
    "entropy": (COLORS[0], "-"),
    "mutual_information": (COLORS[1], "--"),
}
SIZES = {"samples": "passes", "members": "nets in the ensemble"}


@styled
def draw(sweep: pd.DataFrame, vary: str) -> Figure:
    """A row for each model and estimator, a column for each figure against passes or members.

    ``sweep`` has the rows of the stage's tables; ``vary`` is ``samples`` or ``members``.  The
    line is the mean over training seeds with its interval, dots are single seeds; of a single
    net the interval is over images.
    """
    rows = sweep[sweep["vary"] == vary].fillna({"measure": ""})
    groups = list(rows.groupby(["model", "estimator"], sort=False))
    figure, axes = panels(len(groups), len(METRICS), height=2.1, sharex=True)
    for line, ((model, estimator), own) in enumerate(groups):
        who = words(model) if vary == "members" else f"{words(model)}, {words(estimator)}"
        for column, (metric, label) in enumerate(METRICS.items()):
            part = own[own["metric"] == metric]
            _panel(axes[line, column], part, vary)
            axes[line, column].set_title(f"{who}:\n{label}" if column == 0 else label)
            axes[line, column].set_xlabel(SIZES[vary] if line == len(groups) - 1 else "")
    legend_below(figure, axes[0, -1])
    whole = rows[rows["seed"] == "all"]
    counted = whole.loc[whole["over"] == "seeds", "n"]
    how = [f"mean over {counted.max():.0f} nets, 95 % intervals over nets"] if len(counted) else []
    how += ["of one net over images"] if (whole["over"] == "images").any() else []
    figure.suptitle(f"Test images by number of {SIZES[vary]}: {'; '.join(how)}")
    return figure


def _panel(ax: Axes, rows: pd.DataFrame, vary: str) -> None:
    for measure, part in rows.groupby("measure", sort=False):
        color, line = ORDERS[measure]
        mean = part[part["seed"] == "all"].sort_values("size")
        single = part[part["seed"] != "all"]
        ax.plot(single["size"], single["value"], ".", color=color, markersize=3, alpha=0.5)
        columns = (mean[each] for each in ("size", "value", "low", "high"))
        label = f"by {words(measure)}" if measure else None
        how: dict[str, Any] = {
            "color": color,
            "linestyle": line,
            "marker": "o",
            "markersize": 3,
            "label": label,
        }
        if vary == "samples":
            curve(ax, *columns, shade=0.13, **how)
        else:
            size, value, low, high = columns
            ax.errorbar(size, value, yerr=[value - low, high - value], capsize=3, **how)
    sizes = sorted(rows["size"].unique())
    if vary == "samples":
        ax.set_xscale("log")
        ax.minorticks_off()
        sizes = sizes[::-2]  # the labels of all would overlap
    ax.set_xticks(sizes, [f"{size:g}" for size in sizes])
    ax.tick_params(axis="x", labelsize=7.5)
