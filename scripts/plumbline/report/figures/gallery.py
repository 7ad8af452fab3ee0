"""Attributions side by side: rows images, columns methods."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from plumbline.report.style import SIGNED, WIDTH, styled
from plumbline.report.wording import words

LABEL = 0.7  # inches beside the images


def choose(labels: np.ndarray, count: int) -> np.ndarray:
    """Places of ``count`` images at most: the first of each class, then the second, and so on."""
    order = np.argsort(labels, kind="stable")
    _, starts, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    turn = np.empty(len(labels), dtype=np.int64)
    turn[order] = np.arange(len(labels)) - np.repeat(starts, sizes)
    return np.lexsort((labels, turn))[:count]


@styled
def draw(
    images: np.ndarray,
    labels: Sequence[str],
    predictions: Sequence[str],
    relevance: Mapping[str, np.ndarray],
) -> Figure:
    """The images [N, C, H, W] in [0, 1], then each method's ``relevance`` [N, C, H, W].

    Relevance is summed over channels.  Every cell has its own scale, symmetric about 0: its
    end is the 99th percentile of the absolute relevance of that cell.  A cell without any
    relevance is white.
    """
    count, columns = len(images), len(relevance) + 1
    side = (WIDTH - LABEL) / columns
    figure = Figure(figsize=(WIDTH, side * count + 1.8), layout="constrained")
    axes = figure.subplots(count, columns, squeeze=False)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    for line in range(count):
        _image(axes[line, 0], images[line])
        wrong = labels[line] != predictions[line]
        axes[line, 0].set_ylabel(
            f"is {labels[line]}\nsaid {predictions[line]}",
            color="#a00000" if wrong else "black",
            fontsize=9,
            rotation=0,
            ha="right",
            va="center",
        )
        for column, values in enumerate(relevance.values(), start=1):
            _relevance(axes[line, column], values[line].sum(0))
    for column, name in enumerate(("image", *relevance)):
        axes[0, column].set_title(_wrapped(words(name)), fontsize=9)
    _bar(figure, axes)
    figure.suptitle("Relevance of each pixel for the predicted class; each cell has its own scale")
    return figure


def _image(ax: Axes, image: np.ndarray) -> None:
    ax.imshow(
        image[0] if len(image) == 1 else image.transpose(1, 2, 0), cmap="gray", vmin=0, vmax=1
    )
    _bare(ax)


def _relevance(ax: Axes, values: np.ndarray) -> None:
    end = float(np.percentile(np.abs(values), 99)) or float(np.abs(values).max()) or 1.0
    ax.imshow(values, cmap=SIGNED, vmin=-end, vmax=end, interpolation="nearest")
    _bare(ax)


def _bare(ax: Axes) -> None:
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(True)
    ax.spines[:].set(color="0.8", linewidth=0.5)


def _wrapped(text: str) -> str:
    head, _, tail = text.rpartition(" ")
    return f"{head}\n{tail}" if head else text


def _bar(figure: Figure, axes: np.ndarray) -> None:
    bar = figure.colorbar(
        ScalarMappable(Normalize(-1, 1), SIGNED),
        ax=axes,
        location="bottom",
        shrink=0.5,
        aspect=50,
        pad=0.01,
    )
    bar.set_ticks([-1, 0, 1], labels=["against (−q)", "0", "for the class (+q)"])
    bar.set_label("relevance; q is the 99th percentile of the cell's absolute relevance")
