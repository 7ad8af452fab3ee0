"""Maps of uncertainty over a two-dimensional latent space, with the encoded images on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from plumbline.report.style import COLORS, WIDTH, panels, styled
from plumbline.report.wording import describe, words

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
SHOWN = 1000  # encoded images of each set: more hide the map


@dataclass(frozen=True)
class Codes:
    """Encoded images of one set: its ``name`` and ``points`` [N, 2]."""

    name: str
    points: np.ndarray


def extent(axis: np.ndarray) -> tuple[float, float, float, float]:
    """What an image of a grid over ``axis`` squared covers: half a cell beyond its points."""
    low, high, half = float(axis[0]), float(axis[-1]), float(axis[1] - axis[0]) / 2
    return low - half, high + half, low - half, high + half


def norm(maps: list[np.ndarray]) -> Normalize:
    """One colour scale for all ``maps`` of a measure, from the lowest value to the highest."""
    return Normalize(min(float(m.min()) for m in maps), max(float(m.max()) for m in maps))


@styled
def draw(
    maps: Maps,
    first: Codes,
    labels: np.ndarray,
    second: Codes | None,
    *,
    classes: Sequence[str],
    corpus: str,
    measure: str,
    covers: tuple[float, float, float, float],
    scale: Normalize,
) -> Figure:
    """Rows estimators, columns models; each map with the encoded test images over it.  The maps
    of a single model stand side by side.

    ``maps`` hold a value for each grid point, rows along the second latent dimension from low
    to high, and reach over ``covers``, (left, right, bottom, top).  ``scale`` is shared by all
    figures of the measure.  ``first``, with its ``labels``, is drawn as dots coloured by class,
    ``second`` as black crosses, at most 1000 of each.
    """
    estimators = list(dict.fromkeys(estimator for estimator, _ in maps))
    models = list(dict.fromkeys(model for _, model in maps))
    colormap, label = SCALES[measure]
    rows = (len(estimators), len(models)) if len(models) > 1 else (1, len(estimators))
    figure, axes = panels(
        *rows,
        width=min(WIDTH, 1.4 + 3.2 * rows[1]),  # square maps; more would be left empty
        height=3.9,
        layout="compressed",
        sharex=True,
        sharey=True,
    )
    for ax, (estimator, model) in zip(axes.flat, product(estimators, models), strict=True):
        ax.imshow(
            maps[estimator, model],
            origin="lower",
            extent=covers,
            cmap=colormap,
            norm=scale,
            interpolation="nearest",
        )
        _scatter(ax, first, labels, second)
        ax.set(title=f"{words(model)}, {words(estimator)}", xlim=covers[:2], ylim=covers[2:])
        ax.grid(False)
    for ax in axes[-1]:
        ax.set_xlabel("first latent dimension")
    for ax in axes[:, 0]:
        ax.set_ylabel("second latent dimension")
    figure.colorbar(ScalarMappable(scale, colormap), ax=axes, label=label, shrink=0.8, pad=0.01)
    _legend(figure, first, classes, second)
    figure.suptitle(f"{words(measure).capitalize()} over the latent space of {CORPORA[corpus]}")
    return figure


def _scatter(ax: Axes, first: Codes, labels: np.ndarray, second: Codes | None) -> None:
    shades = np.array(COLORS)[labels[:SHOWN] % len(COLORS)]
    ax.scatter(*first.points[:SHOWN].T, s=7, c=shades, linewidths=0.2, edgecolors="white")
    if second is not None:
        ax.scatter(
            *second.points[:SHOWN].T,
            s=26,
            c="black",
            marker="X",
            linewidths=0.7,
            edgecolors="white",
        )


def _legend(figure: Figure, first: Codes, classes: Sequence[str], second: Codes | None) -> None:
    dot = {"linestyle": "", "marker": "o", "markersize": 5}
    handles = [
        Line2D([], [], color=COLORS[number % len(COLORS)], label=name, **dot)
        for number, name in enumerate(classes)
    ]
    if second is not None:
        handles.append(
            Line2D([], [], color="black", linestyle="", marker="X", label=describe(second.name))
        )
    longest = max(len(handle.get_label()) for handle in handles)
    inches = 0.45 + 0.09 * longest  # of a column: the marker and the letters of its text
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(len(handles), int(figure.get_figwidth() / inches)),
        handletextpad=0.2,
        columnspacing=1.2,
        title=f"encoded {words(first.name)}",
    )
