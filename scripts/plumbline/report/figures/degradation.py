"""Accuracy when the highest-ranked pixels of an attribution are kept or deleted."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.style import CONTROL, colors, curve, panels, styled
from plumbline.report.wording import words

CONTROLS = {"random": "--", "intensity": ":"}
MODES = {"keep": "kept, the others filled", "delete": "deleted and filled"}
STUDY_SHARE = 0.2
MARKERS = "os^vDPX*"


@styled
def draw(attribution: pd.DataFrame) -> Figure:
    """Rows: keep and delete, each with its reversed ranking below; columns: fills.

    ``attribution`` has the rows of one dataset's and one model's degradation tables, ``fill`` as
    text.  The controls are grey; a vertical line marks study 001's share of 20 %.
    """
    rows = attribution[attribution["metric"] == "accuracy"]
    methods = [name for name in rows["method"].unique() if name not in CONTROLS]
    methods += [name for name in CONTROLS if name in set(rows["method"])]
    fills = list(rows["fill"].unique())
    figure, axes = panels(4, len(fills), height=2.35, sharex=True, sharey=True)
    lines = [(mode, ranking) for mode in MODES for ranking in ("descending", "ascending")]
    for line, (mode, ranking) in enumerate(lines):
        for column, fill in enumerate(fills):
            where = (rows["mode"] == mode) & (rows["ranking"] == ranking) & (rows["fill"] == fill)
            _panel(axes[line, column], rows[where], methods)
            axes[line, column].set_title(_title(mode, ranking, fill))
        axes[line, 0].set_ylabel("accuracy")
    for ax in axes[-1]:
        ax.set_xlabel("share of pixels")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6)
    figure.suptitle("Degradation by ranked pixels, 95 % intervals; vertical line: study 001's 20 %")
    return figure


def _title(mode: str, ranking: str, fill: str) -> str:
    which = "top" if ranking == "descending" else "bottom"
    return f"{mode} {which} of the ranking, fill {fill}"


def _panel(ax: Axes, rows: pd.DataFrame, methods: Sequence[str]) -> None:
    palette = colors([name for name in methods if name not in CONTROLS])
    ax.axvline(STUDY_SHARE, color="0.75", linewidth=1, zorder=0)
    for number, name in enumerate(methods):
        part = rows[rows["method"] == name].sort_values("share")
        if name in CONTROLS:
            how = CONTROL | {"linestyle": CONTROLS[name], "linewidth": 2.2}
        else:
            marker = MARKERS[number % len(MARKERS)]
            how = {"color": palette[name], "marker": marker, "markersize": 3.5, "linewidth": 1.3}
        shade = 0.12 if name in CONTROLS else 0.07  # many bands lie one over the other
        band = part["low"], part["high"]
        curve(ax, part["share"], part["value"], *band, shade=shade, label=words(name), **how)
    ax.set_ylim(-0.03, 1.03)
