"""All scores as detectors: AUROC by task, compared with the control."""

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.data.image_sets import ImageSetKey, keys_of
from plumbline.detection.columns import CONTROL as CONTROL_SCORE
from plumbline.registry import DETECTORS, ESTIMATORS
from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, CONTROL, grid, styled
from plumbline.report.wording import describe, words

FIGURE = FigureSpec(
    stage="detection",
    topic="Tasks",
    title="detection",
    inputs={"detection": "detection/{dataset}/{model}.csv"},
    when=lambda plan, dataset: [{"model": model} for model in plan.config.models],
    caption="""
    Area under the ROC curve of every score for the detection of misclassified, out-of-distribution
    or adversarial images; 1 is perfect and 0.5 is chance. Bars are 95 % intervals: the wider of a
    bootstrap over images, with adversarial images drawn together with their sources, and of
    Newcombe's interval (2006), since the bootstrap is too narrow near 1. With fewer than ten images
    of either kind there is no bar. The dashed line is the control, the maximum softmax probability
    of a single net, which has no extra cost: if the interval of a score includes it, this run shows
    no improvement.

    For each attack the successful images at its largest ε are shown; attacks without ε search for
    the smallest perturbation. For each kind of score, such as deep ensembles or detectors fitted on
    conductance, only the score with the highest mean AUROC is drawn, which favours kinds with many
    scores; the leaderboard lists all of them.
    """,
)

TASK = ["task", "set", "positives"]
COLUMNS = 5  # panels side by side
SHOWN = 20  # kinds of scores, and the control
TITLE = 24  # letters of a line above a panel
# By the family of an estimator; scores of the stability stage have colours of their own.
FAMILY_COLORS = {
    "label_change_rate": COLORS[4],
    "conductance": COLORS[3],
    "ensemble": COLORS[2],
    "dropout": COLORS[1],
    "softmax": COLORS[0],
    "bayesian": COLORS[5],
    "evidential": COLORS[8],
}


def tasks(detection: pd.DataFrame) -> list[tuple[str, str, str]]:
    """The tasks that are drawn, as (task, set, positives).

    Misclassified images; each out-of-distribution set; of each attack the successful images of
    the largest ε, then those of attacks without ε.
    """
    known = detection[[*TASK, "attack", "epsilon"]].drop_duplicates()
    minimal = known["epsilon"].isna()
    adversarial = (known["task"] == "adversarial") & (known["positives"] == "successful")
    largest = minimal | (known["epsilon"] == known["epsilon"].max())
    place = {"misclassified": 0, "ood": 1, "adversarial": 2}
    known = known.assign(
        place=known["task"].map(place),
        minimal=minimal,
        of=known["set"].where(minimal, known["attack"]),
    )
    drawn = known[(known["task"] != "adversarial") | (adversarial & largest)]
    drawn = drawn.sort_values(["place", "minimal", "of", "positives"])
    return list(drawn[TASK].itertuples(index=False, name=None))


def kind(score: str) -> str:
    """What a score is made of: the features of a fitted detector, the family of an estimator, or
    the score itself; the control is of no kind but its own."""
    family, _, rest = score.partition(".")
    if score == CONTROL_SCORE:
        return score
    if family in DETECTORS.names():
        return "fitted conductance" if rest.startswith("conductance") else f"fitted {rest}"
    return _family(family)


def _family(name: str) -> str:
    """The family of an estimator, if it has a colour; else the name itself."""
    declared = ESTIMATORS.family(name)
    return declared if declared in FAMILY_COLORS else name


def best_of_kinds(order: Sequence[str], count: int = SHOWN) -> list[str]:
    """The first score of each kind in ``order``, ``count`` of them at most, and the control."""
    first: dict[str, str] = {}
    for score in order:
        first.setdefault(kind(score), score)
    return [
        score
        for place, score in enumerate(first.values())
        if place < count or score == CONTROL_SCORE
    ]


@styled
def draw(detection: pd.DataFrame) -> Figure:
    """A panel for each task, a row for the best score of each kind: AUROC with its interval.

    ``detection`` has the rows of one dataset and model.  The dashed line is the control, the
    maximum softmax probability of the single net, which always stands there; scores are sorted,
    and the best are found, by their mean AUROC over the panels.
    """
    known = detection["value"].notna()
    rows = detection[(detection["metric"] == "auroc") & known]
    drawn, sets = tasks(rows), keys_of(rows)
    keys = pd.MultiIndex.from_frame(rows[TASK])
    rows = rows[keys.isin(drawn)]
    every = list(rows.groupby("score")["value"].mean().sort_values(ascending=False).index)
    scores = best_of_kinds(every)
    lines = -(-len(drawn) // COLUMNS)
    height = 1.2 + 0.19 * len(scores)
    figure, axes = grid(len(drawn), columns=-(-len(drawn) // lines), height=height)
    for ax, (task, images, positives) in zip(axes, drawn, strict=True):
        where = (rows["task"] == task) & (rows["set"] == images) & (rows["positives"] == positives)
        _dots(ax, rows[where].set_index("score"), scores)
        ax.set_title(_title(task, sets[images]), fontsize=8)
        ax.set_xlabel("AUROC")
        ax.tick_params(labelbottom=True)
    axes[0].set_yticks(range(len(scores)), [score_name(score) for score in scores])
    axes[0].set_ylim(len(scores) - 0.5, -0.5)
    shown = "The best score of each kind" if len(every) > len(scores) else "Scores"
    figure.suptitle(f"{shown} as detectors, 95 % intervals; dashed: control; solid line: chance")
    return figure


def _title(task: str, images: ImageSetKey) -> str:
    if task == "misclassified":
        return "misclassified\ntest images"
    kind = "out of distribution" if task == "ood" else "adversarial, successful"
    return f"{kind}\n{fill(describe(images), TITLE)}"


def score_name(score: str) -> str:
    """The name of a score as a reader would write it."""
    family, _, measure = score.partition(".")
    text = ": ".join(words(part) for part in (family, measure) if part)
    return f"{text} (control)" if score == CONTROL_SCORE else text


def _dots(ax: Axes, part: pd.DataFrame, scores: list[str]) -> None:
    ax.axvline(0.5, color="0.75", linewidth=1)
    if CONTROL_SCORE in part.index:
        ax.axvline(part.loc[CONTROL_SCORE, "value"], linewidth=1.4, **CONTROL)
    for place, score in enumerate(scores):
        if score not in part.index:
            continue
        value, low, high = part.loc[score, ["value", "low", "high"]].astype(float)
        error = np.array([[value - low], [high - value]])
        how: dict[str, Any] = {"fmt": "o", "markersize": 4, "capsize": 2, "color": color(score)}
        ax.errorbar(value, place, xerr=error, **how)
    ax.grid(False, axis="y")


def color(score: str) -> str | tuple[float, ...]:
    """The colour of a score, that of what it is made of; the control is grey."""
    if score == CONTROL_SCORE:
        return "0.3"
    return FAMILY_COLORS.get(_family(score.split(".")[0]), COLORS[7])
