"""Images generated for each class, with two probabilities: rows visualizations, columns classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.report.spec import FigureSpec
from plumbline.report.style import WIDTH, styled
from plumbline.report.wording import words
from plumbline.storage.artefacts import ImageSet

FIGURE = FigureSpec(
    stage="visualization",
    topic="Images of classes",
    title="visualization",
    inputs={
        "images": lambda plan, at: [
            f"visualization/{at.dataset}/{at.model}/{entry}.safetensors"
            for entry in plan.config.visualization.methods
        ],
        "table": lambda plan, at: [
            f"visualization/{at.dataset}/{at.model}/{entry}.csv"
            for entry in plan.config.visualization.methods
        ][:1],
        "test": "data/{dataset}/test.safetensors",
    },
    when=lambda plan, dataset: [
        {"model": model} for model in plan.config.models if plan.config.visualization.methods
    ],
    caption="""
    Images generated such that the net gives a class a high probability, starting from noise, from
    real images, or from the codes of a generator. Below each image are the net's probability of the
    class and, after the bar, the probability by a second, independently trained net, in red if that
    is below one half.

    An image recognised by both nets shows what they have in common, a prototype. An image
    recognised by the first net only is an adversarial pattern, specific to its weights. A second
    net of the same architecture learns similar features from the same images, so agreement is
    weaker evidence than disagreement. The first row shows real test images, with the mean
    probabilities over all test images of the class. Only the first start of each class is shown;
    the table includes all.
    """,
)

LABEL = 1.25  # inches beside the images
TEXT = 0.2  # inches under each image
TOP = 0.95  # inches above the first row
WIDEST, NARROWEST = 1.6, 6.0  # inches of a picture, and of a figure with its title
CONTROL = "test images (control)"


@dataclass(frozen=True)
class Line:
    """A row of the figure: an image [K, C, H, W] in [0, 1] and two probabilities [K] per class.

    ``second`` is NaN where there is no second net.
    """

    images: np.ndarray
    first: np.ndarray
    second: np.ndarray


def classes(made: ImageSet) -> list[str]:
    """Names of the classes of made images, in their order."""
    return [made.classes[label] for label in dict.fromkeys(made.labels.tolist())]


def line(made: ImageSet) -> Line:
    """The first image of each class, with what the nets say of it."""
    shown = np.flatnonzero(made.index == 0)
    extra, missing = made.extra, np.full(len(made), np.nan)
    return Line(
        made.pixels[shown],
        extra["probability"][shown],
        extra.get("second_probability", missing)[shown],
    )


def control(made: ImageSet, test: ImageSet, table: pd.DataFrame) -> Line:
    """The first test image of each class of ``made``, with the means over all of the class.

    A class without test images is white.
    """
    images: list[np.ndarray] = []
    values: dict[str, list[float]] = {"probability": [], "second_probability": []}
    rows = table[table["images"] == "test"].set_index(["class", "metric"])["value"]
    for name, label in zip(classes(made), dict.fromkeys(made.labels.tolist()), strict=True):
        place = np.flatnonzero(test.labels == label)
        images.append(test.pixels[place[0]] if len(place) else np.ones_like(made.pixels[0]))
        for metric, found in values.items():
            found.append(rows.get((name, metric), np.nan))
    return Line(np.stack(images), *map(np.array, values.values()))


@styled
def draw(images: list[ImageSet], table: pd.DataFrame, test: ImageSet, model: str) -> Figure:
    """A row for the control, images of ``test``, and for each of ``images``, a column for each
    class.

    ``table`` has the rows of the first of ``images``.
    """
    lines = {CONTROL: control(images[0], test, table)} | {made.name: line(made) for made in images}
    return grid_of(lines, classes(images[0]), model, images[0].provenance["second net"])


def grid_of(lines: Mapping[str, Line], classes: Sequence[str], model: str, second: str) -> Figure:
    """One picture for each of ``lines`` and ``classes`` [K].

    Under each stands the probability of its class, first by the net ``model``, then by a
    second one, of the architecture ``second``; it is red where the second net is below one half.
    """
    figure, axes = _grid(len(lines), len(classes))
    for row, (name, line) in zip(axes, lines.items(), strict=True):
        for place, ax in enumerate(row):
            _picture(ax, line.images[place])
            _probabilities(ax, float(line.first[place]), float(line.second[place]))
        row[0].set_ylabel(_wrapped(words(name)), rotation=0, ha="right", va="center", fontsize=9)
    for ax, name in zip(axes[0], classes, strict=True):
        ax.set_title(_wrapped(name, 12), fontsize=9)
    figure.suptitle(
        f"Images made for a class\nbelow, its probability by {_nets(words(model), second)}",
        y=1 - 0.1 / figure.get_figheight(),
        va="top",
    )
    return figure


def _grid(rows: int, columns: int) -> tuple[Figure, np.ndarray]:
    """A figure of square panels, its size fixed by them, with room for the texts around."""
    side = min((WIDTH - LABEL) / columns, WIDEST)
    width, height = max(LABEL + side * columns, NARROWEST), (side + TEXT) * rows + TOP
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(
        left=LABEL / width,
        right=(LABEL + side * columns) / width - 0.005,
        top=1 - TOP / height,
        bottom=(TEXT + 0.02) / height,
        wspace=0.06,
        hspace=(TEXT + 0.04) / (side - 0.04),
    )
    return figure, axes


def _nets(model: str, second: str) -> str:
    if second == "none":
        return f"{model} (there is no second net)"
    return f"{model} | a second net, {words(second)}"


def _picture(ax: Axes, image: np.ndarray) -> None:
    shown = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    ax.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(True)
    ax.spines[:].set(color="0.8", linewidth=0.5)


def _probabilities(ax: Axes, first: float, second: float) -> None:
    text = _short(first) if second != second else f"{_short(first)} | {_short(second)}"
    ax.set_xlabel(text, fontsize=8, labelpad=2, color="#a00000" if second < 0.5 else "black")


def _short(probability: float) -> str:
    """Two decimals, but never 1 or 0; a dash for NaN."""
    if probability != probability:
        return "–"
    if probability > 0.995:
        return "> .99"
    return "< .01" if probability < 0.005 else f"{probability:.2f}".removeprefix("0")


def _wrapped(text: str, most: int = 16) -> str:
    """A name in lines of ``most`` letters at most, where it has spaces to break at."""
    lines = [""]
    for word in text.replace("_", " ").split():
        if len(lines[-1]) + len(word) >= most and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
