"""How often mutants of a net change its prediction, by kind of image."""

from collections.abc import Collection

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.groups import GROUPS, groups
from plumbline.report.spec import FigureSpec
from plumbline.report.style import panels, styled
from plumbline.report.tables import of_models
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="stability",
    topic="Label change rate",
    title="stability",
    inputs={
        "changes": lambda plan, at: plan.stability.of_dataset(at.dataset, "parquet"),
        "rejection": lambda plan, at: plan.stability.of_dataset(at.dataset, "csv"),
    },
    when=lambda plan, dataset: bool(plan.config.stability.operators),
    options=lambda plan, at: {
        "models": [model for model in plan.config.models for _ in plan.stability.operators(model)],
        "adaptive": plan.config.attacks.adaptive(),
    },
    caption="""
    Share of the net's mutants (copies with small random changes of the weights) that predict
    another label than the net itself. Boxes are the quartiles over images, whiskers extend from the
    5th to the 95th percentile, and the diamond is the mean. Adversarial images are those of the
    largest ε of every attack; images of attacks adapted to a detector (adaptive), and of attacks
    that search for the smallest perturbation and have no ε, are shown separately.

    Mutants are accepted only if they are still accurate on calibration; the share of rejected
    mutants is given above each panel.
    """,
)


@styled
def draw(
    changes: list[pd.DataFrame],
    rejection: pd.DataFrame,
    models: list[str],
    adaptive: Collection[str],
) -> Figure:
    """Box plots of the label change rate; rows models, columns operators.

    ``changes`` are the tables of images of each operator, ``models`` of which net each is;
    ``rejection`` has the rows of the operators' figures, of which the rejection rate of mutants
    stands in each title.  ``adaptive`` are the attacks that know a detector.
    """
    rows = of_models(changes, models)
    rows["correct"] = rows["prediction"] == rows["label"]
    models, operators = list(dict.fromkeys(models)), list(rows["operator"].unique())
    rows = rows.assign(group=groups(rows, adaptive)).dropna(subset="group")
    kinds = [name for name in GROUPS if name in set(rows["group"])]
    main = rejection["role"] == "main"
    rejection = rejection[main & (rejection["metric"] == "rejection_rate")]
    figure, axes = panels(len(models), len(operators), height=2.4, sharex=True, sharey="row")
    for line, model in enumerate(models):
        for column, operator in enumerate(operators):
            ax = axes[line, column]
            part = rows[(rows["model"] == model) & (rows["operator"] == operator)]
            if part.empty:
                ax.set_axis_off()
                continue
            _boxes(ax, part, kinds)
            found = rejection[(rejection["model"] == model) & (rejection["operator"] == operator)]
            rate = f"{found['value'].iloc[0]:.0%}" if len(found) else "unknown"
            title = f"{words(model)}\n{words(operator)}\nmutants rejected: {rate}"
            ax.set_title(title, fontsize=9)
    for ax in axes[-1]:
        ax.set_xlabel("label change rate")
    figure.suptitle("Label change rate of images: median, quartiles, 5 to 95 %, mean as diamond")
    return figure


def _boxes(ax: Axes, part: pd.DataFrame, kinds: list[str]) -> None:
    values = [part.loc[part["group"] == name, "label_change_rate"] for name in kinds]
    boxes = ax.boxplot(
        values,
        orientation="horizontal",
        whis=(5, 95),
        widths=0.6,
        showfliers=False,
        showmeans=True,
        patch_artist=True,
        medianprops={"color": "black"},
        meanprops={"marker": "D", "markerfacecolor": "white", "markeredgecolor": "black"},
    )
    for box, name in zip(boxes["boxes"], kinds, strict=True):
        box.set(facecolor=GROUPS[name]["color"], alpha=0.6)
    labels = [f"{name} (n = {len(each)})" for name, each in zip(kinds, values, strict=True)]
    ax.set_yticks(range(1, len(kinds) + 1), labels)
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.set(xlim=(-0.03, 1.03), ylim=(len(kinds) + 0.6, 0.4))
    ax.grid(False, axis="y")
