"""The programs explain and degrade, and their configuration."""

import argparse
import csv

import numpy as np
import pytest
from pydantic import ValidationError

from plumbline.artefacts import Attribution
from plumbline.config.attribution import AttributionSection, DegradationOptions
from plumbline.errors import ArtefactError, InputError


@pytest.fixture
def files(digits, lenet, tmp_path):
    lenet.save(tmp_path / "classifier.safetensors")
    for split in ("train", "test"):
        digits[split].save(tmp_path / f"{split}.safetensors")
    return tmp_path


def run_explain(files, method="integrated_gradients", count=5, **options):
    import explain

    explain.main(
        argparse.Namespace(
            method=method,
            set=options,
            classifier=files / "classifier.safetensors",
            images=files / "test.safetensors",
            count=count,
            out=files / "attribution.safetensors",
            seed=1,
            device="cpu",
            threads=1,
        )
    )
    return files / "attribution.safetensors"


def run_degrade(files, images="test"):
    import degrade

    degrade.main(
        argparse.Namespace(
            classifier=files / "classifier.safetensors",
            images=files / f"{images}.safetensors",
            train=files / "train.safetensors",
            attribution=files / "attribution.safetensors",
            dataset="digits",
            model="lenet5",
            out=files / "curves.csv",
            seed=1,
            device="cpu",
            threads=1,
            options=DegradationOptions(shares=(0.1, 1.0), fills=("0", "mean")),
        )
    )
    return files / "curves.csv"


def test_explain_then_degrade(files, digits, lenet):
    import torch

    first = run_explain(files, steps=4).read_bytes()
    attribution = Attribution.load(files / "attribution.safetensors")
    assert attribution.method == "integrated_gradients"
    assert (attribution.index == digits["test"].index[:5]).all()
    predicted = lenet(torch.from_numpy(digits["test"].pixels[:5])).argmax(1)
    assert (attribution.target == predicted.numpy()).all()
    table = run_degrade(files).read_text()
    rows = list(csv.DictReader(table.splitlines()))
    assert table.startswith(
        "dataset,model,method,ranking,mode,fill,share,metric,value,low,high,n\n"
    )
    assert len(rows) == 1 + 2 * 2 * 2 * 3
    clean = np.mean(predicted.numpy() == digits["test"].labels[:5])
    assert float(rows[0]["value"]) == pytest.approx(clean)
    kept = [r for r in rows if (r["mode"], r["share"]) == ("keep", "1")]
    assert len(kept) == 4
    assert all(float(r["value"]) == pytest.approx(clean) for r in kept)
    assert run_explain(files, steps=4).read_bytes() == first
    assert run_degrade(files).read_text() == table


def test_degrade_refuses_the_attribution_of_other_images(files):
    run_explain(files, "intensity")
    with pytest.raises(ArtefactError, match="does not explain the first of"):
        run_degrade(files, images="train")


def test_explain_names_an_unknown_option(files):
    with pytest.raises(InputError, match="no option 'step'; did you mean 'steps'"):
        run_explain(files, step=4)


def test_configuration_of_fills_and_images():
    assert DegradationOptions(fills=[0, 0.5, "mean"]).fills == ("0", "0.5", "mean")
    for wrong in ("median", 2, -0.1, True, None):
        with pytest.raises(ValidationError, match=r"a number in \[0, 1\] or mean"):
            DegradationOptions(fills=[wrong])
    section = AttributionSection(images=50, methods={"lime": {"images": 8}, "gradient": {}})
    assert (section.images_of("lime"), section.images_of("gradient")) == (8, 50)
    for wrong in (0, 1.5, True, "all"):
        with pytest.raises(ValidationError, match=r"lime\.images must be a whole number"):
            AttributionSection(methods={"lime": {"images": wrong}})
