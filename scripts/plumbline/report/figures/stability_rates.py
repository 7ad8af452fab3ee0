"""Label change rate by operator and its rate, for each kind of image."""

from textwrap import fill
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.data.image_sets import keys_of
from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, legend_below, panels, styled
from plumbline.report.wording import describe, words

FIGURE = FigureSpec(
    stage="stability",
    topic="Label change rate",
    title="stability rates",
    inputs={"stability": lambda plan, at: plan.stability.of_dataset(at.dataset, "csv")},
    when=lambda plan, dataset: bool(plan.config.stability.operators),
    caption="""
    Mean label change rate by the rate of an operator, the share of neurons or weights that a mutant
    changes. Points are means over images with 95 % bootstrap intervals over images; for adversarial
    sets over the successful images, at the largest ε if the attack has one.

    Detection requires that the lines of misclassified and adversarial images are above that of
    correctly classified test images. The higher the rate, the more mutants are rejected because of
    their accuracy, so that the accepted ones have smaller effects.
    """,
)

Line = tuple[str, str]  # set and answers
HEIGHT = 2.1  # inches of a row of panels
MARGIN = 0.8  # inches of the title and the legend
LETTERS = 100  # of a line above all panels of a row


def drawn(rows: pd.DataFrame) -> dict[Line, dict]:
    """The kinds of images that are drawn, as (set, answers), each with its style and label.

    Test images that the net gets right, those that it gets wrong, out-of-distribution images,
    and the adversarial ones that it gets wrong, of the largest ε of each attack that has one.
    """
    found = [("test", "right"), ("test", "wrong")]
    sets = keys_of(rows)
    found += [(name, "all") for name, key in sets.items() if key.kind == "out_of_distribution"]
    attacked = {name: key for name, key in sets.items() if key.kind == "adversarial"}
    by_size = sorted(attacked, key=lambda name: attacked[name].epsilon or 0)
    strongest = {attacked[name].attack: name for name in by_size}
    found += [(name, "wrong") for name in attacked if name in strongest.values()]
    colors = [COLORS[0], COLORS[3], *(COLORS[i] for i in (1, 2, 4, 5, 8, 9, 6, 7))]
    lines = ("-", "--", ":", "-.")
    return {
        (name, answers): {
            "color": colors[i % len(colors)],
            "linestyle": lines[i % len(lines)],
            "marker": "osD^vX"[i % 6],
            "markersize": 4,
            "label": f"test, {answers}" if name == "test" else describe(sets[name]),
        }
        for i, (name, answers) in enumerate(found)
    }


def lattice(
    rows: pd.DataFrame, height: float = HEIGHT, **how: Any
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """A figure with a panel for each model (rows) and operator (columns) that there is."""
    pairs = rows[["model", "operator"]].drop_duplicates()
    models, operators = list(pairs["model"].unique()), list(pairs["operator"].unique())
    known = set(pairs.itertuples(index=False, name=None))
    figure, axes = panels(len(models), len(operators), height=height + MARGIN / len(models), **how)
    found = {}
    for line, model in enumerate(models):
        for column, operator in enumerate(operators):
            ax = axes[line, column]
            if (model, operator) not in known:
                ax.set_axis_off()
                continue
            title = fill(words(operator), LETTERS // len(operators))
            ax.set_title(f"{words(model)}\n{title}", fontsize=9)
            found[model, operator] = ax
    return figure, found


@styled
def draw(stability: pd.DataFrame) -> Figure:
    """A row for each model, a column for each operator, a line for each kind of image.

    ``stability`` has the rows of one dataset's table.
    """
    rows = stability[stability["metric"] == "label_change_rate"]
    lines = drawn(rows)
    figure, axes = lattice(rows, sharey="row")
    for (model, operator), ax in axes.items():
        part = rows[(rows["model"] == model) & (rows["operator"] == operator)]
        for (name, answers), style in lines.items():
            own = part[(part["set"] == name) & (part["answers"] == answers)].sort_values("rate")
            whiskers(ax, own, "rate", style)
        ticks = sorted(part["rate"].unique())
        ax.set_xticks(ticks, [f"{each:g}" for each in ticks])
        ax.set(ylim=(-0.03, 1.03), xlabel="rate of the operator")
    finish(figure, axes, "label change rate")
    figure.suptitle("Label change rate by operator and rate, mean over images, 95 % intervals")
    return figure


def whiskers(ax: Axes, rows: pd.DataFrame, x: str, style: dict) -> None:
    """A line of values against the column ``x`` with their intervals; nothing without values."""
    rows = rows[rows["value"].notna()]
    error = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
    if len(rows):
        ax.errorbar(rows[x], rows["value"], yerr=error, capsize=2, elinewidth=0.8, **style)


def finish(figure: Figure, axes: dict[tuple[str, str], Axes], label: str) -> None:
    """Labels at the left, and one legend for all panels."""
    for (model, _), ax in axes.items():
        first = next(each for (name, _), each in axes.items() if name == model)
        if ax is first:
            ax.set_ylabel(label)
    most = max(axes.values(), key=lambda ax: len(ax.get_legend_handles_labels()[1]))
    legend_below(figure, most, 6)
