"""What a finished run leaves behind: whole, tidy, honest."""

import csv

import numpy as np
import pandas as pd
import pytest
from repository import unclocked

from plumbline.data.image_sets import COLUMNS, keys_of
from plumbline.report.claims.ledger import SYMBOLS
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.tables import ESTIMATE

pytestmark = pytest.mark.workflow
DATASET = "digits"


def sets(folder, dataset):
    place = folder / "results/data" / dataset
    return {s: ImageSet.load(place / f"{s}.safetensors") for s in SPLITS}


SPLITS = ("train", "val", "calibration", "test")


def test_the_splits_are_disjoint(finished):
    indices = [images.index for images in sets(finished.folder, DATASET).values()]
    together = np.concatenate(indices)
    assert len(np.unique(together)) == len(together) == 500


def test_every_adversarial_set_is_in_its_ball(finished):
    found = sorted((finished.folder / "results/attacks").rglob("*_eps*.safetensors"))
    assert len(found) == 3
    for path in found:
        adversarial = ImageSet.load(path)
        test = sets(finished.folder, path.parts[-3])["test"]
        source = test.select(slice(len(adversarial)))
        np.testing.assert_array_equal(adversarial.index, source.index)
        assert np.abs(adversarial.pixels - source.pixels).max() <= 0.1 + 1e-6
        assert adversarial.images.min() >= 0
        assert adversarial.images.max() <= 1


def test_every_figure_is_one_tidy_row_with_interval_and_count(finished):
    tables = sorted((finished.folder / "results/tables").glob("*.csv"))
    assert len(tables) >= 8
    for path in tables:
        table = pd.read_csv(path)
        assert set(ESTIMATE) <= set(table.columns), path.name
        known = table.dropna(subset=["value", "low", "high"])
        slack = 1e-5 * known["value"].abs() + 1e-9
        assert (known["low"] <= known["value"] + slack).all(), path.name
        assert (known["value"] <= known["high"] + slack).all(), path.name


def test_every_table_that_names_a_set_says_what_it_holds(finished):
    found = set()
    for path in (finished.folder / "results").rglob("*.*"):
        readers = {".csv": pd.read_csv, ".parquet": pd.read_parquet}
        table = readers[path.suffix](path) if path.suffix in readers else pd.DataFrame()
        if "set" in table:
            place = list(table).index("set") + 1
            assert list(table)[place : place + len(COLUMNS)] == list(COLUMNS), path
            keys = keys_of(table)
            assert {name: key.name for name, key in keys.items()} == {name: name for name in keys}
            # The order over all tasks, the cells of a map and further training images are none.
            assert set(table["set"].dropna()) - set(keys) <= {"all", "map", "extra"}, path
            found.add(path.suffix)
    assert found == {".csv", ".parquet"}


def test_no_temporary_file_is_left(finished):
    left = [p for p in (finished.folder / "results").rglob("*") if p.name.endswith(".tmp")]
    assert left == []
    assert not list((finished.folder / "results").rglob("*.checkpoint"))


def test_every_claim_has_a_verdict(finished):
    with open(finished.folder / "results/tables/claims.csv") as handle:
        claims = list(csv.DictReader(handle))
    assert {claim["study"] for claim in claims} == {"000", "001", "002", "003", "004"}
    assert {claim["verdict"] for claim in claims} <= set(SYMBOLS)


def test_the_report_stands_alone(finished):
    names = ["index.html", f"latent_{DATASET}.html"]
    for name in names:
        page = (finished.folder / "results/report" / name).read_text()
        assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
        assert 'src="http' not in page
        assert 'href="http' not in page.replace('href="https://doi.org', "").replace(
            'href="https://arxiv.org', ""
        )
        others = [other for other in names if f'href="{other}' in page]
        assert others == (names[1:] if name == "index.html" else names[:1])


def test_the_same_run_elsewhere_gives_byte_identical_files(repository):
    """In another folder, in another order of jobs, on one core instead of two: tables, and all
    that stands behind them."""
    tables = [
        "models/digits/lenet5/evaluation.csv",
        "uncertainty/digits/lenet5/measures.csv",
        "uncertainty/digits/lenet5/refusal.csv",
        "uncertainty/digits/lenet5/sweep.csv",
        "attribution/digits/lenet5/degradation.csv",
        "attribution/digits/lenet5/randomization.csv",
        "visualization/digits/lenet5/code_gan.csv",
        "latent/digits/in_distribution/lenet5.csv",
        "detection/digits/lenet5.csv",
    ]
    targets = [f"again/{table}" for table in tables]
    repository.snakemake("--cores", "1", *targets, "--config", "results=again")
    first, again = (unclocked(repository.folder / name) for name in ("results", "again"))
    assert set(tables) < set(again)
    assert [name for name in again if again[name] != first.get(name)] == []
