"""Detection by the label change rate as a function of the number of mutants."""

import pandas as pd
from matplotlib.figure import Figure

from plumbline.report.figures.stability_rates import drawn, finish, lattice, whiskers
from plumbline.report.spec import FigureSpec
from plumbline.report.style import styled

FIGURE = FigureSpec(
    stage="stability",
    topic="Number of mutants",
    title="stability mutants",
    inputs={"stability": lambda plan, at: plan.stability.of_dataset(at.dataset, "csv")},
    when=lambda plan, dataset: bool(plan.config.stability.operators),
    caption="""
    AUROC of the label change rate computed from the first 10, 20, 50 and more mutants, at the
    operator's main rate, with 95 % intervals (the wider of Newcombe's interval and of a bootstrap
    within positives and within negatives, with adversarial images drawn together with their
    sources; none with fewer than ten of either). Negatives are the correctly classified test
    images; positives are misclassified test images, out-of-distribution images, and successful
    adversarial images. The grey line is chance.

    With few mutants the rate has few distinct values, so that many images tie. Where a curve is
    flat, more mutants bring no improvement.
    """,
)


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
