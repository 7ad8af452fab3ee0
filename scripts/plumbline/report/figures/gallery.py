"""Attributions side by side: rows images, columns methods."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from plumbline.attribution.selection import gallery as choose
from plumbline.errors import InputError
from plumbline.report.spec import FigureSpec
from plumbline.report.style import SIGNED, WIDTH, styled
from plumbline.report.wording import words
from plumbline.storage.artefacts import Attribution, ImageSet

FIGURE = FigureSpec(
    stage="attribution",
    topic="Gallery",
    title="gallery",
    inputs={
        "images": "data/{dataset}/test.safetensors",
        "attributions": lambda plan, at: [
            f"attribution/{at.dataset}/{at.model}/{entry}.safetensors"
            for entry in plan.attribution.families(at.model)[at.family]
        ],
    },
    when=lambda plan, dataset: [
        {"model": model, "family": family}
        for model in plan.config.models
        for family in plan.attribution.families(model)
    ],
    options=lambda plan, at: {"gallery": plan.attribution.gallery(at.dataset)},
    caption="""
    Images that all methods explained: rows are images, columns the methods of one family. Below
    each image are the predicted class with its probability, and the true class, in red if the
    prediction is wrong.

    Red pixels are evidence for the predicted class, blue pixels evidence against it. Every map has
    its own scale, symmetric about zero, which ends at the value below the map, the 99th percentile
    of the absolute relevance. Compare the location of relevance, not its strength. In large images
    relevance is summed over blocks of pixels.
    """,
)

# Lengths in inches.
SIDE = 1.0  # of a cell
GAP = 0.08  # between cells
MARGIN = 0.1  # around the figure and between blocks
TITLE = 0.5
HEADER = 0.34  # the methods' names, above every few rows
BAR = 0.06  # height of the colour bar under a map
LINE = 0.125  # of text under an image
REPEAT = 6  # rows to a header
CHARACTERS = 17  # that fit under an image
NAME = 24  # characters of a class name at most
WRONG = "#a00000"
PIXELS = 75  # of a map at most, half of those of its cell
CMAP = colormaps[SIGNED].resampled(33)  # more are not told apart and make the file larger
KEPT_COLORS = np.vstack([CMAP(np.arange(CMAP.N), bytes=True)[:, :3], [[255] * 3]])  # and white
TITLES = (
    "Relevance of each pixel for the predicted class",
    "red: for it, blue: against it; ±q under each map is where its colours end",
)


@dataclass(frozen=True)
class Shown:
    """An image [C, H, W] in [0, 1], its class, and what the net says with which probability."""

    image: np.ndarray
    label: str
    prediction: str
    probability: float

    @property
    def text(self) -> list[str]:
        """Lines to stand under the image."""
        said, true = (textwrap.shorten(n, NAME, placeholder="…") for n in self.names)
        parts = f"says {said} ({self.probability:.3f})", f"is {true}"
        return [line for part in parts for line in textwrap.wrap(part, CHARACTERS)]

    @property
    def names(self) -> tuple[str, str]:
        """What the net says, and what it is."""
        return self.prediction, self.label


def gather(
    images: ImageSet, attributions: Sequence[Attribution]
) -> tuple[list[Shown], dict[str, np.ndarray]]:
    """What :func:`side_by_side` needs, for ``images`` that every one of ``attributions`` explains.

    Raises :class:`InputError` if one does not explain all of them.
    """
    found = {}
    for each in attributions:
        place = {index: number for number, index in enumerate(each.index)}
        if missing := [index for index in images.index if index not in place]:
            raise InputError(f"{each.method} does not explain image {missing[0]}")
        found[each.method] = each, [place[index] for index in images.index]
    names = images.classes
    first, places = next(iter(found.values()))
    shown = [
        Shown(pixels, names[label], names[first.target[at]], float(first.probability[at]))
        for pixels, label, at in zip(images.pixels, images.labels, places, strict=True)
    ]
    return shown, {name: each.relevance[where] for name, (each, where) in found.items()}


@styled
def draw(images: ImageSet, attributions: list[Attribution], gallery: Mapping[str, Any]) -> Figure:
    """The ``images`` that ``gallery`` chooses, with the maps of all ``attributions``.

    Raises :class:`InputError` if an attribution does not explain all of them.
    """
    chosen = images.select(choose(images.labels, **gallery))
    return side_by_side(*gather(chosen, attributions))


def side_by_side(shown: Sequence[Shown], relevance: Mapping[str, np.ndarray]) -> Figure:
    """Every image with the maps of each method, ``relevance`` [N, C, H, W] by name, beside it.

    Relevance is summed over channels, and in large maps over blocks of pixels.  Every map has
    its own scale, symmetric about 0: its end is the 99th percentile of the absolute relevance of
    that map.  A map without any relevance is white.  Where few methods leave room, the rows go
    on in a second block.
    """
    columns = len(relevance) + 1
    side = min(SIDE, (WIDTH - 2 * MARGIN) / columns - GAP)
    block = columns * (side + GAP) + MARGIN
    blocks = min(max(1, int((WIDTH - MARGIN) / block)), len(shown))
    rows = -(-len(shown) // blocks)
    _, height, width = shown[0].image.shape
    tall = side * height / width
    lines = max(len(each.text) for each in shown)
    pitch = tall + max(lines * LINE, BAR + 2 * LINE) + GAP
    full = TITLE + -(-rows // REPEAT) * HEADER + rows * pitch + MARGIN
    figure = Figure(figsize=(max(blocks * block + MARGIN, 6.0), full))
    ax = _canvas(figure)
    maps = {words(name): values.sum(1) for name, values in relevance.items()}
    for number, (left, top) in enumerate(_places(len(shown), rows, block, pitch)):
        if number % rows % REPEAT == 0:
            for column, name in enumerate(("image", *maps)):
                _header(ax, name, left + column * (side + GAP) + side / 2, top - GAP / 2)
        _image(ax, shown[number], (left, top, side, tall))
        for column, values in enumerate(maps.values(), start=1):
            place = (left + column * (side + GAP), top, side, tall)
            _relevance(ax, values[number], place)
    return figure


def _canvas(figure: Figure) -> Axes:
    """Axes over the whole figure whose coordinates are inches from its upper left corner."""
    width, height = figure.get_size_inches()
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0), autoscale_on=False)
    ax.set_axis_off()
    ax.text(MARGIN, MARGIN, TITLES[0], fontsize=11, va="top")
    ax.text(MARGIN, MARGIN + 0.2, TITLES[1], fontsize=8, va="top")
    return ax


def _places(count: int, rows: int, block: float, pitch: float) -> Iterator[tuple[float, float]]:
    """Upper left corner of each row, block after block."""
    for number in range(count):
        column, row = divmod(number, rows)
        yield MARGIN + column * block, TITLE + HEADER * (row // REPEAT + 1) + row * pitch


Place = tuple[float, float, float, float]


def _show(ax: Axes, values: np.ndarray, place: Place, **how: Any) -> None:
    left, top, width, height = place
    extent = (left, left + width, top + height, top)
    ax.imshow(values, extent=extent, aspect="auto", origin="upper", **how)


def _image(ax: Axes, shown: Shown, place: Place) -> None:
    image = shown.image
    pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    _show(ax, pixels, place, cmap="gray", vmin=0, vmax=1)
    left, top, width, height = place
    color = WRONG if shown.prediction != shown.label else "black"
    for number, line in enumerate(shown.text):
        y = top + height + 0.03 + number * LINE
        ax.text(left + width / 2, y, line, fontsize=7, color=color, ha="center", va="top")


def _relevance(ax: Axes, values: np.ndarray, place: Place) -> None:
    left, top, width, height = place
    values = _blocks(values)
    end = float(np.percentile(np.abs(values), 99)) or float(np.abs(values).max())
    scale: dict[str, Any] = {
        "cmap": CMAP,
        "vmin": -(end or 1.0),
        "vmax": end or 1.0,
        "interpolation": "nearest",
    }
    _show(ax, values, place, **scale)
    edges: dict[str, Any] = {"fill": False, "edgecolor": "0.8", "linewidth": 0.5}
    ax.add_patch(Rectangle((left, top), width, height, **edges))
    bar = (left + width / 4, top + height + 0.04, width / 2, BAR)
    _show(ax, np.linspace(scale["vmin"], scale["vmax"], CMAP.N)[None], bar, **scale)
    text = f"±{end:.2g}" if end else "all 0"
    where = left + width / 2, top + height + 0.06 + BAR
    ax.text(*where, text, fontsize=6.5, color="0.3", ha="center", va="top")


def _blocks(values: np.ndarray) -> np.ndarray:
    """A map [H, W] of at most ``PIXELS`` a side: sums over square blocks of pixels."""
    step = -(-max(values.shape) // PIXELS)
    for axis, size in enumerate(values.shape):
        values = np.add.reduceat(values, np.arange(0, size, step), axis=axis)
    return values


def _header(ax: Axes, name: str, x: float, y: float) -> None:
    text = "\n".join(textwrap.wrap(name, CHARACTERS - 1))
    ax.text(x, y, text, fontsize=7.5, ha="center", va="bottom", linespacing=1.05)
