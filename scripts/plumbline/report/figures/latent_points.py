"""Selected points of a latent space: their location, decoded images, and the nets' predictions."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure, SubFigure
from matplotlib.patheffects import withStroke

from plumbline.report.artefacts import LatentMap
from plumbline.report.figures.latent import CORPORA, SCALES, Plane, draw_map, norm, plane
from plumbline.report.spec import FigureSpec
from plumbline.report.style import WIDTH, styled
from plumbline.report.wording import words
from plumbline.storage.artefacts import ImageSet

FIGURE = FigureSpec(
    stage="latent",
    topic="Chosen points",
    title="latent points",
    inputs={
        "maps": lambda plan, at: plan.latent.of_models(at.dataset, at.corpus, "safetensors"),
        "test": "data/{dataset}/test.safetensors",
    },
    when=lambda plan, dataset: [{"corpus": corpus} for corpus in plan.latent.corpora(dataset)],
    options=lambda plan, at: {"estimators": plan.config.latent.estimators},
    caption="""
    Points of latent space, marked by stars on the maps of entropy, with their decoded images and
    the predictions of every net and estimator: class, probability, entropy H and mutual information
    MI in nats. Unless the configuration sets other points, A and C are the median codes of the
    first class and of the class nearest to it, and B is their midpoint.

    Between two classes a decoded image is a mixture of both, and a net should be uncertain about
    it. Entropy rises if the image itself is ambiguous, mutual information if the samples of the
    estimator disagree.
    """,
)

Arrays = Mapping[str, np.ndarray]
MEASURE = "entropy"
SAID = ("prediction", "max_probability", "entropy", "mutual_information")
MAP, ROW = 4.3, 1.2  # inches of the maps and of each point
ACROSS = 3  # maps side by side at least


@styled
def draw(maps: list[LatentMap], test: ImageSet, estimators: Sequence[str], corpus: str) -> Figure:
    """Above a map of entropy for each model, with the points as stars; below each point's
    decoded image, beside it what every model and estimator says: the class, its probability,
    entropy (H) and mutual information (MI) in nats.

    ``maps`` are those of one corpus, one for each net: their points are the same.  ``test`` knows
    the names of the classes.  Drawn are the maps of the first of ``estimators`` that applies to
    the model.  Quantiles of the prior are mapped
    where all points lie within them, else equal steps.
    """
    by_model = {each.about["model"]: each.arrays for each in maps}
    first = maps[0].arrays
    codes, images = first["points.code"], first["points.image"]
    grid = "quantile" if np.abs(codes).max() < np.abs(first["quantile.axis"]).max() else "linear"
    below = ROW * len(codes) + 0.3
    figure = Figure(figsize=(WIDTH, MAP + below), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=[MAP, below])
    _maps(parts[0], by_model, estimators, grid, codes)
    panels = parts[1].subplots(len(codes), 2, squeeze=False, width_ratios=[1, 7])
    for number, (code, image) in enumerate(zip(codes, images, strict=True)):
        where = f"{ascii_uppercase[number]} ({code[0]:.2f}, {code[1]:.2f})"
        _image(panels[number, 0], image, where)
        _answers(panels[number, 1], by_model, estimators, number, test.classes)
    figure.suptitle(f"Points of the latent space of {CORPORA[corpus]}, and what they decode to")
    return figure


def _maps(
    figure: SubFigure,
    maps: Mapping[str, Arrays],
    estimators: Sequence[str],
    grid: str,
    codes: np.ndarray,
) -> None:
    """The maps with the points as stars."""
    chosen = {m: next(e for e in estimators if f"{grid}.{e}.{MEASURE}" in maps[m]) for m in maps}
    scale = norm([maps[model][f"{grid}.{e}.{MEASURE}"] for model, e in chosen.items()])
    shown = max(ACROSS, len(maps))
    axes = figure.subplots(1, shown, squeeze=False, sharex=True, sharey=True)[0]
    for ax in axes[len(maps) :]:
        ax.set_axis_off()
    axes = axes[: len(maps)]
    colormap, label = SCALES[MEASURE]
    for ax, (model, arrays) in zip(axes, maps.items(), strict=True):
        estimator = chosen[model]
        over: Plane = plane(arrays, grid)
        draw_map(ax, arrays[f"{grid}.{estimator}.{MEASURE}"], over, colormap, scale)
        places = over.place(codes)
        ax.scatter(*places.T, marker="*", s=150, c="white", edgecolors="black", zorder=3)
        for name, place in zip(ascii_uppercase, places, strict=False):
            ax.annotate(
                name,
                place,
                xytext=(7, 3),
                textcoords="offset points",
                fontsize=12,
                path_effects=[withStroke(linewidth=3, foreground="white")],
            )
        ax.set(title=f"{words(model)}, {words(estimator)}", xlabel="first latent dimension")
        ax.set(xlim=over.covers[:2], ylim=over.covers[2:])
    axes[0].set_ylabel("second latent dimension")
    figure.colorbar(ScalarMappable(scale, colormap), ax=axes, label=label, shrink=0.8, pad=0.01)


def _image(ax: Axes, image: np.ndarray, title: str) -> None:
    pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=1)
    ax.set_title(title)
    ax.set_axis_off()


def _answers(
    ax: Axes,
    maps: Mapping[str, Arrays],
    estimators: Sequence[str],
    number: int,
    classes: Sequence[str],
) -> None:
    """What each net says of one point: a column for each net, a row for each estimator."""
    ax.set_axis_off()
    ax.set(xlim=(0, 1), ylim=(len(estimators) + 1, 0))
    width = 1 / (max(ACROSS, len(maps)) + 1)
    for row, estimator in enumerate(estimators, start=1):
        ax.text(0, row + 0.5, words(estimator), va="center", fontsize=8)
    for column, (model, arrays) in enumerate(maps.items(), start=1):
        ax.text(column * width, 0.5, words(model), va="center", fontsize=8, fontweight="bold")
        for row, estimator in enumerate(estimators, start=1):
            if f"points.{estimator}.prediction" not in arrays:
                continue
            said = {name: arrays[f"points.{estimator}.{name}"] for name in SAID}
            prediction, probability, entropy, mutual = (each[number] for each in said.values())
            text = f"{classes[prediction]} ({probability:.2f}), H {entropy:.2f}, MI {mutual:.2f}"
            ax.text(column * width, row + 0.5, text, va="center", fontsize=8)
