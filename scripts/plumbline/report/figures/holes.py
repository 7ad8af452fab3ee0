"""Holes of the latent maps: their location, decoded images, and the nearest training images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from plumbline.report.artefacts import Holes, LatentMap
from plumbline.report.figures.latent import CONTOUR, CORPORA, contour, plane
from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, WIDTH, notice, styled
from plumbline.report.wording import words
from plumbline.storage.artefacts import ImageSet

FIGURE = FigureSpec(
    stage="latent",
    topic="Holes",
    title="holes",
    inputs={
        "maps": lambda plan, at: plan.latent.of_models(at.dataset, at.corpus, "safetensors"),
        "holes": lambda plan, at: plan.latent.of_models(at.dataset, at.corpus, "holes.safetensors"),
        "train": "data/{dataset}/train.safetensors",
    },
    when=lambda plan, dataset: [{"corpus": corpus} for corpus in plan.latent.corpora(dataset)],
    options=lambda plan, at: {"estimators": plan.config.latent.estimators},
    caption="""
    Holes of the maps of entropy, for the first of several autoencoders: connected cells off the
    data that are more certain than the median cell on the data and have the same predicted class.
    The five largest regions of each net and estimator are coloured on the map, smaller ones are
    grey, and the contour of the training images is orange; the number marks the most certain cell
    of a region. The image decoded from this cell is shown large, with the three training images
    nearest to it in pixels, the nearest at the top.

    The heading gives the predicted class of the decoded image and its probability. Novelty is the
    distance to the nearest training image, in units of the median distance of a training image to
    its nearest neighbour. If it is well above 1, the image is unlike the data; at 1 or below, the
    data contain such images, although no training image is encoded there. The intervals of areas in
    the table treat the cells of the map as independent; neighbouring cells are similar, so the
    intervals are too narrow.
    """,
)

Arrays = Mapping[str, np.ndarray]
MEASURE = "entropy"
SHOWN = 5  # regions
BESIDE = 3  # training images beside each
ROW, HEAD = 2.05, 0.7  # inches
SHADES = [each for each in COLORS if each != CONTOUR][:SHOWN]
PARTS = ("region", "cell", "area", "class", "probability", "image", "nearest", "nearest_distance")
OTHER = "0.75"  # smaller regions


@styled
def draw(
    maps: list[LatentMap],
    holes: list[Holes],
    train: ImageSet,
    estimators: Sequence[str],
    corpus: str,
) -> Figure:
    """A row for each model and estimator: the regions on the map, and the five largest decoded.

    ``maps`` are those of one corpus, one for each net, ``holes`` their holes.  Beside a decoded
    image stand the three nearest training images, the nearest on top; above it the class and
    probability that the net gives it; below it the region's share of the off-data area and its
    novelty, the distance to the nearest training image in units of what is usual among data.
    """
    rows = [
        (drawn, found, estimator)
        for drawn, found in zip(maps, holes, strict=True)
        for estimator in estimators
        if f"{estimator}.{MEASURE}.region" in found.arrays
    ]
    if not rows:
        return notice("No estimator is mapped")
    figure = Figure(figsize=(WIDTH, ROW * len(rows) + HEAD), layout="constrained")
    axes = figure.subplots(len(rows), 2, squeeze=False, width_ratios=[1, 5])
    for (drawn, found, estimator), (left, right) in zip(rows, axes, strict=True):
        own = {name: found.arrays[f"{estimator}.{MEASURE}.{name}"] for name in PARTS}
        _regions(left, own, drawn.arrays)
        left.set_title(f"{words(drawn.about['model'])}\n{words(estimator)}", fontsize=8)
        off = int((~drawn.arrays["linear.on_data"]).sum())
        _strip(right, own, train.images, off, found.about["data_distance"], train.classes)
    figure.suptitle(
        f"Holes by {words(MEASURE)} in the latent space of {CORPORA[corpus]}: the {SHOWN} largest"
    )
    return figure


def _regions(ax: Axes, own: Arrays, arrays: Arrays) -> None:
    """Where the regions lie: the shown ones coloured, each with its number."""
    over = plane(arrays, "linear")
    palette = np.array([(1, 1, 1), *map(to_rgb, SHADES), to_rgb(OTHER)])
    shown = palette[np.minimum(own["region"], SHOWN + 1)]
    ax.imshow(shown, origin="lower", extent=over.covers, interpolation="nearest")
    contour(ax, over)
    axis = arrays["linear.axis"]
    for number, cell in enumerate(own["cell"][:SHOWN], start=1):
        row, column = divmod(int(cell), len(axis))
        how: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9, "fontweight": "bold"}
        ax.text(axis[column], axis[row], str(number), **how)
    ax.set(xlim=over.covers[:2], ylim=over.covers[2:])
    ax.tick_params(labelsize=6)
    ax.grid(False)


def _strip(
    ax: Axes, own: Arrays, train: np.ndarray, off: int, usual: float, classes: Sequence[str]
) -> None:
    """The decoded images of the regions, each with its nearest training images, and the texts."""
    side = train.shape[-1]
    tall, gap = BESIDE * side, side // 4
    pitch = tall + side + 3 * gap
    canvas = np.ones((tall, SHOWN * pitch, 3))
    for number, image in enumerate(own["image"][:SHOWN]):
        left = number * pitch
        large = _colour(image).repeat(BESIDE, 0).repeat(BESIDE, 1)
        near = np.concatenate([_colour(train[each]) for each in own["nearest"][number][:BESIDE]])
        canvas[:, left : left + tall] = large
        canvas[: len(near), left + tall + gap : left + tall + gap + side] = near
        name = classes[own["class"][number]]
        novelty = own["nearest_distance"][number, 0] / usual
        above = f"{number + 1}: says {name} ({own['probability'][number]:.2f})"
        below = f"{100 * own['area'][number] / off:.1f} % of area\nnovelty {novelty:.2f}"
        color = SHADES[number]
        ax.text(left, -gap, above, fontsize=9, fontweight="bold", color=color, va="bottom")
        ax.text(left, tall + gap, below, fontsize=8, va="top")
    if not len(own["image"]):
        ax.text(tall, tall / 2, "no holes", fontsize=10, va="center")
    ax.imshow(canvas, interpolation="nearest")
    ax.set(xlim=(-gap, SHOWN * pitch), ylim=(tall * 1.35, -side * 0.8))
    ax.set_axis_off()


def _colour(image: np.ndarray) -> np.ndarray:
    """An image [C, H, W], uint8 or in [0, 1], as [H, W, 3] in [0, 1]."""
    pixels = image / 255 if image.dtype == np.uint8 else image
    return np.broadcast_to(pixels, (3, *pixels.shape[1:])).transpose(1, 2, 0)
