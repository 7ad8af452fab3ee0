"""fit_vae.py and map_latent.py by hand: contracts of their files, and equal bytes on a rerun."""

import argparse
from dataclasses import replace

import fit_vae
import map_latent
import numpy as np
import pandas as pd
import pytest

from plumbline import cli
from plumbline.artefacts import load_arrays
from plumbline.config.latent import GridOptions, VaeOptions

ESTIMATORS = '{"softmax": {}, "mc_dropout": {"samples": 3}}'


def run(script, options, *words):
    parser = argparse.ArgumentParser()
    script.arguments(parser)
    cli.add_options(parser, options)
    args = parser.parse_args(list(map(str, words)))
    args.options = cli.read_options(args, options)
    script.main(args)


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


def run_fit(folder, corpus, out, others=(), held=()):
    run(
        *(fit_vae, VaeOptions, "--corpus", corpus, "--train", folder / "train"),
        *("--test", folder / "test", "--others", *others, "--held", *held),
        *("--epochs", 3, "--seed", 2, "--device", "cpu"),
        *("--out", folder / f"{out}.vae", "--codes", folder / f"{out}.codes"),
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
        assert (codes["test_labels"] == digits["test"].labels[:50]).all()
    _, metadata = load_arrays(files / "ood.codes", "Codes")
    assert metadata == {"corpus": "out_of_distribution", "other": ["digits"]}
    counts = {
        out: load_arrays(files / f"{out}.vae", "VAE")[1]["record"]["images"]
        for out in ("in", "ood", "adv")
    }
    assert counts == {"in": 200, "ood": 400, "adv": 228}


def test_a_map_keeps_its_contract_and_a_rerun_gives_equal_bytes(files):
    outs = []
    for number in range(2):
        run_fit(files, "in_distribution", f"map{number}")
        run(
            *(map_latent, GridOptions, "--vae", files / f"map{number}.vae"),
            *("--codes", files / f"map{number}.codes", "--test", files / "test"),
            *("--classifiers", files / "classifier", "--estimators", ESTIMATORS),
            *("--dataset", "digits", "--corpus", "in_distribution", "--model", "lenet5"),
            *("--extent", 4, "--points", 9, "--seed", 1, "--device", "cpu"),
            *("--out", files / f"{number}.map", "--table", files / f"{number}.csv"),
        )
        ends = (f"map{number}.vae", f"map{number}.codes", f"{number}.map", f"{number}.csv")
        outs.append([(files / end).read_bytes() for end in ends])
    assert outs[0] == outs[1]

    arrays, metadata = load_arrays(files / "0.map", "LatentMap")
    measures = ("entropy", "mutual_information", "max_probability", "prediction")
    names = {f"{e}.{m}" for e in ("softmax", "mc_dropout") for m in measures}
    assert set(arrays) == {"axis", "distance"} | names
    assert all(arrays[name].shape == (9, 9) for name in names)
    assert arrays["axis"].tolist() == list(range(-4, 5))
    assert (arrays["softmax.mutual_information"] == 0).all()
    assert (arrays["mc_dropout.mutual_information"] > 0).any()

    table = pd.read_csv(files / "0.csv")
    keys = ["dataset", "corpus", "model", "estimator", "measure", "metric"]
    assert list(table) == [*keys, "value", "low", "high", "n"]
    assert len(table) == 2 * 3 * 6
    assert not table.duplicated(keys).any()
    row = table.set_index(["estimator", "measure", "metric"]).loc["mc_dropout", "entropy"]
    on_data = arrays["distance"] <= metadata["radius"]
    median = np.median(arrays["mc_dropout.entropy"][on_data])
    assert row.value["median_on_data"] == pytest.approx(median, rel=1e-5)
    assert row.n["median_on_data"] == on_data.sum()
