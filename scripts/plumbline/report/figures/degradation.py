"""Accuracy when the highest-ranked pixels of an attribution are kept or deleted."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.attribution.comparison import CONTROLS
from plumbline.report.families import FAMILIES, by_family
from plumbline.report.spec import FigureSpec
from plumbline.report.style import (
    COLORS,
    CONTROL,
    colors,
    curve,
    legend_below,
    notice,
    panels,
    styled,
)
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="attribution",
    topic="Degradation",
    title="degradation",
    inputs={"attribution": "attribution/{dataset}/{model}/degradation.csv"},
    when=lambda plan, dataset: [
        {"part": part, "model": model}
        for part in ("gain", "keep", "delete")
        for model in plan.config.models
        if plan.config.attribution.methods
    ],
    caption="""
    Accuracy when a share of the pixels is kept and the others are filled, or deleted and filled, in
    the order in which a method ranks them. For a good ranking, accuracy stays high when the top is
    kept and falls fast when the top is deleted. There is one row for each family of methods and one
    column for each fill: a value, the mean of the training images, or the image blurred by a
    Gaussian of a fifth of its side. Bands are 95 % Wilson intervals; the number of images is given
    for methods that explain fewer images than the others.

    The grey lines are the controls: a random ranking, the brightness of the pixels and, if it is
    among the methods, an edge filter. They do not use the net. The vertical line is the share of
    20 %, the only one used by study 001.

    The gain is the difference of the areas under the curves of a method and of a control, paired
    over the images that both ranked. Its sign is such that positive values mean a better ranking
    than the control, whether pixels are kept or deleted. Intervals are 95 % bootstrap intervals
    over images. If a method is better with one fill and worse with another, the result reflects the
    effect of the fill on the net as well as the ranking.
    """,
)

STYLES = {"random": "--", "intensity": ":", "edges": "-."}
MODES = {"keep": "kept, the others filled", "delete": "deleted and filled"}
STUDY_SHARE = 0.2
MARKERS = "os^vDPX*<>"
INKS = [*COLORS[:7], *COLORS[8:]]  # without the grey that the controls have
SPREAD = 0.7  # of a row, for the fills of one method


def controls(methods: Sequence[str]) -> list[str]:
    """The rankings among ``methods`` that need no explanation."""
    return by_family(list(methods)).get("controls", [])


@styled
def draw(attribution: pd.DataFrame, part: str) -> Figure:
    """One ``part``: the ``gain`` over the controls, or curves of accuracy when the top is kept
    (``keep``) or deleted (``delete``).

    ``attribution`` has the rows of one dataset's and one model's degradation table, ``fill`` as
    text.
    """
    return _gain(attribution) if part == "gain" else _curves(attribution, part)


def _curves(attribution: pd.DataFrame, mode: str) -> Figure:
    """Accuracy against the share kept or deleted: a row for each family, a column for each fill.

    ``mode`` is a key of ``MODES``.  The controls are grey and in every panel; a vertical line
    marks study 001's share of 20 %.
    """
    metric, top = attribution["metric"], attribution["ranking"] == "descending"
    rows = attribution[(metric == "accuracy") & top & (attribution["mode"] == mode)]
    families = by_family(list(rows["method"].unique()))
    grey = families.pop("controls", [])
    families = families or {"controls": []}
    fills, names = list(rows["fill"].unique()), _labels(rows)
    figure, axes = panels(len(families), len(fills), height=1.9, sharex=True, sharey=True)
    for line, (family, methods) in enumerate(families.items()):
        for column, fill in enumerate(fills):
            part = rows[rows["fill"] == fill]
            _panel(axes[line, column], part, methods, grey, names)
        axes[line, 0].set_ylabel(f"{FAMILIES[family].replace(' ', chr(10))}\n\naccuracy")
        if methods:
            handles, labels = axes[line, -1].get_legend_handles_labels()
            axes[line, -1].legend(
                handles[: len(methods)],
                labels[: len(methods)],
                loc="upper left",
                bbox_to_anchor=(1.02, 1.05),
                fontsize=8,
            )
    for ax, fill in zip(axes[0], fills, strict=True):
        ax.set_title(f"fill: {fill}")
    for ax in axes[-1]:
        ax.set_xlabel("share of pixels")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    start = len(next(iter(families.values())))
    figure.legend(handles[start:], labels[start:], loc="outside lower center", ncols=len(grey) or 1)
    figure.suptitle(
        f"Top of the ranking {MODES[mode]}; 95 % intervals; vertical line: study 001's 20 %"
    )
    return figure


def _labels(rows: pd.DataFrame) -> dict[str, str]:
    """Each method in words, with its number of images where that is not the usual one."""
    counts = rows.groupby("method", sort=False)["n"].max().astype(int)
    return {
        name: words(name) if n == counts.max() else f"{words(name)}, n = {n}"
        for name, n in counts.items()
    }


def _panel(
    ax: Axes,
    rows: pd.DataFrame,
    methods: Sequence[str],
    grey: Sequence[str],
    names: dict[str, str],
) -> None:
    ax.axvline(STUDY_SHARE, color="0.8", linewidth=1, zorder=0)
    for number, name in enumerate((*methods, *grey)):
        part = rows[rows["method"] == name].sort_values("share")
        how: dict[str, Any]
        if name in grey:
            how = CONTROL | {"linestyle": STYLES.get(name, "--"), "zorder": 1.9}
        else:
            ink, marker = INKS[number % len(INKS)], MARKERS[number % len(MARKERS)]
            how = {
                "color": ink,
                "marker": marker,
                "markersize": 3.2,
                "linewidth": 1.2,
            }
        band = part["low"], part["high"]
        curve(ax, part["share"], part["value"], *band, shade=0.07, label=names[name], **how)
    ax.set_ylim(-0.03, 1.03)


def _gain(attribution: pd.DataFrame) -> Figure:
    """Gain in area over each control: a row for each method, the best first, a colour per fill.

    Methods are sorted by the mean of their gains over the first control, which has no row of its
    own.  Without a control the figure says so.
    """
    rows = attribution[attribution["metric"] == "area_gain"]
    against = [name for name in CONTROLS if name in set(rows["control"])]
    if not against:
        return notice("There is no control among the methods, and so no gain over one.")
    rows = rows[rows["method"] != against[0]]
    first = rows[rows["control"] == against[0]].groupby("method", sort=False)["value"].mean()
    order = list(first.sort_values(ascending=False, kind="stable").index)
    height = 2.0 + 0.3 * len(order)
    figure, axes = panels(1, 2 * len(against), height=height, sharey=True)
    columns = [(mode, control) for control in against for mode in MODES]
    for ax, (mode, control) in zip(axes[0], columns, strict=True):
        part = rows[rows["control"] == control]
        _gains(ax, part[part["mode"] == mode], order)
        ax.set_title(f"top {'kept' if mode == 'keep' else 'deleted'}\nagainst {words(control)}")
        ax.set_xlim(_limits(part["low"].min(), part["high"].max()))
    names = _labels(rows)
    axes[0, 0].set_yticks(range(len(order)), [names[name] for name in order])
    for label, name in zip(axes[0, 0].get_yticklabels(), order, strict=True):
        label.set_color("0.45" if name in controls(order) else "black")
    axes[0, 0].set_ylim(len(order) - 0.5, -0.5)
    legend_below(figure, axes[0, 0])
    figure.suptitle("Gain in mean accuracy over the shares, 95 % intervals; right of 0 is better")
    return figure


def _gains(ax: Axes, rows: pd.DataFrame, order: list[str]) -> None:
    fills = list(rows["fill"].unique())
    palette = colors(fills)
    for place in range(1, len(order), 2):
        ax.axhspan(place - 0.5, place + 0.5, color="0.96", zorder=0)
    ax.axvline(0, color="0.5", linewidth=1)
    for number, fill in enumerate(fills):
        part = rows[rows["fill"] == fill].set_index("method").reindex(order)
        shift = SPREAD * ((number + 0.5) / len(fills) - 0.5)
        error = [part["value"] - part["low"], part["high"] - part["value"]]
        how: dict[str, Any] = {"color": palette[fill], "markersize": 3.2, "linewidth": 1.1}
        places = [place + shift for place in range(len(order))]
        ax.errorbar(part["value"], places, xerr=error, fmt="o", label=f"fill: {fill}", **how)
    ax.set_xlabel("gain in area")
    ax.grid(False, axis="y")


def _limits(low: float, high: float) -> tuple[float, float]:
    margin = 0.05 * (high - low) or 0.1
    return min(low, 0) - margin, max(high, 0) + margin
