"""The score in CONTRIBUTING.md: put where it says, it runs and is judged like any other."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from support import ROOT, SCRIPTS

from plumbline.data.image_sets import ImageSetKey
from plumbline.detection.columns import MEASURES
from plumbline.models.classifier import logits

PLACE = "detection/scores/margin.py"


@pytest.fixture(scope="module")
def example():
    """The block of code that follows the file's name in CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.search(rf"{PLACE}`.*?```python\n(.*?)```", text, re.DOTALL)[1]


def test_it_has_ten_lines(example):
    assert len([line for line in example.splitlines() if line.strip()]) <= 10


def test_it_runs_and_is_judged(example, digits, lenet, run_script, tmp_path):
    scripts = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "plumbline" / PLACE).write_text(example, encoding="utf-8")
    sets = {"calibration": digits["calibration"], "test": digits["test"]}
    for name, images in sets.items():
        images.save(tmp_path / f"{name}.safetensors")
    lenet.save(tmp_path / "net.safetensors")
    run_script(
        "score_images.py",
        *("--score", "margin", "--method", "margin", "--device", "cpu", "--names", *sets),
        *("--classifiers", tmp_path / "net.safetensors", "--out", tmp_path / "margin.parquet"),
        *("--sets", *(tmp_path / f"{name}.safetensors" for name in sets)),
        scripts=scripts,
    )
    found = pd.read_parquet(tmp_path / "margin.parquet")
    assert (found["evaluations"] == 1).all()
    ordered = logits(lenet, digits["test"].images).sort(1).values
    lead = (ordered[:, -1] - ordered[:, -2]).numpy()
    np.testing.assert_allclose(found.loc[found["set"] == "test", "score"], -lead, rtol=1e-5)

    softmax(sets, lenet).to_parquet(tmp_path / "uncertainty.parquet")
    run_script(
        *("compare_scores.py", "tasks"),
        *("--uncertainty", tmp_path / "uncertainty.parquet", "--passes", '{"softmax": 1}'),
        *("--scores", tmp_path / "margin.parquet"),
        *("--dataset", "digits", "--model", "lenet5", "--out", tmp_path / "lenet5.csv"),
        scripts=scripts,
    )
    table = pd.read_csv(tmp_path / "lenet5.csv")
    own = table[(table["score"] == "margin") & (table["metric"] == "auroc")].iloc[0]
    assert (own["task"], own["n"]) == ("misclassified", len(digits["test"]))
    assert 0.5 < own["low"] < own["value"] < own["high"]


def softmax(sets, net):
    """The table of the uncertainty stage for the net alone."""
    parts = []
    for name, images in sets.items():
        z = logits(net, images.images).double()
        largest, prediction = torch.softmax(z, 1).max(1)
        part = pd.DataFrame({**ImageSetKey.parse(name).columns(), "index": images.index})
        part = part.assign(label=images.labels, estimator="softmax", prediction=prediction.numpy())
        part["correct"] = part["prediction"] == part["label"]
        entropy = torch.special.entr(torch.softmax(z, 1)).sum(1).numpy()
        values = dict.fromkeys(MEASURES, 0.0) | {"entropy": entropy, "expected_entropy": entropy}
        parts.append(part.assign(**values | {"max_probability": largest.numpy()}))
    return pd.concat(parts)
