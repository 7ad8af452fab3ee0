"""Fall of the log-odds between two classes when the pixels that distinguish them are erased."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.families import family
from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, notice, panels, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="attribution",
    topic="Log-odds",
    title="log-odds",
    inputs={"log_odds": "attribution/{dataset}/{model}/log_odds.csv"},
    when=lambda plan, dataset: [
        {"model": model} for model in plan.config.models if plan.attribution.with_log_odds(model)
    ],
    caption="""
    Fall of the log-odds between two classes when the pixels that a method considers evidence for
    the first class rather than the second are set to black, at most 20 % of the pixels: the test of
    the DeepLIFT paper. Pixels are ranked by the relevance for the first class minus that for the
    second, and only those above zero are erased. Boxes are the quartiles over test images of the
    first class with their median; diamonds are means with 95 % bootstrap intervals.

    Grey are the controls, which do not use the net: a random ranking, and brightness. Brightness
    alone achieves much, because erasing to black only affects bright pixels; a method reveals
    something about the net only if its fall is larger.
    """,
)

QUARTILES = ("lower_quartile", "median", "upper_quartile")


@styled
def draw(log_odds: pd.DataFrame) -> Figure:
    """A panel for each pair of classes, a row for each method, the best on average first.

    ``log_odds`` has the rows of one dataset's and one model's table.  Boxes are the quartiles
    over images with their median, diamonds the mean with its interval; controls are grey.  A
    table without pairs, whose dataset has other classes, gives a figure that says so.
    """
    rows = log_odds[log_odds["pair"].notna()]
    if rows.empty:
        return notice("None of the pairs of classes in the configuration is in this dataset.")
    pairs = list(rows["pair"].unique())
    fall = rows[rows["metric"] == "log_odds_fall"]
    mean = fall.groupby("method", sort=False)["value"].mean()
    order = list(mean.sort_values(ascending=False, kind="stable").index)
    figure, axes = panels(1, len(pairs), height=1.7 + 0.28 * len(order), sharey=True, sharex=True)
    for ax, pair in zip(axes[0], pairs, strict=True):
        own = rows[(rows["pair"] == pair) & rows["control"].isna()]
        _panel(ax, own.set_index(["method", "metric"]), order)
        images = own["n"].iloc[0]
        ax.set_title(f"{pair.replace('->', ' → ')} (n = {images:.0f})")
        ax.set_xlabel("fall of the log-odds (nats)")
    axes[0, 0].set_yticks(range(len(order)), [words(name) for name in order])
    for label, name in zip(axes[0, 0].get_yticklabels(), order, strict=True):
        label.set_color("0.45" if family(name) == "controls" else "black")
    axes[0, 0].set_ylim(len(order) - 0.5, -0.5)
    figure.suptitle(
        "Erasing what speaks for the first class and against the second: quartiles over images, "
        "mean with 95 % interval"
    )
    return figure


def _panel(ax: Axes, rows: pd.DataFrame, order: list[str]) -> None:
    for place, name in enumerate(order):
        color = "0.45" if family(name) == "controls" else COLORS[0]
        low, middle, high = (rows.loc[(name, quartile), "value"] for quartile in QUARTILES)
        ax.barh(place, high - low, left=low, height=0.62, color=color, alpha=0.3, linewidth=0)
        ax.vlines(middle, place - 0.31, place + 0.31, color=color, linewidth=1.8)
        mean = rows.loc[(name, "log_odds_fall")]
        error = [[mean["value"] - mean["low"]], [mean["high"] - mean["value"]]]
        how: dict[str, Any] = {"fmt": "D", "markersize": 3.5, "linewidth": 1.2, "capsize": 2}
        ax.errorbar(mean["value"], place, xerr=error, color="black", **how)
    ax.axvline(0, color="0.5", linewidth=1)
    ax.grid(False, axis="y")
