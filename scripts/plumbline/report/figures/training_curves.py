"""Training curves: negative log-likelihood by epoch, and the selected epoch."""

import pandas as pd
from matplotlib.figure import Figure

from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, panels, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="training",
    topic="Accuracy and calibration",
    title="training curves",
    inputs={
        "histories": lambda plan, at: [
            f"models/{at.dataset}/{model}/cross_entropy/{seed}/history.csv"
            for model, seed in plan.training.trained(at.dataset)
        ]
    },
    when=lambda plan, dataset: bool(plan.training.trained(dataset)),
    options=lambda plan, at: {
        "models": [model for model, _ in plan.training.trained(at.dataset)],
        "seeds": [seed for _, seed in plan.training.trained(at.dataset)],
    },
    caption="""
    Mean negative log-likelihood after each epoch, with one line per seed. The dot is the selected
    epoch, the one with the highest accuracy on val and, among equals, the lowest NLL. If the blue
    lines rise while the grey ones still fall, the net overfits.
    """,
)


@styled
def draw(histories: list[pd.DataFrame], models: list[str], seeds: list[int]) -> Figure:
    """A panel for each model: NLL on train and val by epoch, a line for each seed.

    ``models`` and ``seeds`` tell of which net each of ``histories`` is.  A dot marks the epoch
    that was kept: highest accuracy on val, then lowest NLL.
    """
    runs = zip(histories, models, seeds, strict=True)
    history = pd.concat([rows.assign(model=model, seed=seed) for rows, model, seed in runs])
    models = list(dict.fromkeys(models))
    figure, axes = panels(1, len(models), height=3.4, sharey=True)
    for ax, model in zip(axes[0], models, strict=True):
        for number, (_, run) in enumerate(history[history["model"] == model].groupby("seed")):
            first = number == 0
            for name, color in (("train", COLORS[7]), ("val", COLORS[0])):
                label = name if first else None
                ax.plot(run["epoch"], run[f"{name}_nll"], color=color, label=label, linewidth=1.2)
            kept = run.sort_values(["val_accuracy", "val_nll"], ascending=[False, True]).iloc[0]
            label = "kept epoch" if first else None
            ax.plot(kept["epoch"], kept["val_nll"], "o", color=COLORS[3], zorder=3, label=label)
        ax.set(xlabel="epoch", title=words(model), yscale="log")
    axes[0, 0].set_ylabel("NLL (nats)")
    axes[0, -1].legend(loc="best")
    figure.suptitle("Training, a line for each seed")
    return figure
