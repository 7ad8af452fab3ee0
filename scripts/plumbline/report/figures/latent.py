"""Maps of uncertainty over a two-dimensional latent space, with the encoded images on them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.special import ndtr

from plumbline.data.image_sets import ImageSetKey
from plumbline.report.artefacts import Codes, LatentMap
from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, WIDTH, styled
from plumbline.report.wording import describe, words
from plumbline.storage.artefacts import ImageSet

FIGURE = FigureSpec(
    stage="latent",
    topic="Maps",
    title="latent",
    inputs={
        "codes": "latent/{dataset}/{corpus}/codes.safetensors",
        "maps": lambda plan, at: plan.latent.of_corpora(at.dataset, "safetensors"),
        "test": "data/{dataset}/test.safetensors",
    },
    when=lambda plan, dataset: [
        {"corpus": corpus, "measure": measure, "grid": grid}
        for grid in ("", "quantile")
        for measure in ("entropy", "mutual_information", "max_probability")
        for corpus in plan.latent.corpora(dataset)
    ],
    options=lambda plan, at: {"estimators": plan.config.latent.estimators},
    caption="""
    Each point of the plane is decoded to an image by a variational autoencoder with two latent
    dimensions, and the map shows the uncertainty of the net about this image; dark means uncertain.
    Coloured dots are the encoded test images by class; black crosses are the images of the second
    set, if the corpus has one. The orange line is the density contour that encloses 95 % of the
    encoded training images; outside is off the data.

    All maps of one measure and grid share one colour scale, over nets, estimators and corpora.
    Light areas outside the line are holes, where the net is certain about images unlike any
    training image. The map is that of one autoencoder. Another one, fitted to the same images, has
    another latent space and other holes, so the table gives means over several, with intervals over
    them. In the maps with equal shares of the prior every cell has the same probability under the
    normal prior of the codes, so the centre is stretched, and the outer region, where the decoder
    was never trained, is compressed to the edge.
    """,
)

Maps = Mapping[tuple[str, str], np.ndarray]  # (estimator, model) -> [rows, columns]
# Dark is uncertain for all: entropy and mutual information grow, probability falls.
SCALES = {
    "entropy": ("Greys", "entropy (nats); dark = uncertain"),
    "mutual_information": ("Greys", "mutual information (nats); dark = uncertain"),
    "max_probability": ("Greys_r", "largest probability; dark = low = uncertain"),
}
CORPORA = {
    "in_distribution": "in-distribution images",
    "out_of_distribution": "in- and out-of-distribution images",
    "adversarial": "clean and adversarial images",
}
CONTOUR = COLORS[1]
# Lengths in inches.
SIDE, GAP = 3.1, 0.2  # of a map and between maps
LEFT, RIGHT = 0.75, 1.1  # beside the maps: their labels, the colour bar
TOP, TITLE = 0.5, 0.45  # above all maps, and above each
FOOT, LABELS = 1.35, 0.5  # below: labels and legend; the labels alone
SHOWN = 1000  # encoded images of each set: more hide the map


@dataclass(frozen=True)
class Encoded:
    """Encoded images of one set: its ``name`` and ``points`` [N, 2]."""

    name: str
    points: np.ndarray


@dataclass(frozen=True)
class Plane:
    """How a grid of a LatentMap is drawn: its cells as squares of equal size.

    A map covers ``covers``, (left, right, bottom, top), in coordinates of the drawing, to which
    ``place`` takes points of latent space; ``ticks`` are latent values, None those of the
    drawing.  ``on_data`` [P, P] says which cells are within the contour of the data.
    """

    covers: tuple[float, float, float, float]
    place: Callable[[np.ndarray], np.ndarray]
    on_data: np.ndarray
    ticks: tuple[float, ...] | None
    label: str


def plane(arrays: Mapping[str, np.ndarray], grid: str) -> Plane:
    """The plane of one ``grid``, ``linear`` or ``quantile``, of a LatentMap's ``arrays``."""
    axis, on_data = arrays[f"{grid}.axis"], arrays[f"{grid}.on_data"]
    if grid == "quantile":
        ticks = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
        return Plane((0.0, 1.0, 0.0, 1.0), ndtr, on_data, ticks, "equal shares of the prior")
    low, high, half = float(axis[0]), float(axis[-1]), float(axis[1] - axis[0]) / 2
    covers = (low - half, high + half, low - half, high + half)
    return Plane(covers, np.asarray, on_data, None, "equal steps")


def norm(maps: list[np.ndarray]) -> Normalize:
    """One colour scale for all ``maps`` of a measure, from the lowest value to the highest."""
    return Normalize(min(float(m.min()) for m in maps), max(float(m.max()) for m in maps))


@styled
def draw(
    codes: Codes,
    maps: list[LatentMap],
    test: ImageSet,
    estimators: Sequence[str],
    corpus: str,
    measure: str,
    grid: str,
) -> Figure:
    """Maps of one ``measure`` over the latent space of a ``corpus``, of every estimator and net.

    ``codes`` are the encoded images of the corpus, ``maps`` those of all corpora, which share one
    colour scale; ``test`` knows the names of the classes.  ``grid`` is ``quantile``, or empty for
    the linear one.
    """
    grid = grid or "linear"
    keys = {estimator: f"{grid}.{estimator}.{measure}" for estimator in estimators}
    drawn = {each.about["model"]: each.arrays for each in maps if each.about["corpus"] == corpus}
    values = [each.arrays[key] for each in maps for key in keys.values() if key in each.arrays]
    others = [describe(ImageSetKey(**each)) for each in codes.about["other"]]
    second = Encoded(" and ".join(others), codes.arrays["other"])
    return panels_of(
        {
            (estimator, model): arrays[key]
            for estimator, key in keys.items()
            for model, arrays in drawn.items()
            if key in arrays
        },
        Encoded("test images", codes.arrays["test"]),
        codes.arrays["test_labels"],
        second if len(second.points) else None,
        classes=test.classes,
        corpus=corpus,
        measure=measure,
        over=plane(next(iter(drawn.values())), grid),
        scale=norm(values),
    )


def panels_of(
    maps: Maps,
    first: Encoded,
    labels: np.ndarray,
    second: Encoded | None,
    *,
    classes: Sequence[str],
    corpus: str,
    measure: str,
    over: Plane,
    scale: Normalize,
) -> Figure:
    """Rows estimators, columns models; each map with the encoded test images over it.  The maps
    of a single model stand side by side.

    ``maps`` hold a value for each grid point, rows along the second latent dimension from low
    to high; an estimator that does not apply to a model has none, and an empty panel.
    ``scale`` is shared by all figures of the measure.  ``first``, with its ``labels``, is drawn
    as dots coloured by class, ``second`` as black crosses, at most 1000 of each.
    """
    estimators = list(dict.fromkeys(estimator for estimator, _ in maps))
    models = list(dict.fromkeys(model for _, model in maps))
    colormap, label = SCALES[measure]
    rows = (len(estimators), len(models)) if len(models) > 1 else (1, len(estimators))
    figure, axes, bar = _panels(*rows)
    for ax, (estimator, model) in zip(axes.flat, product(estimators, models), strict=True):
        name = f"{words(model)}\n{words(estimator)}"
        if (estimator, model) not in maps:
            ax.set(title=f"{name}: does not apply")
            continue
        draw_map(ax, maps[estimator, model], over, colormap, scale)
        _scatter(ax, first, labels, second, over)
        ax.set(title=name, xlim=over.covers[:2], ylim=over.covers[2:])
    for ax in axes[-1]:
        ax.set_xlabel("first latent dimension")
    for ax in axes[:, 0]:
        ax.set_ylabel("second latent dimension")
    figure.colorbar(ScalarMappable(scale, colormap), cax=bar, label=label)
    _legend(figure, first, classes, second)
    what = f"{words(measure)} over the latent space of"
    figure.suptitle(
        f"{what[0].upper()}{what[1:]}\n{CORPORA[corpus]}, {over.label}",
        y=1 - 0.08 / figure.get_figheight(),
    )
    return figure


def _panels(rows: int, columns: int) -> tuple[Figure, np.ndarray, Axes]:
    """A figure of square panels [rows, columns], placed by hand, and axes of the colour bar.

    A layout engine would measure every text several times and take half of the drawing's time.
    """
    side = min(SIDE, (WIDTH - LEFT - RIGHT - (columns - 1) * GAP) / columns)
    width = LEFT + columns * side + (columns - 1) * GAP + RIGHT
    height = TOP + rows * (side + TITLE) + FOOT
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(
        rows,
        columns,
        squeeze=False,
        sharex=True,
        sharey=True,
        gridspec_kw={
            "left": LEFT / width,
            "right": 1 - RIGHT / width,
            "bottom": FOOT / height,
            "top": 1 - (TOP + TITLE) / height,
            "wspace": GAP / side,
            "hspace": TITLE / side,
        },
    )
    low, tall = FOOT / height, (rows * (side + TITLE) - TITLE) / height
    bar = figure.add_axes((1 - (RIGHT - GAP) / width, low, 0.18 / width, tall))
    return figure, axes, bar


def draw_map(ax: Axes, values: np.ndarray, over: Plane, colormap: str, scale: Normalize) -> None:
    """Draw one map with the contour of the data."""
    ax.imshow(
        values,
        origin="lower",
        extent=over.covers,
        cmap=colormap,
        norm=scale,
        interpolation="nearest",
    )
    contour(ax, over)
    if over.ticks:
        places = over.place(np.array(over.ticks))
        ax.set_xticks(places, [f"{each:g}" for each in over.ticks])
        ax.set_yticks(places, [f"{each:g}" for each in over.ticks])
    ax.grid(False)


def contour(ax: Axes, over: Plane) -> None:
    """The line around the cells that are on the data, through the middles of cells."""
    if not over.on_data.any() or over.on_data.all():
        return
    count = len(over.on_data)
    left, right, bottom, top = over.covers
    middles = (np.arange(count) + 0.5) / count
    columns, rows = left + middles * (right - left), bottom + middles * (top - bottom)
    ax.contour(columns, rows, over.on_data, levels=[0.5], colors=[CONTOUR], linewidths=1.0)


def _scatter(
    ax: Axes, first: Encoded, labels: np.ndarray, second: Encoded | None, over: Plane
) -> None:
    shades = np.array(COLORS)[labels[:SHOWN] % len(COLORS)]
    across, up = over.place(first.points[:SHOWN]).T
    ax.scatter(across, up, s=7, c=shades, linewidths=0.2, edgecolors="white")
    if second is not None:
        across, up = over.place(second.points[:SHOWN]).T
        ax.scatter(
            across,
            up,
            s=26,
            c="black",
            marker="X",
            linewidths=0.7,
            edgecolors="white",
        )


def _legend(figure: Figure, first: Encoded, classes: Sequence[str], second: Encoded | None) -> None:
    dot: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 5}
    handles = [
        Line2D([], [], color=COLORS[number % len(COLORS)], label=name, **dot)
        for number, name in enumerate(classes)
    ]
    if second is not None:
        handles.append(Line2D([], [], color="black", linestyle="", marker="X", label=second.name))
    longest = max(len(str(handle.get_label())) for handle in handles)
    inches = 0.45 + 0.09 * longest  # of a column: the marker and the letters of its text
    figure.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, (FOOT - LABELS) / figure.get_figheight()),
        ncols=min(len(handles), int(figure.get_figwidth() / inches)),
        handletextpad=0.2,
        columnspacing=1.2,
        title=f"encoded {words(first.name)}; 95 % of the training images within the orange line",
    )
