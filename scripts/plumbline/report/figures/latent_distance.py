"""Uncertainty as a function of the distance from the encoded training images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from plumbline.metrics.intervals import mean_intervals
from plumbline.report.artefacts import LatentMap
from plumbline.report.figures.latent import CORPORA
from plumbline.report.spec import FigureSpec
from plumbline.report.style import colors, curve, legend_below, panels, styled
from plumbline.report.wording import words

FIGURE = FigureSpec(
    stage="latent",
    topic="Distance to the data",
    title="latent distance",
    inputs={
        "maps": lambda plan, at: plan.latent.of_models(at.dataset, at.corpus, "safetensors"),
    },
    when=lambda plan, dataset: [{"corpus": corpus} for corpus in plan.latent.corpora(dataset)],
    options=lambda plan, at: {
        "estimators": plan.config.latent.estimators,
        "seed": plan.latent.seed("plot_latent", at.dataset, at.corpus),
    },
    caption="""
    Uncertainty of the decoded cells of the map against their distance from the training images, the
    mean distance to the 10 nearest codes. Each point is the mean over a tenth of the cells, with
    its 95 % interval. Dotted lines are the medians on the data; a cell off the data is a hole if it
    is below them (for the probability, above).

    Ideally the lines rise from the dotted level, and that of the probability falls. Neighbouring
    cells decode to similar images, so the intervals are too narrow as statements about other nets.
    """,
)

BINS = 10
LABELS = {
    "entropy": "entropy (nats)",
    "mutual_information": "mutual information (nats)",
    "max_probability": "maximum probability",
}


@styled
def draw(maps: list[LatentMap], estimators: Sequence[str], corpus: str, seed: int) -> Figure:
    """Rows measures, columns models: mean of the cells in each tenth of the distances, with its
    interval, one line for each estimator; dotted its median on the data.

    ``maps`` are those of one corpus, one for each net; the cells are those of the linear grid.
    """
    shades = colors(estimators)
    figure, axes = panels(len(LABELS), len(maps), height=2.6, sharex=True, sharey="row")
    for column, drawn in enumerate(maps):
        model, arrays = drawn.about["model"], drawn.arrays
        distance = arrays["linear.distance"].ravel()
        bins = np.array_split(np.argsort(distance, kind="stable"), BINS)
        least = min(map(len, bins))  # all bins as many cells: they share their resamples
        cells = np.stack([each[:least] for each in bins], 1)
        for line, (measure, label) in enumerate(LABELS.items()):
            ax = axes[line, column]
            for estimator in estimators:
                values = arrays.get(f"linear.{estimator}.{measure}")
                if values is None:
                    continue
                how: dict[str, Any] = {"color": shades[estimator], "label": words(estimator)}
                figures = mean_intervals(values.ravel()[cells], seed)
                curve(ax, distance[cells].mean(0), *figures, marker="o", markersize=3, **how)
                on = values[arrays["linear.on_data"]]
                if len(on):
                    ax.axhline(np.median(on), color=shades[estimator], ls=":", lw=1)
            ax.set_ylabel(label if column == 0 else "")
        axes[0, column].set_title(words(model))
        axes[-1, column].set_xlabel("distance to the 10 nearest codes")
    legend_below(figure, max(axes[0], key=lambda ax: len(ax.lines)))
    figure.suptitle(f"Uncertainty by distance to the training images: {CORPORA[corpus]}")
    return figure
