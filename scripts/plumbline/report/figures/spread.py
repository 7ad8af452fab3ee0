"""An attribution over random passes: its mean, standard deviation and signal-to-noise ratio."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from plumbline.attribution.steadiness import STEADY, Spread, signal_to_noise
from plumbline.config.training import PLAIN
from plumbline.report.spec import FigureSpec
from plumbline.report.style import SIGNED, WIDTH, styled
from plumbline.report.wording import words
from plumbline.storage.artefacts import ImageSet

FIGURE = FigureSpec(
    stage="attribution",
    topic="Spread",
    title="spread",
    inputs={
        "images": "data/{dataset}/test.safetensors",
        "spread": "attribution/{dataset}/{model}/spread/{entry}.safetensors",
    },
    when=lambda plan, dataset: [
        {"model": model, "entry": entry}
        for entry in plan.config.attribution.spread
        for model in plan.config.models
        if entry in plan.attribution.spreads(dataset, model)
    ],
    options=lambda plan, at: {
        "method": plan.config.attribution.spread[at.entry].method,
        "objective": plan.attribution.spread_objective(at.dataset, at.model, at.entry),
    },
    caption="""
    Variation of an explanation: the relevance of each pixel over random passes, in which dropout
    masks are drawn or normal noise is added to the image. Columns: the image; the map without
    randomness; the mean over the passes; their standard deviation; and the signal-to-noise ratio,
    the absolute mean divided by the standard deviation. If it is small, the sign of the pixel's
    relevance is due to chance.

    Each pass draws one mask per dropout layer and explains the masked net; batch normalisation uses
    its running statistics. The random numbers of the method itself are the same in every pass. The
    standard deviation of noise is given as a share of the image's range; noisy images are not
    clipped. Evidential nets are trained with the loss of Sensoy et al. 2018; their uncertainty is
    the number of classes divided by the sum of the Dirichlet parameters, 1 without any evidence.
    """,
)

IMAGES = 6  # rows at most
LABEL = 1.3  # inches beside the images
RATIO = 2 * STEADY  # the end of the colours of the signal-to-noise ratio
NONE = "0.85"  # colour of pixels without relevance in any pass
SOURCES = {"dropout": "dropout masks", "noise": "draws of noise on the pixels"}


def title(spread: Spread, model: str, method: str, objective: str) -> str:
    """What is drawn, in words."""
    net = words(model) if objective in PLAIN else f"{words(model)}, trained for evidence,"
    level = f", {spread.level:g} of the range" if spread.source == "noise" else ""
    return f"{words(method)} of {net} over {spread.samples} {SOURCES[spread.source]}{level}"


@styled
def draw(images: ImageSet, spread: Spread, model: str, method: str, objective: str) -> Figure:
    """Rows: the first of ``images``, those that ``spread`` explains; columns: their maps.

    Each column has one scale for all rows, and a bar under it.  The single pass and the mean
    share theirs.
    """
    count = min(IMAGES, len(spread.index))
    side = (WIDTH - LABEL) / 5
    figure = Figure(figsize=(WIDTH, side * count + 1.6), layout="constrained")
    axes = figure.subplots(count, 5, squeeze=False)
    figure.set_layout_engine("constrained", w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0)
    end = _end(np.stack([spread.relevance[:count], spread.mean[:count]]))
    ratio = np.ma.masked_invalid(np.where(spread.deviation > 0, signal_to_noise(spread), np.nan))
    ratio = np.ma.where((spread.deviation == 0) & (spread.mean != 0), np.inf, ratio)
    columns = {
        "image": (images.pixels, {"cmap": "gray", "vmin": 0, "vmax": 1}),
        "one pass, nothing random": (spread.relevance, _signed(end)),
        "mean": (spread.mean, _signed(end)),
        "standard deviation": (
            spread.deviation,
            {"cmap": "magma_r", "vmin": 0, "vmax": _end(spread.deviation[:count])},
        ),
        "signal-to-noise ratio": (ratio, {"cmap": "viridis_r", "vmin": 0, "vmax": RATIO}),
    }
    for column, (name, (values, how)) in enumerate(columns.items()):
        for line in range(count):
            shown = _show(axes[line, column], values[line], how)
        axes[0, column].set_title(name)
        _bar(figure, shown, axes[:, column], name)
    for line in range(count):
        _label(axes[line, 0], images, spread, line)
    figure.suptitle(title(spread, model, method, objective))
    return figure


def _signed(end: float) -> dict:
    return {"cmap": SIGNED, "vmin": -end, "vmax": end}


def _end(values: np.ndarray) -> float:
    """End of a scale: the 99.5th percentile of the absolute values, 1 if all are 0."""
    return float(np.percentile(np.abs(values), 99.5)) or float(np.abs(values).max()) or 1.0


def _show(ax: Axes, values: np.ndarray, how: dict) -> AxesImage:
    picture = values.transpose(1, 2, 0) if len(values) == 3 else values[0]
    ax.set(xticks=[], yticks=[], facecolor=NONE)
    ax.grid(False)
    ax.spines[:].set_visible(True)
    ax.spines[:].set(color="0.8", linewidth=0.5)
    return ax.imshow(picture, interpolation="nearest", **how)


def _bar(figure: Figure, shown: AxesImage, axes: np.ndarray, name: str) -> None:
    texts = {
        "image": "brightness: dark is 0",
        "one pass, nothing random": "relevance: dark red speaks for\nthe class, dark blue against",
        "mean": "relevance: dark red speaks for\nthe class, dark blue against",
        "standard deviation": "relevance: dark varies most",
        "signal-to-noise ratio": f"|mean| / deviation: dark is steady,\n"
        f"{RATIO:g} or more; grey: no relevance",
    }
    bar = figure.colorbar(shown, ax=list(axes), location="bottom", aspect=18, pad=0.02, shrink=0.9)
    bar.ax.tick_params(labelsize=7.5)
    bar.set_label(texts[name], fontsize=8)


def _label(ax: Axes, images: ImageSet, spread: Spread, line: int) -> None:
    says, true = images.classes[spread.target[line]], images.classes[images.labels[line]]
    lines = [f"is {true}", f"says {says} ({spread.probability[line]:.3f})"]
    if not np.isnan(spread.uncertainty[line]):
        lines.append(f"uncertainty {spread.uncertainty[line]:.2f}")
    wrong = "#a00000" if says != true else "black"
    ax.set_ylabel("\n".join(lines), color=wrong, rotation=0, ha="right", va="center", fontsize=8)
