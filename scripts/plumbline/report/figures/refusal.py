"""Selective prediction: accuracy by coverage, and rejection of out-of-distribution images."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.data.image_sets import keys_of
from plumbline.report.estimators import CONTROL, styles
from plumbline.report.spec import FigureSpec
from plumbline.report.style import legend_below, panels, styled
from plumbline.report.wording import describe, words

FIGURE = FigureSpec(
    stage="uncertainty",
    topic="Refusal",
    title="refusal",
    inputs={
        "refusal": lambda plan, at: [
            f"uncertainty/{at.dataset}/{model}/refusal.csv"
            for model in plan.config.uncertain_models
        ]
    },
    caption="""
    Top: accuracy on the accepted test images against coverage, the share accepted, if images are
    accepted by the median over the sampled nets of the predicted class's probability. The dot is
    the threshold chosen on calibration, the cross the fixed threshold of study 001; the panels
    extend to four times the error rate of the control. If an estimator is accurate enough on
    calibration without rejection, the chosen threshold accepts all images. Bottom: the share of
    out-of-distribution images that each threshold rejects, with 95 % Wilson intervals.

    The dashed grey line is the control, the softmax of a single net with the same rule. The
    additional passes of an estimator are worthwhile only if its curve lies above the control.
    """,
)

LOWEST = 4.0
RULES = {
    "chosen": ("o", "threshold chosen on calibration"),
    "fixed": ("x", "threshold of study 001"),
}


@styled
def draw(refusal: pd.DataFrame) -> Figure:
    """A column for each model: above the curve on test, below the share of foreign sets refused.

    ``refusal`` has the rows of the stage's tables.  Marks are the two thresholds; the dashed
    grey line is the control, the softmax of a single net.
    """
    models, looks = list(refusal["model"].unique()), styles(list(refusal["estimator"].unique()))
    names = list(looks)
    foreign = keys_of(refusal[refusal["metric"] == "refused"])
    figure, axes = panels(1 + len(foreign), len(models), height=2.9, sharey="row")
    for column, model in enumerate(models):
        part = refusal[refusal["model"] == model]
        _curves(axes[0, column], part, looks)
        axes[0, column].set(title=words(model), xlabel="share of test answered")
        for line, (name, key) in enumerate(foreign.items(), start=1):
            refused = part[(part["set"] == name) & (part["metric"] == "refused")]
            _shares(axes[line, column], refused, looks)
            axes[line, column].set(xlabel=f"share of {describe(key)} refused", xlim=(-0.03, 1.03))
    for line in range(1, 1 + len(foreign)):
        axes[line, 0].set_yticks(range(len(names)), [words(name) for name in names])
        axes[line, 0].set_ylim(len(names) - 0.5, -0.5)
    axes[0, 0].set(ylabel="accuracy of the answered", ylim=_limits(refusal))
    for marker, label in RULES.values():
        axes[0, 0].plot([], [], marker, color="black", label=label)
    legend_below(figure, axes[0, 0], columns=4)
    figure.suptitle(
        "Selective prediction by the median of the sampled probabilities, 95 % intervals"
    )
    return figure


def _limits(refusal: pd.DataFrame) -> tuple[float, float]:
    """The axis of accuracy: down to ``LOWEST`` times the control's error rate below 1."""
    control = refusal[(refusal["estimator"] == CONTROL) & (refusal["share"] == 1)]
    error = 1 - control["value"].min()
    return max(0.0, 1 - LOWEST * error) if error > 0 else 0.9, 1.003


def _curves(ax: Axes, rows: pd.DataFrame, looks: dict[str, dict]) -> None:
    for name, part in rows[rows["set"] == "test"].groupby("estimator", sort=False):
        how: dict[str, Any] = {"color": looks[name]["color"], "linestyle": looks[name]["linestyle"]}
        line = part[part["metric"] == "accuracy_at_share"].sort_values("share")
        ax.plot(line["share"], line["value"], label=words(name), linewidth=1.4, **how)
        for rule, (marker, _) in RULES.items():
            own = part[part["rule"] == rule].set_index("metric")["value"]
            ax.plot(own["coverage"], own["accuracy"], marker, color=how["color"], markersize=5)


def _shares(ax: Axes, rows: pd.DataFrame, looks: dict[str, dict]) -> None:
    for place, name in enumerate(looks):
        for shift, (rule, (marker, _)) in zip((-0.15, 0.15), RULES.items(), strict=True):
            for own in rows[(rows["estimator"] == name) & (rows["rule"] == rule)].itertuples():
                error = [[own.value - own.low], [own.high - own.value]]
                how: dict[str, Any] = {
                    "fmt": marker,
                    "markersize": 4.5,
                    "capsize": 2,
                    "linewidth": 1.2,
                }
                ax.errorbar(own.value, place + shift, xerr=error, color=looks[name]["color"], **how)
    ax.grid(False, axis="y")
