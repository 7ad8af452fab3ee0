"""The tables of latent maps on the page: means over VAEs, regions of the one that is drawn."""

import pytest
from fake_maps import SEEDS
from fake_results import DATASET

from plumbline.report.sections.latent import holes, latent
from plumbline.report.summary import estimate, over_seeds
from plumbline.report.tables import cell
from plumbline.storage.tables import read_frame


@pytest.fixture(scope="module")
def frames(tables):
    return {name: read_frame([tables[name]]) for name in ("latent", "holes")}


def first(rows):
    return rows[(rows["model"] == "lenet5") & (rows["corpus"] == rows["corpus"].iloc[0])]


def test_a_share_of_holes_is_the_mean_over_vaes_with_an_interval_over_them(frames):
    table = latent(frames, DATASET)[0]
    rows = first(frames["latent"]).query("metric == 'hole_share' and measure == 'entropy'")
    rows = rows[(rows["grid"] == "linear") & (rows["estimator"] == rows["estimator"].iloc[0])]
    assert list(rows["seed"]) == list(SEEDS)
    each = list(rows[["value", "low", "high"]].itertuples(index=False, name=None))
    figure = over_seeds("hole_share", each)
    assert figure[2] - figure[1] > 0.06  # wider than over cells: the VAEs differ
    assert table.rows[0][table.head.index("entropy")] == estimate(*figure)
    assert f"Means over {len(SEEDS)} VAEs" in table.note


def test_of_one_vae_the_note_says_what_the_interval_leaves_out(frames):
    one = {**frames, "latent": frames["latent"][frames["latent"]["seed"].isin([0])]}
    table = latent(one, DATASET)[0]
    assert "does not cover other VAEs" in table.note


def test_regions_are_of_the_drawn_map_and_the_area_is_of_all_vaes(frames):
    (table,) = holes(frames, DATASET)
    rows = first(frames["holes"]).query("measure == 'entropy'")
    own = rows[(rows["region"] == 1) & (rows["seed"] == 0)]
    assert table.rows[0][4] == cell(
        own[own["estimator"] == own["estimator"].iloc[0]], "region_share"
    )
    assert f"Means over {len(SEEDS)} VAEs" in table.note
