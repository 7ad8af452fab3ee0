"""The sequential test: its verdicts, and the number of mutants needed."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.figures.stability_rates import Line, drawn, lattice
from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, legend_below, styled

FIGURE = FigureSpec(
    stage="stability",
    topic="Sequential test",
    title="stability sequential",
    inputs={"stability": lambda plan, at: plan.stability.of_dataset(at.dataset, "csv")},
    when=lambda plan, dataset: bool(plan.config.stability.operators),
    caption="""
    Verdicts of the sequential probability ratio test, by kind of image: suspicious, normal, or
    undecided after all mutants. The number beside each bar is the mean number of mutants evaluated
    until the verdict; undecided images count with all mutants.

    An image is suspicious if its label changes more often than a threshold, the upper end of the
    99 % interval of the mean label change rate of correctly classified calibration images (Wang et
    al. 2019). The farther a rate is from the threshold, the fewer mutants are needed; the lower the
    threshold, the more mutants are needed to call an image normal.
    """,
)

VERDICTS = {"suspicious": COLORS[3], "undecided": "0.85", "normal": COLORS[0]}


@styled
def draw(stability: pd.DataFrame) -> Figure:
    """A row for each model, a column for each operator, a bar for each kind of image.

    ``stability`` has the rows of one dataset's table; drawn is the threshold from the mean on
    calibration, or the only one there is.  Beside each bar stands the mean number of mutants.
    """
    rows = stability[(stability["role"] == "main") & stability["threshold"].notna()]
    rows = rows[rows["threshold"] == min(rows["threshold"].unique())]
    lines = drawn(rows)
    figure, axes = lattice(rows, 1.2 + 0.2 * len(lines), sharey=True, sharex=True)
    for (model, operator), ax in axes.items():
        part = rows[(rows["model"] == model) & (rows["operator"] == operator)]
        _bars(ax, part, list(lines))
        ax.set(xlim=(0, 1.3), xlabel="share of images", xticks=[0, 0.5, 1])
        ax.grid(False, axis="y")
    first = next(iter(axes.values()))
    first.set_yticks(range(len(lines)), [style["label"] for style in lines.values()])
    first.set_ylim(len(lines) - 0.5, -0.5)
    legend_below(figure, first)
    mutants = int(rows["mutants"].max())
    figure.suptitle(f"Sequential test: verdicts, and mutants needed on average (of {mutants})")
    return figure


def _bars(ax: Axes, rows: pd.DataFrame, lines: list[Line]) -> None:
    values = rows.set_index(["set", "answers", "metric"])["value"]
    for verdict, color in VERDICTS.items():
        starts = {
            "suspicious": [0.0] * len(lines),
            "undecided": [values.get((*line, "suspicious"), 0.0) for line in lines],
            "normal": [1 - values.get((*line, "normal"), 0.0) for line in lines],
        }[verdict]
        widths = [values.get((*line, verdict), 0.0) for line in lines]
        ax.barh(range(len(lines)), widths, left=starts, color=color, height=0.7, label=verdict)
    for place, line in enumerate(lines):
        needed = values.get((*line, "mutants_needed"))
        if needed is not None:
            ax.text(1.04, place, f"{needed:.0f}", va="center", fontsize=8)
