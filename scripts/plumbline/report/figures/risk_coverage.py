"""Risk against coverage: error rate on the accepted images if uncertain ones are rejected."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from plumbline.metrics.ranking import selective
from plumbline.report.estimators import CONTROL, styles
from plumbline.report.spec import FigureSpec
from plumbline.report.style import legend_below, panels, styled
from plumbline.report.tables import of_models
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="uncertainty",
    topic="Errors and coverage",
    title="risk and coverage",
    inputs={
        "scores": lambda plan, at: [
            f"uncertainty/{at.dataset}/{model}/scores.parquet"
            for model in plan.config.uncertain_models
        ]
    },
    options=lambda plan, at: {"models": plan.config.uncertain_models},
    caption="""
    Error rate (risk) among the accepted test images if the most certain ones are accepted first, by
    each measure of uncertainty. The area under a curve is the AURC in the tables; the lower the
    curve, the better the measure detects errors. At full coverage the risk is the error rate.

    The dashed grey line is the control: the softmax of a single net, ordered by its largest
    probability. A measure that is not below it has higher cost without better detection. Equally
    certain images have no order, so the curve is the mean over all orders. The curves begin at a
    coverage of one half, because they are noisy below, and the panels end at four times the error
    rate of the control.
    """,
)

MEASURES = ("max_probability", "entropy", "mutual_information", "vacuity")
SHARES = np.arange(1, 101) / 100
LEAST = 0.5  # coverage from which the curves are drawn: below, few images make them jump
HIGHEST = 4.0  # times the control's risk at full coverage, where the panels end


@styled
def draw(scores: list[pd.DataFrame], models: list[str]) -> Figure:
    """A row for each model, a column for each measure that orders the test images.

    ``scores`` are the tables of images of ``models``.  In every panel the dashed grey line is the
    control, the softmax by its largest probability; panels end at ``HIGHEST`` times the control's
    error rate.
    """
    rows = of_models(scores, models)
    test = rows[rows["set"] == "test"]
    looks = styles(list(test["estimator"].unique()))
    measures = [name for name in MEASURES if name in test and test[name].nunique() > 1]
    figure, axes = panels(len(models), len(measures), height=2.6, sharex=True, sharey="row")
    for line, model in enumerate(models):
        own = test[test["model"] == model].groupby("estimator", sort=False)
        control = own.get_group(CONTROL)
        for column, measure in enumerate(measures):
            ax = axes[line, column]
            for name, part in own:
                if name != CONTROL and part[measure].nunique() > 1:
                    risk = curve(part, measure)
                    how: dict[str, Any] = {
                        "color": looks[name]["color"],
                        "linestyle": looks[name]["linestyle"],
                    }
                    ax.plot(SHARES, risk, label=words(name), linewidth=1.4, **how)
            how = {"color": looks[CONTROL]["color"], "linestyle": "--"}
            risk = curve(control, "max_probability")
            ax.plot(SHARES, risk, label="softmax, maximum probability (control)", **how)
            ax.set_title(f"{words(model)}, by {words(measure)}")
        most = HIGHEST * (~control["correct"].to_numpy(bool)).mean()
        axes[line, 0].set(ylabel="risk (share wrong)", ylim=(-0.02 * most, min(most, 1.02) or 1.0))
    for ax in axes[-1]:
        ax.set(xlabel="coverage (share accepted)", xlim=(LEAST, 1.005))
    _legend(figure, axes.ravel())
    figure.suptitle("Errors left on test when the most certain images are answered first")
    return figure


def curve(images: pd.DataFrame, measure: str) -> np.ndarray:
    """Risk at each of ``SHARES``, the most certain of ``images`` first, ties in any order."""
    sign = -1 if measure == "max_probability" else 1
    uncertainty, wrong = sign * images[measure].to_numpy(), ~images["correct"].to_numpy(bool)
    counts = np.ones((1, len(wrong)), np.int32)
    return selective(uncertainty, wrong, counts, SHARES.tolist())["risks"][0]


def _legend(figure: Figure, axes: np.ndarray) -> None:
    """One legend of every line of any panel."""
    most = max(axes, key=lambda ax: len(ax.get_lines()))
    known = {line.get_label() for line in most.get_lines()}
    for ax in axes:
        for line in ax.get_lines():
            if line.get_label() not in known:
                known.add(line.get_label())
                how: dict[str, Any] = {"color": line.get_color(), "linestyle": line.get_linestyle()}
                most.plot([], [], label=line.get_label(), **how)
    legend_below(figure, most, columns=4)
