"""What attacks achieve by their size, beside random noise of the same size."""

import pandas as pd
from matplotlib.figure import Figure

from plumbline.report.style import CONTROL, colors, curve, legend_below, panels, styled
from plumbline.report.wording import words


@styled
def draw(attacks: pd.DataFrame) -> Figure:
    """Above the success rate, below the accuracy against ε; a column for each model.

    ``attacks`` has the rows of the stage's tables.  Success counts only images that the net
    gets right.  The control is random noise of size ε: its accuracy is a row of the tables.
    """
    models, names = list(attacks["model"].unique()), list(attacks["attack"].unique())
    palette = colors(names)
    figure, axes = panels(2, len(models), height=2.9, sharex=True, sharey="row")
    for column, model in enumerate(models):
        part = attacks[attacks["model"] == model]
        for line, metric in enumerate(("success_rate", "accuracy")):
            ax = axes[line, column]
            for name in names:
                rows = part[(part["attack"] == name) & (part["metric"] == metric)]
                _curve(ax, rows, color=palette[name], marker="o", label=words(name))
        control = part["metric"].eq("noise_accuracy") | part["epsilon"].eq(0)
        noise = part[control & (part["attack"] == names[0])]  # the same for all attacks
        _curve(axes[1, column], noise, label="random noise of size ε (control)", **CONTROL)
        axes[0, column].set(title=words(model), xticks=sorted(attacks["epsilon"].unique()))
        axes[1, column].set_xlabel("ε (largest change of a pixel in [0, 1])")
    axes[0, 0].set(ylabel="success rate", ylim=(-0.03, 1.03))
    axes[1, 0].set(ylabel="accuracy", ylim=(-0.03, 1.03))
    legend_below(figure, axes[1, 0])
    figure.suptitle("Attacks by size ε, 95 % intervals")
    return figure


def _curve(ax, rows: pd.DataFrame, **how) -> None:
    rows = rows.sort_values("epsilon")
    curve(ax, rows["epsilon"], rows["value"], rows["low"], rows["high"], **how)
