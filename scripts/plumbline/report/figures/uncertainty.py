"""How uncertain each estimator is on images that it gets right, wrong, or should not know."""

import pandas as pd
from matplotlib.figure import Figure

from plumbline.report.groups import GROUPS, groups
from plumbline.report.style import legend_below, panels, styled
from plumbline.report.wording import words


@styled
def draw(scores: pd.DataFrame, measure: str) -> Figure:
    """Cumulative distribution of ``measure`` by group; rows models, columns estimators.

    ``scores`` has the rows of the stage's tables of images and a column ``model``.  An
    estimator that is sure everywhere of the measure (the mutual information of one net is 0)
    has no panel.
    """
    from seaborn import ecdfplot

    spread = scores.groupby("estimator", sort=False)[measure].max()
    estimators = [name for name in scores["estimator"].unique() if spread[name] > 0]
    models = list(scores["model"].unique())
    scores = scores.assign(group=groups(scores)).dropna(subset="group")
    figure, axes = panels(len(models), len(estimators), height=2.5, sharex=True, sharey=True)
    for line, model in enumerate(models):
        for column, estimator in enumerate(estimators):
            ax = axes[line, column]
            part = scores[(scores["model"] == model) & (scores["estimator"] == estimator)]
            for name, how in GROUPS.items():
                values = part.loc[part["group"] == name, measure]
                if len(values):
                    ecdfplot(x=values.to_numpy(), ax=ax, label=name, **how)
            counts = part["group"].value_counts()
            wrong = f"{counts.get('test, wrong', 0)} wrong"
            ax.set(
                title=f"{words(model)}, {words(estimator)}: {wrong}", ylabel="share of images below"
            )
            ax.set_xlabel(f"{words(measure)} (nats)" if line == len(models) - 1 else "")
    legend_below(figure, axes[0, 0])
    figure.suptitle(f"Distribution of {words(measure)} by kind of image")
    return figure
