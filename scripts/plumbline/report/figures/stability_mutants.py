"""How well the label change rate detects, by the number of mutants that it is the mean of."""

import pandas as pd
from matplotlib.figure import Figure

from plumbline.report.figures.stability_rates import drawn, finish, lattice, whiskers
from plumbline.report.style import styled


@styled
def draw(stability: pd.DataFrame) -> Figure:
    """A row for each model, a column for each operator, a line for each kind of image found.

    ``stability`` has the rows of one dataset's table; what is drawn is the operator's main rate.
    """
    main = stability[stability["role"] == "main"]
    rows = main[main["metric"] == "auroc"]
    lines = {key: style for key, style in drawn(rows).items() if key != ("test", "right")}
    figure, axes = lattice(rows, sharey=True)
    for (model, operator), ax in axes.items():
        part = rows[(rows["model"] == model) & (rows["operator"] == operator)]
        for (name, _), style in lines.items():
            whiskers(ax, part[part["set"] == name].sort_values("mutants"), "mutants", style)
        ticks = sorted(part["mutants"].unique())
        ax.axhline(0.5, color="0.75", linewidth=1)
        ax.set_xscale("log")
        ax.minorticks_off()
        ax.set_xticks(ticks, [f"{each:g}" for each in ticks])
        ax.set(xlabel="mutants")
    finish(figure, axes, "AUROC")
    figure.suptitle("Label change rate as detector by number of mutants, 95 % intervals")
    return figure
