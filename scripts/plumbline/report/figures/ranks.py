"""The order of the scores over all tasks, and which differences are significant."""

import pandas as pd
from matplotlib.figure import Figure

from plumbline.detection.columns import CONTROL as CONTROL_SCORE
from plumbline.detection.leaderboard import best
from plumbline.report.figures.detection import color, score_name
from plumbline.report.spec import FigureSpec
from plumbline.report.style import CONTROL, notice, panels, styled
from plumbline.report.tables import of_dataset

FIGURE = FigureSpec(
    stage="detection",
    topic="Order of the scores",
    title="ranks",
    inputs={"leaderboard": "tables/leaderboard.csv"},
    caption="""
    Mean rank of the scores by their gain in AUROC over the control, over all nets and tasks of the
    dataset; 1 is the best. The best fifteen scores and the control, the maximum softmax probability
    of a single net, are shown with their cost in network evaluations. A score outside the shaded
    band differs significantly from the control (Bonferroni and Dunn's test); two scores whose bars
    do not overlap differ significantly from each other (Nemenyi's test).

    A block is a net with one task: misclassified images, each out-of-distribution set, and the
    successful images of each attack, at its largest ε if it has one. Replicates of an architecture
    are averaged within a block and do not add blocks. Only scores available for every net are
    ranked. The tests assume independent blocks, but these share nets and test images, so the tests
    overstate the significance.
    """,
)

SHOWN = 15  # best scores, and the control


@styled
def draw(leaderboard: pd.DataFrame, dataset: str) -> Figure:
    """Mean rank of the best scores and of the control, with bars half a critical difference long
    to either side: scores whose bars do not touch differ.  Those outside of the shaded band differ
    from the control.

    ``leaderboard`` has the rows of every dataset.
    """
    leaderboard = of_dataset(leaderboard, dataset)
    ranks = leaderboard[leaderboard["metric"] == "mean_rank"]
    whole = leaderboard[leaderboard["score"].isna()].set_index("metric")
    if whole.empty:
        return notice("Too few scores or tasks to rank: see the leaderboard for each of them.")
    critical, test = whole.loc["critical_difference"], whole.loc["friedman_p", "value"]
    rows = best(ranks, SHOWN).reset_index(drop=True)
    figure, axes = panels(1, 1, height=1.6 + 0.26 * len(rows))
    ax, half = axes[0, 0], critical["value"] / 2
    control = rows.loc[rows["score"] == CONTROL_SCORE, "value"]
    for value in control:
        band = whole.loc["difference_to_control", "value"]
        ax.axvspan(value - band, value + band, color="0.92", zorder=0)
        ax.axvline(value, linewidth=1.4, **CONTROL)
    for place, each in rows.iterrows():
        ax.errorbar(
            *(each["value"], place),
            xerr=half,
            fmt="o",
            markersize=6,
            capsize=3,
            color=color(each["score"]),
        )
    ax.set_yticks(range(len(rows)), [_label(each) for _, each in rows.iterrows()])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.margins(x=0.02)
    ax.set_xlim(left=max(ax.get_xlim()[0], 0))
    ax.grid(False, axis="y")
    count = int(ranks["value"].notna().sum())
    ax.set(xlabel=f"mean rank among {count} scores (1 is the best)", ylabel="score (cost)")
    ax.set_title(
        f"{critical['n']:.0f} blocks of net and task; critical difference "
        f"{critical['value']:.1f}; Friedman test p = {test:.2g}"
    )
    figure.suptitle(
        "Scores ranked over all tasks; outside of the band: differs from the control at 5 %"
    )
    return figure


def _label(each: pd.Series) -> str:
    """Name of a score and what it costs in network evaluations."""
    return f"{score_name(each['score'])} ({each['evaluations']:.0f})"
