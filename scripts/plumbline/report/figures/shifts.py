"""Accuracy, calibration and uncertainty of estimators under rotation, noise and attacks."""

from textwrap import fill

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.estimators import styles
from plumbline.report.spec import FigureSpec
from plumbline.report.style import curve, legend_below, notice, panels, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="uncertainty",
    topic="Shifts",
    title="shifts",
    inputs={"measures": "uncertainty/{dataset}/{model}/measures.csv"},
    when=lambda plan, dataset: [
        {"model": model}
        for model in plan.config.uncertain_models
        if any(key.made_from_test for key in plan.uncertainty.keys(dataset))
    ],
    caption="""
    Estimators on test images that are rotated, noisy or attacked: accuracy, NLL, ECE, and the means
    of entropy, mutual information and, for evidential nets, vacuity. The images of one column are
    the same at every level. Bands are 95 % intervals over images; the dashed grey line is the
    control, the softmax of a single net.

    The uncertainty of a good estimator rises as its accuracy falls. Attacks are made on the single
    net and transferred to the other estimators; attacks that search for the smallest perturbation
    have no ε and are omitted. Rotation by 180 degrees turns a 6 into a 9 and leaves a 0 unchanged.
    """,
)

METRICS = {
    "accuracy": "accuracy",
    "nll": "NLL (nats)",
    "ece": "ECE",
    "mean_entropy": "mean entropy (nats)",
    "mean_mutual_information": "mean mutual\ninformation (nats)",
    "mean_vacuity": "mean vacuity",
}
TITLE, UNIT = 16, 18  # letters of a line above a panel, and below it
UNITS = {"rotation": "rotation (degrees)", "noise": "noise (standard deviation)"}
EPSILON = "ε (largest change of a pixel)"


def levels(measures: pd.DataFrame) -> pd.DataFrame:
    """The rows of shifted and attacked sets; ``shift`` and ``level`` of the latter are the attack
    and its ε."""
    rows = measures[measures["measure"].isna() & measures["control"].isna()]
    shifted = rows["set_kind"] == "shifted"
    rows = rows.assign(
        shift=rows["shift"].where(shifted, rows["attack"]),
        level=rows["level"].where(shifted, rows["epsilon"]),
    )
    return rows[rows["level"].notna()]


@styled
def draw(measures: pd.DataFrame) -> Figure:
    """A column for each kind of shift, a row for each figure, a line for each estimator.

    ``measures`` has the rows of one net's table.  The softmax is the control.
    """
    rows = levels(measures)
    if rows.empty:
        return notice("No set of test is shifted or attacked in this configuration.")
    order = [*UNITS, *sorted(set(rows["shift"]) - set(UNITS))]
    shifts = [name for name in order if name in set(rows["shift"])]
    metrics = [name for name in METRICS if name in set(rows["metric"])]
    looks = styles(list(rows["estimator"].unique()))
    figure, axes = panels(len(metrics), len(shifts), height=1.9, sharex="col", sharey="row")
    for line, metric in enumerate(metrics):
        for column, shift in enumerate(shifts):
            part = rows[(rows["shift"] == shift) & (rows["metric"] == metric)]
            _lines(axes[line, column], part, looks, markers=part["level"].nunique() < 8)
        axes[line, 0].set_ylabel(METRICS[metric])
    for column, shift in enumerate(shifts):
        axes[0, column].set_title(fill(words(shift), TITLE))
        axes[-1, column].set_xlabel(fill(UNITS.get(shift, EPSILON), UNIT))
    legend_below(figure, axes[0, 0], columns=4)
    figure.suptitle(f"{words(measures['model'].iloc[0])}: shifted test images, 95 % intervals")
    return figure


def _lines(ax: Axes, rows: pd.DataFrame, looks: dict[str, dict], *, markers: bool) -> None:
    for name, part in rows.groupby("estimator", sort=False):
        part = part.sort_values("level")
        if part["value"].abs().max() == 0:  # one net's mutual information
            continue
        how = looks[name] | {"markersize": 3, "linewidth": 1.3}
        if not markers:
            how["marker"] = ""
        columns = (part[each] for each in ("level", "value", "low", "high"))
        curve(ax, *columns, shade=0.08, label=words(name), **how)
