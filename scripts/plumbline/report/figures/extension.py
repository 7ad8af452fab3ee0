"""Nets trained with images from holes, with random images and without extra images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from plumbline.config.latent import ARMS
from plumbline.data.image_sets import keys_of
from plumbline.report.spec import FigureSpec
from plumbline.report.style import COLORS, WIDTH, image_grid, notice, styled
from plumbline.report.summary import estimate
from plumbline.report.wording import describe, words
from plumbline.storage.artefacts import ImageSet

FIGURE = FigureSpec(
    stage="latent",
    topic="Training on holes",
    title="training on holes",
    inputs={
        "table": "latent/{dataset}/{model}/extension.csv",
        "holes": "latent/{dataset}/{model}/extension_holes.safetensors",
        "random": "latent/{dataset}/{model}/extension_random.safetensors",
    },
    when=lambda plan, dataset: [{"model": model} for model in plan.latent.extended(dataset)],
    caption="""
    Nets trained with extra images decoded from the holes of the map, with as many images decoded
    from anywhere off the data, or without extra images. Points are single nets, connected by
    training seed; the bar is their mean, and the diamond is their ensemble. Holes are regions off
    the data where the map is more certain than on the data. The target of extra images is the same
    probability for every class (or, if configured, an additional class, whose probability is then
    distributed evenly).

    Below each panel is the mean difference between holes and random images with Student's 95 %
    interval over training seeds (over images, if there is one seed); the table has the other
    differences, and intervals over images. The extra images are shown at the bottom. If holes cover
    most of the region off the data, random images come from holes as well, and the two can hardly
    differ.

    The holes are found with a VAE and nets that were trained on the training images only. The share
    of holes is measured on the map from which the images come, so both kinds of images reduce it;
    the out-of-distribution images were not used in training. Nets with extra images take
    correspondingly more steps per epoch.
    """,
)

ROWS, COLUMNS = 2, 30  # images of each arm that are shown
# Metric, measure and what its axis says; the AUROC has a panel for each set.
PANELS = (
    ("accuracy", "", "accuracy on test"),
    ("nll", "", "NLL on test (nats)"),
    ("ece", "", "ECE on test"),
    ("hole_share", "entropy", "share of holes, by entropy"),
    ("auroc", "entropy", "AUROC of entropy"),
)


def panels_of(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Rows of each panel: of one metric and one set."""
    found, sets = [], keys_of(table)
    for metric, measure, label in PANELS:
        kind = table["metric"].isin([metric, f"{metric}_difference"])
        rows = table[kind & (table["measure"].fillna("") == measure)]
        for name, part in rows.groupby("set", sort=False):
            title = f"{label}\n{describe(sets[str(name)])}" if metric == "auroc" else label
            found.append(part.assign(title=title))
    return found


@styled
def draw(table: pd.DataFrame, holes: ImageSet, random: ImageSet, model: str) -> Figure:
    """Nets trained with images from ``holes``, from anywhere (``random``) and with none.

    A map without any hole gives a figure that says so.
    """
    if not len(holes):
        return notice("This map has no hole: there is nothing to train on.")
    return side_by_side(table, {"holes": holes.pixels, "random": random.pixels}, model)


def side_by_side(table: pd.DataFrame, extra: Mapping[str, np.ndarray], model: str) -> Figure:
    """A panel for each metric: a point for each seed, those of one seed joined, their mean, and
    the ensemble; under it the mean difference of holes and random.  Below, the images.

    ``table`` are the rows of measure_extension.py of one net, as a frame read from CSV.
    ``extra`` are the images [N, C, H, W] in [0, 1] of the arms ``holes`` and ``random``.
    """
    parts = panels_of(table)
    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=[3.1, 1.9])
    upper, lower = halves
    for ax, part in zip(upper.subplots(1, len(parts), squeeze=False)[0], parts, strict=True):
        _panel(ax, part)
    handles = _handles()[: 3 if "ensemble" in set(table["estimator"]) else 1]
    upper.legend(handles=handles, loc="outside lower center", ncols=3)
    shares = table[table["metric"] == "share_in_holes"].set_index("arm")["value"]
    for ax, (arm, images) in zip(lower.subplots(len(extra), 1), extra.items(), strict=True):
        where = "from holes" if arm == "holes" else "from anywhere off the data"
        title = f"{where}: {len(images)} images, {shares[arm]:.0%} in holes"
        image_grid(ax, images, ROWS, COLUMNS, title)
    count = max(map(len, extra.values()))
    figure.suptitle(f"{words(model)} trained with {count} decoded images more, or none")
    return figure


def _panel(ax: Axes, part: pd.DataFrame) -> None:
    own = part[part["control"].isna()]
    single = own[own["estimator"] == "softmax"]
    by_seed = single.pivot(index="seed", columns="arm", values="value")[list(ARMS)]
    places = np.arange(len(ARMS))
    for values in by_seed.to_numpy():
        ax.plot(places, values, color="0.75", linewidth=0.9, zorder=1)
        ax.scatter(places, values, color=COLORS[0], s=22, zorder=2)
    ax.hlines(by_seed.mean(), places - 0.25, places + 0.25, color="black", linewidth=1.8, zorder=3)
    several = own[own["estimator"] == "ensemble"].set_index("arm")["value"]
    if len(several):
        at: dict[str, Any] = {
            "facecolors": "white",
            "edgecolors": COLORS[3],
            "marker": "D",
            "s": 26,
            "zorder": 4,
        }
        ax.scatter(places, several[list(ARMS)], **at)
    ax.set(xticks=places, xticklabels=ARMS, xlim=(-0.5, 2.5), title=part["title"].iloc[0])
    ax.ticklabel_format(axis="y", useOffset=False)
    ax.set_xlabel(f"holes − random:\n{_difference(part)}")


def _difference(part: pd.DataFrame) -> str:
    """Mean paired difference of the single nets, with the interval over seeds if there is one."""
    pairs = (part["arm"] == "holes") & (part["control"] == "random")
    rows = part[pairs & (part["estimator"] == "softmax")]
    over = "seeds" if "seeds" in set(rows["over"]) else rows["over"].iloc[0]
    return estimate(*rows.loc[rows["over"] == over, ["value", "low", "high"]].iloc[0])


def _handles() -> Sequence[Line2D]:
    dot: dict[str, Any] = {"linestyle": "", "markersize": 5}
    return [
        Line2D([], [], color=COLORS[0], marker="o", label="single nets, joined by seed", **dot),
        Line2D([], [], color="black", label="their mean"),
        Line2D([], [], color=COLORS[3], marker="D", mfc="white", label="their ensemble", **dot),
    ]
