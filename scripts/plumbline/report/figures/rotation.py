"""Predictions and uncertainty of each estimator for test images rotated in steps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from plumbline.report.spec import FigureSpec
from plumbline.report.style import WIDTH, styled
from plumbline.report.wording import words
from plumbline.storage.artefacts import ImageSet

FIGURE = FigureSpec(
    stage="uncertainty",
    topic="Shifts",
    title="rotation",
    order=1,
    inputs={
        "sets": lambda plan, at: [
            plan.data.file(at.dataset, at.model, key)
            for key in plan.data.shifted_keys()
            if key.shift == "rotation"
        ],
        "scores": "uncertainty/{dataset}/{model}/scores.parquet",
    },
    when=lambda plan, dataset: [
        {"model": model} for model in plan.config.uncertain_models if plan.uncertainty.rotations()
    ],
    options=lambda plan, at: {
        "levels": [key.level for key in plan.data.shifted_keys() if key.shift == "rotation"]
    },
    caption="""
    One test image of each of a few classes, rotated in steps, with the prediction of every
    estimator: the class and its probability, in bold if it is wrong, and below the entropy in nats,
    which also determines the colour of the cell, dark if the estimator is uncertain. Bold
    predictions on light cells are confident errors.

    Single images are illustrations; the figure of shifts has curves over many images.
    """,
)

CLASSES = (1, 4, 6)  # study 003 turned a 1; a 6 upside down is a 9
CELL = 0.36  # inches, height of an estimator's row
SIDE = 0.72  # inches, width and height of an image
COLORMAP = "Blues"


@styled
def draw(sets: list[ImageSet], levels: Sequence[float], scores: pd.DataFrame, model: str) -> Figure:
    """For one image of each of a few classes a strip: turned images, below them the answers.

    ``sets`` are the same images turned by ``levels`` degrees; ``scores`` is the table of images of
    the net ``model``.  A cell holds the class that the estimator gives, its probability, and below
    it the entropy, which is also its colour.
    """
    first = sets[0]
    places = [np.flatnonzero(first.labels == c) for c in CLASSES if c < len(first.classes)]
    shown = [int(each[0]) for each in places if len(each)] or [0]
    names = list(scores["estimator"].unique())
    per_strip = SIDE + CELL * len(names)
    figure = Figure(figsize=(WIDTH, per_strip * len(shown) + 1.5), layout="constrained")
    ratios = [SIDE, CELL * len(names)] * len(shown)
    axes = figure.subplots(2 * len(shown), 1, gridspec_kw={"height_ratios": ratios}, squeeze=False)
    figure.set_layout_engine("constrained", h_pad=0.03, hspace=0.01)
    limit = float(np.log(len(first.classes)))
    for place, image in enumerate(shown):
        above, below = axes[2 * place, 0], axes[2 * place + 1, 0]
        _images(above, [each.pixels[image] for each in sets], levels)
        above.set_ylabel(f"is {first.classes[first.labels[image]]}", rotation=0, ha="right")
        rows = scores[scores["index"] == first.index[image]]
        drawn = _answers(below, rows, names, levels, first, image, limit)
    bar = figure.colorbar(drawn, ax=list(axes[:, 0]), location="bottom", fraction=0.012, aspect=50)
    bar.set_label("entropy (nats); dark = uncertain")
    figure.suptitle(f"{words(model)}: turned test images; class, its probability, entropy")
    return figure


def _images(ax: Axes, pixels: Sequence[np.ndarray], levels: Sequence[float]) -> None:
    strip = np.concatenate(list(pixels), axis=2).transpose(1, 2, 0)
    extent = (-0.5, len(pixels) - 0.5, 0, 1)
    ax.imshow(
        strip if strip.shape[2] == 3 else strip[..., 0],
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=extent,
        aspect="auto",
    )
    ax.set(xticks=range(len(levels)), yticks=[])
    ax.set_xticklabels([f"{level:g}°" for level in levels])
    ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    ax.grid(False)


def _answers(
    ax: Axes,
    rows: pd.DataFrame,
    names: Sequence[str],
    levels: Sequence[float],
    images: ImageSet,
    image: int,
    limit: float,
) -> AxesImage:
    entropy = np.full((len(names), len(levels)), np.nan)
    turned = rows[rows["shift"] == "rotation"].set_index(["estimator", "level"])
    for line, name in enumerate(names):
        for column, level in enumerate(levels):
            own = turned.loc[(name, level)]
            entropy[line, column] = own["entropy"]
            right = own["prediction"] == images.labels[image]
            dark = own["entropy"] > 0.6 * limit
            color = "white" if dark else "black"
            answer = f"{images.classes[own['prediction']]} ({own['max_probability']:.2f})"
            how: dict[str, Any] = {"ha": "center", "va": "center", "color": color}
            weight = "normal" if right else "bold"
            ax.text(column, line - 0.16, answer, fontsize=7.5, fontweight=weight, **how)
            ax.text(column, line + 0.25, f"{own['entropy']:.2f}", fontsize=6, **how)
    drawn = ax.imshow(entropy, cmap=COLORMAP, vmin=0, vmax=limit, aspect="auto")
    ax.set(xticks=[], yticks=range(len(names)))
    ax.set_yticklabels([words(name) for name in names], fontsize=8)
    ax.grid(False)
    return drawn
