"""Similarity of each method's maps before and after the net's weights are re-drawn."""

import itertools
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.families import FAMILIES, by_family
from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, curve, panels, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="attribution",
    topic="Randomization",
    title="randomization",
    inputs={"rows": "attribution/{dataset}/{model}/randomization.csv"},
    when=lambda plan, dataset: [
        {"model": model} for model in plan.config.models if plan.attribution.randomized(model)
    ],
    caption="""
    Rank correlation between a method's map of the trained net and its map after the weights are
    re-drawn, from the output layer down to the layer given, with the layers' own initialisation. A
    map that does not change does not explain the net, however plausible it looks (Adebayo et al.
    2018). All maps explain the class predicted by the trained net.

    The absolute relevance of the pixels that are not 0 in the image is ranked: methods that
    multiply by the pixel give no relevance to the others, whatever the weights, which alone would
    keep the correlation high. A constant map counts as correlation 0. Random numbers of the methods
    differ between nets, so that "none", where the trained net is explained again, shows how
    reproducible a method is.

    A method fails (thick and red) if the interval lies above the dotted line, a correlation of
    0.71, with the output layer or more re-drawn: more than half of the variance of the ranks then
    remains. Of the controls, intensity and edges do not use the net and fail by construction;
    random is different each time. A partial DeConvNet follows one filter instead of the class, so
    it cannot depend on the layers above. In deep nets several layers are re-drawn at a time.
    """,
)

BAR = 0.5**0.5  # rank correlation above which two maps share more than half of their variance
JUDGED = "absolute_lit"  # what the verdict is about
WIDE = 3  # panels side by side
FAILS = {"color": COLORS[3], "linewidth": 2.6, "zorder": 4}
MARKERS = "os^vDPX*<>"


def verdicts(rows: pd.DataFrame) -> dict[str, str]:
    """Whether each method of one net passes: ``passes``, ``fails`` or ``undecided``.

    A method fails if, with the output layer or more re-drawn, more than half of the variance
    of its ranks is left: if the interval of some rank correlation lies above ``BAR``.  It
    passes if all lie below.
    """
    part = select(rows, "cascade", JUDGED)
    part = part[part["stage"] > 0].groupby("method", sort=False)
    fails, passes = part["low"].max() > BAR, part["high"].max() < BAR
    return {
        name: "fails" if fails[name] else "passes" if passes[name] else "undecided"
        for name in fails.index
    }


def select(rows: pd.DataFrame, kind: str, of: str) -> pd.DataFrame:
    """The rank correlations of one kind of net and of one way to rank."""
    metric = rows["metric"] == "rank_correlation"
    return rows[metric & (rows["kind"] == kind) & (rows["of"] == of)]


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """A panel for each family: rank correlation with the trained net's map, by stage.

    ``rows`` are those of one dataset and model.  What fails is thick and red; the dotted line
    is the bar.
    """
    part = select(rows, "cascade", JUDGED)
    judged = verdicts(rows)
    families = by_family(list(part["method"].unique()))
    lines = -(-len(families) // WIDE)
    figure, axes = panels(lines, min(WIDE, len(families)), height=3.3, sharey=True)
    for number, ax in enumerate(axes.flat):
        if number >= len(families):
            ax.set_visible(False)
            continue
        family = list(families)[number]
        _panel(ax, part, families[family], judged)
        ax.set_title(FAMILIES[family])
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=2, fontsize=7.5)
    figure.supylabel("rank correlation with the map of the trained net", fontsize=10)
    figure.suptitle(
        "Weights re-drawn from the output down to the layer named, 95 % intervals\n"
        "absolute relevance of the pixels that are not 0; a line above the dotted one fails"
    )
    return figure


def _panel(ax: Axes, rows: pd.DataFrame, methods: Sequence[str], judged: dict[str, str]) -> None:
    ax.axhline(BAR, color="0.45", linestyle=":", linewidth=1.4, zorder=1)
    spare = itertools.cycle([color for color in COLORS if color != FAILS["color"]])
    for number, name in enumerate(methods):
        own = rows[rows["method"] == name].sort_values("stage")
        label, how = words(name), {"marker": MARKERS[number % len(MARKERS)], "markersize": 4}
        if judged[name] == "fails":
            label, how = f"{label}: fails", how | FAILS
        else:
            how |= {"color": next(spare), "linewidth": 1.3}
        band = own["low"], own["high"]
        curve(ax, own["stage"], own["value"], *band, shade=0.1, label=label, **how)
    names = rows.drop_duplicates("stage").sort_values("stage")["layer"].fillna("none")
    ax.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
    ax.set_ylim(-0.25, 1.05)
