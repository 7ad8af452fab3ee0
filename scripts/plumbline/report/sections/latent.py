"""The section about latent space: maps, holes, distances, interpolation, training on holes."""

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
            see="Is the net uncertain where there are no data? The same maps follow with cells that"
            " are equally likely in the prior, where most of the plane is near the data.",
        ),
        Topic(
            "Chosen points",
            see="What a place of a map stands for: the decoded image and what every net says of "
            "it.",
        ),
        Topic(
            "Distance to the data",
            see="Does uncertainty grow with the distance to the training images, and from what "
            "level?",
        ),
        Topic(
            "Holes",
            tables=("holes",),
            see="Where the net is surer off the data than on them: what class it sees there, and "
            "whether the data have such images already.",
        ),
        Topic(
            "Interpolation",
            tables=("interpolation",),
            see="Mixing pixels leaves the images that the decoder can make, mixing codes does not: "
            "is the net more uncertain about the first?",
        ),
        Topic(
            "Training on holes",
            tables=("extension",),
            see="Do images decoded from holes make a better net, better than images from anywhere "
            "off the data?",
        ),
    ),
)

KEYS = ["corpus", "model", "estimator"]
HEAD = ["corpus", "net", "estimator"]
GRIDS = {"linear": "", "quantile": ", quantiles"}
OVER_VAES = (
    "Means over {count}, all of the same images: the interval is for other VAEs (Student's) and "
    "other cells (bootstrap), not for other nets."
)
ONE_VAE = "One VAE: the interval is over cells and says nothing of another VAE."
CELLS = "Neighbouring cells resemble each other: intervals over cells are too narrow."
CLOSENESS = {
    "adversarial_spread": "adversarial: mean distance to their centroid",
    "clean_spread": "their sources: the same",
    "spread_ratio": "ratio",
    "noise_spread_ratio": "ratio of random noise of the same size (control)",
    "noise_offset": "from where the noise lies, by the spread of the sources",
    "adversarial_shift": "mean distance of an image to its adversarial image",
    "shift_ratio": "that, by the spread of the sources",
}
ARMS = {"none": "none (control)", "random": "random (control)", "holes": "from holes"}
COMPARED = ("accuracy", "nll", "brier", "ece", "hole_share", "auroc")
COMPARED_NAMES = {"hole_share": "share of holes, by entropy", "auroc": "AUROC of entropy"}
Column = tuple[str, str]  # metric and image set


def latent(frames: Frames, dataset: str) -> list[ReportTable]:
    """Share of holes, how uncertainty grows with distance, and the controls."""
    rows = of_dataset(frames["latent"], dataset)
    of_maps = rows[rows["estimator"].notna()]
    tables = [
        _mapped(of_maps, "hole_share", "Holes: share of the off-data area surer than the data"),
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
    """A figure of each measure on both grids; the second is of the first VAE alone."""
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
    note = f"On the grid of equal steps, and of quantiles of the prior (one VAE). {_vaes(rows)}"
    return ReportTable(f"{title} [95 % interval]", head, lines, 3, note)


def _vaes(rows: pd.DataFrame) -> str:
    """How many VAEs the figures are of, and what their interval is over."""
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
    title = "Control: what the decoder's blur alone adds, on test images [95 % interval]"
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
    title = "Do adversarial images lie together in latent space? [95 % interval]"
    count = rows["seed"].nunique()
    note = (
        f"Images that the VAE was not fitted on; lengths are in latent units. VAEs: {count}; the "
        "interval is over images and, of several VAEs, over these."
    )
    return ReportTable(title, ["attacked net", *CLOSENESS.values(), "n"], lines, 1, note)


def holes(frames: Frames, dataset: str) -> list[ReportTable]:
    """The three largest regions of each drawn map by entropy; over all VAEs, the share of the
    area that is not in the data."""
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
        head += [f"region {number}: class", "share of the off-data area", "novelty"]
    title = "Largest holes by entropy [95 % interval]"
    note = (
        "Novelty: distance of the decoded image to the nearest training image, in units of the "
        "median distance between training images and their nearest. Unseen: of the regions with "
        f"novelty above 1. The regions are of the map that is drawn; the last column: {_vaes(rows)}"
    )
    return [ReportTable(title, [*head, "all unseen holes, share of the area"], lines, 3, note)]


def interpolation(frames: Frames, dataset: str) -> list[ReportTable]:
    """Uncertainty half-way between two images, through pixels and through codes."""
    rows = of_dataset(frames["interpolation"], dataset)
    columns = {
        ("latent", "midpoint_mean"): "mixed codes",
        ("pixel", "difference_to_latent"): "mixed pixels minus that",
        ("decoded", "difference_to_latent"): "mixed reconstructions minus that (control)",
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
    title = "Half-way between two test images of different classes [95 % interval]"
    note = "Many pairs share an image, and the intervals take pairs as independent."
    return [ReportTable(title, [*head, "pairs"], lines, 2, note)]


def extension(frames: Frames, dataset: str) -> list[ReportTable]:
    """What each kind of further images is worth, and the paired differences between them."""
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
    head = ["net", "estimator", "further images", "of these in holes", *names]
    title = "Nets trained with decoded images, means over training seeds [95 % interval]"
    return ReportTable(title, head, lines, 3)


def _differences(
    rows: pd.DataFrame, columns: Sequence[Column], names: Sequence[str]
) -> ReportTable:
    """Of single nets, with both intervals."""
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
        "Over seeds: Student's interval, for other nets of this kind. Over images (cells of the "
        "map): bootstrap, for other images and these nets."
    )
    return ReportTable(title, head, lines, 3, note)
