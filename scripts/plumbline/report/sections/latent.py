"""The section on latent space: maps, holes, distances, interpolation, training on holes."""

from collections.abc import Mapping, Sequence

import pandas as pd

from plumbline.data.image_sets import ImageSetKey, keys_of
from plumbline.report.spec import Section, Topic
from plumbline.report.summary import estimate
from plumbline.report.tables import Frames, ReportTable, cell, mean_cell, of_dataset
from plumbline.report.wording import describe, words

SECTION = Section(
    "Maps of latent space",
    (
        Topic(
            "Maps",
            tables=("latent",),
            see="Is the net uncertain where there are no data? The same maps follow with cells of "
            "equal probability in the prior, most of which are near the data.",
        ),
        Topic(
            "Chosen points",
            see="What a point of a map represents: the decoded image and the predictions of every "
            "net.",
        ),
        Topic(
            "Distance to the data",
            see="Does uncertainty increase with the distance from the training images, and from "
            "which level?",
        ),
        Topic(
            "Holes",
            tables=("holes",),
            see="Where the net is more certain off the data than on the data: which class it "
            "predicts there, and whether the data contain such images.",
        ),
        Topic(
            "Interpolation",
            tables=("interpolation",),
            see="Mixed pixels are not images that the decoder can generate, decoded mixed codes "
            "are: is the net more uncertain about the former?",
        ),
        Topic(
            "Training on holes",
            tables=("extension",),
            see="Does training on images decoded from holes improve a net, and more than images "
            "from anywhere off the data?",
        ),
    ),
)

KEYS = ["corpus", "model", "estimator"]
HEAD = ["corpus", "net", "estimator"]
GRIDS = {"linear": "", "quantile": ", quantiles"}
OVER_VAES = (
    "Means over {count} fitted to the same images: the interval covers other VAEs (Student's) and "
    "other cells (bootstrap), but not other nets."
)
ONE_VAE = "One VAE: the interval is over cells and does not cover other VAEs."
CELLS = "Neighbouring cells are similar, so intervals over cells are too narrow."
CLOSENESS = {
    "adversarial_spread": "adversarial: mean distance to their centroid",
    "clean_spread": "their sources: the same",
    "spread_ratio": "ratio",
    "noise_spread_ratio": "ratio of random noise of the same size (control)",
    "noise_offset": "distance to the centroid of the noise, divided by the spread of the sources",
    "adversarial_shift": "mean distance of an image to its adversarial image",
    "shift_ratio": "that, divided by the spread of the sources",
}
ARMS = {"none": "none (control)", "random": "random (control)", "holes": "from holes"}
COMPARED = ("accuracy", "nll", "brier", "ece", "hole_share", "auroc")
COMPARED_NAMES = {"hole_share": "share of holes, by entropy", "auroc": "AUROC of entropy"}
Column = tuple[str, str]  # metric and image set


def latent(frames: Frames, dataset: str) -> list[ReportTable]:
    """Share of holes, correlation of uncertainty with distance, and the controls."""
    rows = of_dataset(frames["latent"], dataset)
    of_maps = rows[rows["estimator"].notna()]
    tables = [
        _mapped(
            of_maps,
            "hole_share",
            "Holes: share of the area off the data that is more certain than the data",
        ),
        _mapped(
            of_maps,
            "distance_correlation",
            "Rank correlation of uncertainty and distance to the 10 nearest training images",
        ),
        _blur(of_maps),
    ]
    close = rows[rows["metric"].isin(CLOSENESS)]
    return [*tables, _closeness(close)] if len(close) else tables


def _mapped(rows: pd.DataFrame, metric: str, title: str) -> ReportTable:
    """An estimate of each measure on both grids; on the second, for the first VAE only."""
    rows = rows[rows["metric"] == metric]
    columns = [(m, grid) for m in rows["measure"].unique() for grid in GRIDS]
    lines = [
        [
            *map(words, keys),
            *(
                mean_cell(part[(part["measure"] == m) & (part["grid"] == g)], metric)
                for m, g in columns
            ),
        ]
        for keys, part in rows.groupby(KEYS, sort=False)
    ]
    head = [*HEAD, *(f"{words(measure)}{GRIDS[grid]}" for measure, grid in columns)]
    note = f"On the linear grid, and on that of quantiles of the prior (one VAE). {_vaes(rows)}"
    return ReportTable(f"{title} [95 % interval]", head, lines, 3, note)


def _vaes(rows: pd.DataFrame) -> str:
    """The number of VAEs of the estimates, and what their interval covers."""
    count = rows["seed"].nunique()
    return f"{OVER_VAES.format(count=f'{count} VAEs') if count > 1 else ONE_VAE} {CELLS}"


def _blur(rows: pd.DataFrame) -> ReportTable:
    metrics = {
        "mean_on_images": "test images",
        "reconstruction_difference": "reconstruction minus image",
    }
    columns = [(m, metric) for m in rows["measure"].unique() for metric in metrics]
    lines = [
        [*map(words, keys), *(cell(part[part["measure"] == m], metric) for m, metric in columns)]
        for keys, part in rows.groupby(KEYS, sort=False)
    ]
    head = [*HEAD, *(f"{words(measure)}, {metrics[metric]}" for measure, metric in columns)]
    title = "Control: effect of the decoder's blur alone, on test images [95 % interval]"
    return ReportTable(title, head, lines, 3)


def _closeness(rows: pd.DataFrame) -> ReportTable:
    lines = [
        [
            words(model),
            *(mean_cell(part, metric) for metric in CLOSENESS),
            f"{part['n'].iloc[0]:.0f}",
        ]
        for model, part in rows.groupby("model", sort=False)
    ]
    title = "Are adversarial images close together in latent space? [95 % interval]"
    count = rows["seed"].nunique()
    note = (
        f"Images to which the VAE was not fitted; lengths are in latent units. VAEs: {count}; the "
        "interval is over images and, if there are several VAEs, over VAEs."
    )
    return ReportTable(title, ["attacked net", *CLOSENESS.values(), "n"], lines, 1, note)


def holes(frames: Frames, dataset: str) -> list[ReportTable]:
    """The three largest regions of each map of entropy; over all VAEs, the share of the area that
    is not in the data."""
    rows = of_dataset(frames["holes"], dataset)
    rows = rows[rows["measure"] == "entropy"]
    numbers = pd.to_numeric(rows["region"])
    lines = []
    for keys, part in rows.groupby(KEYS, sort=False):
        cells = []
        for number in (1, 2, 3):
            own = part[(numbers[part.index] == number) & (part["seed"] == 0)]
            says = str(own["class"].iloc[0]) if len(own) else "–"
            cells += [says, cell(own, "region_share"), cell(own, "novelty")]
        whole = part[(part["class"] == "all") & numbers[part.index].isna()]
        lines.append([*map(words, keys), *cells, mean_cell(whole, "unseen_hole_share")])
    head = list(HEAD)
    for number in (1, 2, 3):
        head += [f"region {number}: class", "share of the area off the data", "novelty"]
    title = "Largest holes by entropy [95 % interval]"
    note = (
        "Novelty: distance of the decoded image to the nearest training image, in units of the "
        "median distance of training images to their nearest neighbours. Unseen: regions with "
        f"novelty above 1. The regions are those of the map shown; the last column: {_vaes(rows)}"
    )
    return [ReportTable(title, [*head, "all unseen holes, share of the area"], lines, 3, note)]


def interpolation(frames: Frames, dataset: str) -> list[ReportTable]:
    """Uncertainty at the midpoint between two images, in pixel space and in latent space."""
    rows = of_dataset(frames["interpolation"], dataset)
    columns = {
        ("latent", "midpoint_mean"): "mixed codes",
        ("pixel", "difference_to_latent"): "mixed pixels minus mixed codes",
        ("decoded", "difference_to_latent"): "mixed reconstructions minus mixed codes (control)",
    }
    measures = list(rows["measure"].unique())
    lines = []
    for keys, part in rows.groupby(["model", "estimator"], sort=False):
        cells = [
            cell(part[(part["measure"] == measure) & (part["space"] == space)], metric)
            for measure in measures
            for space, metric in columns
        ]
        lines.append([*map(words, keys), *cells, f"{part['n'].iloc[0]:.0f}"])
    head = ["net", "estimator"]
    head += [f"{words(measure)}, {text}" for measure in measures for text in columns.values()]
    title = "Midpoint between two test images of different classes [95 % interval]"
    note = "The intervals treat pairs as independent, although many pairs share an image."
    return [ReportTable(title, [*head, "pairs"], lines, 2, note)]


def extension(frames: Frames, dataset: str) -> list[ReportTable]:
    """Estimates for each kind of extra images, and paired differences between them."""
    rows = of_dataset(frames["extension"], dataset)
    rows = rows[rows["measure"].isna() | (rows["measure"] == "entropy")]
    own = rows[rows["control"].isna()]
    found = {metric: own[own["metric"] == metric] for metric in COMPARED}
    columns = [(metric, name) for metric in COMPARED for name in found[metric]["set"].unique()]
    names = _names(columns, keys_of(rows))
    differences = rows[rows["control"].notna()]
    return [_values(own, columns, names), _differences(differences, columns, names)]


def _names(columns: Sequence[Column], sets: Mapping[str, ImageSetKey]) -> list[str]:
    names = {metric: COMPARED_NAMES.get(metric, words(metric)) for metric, _ in columns}
    return [
        f"{names[metric]}, {describe(sets[name])}" if metric == "auroc" else names[metric]
        for metric, name in columns
    ]


def _values(rows: pd.DataFrame, columns: Sequence[Column], names: Sequence[str]) -> ReportTable:
    shares = rows[rows["metric"] == "share_in_holes"]
    rows = rows[rows["estimator"].notna()]
    lines = []
    for (model, estimator, arm), part in rows.groupby(["model", "estimator", "arm"], sort=False):
        inside = shares[(shares["model"] == model) & (shares["arm"] == arm)]["value"]
        cells = [mean_cell(part[part["set"] == name], metric) for metric, name in columns]
        share = f"{inside.iloc[0]:.0%}" if len(inside) else "–"
        kind = "single nets" if estimator == "softmax" else "their ensemble"
        lines.append([words(model), kind, ARMS[arm], share, *cells])
    head = ["net", "estimator", "extra images", "share in holes", *names]
    title = "Nets trained with decoded images, means over training seeds [95 % interval]"
    return ReportTable(title, head, lines, 3)


def _differences(
    rows: pd.DataFrame, columns: Sequence[Column], names: Sequence[str]
) -> ReportTable:
    """Paired differences of single nets, with both intervals."""
    rows = rows[rows["estimator"] == "softmax"].copy()
    rows["over"] = rows["over"].replace("cells", "images")
    lines = []
    for keys, part in rows.groupby(["model", "arm", "control", "over"], sort=False):
        model, arm, control, over = keys
        cells = []
        for metric, name in columns:
            own = part[(part["metric"] == f"{metric}_difference") & (part["set"] == name)]
            cells.append(estimate(*own[["value", "low", "high"]].iloc[0]))
        lines.append([words(model), f"{arm} minus {control}", over, *cells])
    head = ["net", "difference", "interval over", *names]
    title = "Paired differences of single nets, means over training seeds [95 % interval]"
    note = (
        "Over seeds: Student's interval, which covers other nets of this kind. Over images (or "
        "cells of the map): bootstrap, for these particular nets."
    )
    return ReportTable(title, head, lines, 3, note)
