"""Accuracy and calibration on test by model, over training seeds."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, legend_below, panels, styled
from plumbline.report.summary import over_seeds
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="training",
    topic="Accuracy and calibration",
    title="accuracy",
    inputs={
        "evaluation": lambda plan, at: [
            f"models/{at.dataset}/{model}/evaluation.csv" for model in plan.config.models
        ]
    },
    caption="""
    Accuracy, negative log-likelihood and expected calibration error on test. The large mark is the
    mean over training seeds with a 95 % interval over seeds and images; the small dots are single
    seeds. Higher accuracy, lower NLL and lower ECE are better.

    Temperature scaling divides the logits by one number fitted on calibration. It does not change
    predictions, so accuracy has a single mark.
    """,
)

SCALINGS = {"raw": (COLORS[0], "o", -0.12), "temperature": (COLORS[1], "s", 0.12)}
METRICS = {"accuracy": "accuracy", "nll": "NLL (nats)", "ece": "ECE (15 bins)"}


@styled
def draw(evaluation: pd.DataFrame) -> Figure:
    """Three panels: accuracy, NLL and ECE on test, as trained and with temperature scaling.

    ``evaluation`` has the rows of the stage training's evaluation tables.  A large mark is the
    mean over seeds with its 95 % interval, the small ones are the seeds.
    """
    rows = evaluation[(evaluation["split"] == "test") & (evaluation["class"] == "all")]
    models = list(rows["model"].unique())
    figure, axes = panels(1, 3, height=1.7 + 0.5 * len(models), sharey=True)
    for ax, (metric, label) in zip(axes[0], METRICS.items(), strict=True):
        # Temperature moves no prediction: accuracy is the same with and without it.
        scalings = ["raw"] if metric == "accuracy" else list(SCALINGS)
        for scaling in scalings:
            part = rows[(rows["metric"] == metric) & (rows["scaling"] == scaling)]
            _marks(ax, part, metric, models, scaling)
        ax.set(xlabel=f"{label} on test", title=label.split(" (")[0])
        ax.set_ylim(len(models) - 0.5, -0.5)
        ax.grid(False, axis="y")
    axes[0, 0].set_yticks(range(len(models)), [words(model) for model in models])
    legend_below(figure, axes[0, 1])
    seeds = rows["seed"].nunique()
    over = "one training seed" if seeds == 1 else f"mean over {seeds} training seeds"
    figure.suptitle(f"Accuracy and calibration on test, {over}, 95 % intervals")
    return figure


def _marks(ax: Axes, part: pd.DataFrame, metric: str, models: list[str], scaling: str) -> None:
    color, marker, shift = SCALINGS[scaling]
    shift = 0 if metric == "accuracy" else shift
    label = "as trained" if scaling == "raw" else "temperature-scaled"
    for place, model in enumerate(models):
        seeds = part[part["model"] == model]
        value, low, high = over_seeds(
            metric, list(seeds[["value", "low", "high"]].itertuples(index=False, name=None))
        )
        y = place + shift
        ax.plot(seeds["value"], [y + 0.07] * len(seeds), ".", color=color, markersize=4, alpha=0.7)
        ax.errorbar(
            value,
            y,
            xerr=[[value - low], [high - value]],
            fmt=marker,
            color=color,
            capsize=3,
            label=label if place == 0 else None,
        )
