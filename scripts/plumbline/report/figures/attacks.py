"""Success of attacks by perturbation size, compared with random noise of the same size."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.spec import FigureSpec
from plumbline.report.style import CONTROL, colors, curve, legend_below, panels, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="attacks",
    topic="Attacks",
    title="attacks",
    inputs={
        "attacks": lambda plan, at: [
            f"attacks/{at.dataset}/{model}/{attack}.csv"
            for model in plan.config.models
            for attack in plan.config.attacks.methods
        ]
    },
    when=lambda plan, dataset: bool(plan.config.attacks.methods),
    caption="""
    Top: the success rate, the share of correctly classified images that the attack makes the net
    misclassify. Below: the accuracy on the attacked images. ε is the largest change of a pixel, in
    units of the pixel range. Bands are 95 % Wilson intervals.

    The dashed grey line is the control: random noise that changes every pixel by ε. An attack that
    is not better than this control uses nothing specific to the net.

    PGD against a score also attacks a detector: it makes the mutants agree with the net, or the
    softmax confident.

    The points belong to attacks that search for the smallest perturbation and have no ε: the median
    size of the perturbation over successful attacks, with its 95 % bootstrap interval. The number
    at the right is the success rate. HopSkipJump uses only the predicted classes of the net.
    """,
)

SIZES = {
    "median_l2": "L2, of the whole change",
    "median_linf": "L∞, largest change of a pixel",
}
CURVE = 2.9  # inches of a row of curves
LINE = 0.3  # and of an attack without ε


def minimal(attacks: pd.DataFrame) -> pd.DataFrame:
    """The rows of attacks that search for the smallest perturbation and have no ε."""
    return attacks[~attacks["attack"].isin(attacks.loc[attacks["epsilon"].notna(), "attack"])]


@styled
def draw(attacks: pd.DataFrame) -> Figure:
    """Success rate, accuracy against ε, and sizes of the smallest perturbations, by model.

    ``attacks`` has the rows of the stage's tables.  Success counts only images that the net
    gets right.  The control is random noise of size ε: its accuracy is a row of the tables.
    The rows of attacks without ε are drawn below: median sizes of their successful images.
    """
    attacks = attacks if "epsilon" in attacks else attacks.assign(epsilon=float("nan"))
    models, least = list(attacks["model"].unique()), minimal(attacks)
    bounded = attacks.drop(least.index)
    kinds = [(2 * CURVE, 2, bounded)] * (not bounded.empty)
    lines = 0.9 + LINE * least["attack"].nunique()
    kinds += [(2 * lines, 2, least)] * (not least.empty)
    heights = [height / rows for height, rows, _ in kinds for _ in range(rows)]
    figure, axes = panels(
        len(heights),
        len(models),
        height=sum(heights) / len(heights),
        sharey="row",
        height_ratios=heights,
    )
    for column, model in enumerate(models):
        axes[0, column].set_title(words(model))
        if not bounded.empty:
            _curves(list(axes[:2, column]), bounded[bounded["model"] == model], bounded)
        if not least.empty:
            _sizes(list(axes[-2:, column]), least[least["model"] == model], least)
    if not bounded.empty:
        axes[0, 0].set(ylabel="success rate", ylim=(-0.03, 1.03))
        axes[1, 0].set(ylabel="accuracy", ylim=(-0.03, 1.03))
        legend_below(figure, axes[1, 0], 4)
    figure.suptitle("Attacks by size, 95 % intervals")
    return figure


def _curves(axes: list[Axes], part: pd.DataFrame, every: pd.DataFrame) -> None:
    """Success rate above, accuracy and that under noise below, of one model."""
    names = list(every["attack"].unique())
    palette = colors(names)
    for ax, metric in zip(axes, ("success_rate", "accuracy"), strict=True):
        for name in names:
            rows = part[(part["attack"] == name) & (part["metric"] == metric)]
            _curve(ax, rows, color=palette[name], marker="o", label=words(name))
    control = part["metric"].eq("noise_accuracy") | part["epsilon"].eq(0)
    most = part.sort_values("n", ascending=False, kind="stable")["attack"].iloc[:1]
    noise = part[control & part["attack"].isin(most)]  # that of most images
    _curve(axes[1], noise, label="random noise of size ε (control)", **CONTROL)
    ticks = sorted(every["epsilon"].unique())
    axes[0].set(xticks=ticks, xticklabels=[])
    axes[1].set(xticks=ticks, xlabel="ε (largest change of a pixel in [0, 1])")
    axes[0].set_xlim(axes[1].get_xlim())


def _curve(ax: Axes, rows: pd.DataFrame, **how: Any) -> None:
    rows = rows.sort_values("epsilon")
    curve(ax, rows["epsilon"], rows["value"], rows["low"], rows["high"], **how)


def _sizes(axes: list[Axes], part: pd.DataFrame, every: pd.DataFrame) -> None:
    """A point for each attack without ε of one model, its share of successes beside it."""
    names = list(part["attack"].unique())
    rates = part[part["metric"] == "success_rate"].set_index("attack")["value"]
    for ax, (metric, text) in zip(axes, SIZES.items(), strict=True):
        rows = part[part["metric"] == metric].set_index("attack")
        for place, name in enumerate(names):
            value, low, high = rows.loc[name, ["value", "low", "high"]].astype(float)
            error = [[value - low], [high - value]]
            ax.errorbar(value, place, xerr=error, fmt="o", markersize=5, capsize=2, color="0.25")
            where = (1, place)
            ax.annotate(
                f" {rates[name]:.0%}", where, xycoords=("axes fraction", "data"), va="center"
            )
        ax.set(xlabel=f"median size, {text}", yticks=range(len(names)))
        widest = every.loc[every["metric"] == metric, ["value", "high"]].max(axis=None)
        ax.set(yticklabels=[words(name) for name in names], ylim=(len(names) - 0.5, -0.5))
        ax.set_xlim(0, 1.05 * widest if widest > 0 else 1)
        ax.grid(False, axis="y")
