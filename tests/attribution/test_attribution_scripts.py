"""The programs that explain, degrade, compare and check by log-odds, and their configuration."""

import argparse
import csv

import pytest
from pydantic import ValidationError

from plumbline.attribution.degradation_result import DegradationResult
from plumbline.config.attribution import AttributionSection, DegradationOptions
from plumbline.errors import ArtefactError, InputError
from plumbline.storage.artefacts import Attribution


@pytest.fixture
def files(digits, lenet, tmp_path):
    lenet.save(tmp_path / "classifier.safetensors")
    for split in ("train", "test"):
        digits[split].save(tmp_path / f"{split}.safetensors")
    return tmp_path


GALLERY = {"per_class": 1, "classes": 10, "images": [], "seed": 3}
RUNTIME = {"seed": 1, "device": "cpu", "threads": 1, "memory_mb": 64}
KEYS = {"dataset": "digits", "model": "lenet5"}


def run_explain(files, method="integrated_gradients", name="mine", count=5, **options):
    import explain

    explain.main(
        argparse.Namespace(
            name=name,
            method=method,
            set=options,
            classifier=files / "classifier.safetensors",
            images=files / "test.safetensors",
            count=count,
            gallery=GALLERY,
            out=files / f"{name}.safetensors",
            cost=files / f"{name}.cost.csv",
            **KEYS,
            **RUNTIME,
        )
    )
    return files / f"{name}.safetensors"


def run_degrade(files, name="mine", images="test", count=5):
    import measure_degradation

    measure_degradation.main(
        argparse.Namespace(
            classifier=files / "classifier.safetensors",
            images=files / f"{images}.safetensors",
            train=files / "train.safetensors",
            attribution=files / f"{name}.safetensors",
            count=count,
            out=files / f"{name}.degradation.safetensors",
            options=DegradationOptions(shares=(0.1, 1.0), fills=("0", "blur")),
            **KEYS,
            **RUNTIME,
        )
    )
    return files / f"{name}.degradation.safetensors"


def run_compare(files, *names):
    import compare_attributions

    results = [files / f"{name}.degradation.safetensors" for name in names]
    compare_attributions.main(
        argparse.Namespace(results=results, seed=1, out=files / "degradation.csv")
    )
    return (files / "degradation.csv").read_text()


def run_log_odds(files, pairs):
    from plumbline.programs.check_attributions import log_odds

    methods = {
        "gxi": ["gradient_x_input", {}],
        "ig": ["integrated_gradients", {"steps": 3}],
        "random": ["random", {}],
    }
    log_odds.main(
        argparse.Namespace(
            classifier=files / "classifier.safetensors",
            images=files / "test.safetensors",
            methods=methods,
            pairs=pairs,
            share=0.2,
            count=6,
            out=files / "log_odds.csv",
            **KEYS,
            **RUNTIME,
        )
    )
    return (files / "log_odds.csv").read_text()


def test_explain_then_degrade_then_compare(files, digits, lenet):
    import torch

    first = run_explain(files, steps=4).read_bytes()
    attribution = Attribution.load(files / "mine.safetensors")
    assert attribution.method == "mine"
    assert (attribution.index[:5] == digits["test"].index[:5]).all()
    assert len(attribution.index) > 5  # and the gallery
    predicted = lenet(torch.from_numpy(digits["test"].pixels[:5])).argmax(1).numpy()
    assert (attribution.target[:5] == predicted).all()
    written = run_degrade(files).read_bytes()
    results = DegradationResult.load(files / "mine.degradation.safetensors")
    assert (results.dataset, results.model, results.method) == ("digits", "lenet5", "mine")
    assert (results.fills, results.shares) == (("0", "blur"), (0.1, 1.0))
    assert (results.index == digits["test"].index[:5]).all()
    clean = predicted == digits["test"].labels[:5]
    assert (results.clean == clean).all()
    assert (results.right[:, 0, ..., 1] == clean).all()  # all of the pixels kept
    assert (results.sparsity > 0).all()
    run_explain(files, "random", name="random")
    run_degrade(files, "random", count=3)
    table = run_compare(files, "mine", "random")
    rows = list(csv.DictReader(table.splitlines()))
    assert table.startswith(
        "dataset,model,method,control,ranking,mode,fill,share,metric,value,low,high,n\n"
    )
    gains = [row for row in rows if row["control"] == "random"]
    assert len(gains) == 2 * 2 * (2 + 2)
    assert {row["n"] for row in gains} == {"3"}
    assert run_explain(files, steps=4).read_bytes() == first
    assert run_degrade(files).read_bytes() == written
    assert run_compare(files, "mine", "random") == table


def test_degrade_refuses_the_attribution_of_other_images(files):
    run_explain(files, "intensity")
    with pytest.raises(ArtefactError, match="does not explain the first of"):
        run_degrade(files, images="train")


def test_log_odds_of_the_pairs_that_the_dataset_has(files):
    table = run_log_odds(files, [["8", "3"], ["9", "1"], ["eel", "cat"]])
    rows = list(csv.DictReader(table.splitlines()))
    assert {row["pair"] for row in rows} == {"8->3", "9->1", ""}
    assert {row["method"] for row in rows} == {"gxi", "ig", "random"}
    assert {row["n"] for row in rows if row["pair"]} == {"6"}
    assert {row["control"] for row in rows} == {"", "random"}
    changes = [row for row in rows if row["metric"] == "temperature_map_change"]
    assert [float(row["value"]) for row in changes] == [0, 0, 0]
    assert run_log_odds(files, [["8", "3"], ["9", "1"]]) == table
    other = run_log_odds(files, [["eel", "cat"]])
    assert other.count("\n") == 1 + 3
    assert other.count("temperature_map_change") == 3


def test_explain_names_an_unknown_option(files):
    with pytest.raises(InputError, match="no option 'step'; did you mean 'steps'"):
        run_explain(files, step=4)


def test_configuration_of_fills_and_images():
    fills = DegradationOptions(fills=[0, 0.5, "mean", "blur"]).fills
    assert fills == ("0", "0.5", "mean", "blur")
    for wrong in ("median", 2, -0.1, True, None):
        with pytest.raises(ValidationError, match=r"a number in \[0, 1\], mean or blur"):
            DegradationOptions(fills=[wrong])
    section = AttributionSection(images=50, methods={"lime": {"images": 8}, "gradient": {}})
    assert (section.images_of("lime"), section.images_of("gradient")) == (8, 50)
    for wrong in (0, 1.5, True, "all"):
        with pytest.raises(ValidationError, match=r"lime\.images must be an integer above 0"):
            AttributionSection(methods={"lime": {"images": wrong}})
