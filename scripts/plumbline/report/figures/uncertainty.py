"""Uncertainty of each estimator on correct, misclassified, adversarial and other images."""

from collections.abc import Collection

import pandas as pd
from matplotlib.figure import Figure

from plumbline.report.groups import GROUPS, groups
from plumbline.report.spec import FigureSpec
from plumbline.report.style import grid, legend_below, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="uncertainty",
    topic="Estimators",
    title="uncertainty",
    inputs={"scores": "uncertainty/{dataset}/{model}/scores.parquet"},
    when=lambda plan, dataset: [
        {"measure": measure, "model": model}
        for model in plan.config.uncertain_models
        for measure in ("entropy", "mutual_information")
        if measure == "entropy" or plan.uncertainty.several(dataset, model)
    ],
    options=lambda plan, at: {"adaptive": plan.config.attacks.adaptive()},
    caption="""
    Cumulative distribution of the measure over images. For a useful measure the solid blue curve,
    of correctly classified test images, is far to the left of the others. The adversarial images
    are those of the largest ε of every attack; images of attacks adapted to a detector (adaptive),
    and of attacks that search for the smallest perturbation and have no ε, are shown separately.
    The number of test images misclassified by each estimator is given above its panel.
    """,
)


@styled
def draw(scores: pd.DataFrame, model: str, measure: str, adaptive: Collection[str]) -> Figure:
    """Cumulative distribution of ``measure`` by group, a panel for each estimator.

    ``scores`` is the table of images of the net ``model``.  An estimator that is sure everywhere
    of the measure (the mutual information of one net is 0), or does not have it, has no panel.
    ``adaptive`` are the attacks that know a detector.
    """
    from seaborn import ecdfplot

    spread = scores.groupby("estimator", sort=False)[measure].max()
    estimators = [name for name in scores["estimator"].unique() if spread[name] > 0]
    scores = scores.assign(group=groups(scores, adaptive)).dropna(subset="group")
    figure, axes = grid(len(estimators), height=2.7)
    for ax, estimator in zip(axes, estimators, strict=True):
        part = scores[scores["estimator"] == estimator]
        for name, how in GROUPS.items():
            values = part.loc[part["group"] == name, measure]
            if len(values):
                ecdfplot(x=values.to_numpy(), ax=ax, label=name, **how)
        counts = part["group"].value_counts()
        wrong = f"{counts.get('test, wrong', 0)} wrong"
        ax.set(title=f"{words(estimator)}\n{wrong}", xlabel=f"{words(measure)} (nats)", ylabel="")
    for ax in axes:
        where = ax.get_subplotspec()
        if where is not None and where.is_first_col():
            ax.set_ylabel("share of images below")
    legend_below(figure, axes[0], len(GROUPS))
    figure.suptitle(f"{words(model)}: {words(measure)} by kind of image")
    return figure
