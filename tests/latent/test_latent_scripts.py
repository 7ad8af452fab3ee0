"""The scripts of the stage by hand: contracts of their files, and equal bytes on a rerun."""

import json
from dataclasses import asdict, replace
from itertools import product

import fit_vae
import numpy as np
import pandas as pd
import pytest
from support import run_script

from plumbline.config.latent import GridOptions, InterpolationOptions, VaeOptions
from plumbline.data.image_sets import ImageSetKey
from plumbline.latent.maps import MAPPED
from plumbline.latent.vae import Vae, decode
from plumbline.programs.survey_latent import holes, interpolation, maps
from plumbline.storage.artefacts import ImageSet, load_arrays

NAMES = ("softmax", "mc_dropout")
MEASURES = tuple(MAPPED)
GRIDS = ("linear", "quantile")
PARTS = ("region", "cell", "code", "area", "class", "probability", "image")
PARTS += ("nearest", "nearest_distance")
ESTIMATORS = json.dumps(
    {
        "softmax": {"method": "softmax", "options": {}},
        "mc_dropout": {"method": "mc_dropout", "options": {"samples": 3}},
    }
)


@pytest.fixture(scope="module")
def files(digits, lenet, tmp_path_factory):
    folder = tmp_path_factory.mktemp("latent")
    lenet.save(folder / "classifier")
    train, test = digits["train"].select(slice(200)), digits["test"].select(slice(50))
    inverse = replace(train, images=255 - train.images[:, :, ::-1])
    adversarial = replace(test.select(slice(40)), images=test.pixels[:40] * 0.9)
    sets = {"train": train, "test": test, "other": inverse, "held": inverse.select(slice(30))}
    for name, images in (sets | {"adversarial": adversarial}).items():
        images.save(folder / name)
    return folder


def numbered(name, seeds):
    """What the files of each VAE begin with."""
    return [name, *(f"{name}.{seed}" for seed in range(1, seeds))]


def run_fit(folder, corpus, out, others=(), held=(), seeds=1):
    names = numbered(out, seeds)
    run_script(
        *(fit_vae, "--corpus", corpus, "--train", folder / "train"),
        *("--test", folder / "test", "--others", *others, "--held", *held),
        *("--epochs", 15, "--seeds", seeds, "--seed", 2, "--device", "cpu"),
        *("--vaes", *(folder / f"{name}.vae" for name in names)),
        *("--codes", *(folder / f"{name}.codes" for name in names)),
        options=VaeOptions,
    )
    return load_arrays(folder / f"{out}.codes", "Codes")[0]


def test_each_corpus_has_codes_of_the_test_images_and_of_what_was_held_out(files, digits):
    held, other = [files / "held"], [files / "other"]
    found = {
        "in_distribution": run_fit(files, "in_distribution", "in"),
        "out_of_distribution": run_fit(files, "out_of_distribution", "ood", other, held),
        "adversarial": run_fit(files, "adversarial", "adv", [files / "adversarial"]),
    }
    assert {name: len(codes["other"]) for name, codes in found.items()} == {
        "in_distribution": 0,
        "out_of_distribution": 30,
        "adversarial": 12,
    }
    for codes in found.values():
        assert codes["test"].shape == (50, 2)
        assert codes["train"].shape == (200, 2)
        assert (codes["train_labels"] == digits["train"].labels[:200]).all()
        assert (codes["test_labels"] == digits["test"].labels[:50]).all()
    _, metadata = load_arrays(files / "ood.codes", "Codes")
    key = ImageSetKey("out_of_distribution", source="digits")
    assert metadata == {"corpus": "out_of_distribution", "other": [asdict(key)]}
    counts = {
        out: load_arrays(files / f"{out}.vae", "VAE")[1]["record"]["images"]
        for out in ("in", "ood", "adv")
    }
    assert counts == {"in": 200, "ood": 400, "adv": 228}


def run_map(folder, name, codes, corpus="in_distribution", *more, seeds=1):
    run_script(
        *(maps, "--test", folder / "test"),
        *("--vaes", *(folder / f"{each}.vae" for each in numbered(codes, seeds))),
        *("--codes", *(folder / f"{each}.codes" for each in numbered(codes, seeds))),
        *("--maps", *(folder / f"{each}.map" for each in numbered(name, seeds))),
        *("--classifiers", folder / "classifier", "--estimators", ESTIMATORS),
        *("--dataset", "digits", "--corpus", corpus, "--model", "lenet5", *more),
        *("--extent", 4, "--points", 9, "--seed", 1, "--device", "cpu"),
        *("--table", folder / f"{name}.csv"),
        options=GridOptions,
    )


def run_holes(folder, name, codes, seeds=1):
    run_script(
        holes,
        *("--vaes", *(folder / f"{each}.vae" for each in numbered(codes, seeds))),
        *("--maps", *(folder / f"{each}.map" for each in numbered(name, seeds))),
        *("--train", folder / "train", "--estimators", *NAMES, "--seed", 1, "--device", "cpu"),
        *("--out", folder / f"{name}.holes", "--table", folder / f"{name}.holes.csv"),
    )


def run_ways(folder, name, codes):
    run_script(
        *(interpolation, "--vae", folder / f"{codes}.vae"),
        *("--test", folder / "test", "--classifiers", folder / "classifier"),
        *("--estimators", ESTIMATORS, "--dataset", "digits", "--corpus", "in_distribution"),
        *("--model", "lenet5", "--pairs", 20, "--steps", 4, "--seed", 1, "--device", "cpu"),
        *("--out", folder / f"{name}.ways", "--table", folder / f"{name}.ways.csv"),
        options=InterpolationOptions,
    )


@pytest.fixture(scope="module")
def made(files):
    """Everything of the stage twice; the bytes are compared."""
    outs = []
    for number in range(2):
        run_fit(files, "in_distribution", f"codes{number}", seeds=2)
        run_map(files, str(number), f"codes{number}", seeds=2)
        run_holes(files, str(number), f"codes{number}", seeds=2)
        run_ways(files, str(number), f"codes{number}")
        ends = ("map", "1.map", "csv", "holes", "holes.csv", "ways", "ways.csv")
        names = [f"codes{number}.vae", f"codes{number}.codes", *(f"{number}.{e}" for e in ends)]
        outs.append([(files / name).read_bytes() for name in names])
    return files, outs


def test_a_rerun_gives_equal_bytes(made):
    _, outs = made
    assert outs[0] == outs[1]


def test_a_map_keeps_its_contract(made):
    files, _ = made
    arrays, metadata = load_arrays(files / "0.map", "LatentMap")
    keys = {"dataset": "digits", "corpus": "in_distribution", "model": "lenet5"}
    assert metadata == keys
    kept = (*MEASURES, "prediction")
    own = {f"{g}.{each}" for g in GRIDS for each in ("axis", "density", "distance", "on_data")}
    cells = {f"{g}.{e}.{m}" for g in GRIDS for e in NAMES for m in kept}
    points = {f"points.{e}.{m}" for e in NAMES for m in kept}
    assert set(arrays) == own | cells | points | {"points.code", "points.image"}
    assert all(arrays[name].shape == (9, 9) for name in cells)
    assert all(arrays[name].shape == (3,) for name in points)
    assert arrays["linear.axis"].tolist() == list(range(-4, 5))
    assert arrays["linear.on_data"].dtype == bool
    assert (arrays["linear.softmax.mutual_information"] == 0).all()
    assert (arrays["linear.mc_dropout.mutual_information"] > 0).any()
    vae = Vae.load(files / "codes0.vae")
    decoded = decode(vae, arrays["points.code"]).numpy()
    np.testing.assert_array_equal(arrays["points.image"], decoded)

    table = pd.read_csv(files / "0.csv", keep_default_na=False)
    columns = [*keys, "seed", "grid", "estimator", "measure", "metric"]
    assert set(table) == {*columns, "value", "low", "high", "n"}
    assert not table.duplicated(columns).any()
    assert len(table) == 2 * 3 * (2 * 4 + 3) + 2 * 3 * 4
    rows = table[table["seed"] == 0].set_index(["grid", "estimator", "measure", "metric"])
    for grid in GRIDS:
        on_data = arrays[f"{grid}.on_data"]
        row = rows.loc[grid, "mc_dropout", "entropy", "median_on_data"]
        median = np.median(arrays[f"{grid}.mc_dropout.entropy"][on_data])
        assert float(row.value) == pytest.approx(median, rel=1e-5)
        assert row.n == on_data.sum() > 0


def test_every_vae_has_a_map_of_its_own_on_the_linear_grid(made):
    files, _ = made
    first, second = (load_arrays(files / f"0{n}.map", "LatentMap")[0] for n in ("", ".1"))
    kept = (*MEASURES, "prediction")
    own = {f"linear.{each}" for each in ("axis", "density", "distance", "on_data")}
    assert set(second) == own | {f"linear.{e}.{m}" for e in NAMES for m in kept}
    assert (second["linear.axis"] == first["linear.axis"]).all()
    assert (second["linear.softmax.entropy"] != first["linear.softmax.entropy"]).any()
    shares = pd.read_csv(files / "0.csv").query("grid == 'linear' and metric == 'hole_share'")
    assert list(shares["seed"]) == [0] * 6 + [1] * 6
    holes = pd.read_csv(files / "0.holes.csv", dtype={"class": str})
    whole = holes[(holes["class"] == "all") & (holes["metric"] == "class_hole_share")]
    np.testing.assert_allclose(whole["value"], shares["value"], rtol=1e-5)
    of_one = shares[(shares["estimator"] == "softmax") & (shares["measure"] == "entropy")]
    slow = [hole_share(each, "softmax", "entropy") for each in (first, second)]
    np.testing.assert_allclose(of_one["value"], slow, rtol=1e-5)


def hole_share(arrays, estimator, measure):
    on_data = arrays["linear.on_data"]
    values = arrays[f"linear.{estimator}.{measure}"]
    return np.mean(values[~on_data] < np.median(values[on_data]))


def test_the_first_vae_is_the_same_however_many_follow(files):
    for name, seeds in (("one", 1), ("three", 3)):
        run_fit(files, "in_distribution", name, seeds=seeds)
    assert (files / "one.vae").read_bytes() == (files / "three.vae").read_bytes()
    rest = [(files / f"three.{n}.vae").read_bytes() for n in (1, 2)]
    assert len({(files / "one.vae").read_bytes(), *rest}) == 3


def test_starred_points_are_those_of_the_configuration(made):
    files, _ = made
    run_map(files, "starred", "codes0", "in_distribution", "--starred", "[1, 0.5]", "[-3, 2.0]")
    arrays, _ = load_arrays(files / "starred.map", "LatentMap")
    assert arrays["points.code"].tolist() == [[1, 0.5], [-3, 2]]


def test_only_the_attacked_net_has_rows_on_adversarial_codes(files):
    run_fit(files, "adversarial", "close", [files / "adversarial"])
    for name, attacked in (("own", "lenet5"), ("other", "alexnet")):
        run_map(files, name, "close", "adversarial", "--attacked", attacked)
    own, other = (pd.read_csv(files / f"{name}.csv") for name in ("own", "other"))
    rows = own[own["metric"] == "spread_ratio"]
    assert len(rows) == 1
    assert rows["n"].iloc[0] == 12  # held out
    assert len(own) == len(other) + 7


def test_holes_are_those_of_the_map_and_their_images_those_of_the_decoder(made):
    files, _ = made
    arrays, _ = load_arrays(files / "0.map", "LatentMap")
    found, about = load_arrays(files / "0.holes", "Holes")
    train = ImageSet.load(files / "train")
    assert about["estimators"] == list(NAMES)
    vae, seen = Vae.load(files / "codes0.vae"), 0
    for estimator, measure in product(NAMES, MEASURES):
        part = {name: found[f"{estimator}.{measure}.{name}"] for name in PARTS}
        values, sign = arrays[f"linear.{estimator}.{measure}"], MAPPED[measure]
        uncertainty = -values if sign else values
        on_data = arrays["linear.on_data"]
        hole = ~on_data & (uncertainty < np.median(uncertainty[on_data]))
        assert ((part["region"] > 0) == hole).all()
        seen += len(part["cell"])
        for number, cell in enumerate(part["cell"]):
            inside = part["region"] == number + 1
            assert inside.ravel()[cell]
            assert uncertainty.ravel()[cell] == uncertainty[inside].min()
            assert part["area"][number] == inside.sum()
            answers = arrays[f"linear.{estimator}.prediction"][inside]
            assert (answers == part["class"][number]).all()
            row, column = divmod(cell, 9)
            code = arrays["linear.axis"][[column, row]]
            assert (part["code"][number] == code).all()
            image = decode(vae, code[None]).numpy()[0]
            np.testing.assert_allclose(part["image"][number], image, atol=1e-6)
            away = np.sqrt(((train.pixels - image) ** 2).sum((1, 2, 3)))
            order = np.argsort(away)[:5]
            np.testing.assert_allclose(part["nearest_distance"][number], away[order], rtol=1e-5)
            assert set(part["nearest"][number]) == set(order)
    assert seen > 5


def test_ways_have_their_ends_where_the_images_are(made):
    files, _ = made
    arrays, _ = load_arrays(files / "0.ways", "Interpolation")
    test = ImageSet.load(files / "test")
    assert arrays["pairs"].shape == (20, 2)
    first, second = arrays["pairs"][0]
    np.testing.assert_array_equal(arrays["pixel.image"][0], test.pixels[first])
    np.testing.assert_array_equal(arrays["pixel.image"][-1], test.pixels[second])
    np.testing.assert_allclose(arrays["decoded.image"][0], arrays["latent.image"][0], atol=1e-6)
    table = pd.read_csv(files / "0.ways.csv").set_index(["estimator", "measure", "space", "metric"])
    assert len(table) == 2 * 3 * 5
    ends = [arrays[f"mc_dropout.{space}.entropy.midpoint"] for space in ("pixel", "latent")]
    row = table.loc["mc_dropout", "entropy", "pixel", "difference_to_latent"]
    assert row.value == pytest.approx((ends[0] - ends[1]).mean(), rel=1e-5)
