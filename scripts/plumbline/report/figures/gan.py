"""Generators: their losses by epoch, samples, and the training images nearest to these."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, WIDTH, image_grid, styled
from plumbline.report.wording import words
from plumbline.storage.artefacts import ImageSet

FIGURE = FigureSpec(
    stage="visualization",
    topic="Generators",
    title="GAN",
    inputs={
        "histories": lambda plan, at: [
            f"visualization/{at.dataset}/{generator}.history.csv"
            for generator in plan.config.visualization.used_generators()
        ],
        "samples": lambda plan, at: [
            f"visualization/{at.dataset}/{generator}.samples.safetensors"
            for generator in plan.config.visualization.used_generators()
        ],
        "train": "data/{dataset}/train.safetensors",
    },
    when=lambda plan, dataset: bool(plan.config.visualization.used_generators()),
    caption="""
    Generators trained on the training images: the losses of generator and discriminator by epoch,
    samples of random codes, and next to them, at the same positions, the training image nearest to
    each sample (Euclidean distance of pixels).

    The losses of generator and discriminator do not fall to zero but reach a balance. The samples
    of a generator that copies equal their nearest training image; a collapsed generator repeats few
    samples. The table measures both.
    """,
)

ROWS, COLUMNS = 6, 10  # samples shown, and as many training images


@styled
def draw(histories: list[pd.DataFrame], samples: list[ImageSet], train: ImageSet) -> Figure:
    """A row for each generator: loss curves, samples, and the training images nearest to them.

    ``samples`` are named like the generators; their ``index`` says which image of ``train`` is
    nearest.
    """
    figure = Figure(figsize=(WIDTH, 2.6 * len(samples) + 0.4), layout="constrained")
    axes = figure.subplots(
        len(samples), 3, squeeze=False, width_ratios=[1.1, 1.25, 1.25], sharex=False
    )
    for row, history, made in zip(axes, histories, samples, strict=True):
        _losses(row[0], history)
        row[0].set_title(f"{words(made.name)}: losses")
        image_grid(row[1], made.pixels, ROWS, COLUMNS, f"{words(made.name)}: samples")
        nearest = train.select(made.index).pixels
        image_grid(row[2], nearest, ROWS, COLUMNS, "nearest training image of each")
    axes[-1, 0].set_xlabel("epoch")
    axes[0, 0].legend(loc="best")
    figure.suptitle("Generators that the code-space visualizations search")
    return figure


def _losses(ax: Axes, history: pd.DataFrame) -> None:
    for name, color in (("generator", COLORS[0]), ("discriminator", COLORS[3])):
        values = history[f"{name}_loss"]
        ax.plot(history["epoch"] + 1, values, color=color, linewidth=1.2, label=name)
    ax.set(ylabel="loss (nats)", ylim=(0, None))
