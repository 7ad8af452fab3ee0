"""Interpolation between test images in pixel space and in latent space."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from plumbline.report.artefacts import Interpolation
from plumbline.report.spec import FigureSpec
from plumbline.report.style import WIDTH, colors, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="latent",
    topic="Interpolation",
    title="interpolation",
    inputs={
        "ways": lambda plan, at: plan.latent.of_models(
            at.dataset, plan.latent.corpora(at.dataset)[0], "interpolation.safetensors"
        )
    },
    when=lambda plan, dataset: bool(plan.latent.corpora(dataset)),
    options=lambda plan, at: {"estimators": plan.config.latent.estimators},
    caption="""
    Interpolation from one test image to another, by mixing their pixels, the pixels of their
    reconstructions, or their codes. The strips show one pair; below them, for each net, entropy and
    mutual information along the path, and their cumulative distribution at the midpoints of many
    pairs of different classes.

    Mixed codes decode to images that the decoder can generate; mixed pixels do not. A measure of
    epistemic uncertainty should therefore be larger for mixed pixels. The dotted control combines
    the blur of the decoder with the mixing of pixels, so its difference from the solid line is due
    to the mixing alone. The intervals treat pairs as independent, but many pairs share an image, so
    the intervals are too narrow as statements about other images.
    """,
)

SPACES: dict[str, Any] = {"pixel": "--", "decoded": ":", "latent": "-"}
NAMES = {
    "pixel": "mixed pixels",
    "decoded": "mixed pixels of reconstructions",
    "latent": "mixed codes, decoded",
}
MEASURES = ("entropy", "mutual_information")
STRIP = 0.75  # inches of each strip of images
ROW = 2.4


@styled
def draw(ways: list[Interpolation], estimators: Sequence[str]) -> Figure:
    """Strips of the way between one pair of images in each space; below, a row for each model:
    entropy and mutual information on that way, and their distribution half-way over all pairs.

    ``ways`` are of one net each: their images are the same.
    """
    shades = colors(estimators)
    first = ways[0].arrays
    height = len(SPACES) * STRIP + 0.3
    figure = Figure(figsize=(WIDTH, height + ROW * len(ways) + 0.9), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=[height, ROW * len(ways) + 0.6])
    above, below = parts
    strips = above.subplots(len(SPACES), 1)
    for ax, (space, name) in zip(strips, NAMES.items(), strict=True):
        _strip(ax, first[f"{space}.image"], name)
    axes = below.subplots(len(ways), 2 * len(MEASURES), squeeze=False, sharex="col")
    for line, way in enumerate(ways):
        model, arrays = way.about["model"], way.arrays
        for column, measure in enumerate(MEASURES):
            curves, halfway = axes[line, 2 * column : 2 * column + 2]
            for (space, style), estimator in product(SPACES.items(), estimators):
                key = f"{estimator}.{space}.{measure}"
                if key in arrays:
                    how: dict[str, Any] = {
                        "color": shades[estimator],
                        "linestyle": style,
                        "linewidth": 1.2,
                    }
                    curves.plot(arrays["shares"], arrays[key], **how)
                    values = np.sort(arrays[f"{key}.midpoint"])
                    halfway.plot(values, np.arange(1, len(values) + 1) / len(values), **how)
            unit = f"{words(measure)} (nats)"
            curves.set(title=f"{words(model)}: one pair", ylabel=unit)
            halfway.set(title=f"half-way, {len(values)} pairs", ylabel="share of pairs below")
            if line == len(ways) - 1:
                curves.set_xlabel("share of the second image")
                halfway.set_xlabel(unit)
    lines = [Line2D([], [], color=shades[each], label=words(each)) for each in estimators]
    lines += [
        Line2D([], [], color="0.3", linestyle=style, label=NAMES[space])
        for space, style in SPACES.items()
    ]
    below.legend(handles=lines, loc="outside lower center", ncols=len(lines))
    figure.suptitle("Between two test images of different classes")
    return figure


def _strip(ax: Axes, images: np.ndarray, name: str) -> None:
    """Images [T, C, H, W] side by side."""
    row = np.concatenate(list(images), axis=2)
    pixels = row[0] if len(row) == 1 else row.transpose(1, 2, 0)
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=1, aspect="equal")
    ax.set_title(name, fontsize=9, loc="left")
    ax.set_axis_off()
