"""Quality against cost: the gain of each attribution method over chance, and its cost."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from plumbline.report.families import FAMILIES, by_family, family
from plumbline.report.spec import FigureSpec
from plumbline.report.style import CONTROL, WIDTH, colors, panels, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="attribution",
    topic="Cost",
    title="cost",
    inputs={
        "cost": lambda plan, at: plan.attribution.files(at.dataset, at.model, "cost.csv"),
        "attribution": "attribution/{dataset}/{model}/degradation.csv",
    },
    when=lambda plan, dataset: [
        {"model": model} for model in plan.config.models if plan.attribution.compared(model)
    ],
    caption="""
    Gain of a method over the random ranking in the degradation test, against its cost per image:
    forward passes of the net (top) and seconds on the machine of the run (bottom). The gain is the
    mean difference in accuracy over all shares, on the same images; it is positive if the method is
    better than the random ranking, whether the top is kept or deleted. Bars are 95 % bootstrap
    intervals over images.

    Backward passes are not counted as forward passes but contribute to the seconds. Seconds are a
    single measurement and, unlike all other results of the report, vary between runs.
    """,
)

COSTS = {
    "evaluations_per_image": "forward passes of the net per image",
    "seconds_per_image": "seconds per image",
}
MODES = {"keep": "top pixels kept", "delete": "top pixels deleted"}
COLORS = colors(list(FAMILIES))
LABELS = 1.75  # inches for the labels beside a panel
SPACE = 0.15  # inches from one label to the next
LEADER = {"arrowstyle": "-", "linewidth": 0.6, "alpha": 0.6, "relpos": (0, 0.5)}
AROUND = 0.08  # of a panel's height, above and below its points


def gains(attribution: pd.DataFrame) -> pd.DataFrame:
    """Rows of the gain in area over the random ranking, for the first fill of the table."""
    metric, control = attribution["metric"], attribution["control"]
    rows = attribution[(metric == "area_gain") & (control == "random")]
    return rows[rows["fill"] == rows["fill"].iloc[0]] if len(rows) else rows


@styled
def draw(cost: pd.DataFrame, attribution: pd.DataFrame) -> Figure:
    """Rows: forward passes and seconds per image; columns: top pixels kept and deleted.

    ``cost`` and ``attribution`` are the rows of one dataset's and one net's tables, ``fill`` as
    text.  Each point is a method in the colour of its family, with its interval; the labels
    stand beside the panel in the order of the points.
    """
    found = gains(attribution)
    inner = max(2.5, found["method"].nunique() * SPACE / (1 - 2 * AROUND))
    figure, axes = panels(2, 2, height=inner + 1.2, layout=None)
    full = figure.get_figheight()
    figure.subplots_adjust(
        left=0.7 / WIDTH,
        right=1 - LABELS / WIDTH,
        top=1 - 0.7 / full,
        bottom=0.8 / full,
        wspace=(LABELS + 0.7) / ((WIDTH - 2 * LABELS - 1.4) / 2),
        hspace=0.9 / inner,
    )
    for line, (metric, label) in enumerate(COSTS.items()):
        price = cost[cost["metric"] == metric].set_index("method")["value"]
        priced = found[found["method"].isin(price.index)]
        priced = priced.assign(price=priced["method"].map(price)).sort_values("value")
        for column, (mode, title) in enumerate(MODES.items()):
            ax = axes[line, column]
            _panel(ax, priced[priced["mode"] == mode], full)
            ax.set(title=title, xlabel=label, ylabel="gain in area over random")
    _legend(figure, list(found["method"].unique()))
    title = "Quality against cost: mean gain in accuracy over all shares, above 0 is better"
    figure.suptitle(f"{title}; fill {found['fill'].iloc[0]}, 95 % intervals", y=1 - 0.15 / full)
    return figure


def _panel(ax: Axes, points: pd.DataFrame, inches: float) -> None:
    """The points, sorted by value, with their intervals and labels."""
    low, high = min(points["low"].min(), 0.0), max(points["high"].max(), 0.0)
    around = AROUND * (high - low)
    ax.set_ylim(low - around, high + around)
    if points["price"].min() > 0:
        ax.set_xscale("log")
    else:  # a ranking that asks nothing of the net
        ax.set_xscale("symlog", linthresh=1, linscale=0.4)
    ax.axhline(0, **CONTROL, linewidth=1)
    for each in points.itertuples():
        color = COLORS[family(each.method)]
        ax.plot([each.price] * 2, [each.low, each.high], color=color, linewidth=1)
        ax.plot(each.price, each.value, "o", color=color, markersize=4.5)
    bottom, top = ax.get_ylim()
    space = SPACE / (ax.get_position().height * inches)
    heights = spread((points["value"] - bottom) / (top - bottom), space)
    for each, height in zip(points.itertuples(), heights, strict=True):
        color = COLORS[family(each.method)]
        ax.annotate(
            words(each.method),
            (each.price, each.value),
            xytext=(1.04, height),
            textcoords="axes fraction",
            fontsize=7.5,
            va="center",
            color="0.2",
            arrowprops=LEADER | {"color": color},
        )


def spread(wanted: np.ndarray, space: float) -> np.ndarray:
    """Heights in [0, 1], each at least ``space`` above the one before, near the ``wanted`` ones.

    ``wanted`` [N], N > 0, rise; the sum of squared shifts is least.  If N heights do not fit,
    they stand closer.
    """
    from scipy.optimize import isotonic_regression

    steps = min(space, 1 / max(len(wanted) - 1, 1)) * np.arange(len(wanted))
    return steps + isotonic_regression(np.asarray(wanted) - steps).x.clip(0, 1 - steps[-1])


def _legend(figure: Figure, methods: list[str]) -> None:
    """The colours of the families."""
    handles = [
        Line2D([], [], marker="o", linestyle="", color=COLORS[name], label=FAMILIES[name])
        for name in by_family(methods)
    ]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles))
