"""The tables of latent maps: holes, distance, the decoder's blur, adversarial codes, ways."""

import pandas as pd

from plumbline.report.sheets import Sheet, Tables, cell, mean_cell, of
from plumbline.report.wording import words

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


def latent(tables: Tables, dataset: str) -> list[Sheet]:
    """Share of holes, how uncertainty grows with distance, and the controls."""
    rows = of(tables["latent"], dataset)
    of_maps = rows[rows["estimator"].notna()]
    sheets = [
        _mapped(of_maps, "hole_share", "Holes: share of the off-data area surer than the data"),
        _mapped(
            of_maps,
            "distance_correlation",
            "Rank correlation of uncertainty and distance to the 10 nearest training images",
        ),
        _blur(of_maps),
    ]
    close = rows[rows["metric"].isin(CLOSENESS)]
    return [*sheets, _closeness(close)] if len(close) else sheets


def _mapped(rows: pd.DataFrame, metric: str, title: str) -> Sheet:
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
    return Sheet(f"{title} [95 % interval]", head, lines, 3, note)


def _vaes(rows: pd.DataFrame) -> str:
    """How many VAEs the figures are of, and what their interval is over."""
    count = rows["seed"].nunique()
    return f"{OVER_VAES.format(count=f'{count} VAEs') if count > 1 else ONE_VAE} {CELLS}"


def _blur(rows: pd.DataFrame) -> Sheet:
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
    return Sheet(title, head, lines, 3)


def _closeness(rows: pd.DataFrame) -> Sheet:
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
    return Sheet(title, ["attacked net", *CLOSENESS.values(), "n"], lines, 1, note)


def holes(tables: Tables, dataset: str) -> list[Sheet]:
    """The three largest regions of each drawn map by entropy; over all VAEs, the share of the
    area that is not in the data."""
    rows = of(tables["holes"], dataset)
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
    return [Sheet(title, [*head, "all unseen holes, share of the area"], lines, 3, note)]


def interpolation(tables: Tables, dataset: str) -> list[Sheet]:
    """Uncertainty half-way between two images, through pixels and through codes."""
    rows = of(tables["interpolation"], dataset)
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
    return [Sheet(title, [*head, "pairs"], lines, 2, note)]
