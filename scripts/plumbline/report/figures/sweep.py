"""What more passes of MC dropout and more nets of an ensemble bring."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.style import COLORS, curve, legend_below, panels, styled
from plumbline.report.wording import words

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
SIZES = {"samples": "passes of MC dropout", "members": "nets in the ensemble"}


@styled
def draw(sweep: pd.DataFrame, vary: str) -> Figure:
    """A row for each model, a column for each figure against passes or members.

    ``sweep`` has the rows of the stage's tables; ``vary`` is ``samples`` or ``members``.  The
    line is the mean over training seeds with its interval, dots are single seeds.
    """
    rows = sweep[sweep["vary"] == vary].fillna({"measure": ""})
    models = list(rows["model"].unique())
    figure, axes = panels(len(models), len(METRICS), height=2.1, sharex=True)
    for line, model in enumerate(models):
        for column, (metric, label) in enumerate(METRICS.items()):
            part = rows[(rows["model"] == model) & (rows["metric"] == metric)]
            _panel(axes[line, column], part, vary)
            axes[line, column].set_title(f"{words(model)}: {label}" if column == 0 else label)
            axes[line, column].set_xlabel(SIZES[vary] if line == len(models) - 1 else "")
    legend_below(figure, axes[0, -1])
    seeds = int(rows.loc[rows["seed"] == "all", "n"].max())
    figure.suptitle(
        f"Test images by number of {SIZES[vary]}: mean over {seeds} nets, 95 % intervals over nets"
    )
    return figure


def _panel(ax: Axes, rows: pd.DataFrame, vary: str) -> None:
    for measure, part in rows.groupby("measure", sort=False):
        color, line = ORDERS[measure]
        mean = part[part["seed"] == "all"].sort_values("size")
        single = part[part["seed"] != "all"]
        ax.plot(single["size"], single["value"], ".", color=color, markersize=3, alpha=0.5)
        columns = (mean[each] for each in ("size", "value", "low", "high"))
        label = f"by {words(measure)}" if measure else None
        how = {"color": color, "linestyle": line, "marker": "o", "markersize": 3, "label": label}
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
