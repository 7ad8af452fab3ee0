"""Generators: their losses by epoch, samples, and the training images nearest to these."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, WIDTH, image_grid, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="visualization",
    topic="Generators",
    title="GAN",
    caption="""
    Generators that were trained on the training images: the losses of generator and discriminator
    by epoch, samples of random codes, and beside them, in the same places, the training image
    that is nearest to each sample (Euclidean distance of the pixels).

    Losses of such a pair do not fall to zero; they balance. A generator that copies has samples
    that equal their nearest training image, one that has collapsed repeats a few samples; the
    table measures both.
    """,
)

ROWS, COLUMNS = 6, 10  # samples shown, and as many training images


@dataclass(frozen=True)
class Training:
    """One generator: its ``history``, ``samples`` [N, C, H, W] in [0, 1], and for each the
    ``nearest`` [N, C, H, W] training image."""

    history: pd.DataFrame
    samples: np.ndarray
    nearest: np.ndarray


@styled
def draw(generators: Mapping[str, Training]) -> Figure:
    """A row for each generator: loss curves, samples, and the training images nearest to them."""
    figure = Figure(figsize=(WIDTH, 2.6 * len(generators) + 0.4), layout="constrained")
    axes = figure.subplots(
        len(generators), 3, squeeze=False, width_ratios=[1.1, 1.25, 1.25], sharex=False
    )
    for row, (name, each) in zip(axes, generators.items(), strict=True):
        _losses(row[0], each.history)
        row[0].set_title(f"{words(name)}: losses")
        image_grid(row[1], each.samples, ROWS, COLUMNS, f"{words(name)}: samples")
        image_grid(row[2], each.nearest, ROWS, COLUMNS, "nearest training image of each")
    axes[-1, 0].set_xlabel("epoch")
    axes[0, 0].legend(loc="best")
    figure.suptitle("Generators that the code-space visualizations search")
    return figure


def _losses(ax: Axes, history: pd.DataFrame) -> None:
    for name, color in (("generator", COLORS[0]), ("discriminator", COLORS[3])):
        values = history[f"{name}_loss"]
        ax.plot(history["epoch"] + 1, values, color=color, linewidth=1.2, label=name)
    ax.set(ylabel="loss (nats)", ylim=(0, None))
