"""The programs of the stages training and attacks, by their command lines."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from support import SCRIPTS

from plumbline.models.classifier import Classifier
from plumbline.storage.artefacts import ImageSet
from plumbline.training.losses import trained_for


def run(script, *arguments):
    command = [sys.executable, str(SCRIPTS / f"{script}.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def place(digits, tmp_path_factory):
    """A folder with small splits, two trained nets and their temperatures."""
    folder = tmp_path_factory.mktemp("training")
    for split, images in digits.items():
        images.select(slice(150)).save(folder / f"{split}.safetensors")
    for seed in (0, 1):
        done = run(
            *("train", "--model", "lenet5", "--network", '{"width": 4, "dense": 32}'),
            *("--train", folder / "train.safetensors", "--val", folder / "val.safetensors"),
            *("--epochs", 6, "--batch", 32, "--learning-rate", 0.01, "--seed", seed),
            *("--checkpoint", folder / "checkpoint", "--out", folder / f"net{seed}"),
            *("--history", folder / f"history{seed}.csv"),
        )
        assert done.returncode == 0, done.stderr
    return folder


def nets(place):
    return "--classifiers", place / "net0", place / "net1", "--dataset", "d", "--model", "m"


def test_train_writes_a_net_and_its_history_and_removes_its_checkpoint(place):
    history = pd.read_csv(place / "history0.csv")
    assert history["epoch"].tolist() == list(range(6))
    assert Classifier.load(place / "net0").record["best"]["epoch"] in range(6)
    assert not (place / "checkpoint").exists()


def test_evaluate_writes_a_row_for_every_temperature_and_figure(place):
    done = run(
        *("evaluate", *nets(place), "--calibration", place / "calibration.safetensors"),
        *("--temperature", place / "temperature.csv"),
        *("--sets", place / "val.safetensors", place / "test.safetensors"),
        *("--out", place / "evaluation.csv", "--reliability", place / "reliability.csv"),
    )
    assert done.returncode == 0, done.stderr
    temperature = pd.read_csv(place / "temperature.csv")
    assert temperature["seed"].tolist() == [0, 1]
    assert (temperature["low"] <= temperature["value"]).all()
    table = pd.read_csv(place / "evaluation.csv")
    assert set(table["metric"]) == {"accuracy", "nll", "brier", "ece"}
    whole = table[table["class"] == "all"]
    assert len(whole) == 2 * 2 * 2 * 4  # seeds, sets, scalings, metrics
    accuracy = whole[whole["metric"] == "accuracy"].pivot_table(
        index=["seed", "split"], columns="scaling", values="value"
    )
    assert (accuracy["raw"] == accuracy["temperature"]).all()  # T never changes the answer
    per_class = table[(table["class"] != "all") & (table["metric"] == "accuracy")]
    counts = per_class.groupby(["seed", "split", "scaling"])["n"].sum()
    assert (counts == 150).all()
    bins = pd.read_csv(place / "reliability.csv")
    assert (bins.groupby(["seed", "split", "scaling"])["n"].sum() == 150).all()


def test_attack_writes_a_set_per_epsilon_and_its_curve(place):
    done = run(
        *("attack", "--attack", "fgsm", "--method", "fgsm"),
        *("--classifier", place / "net0", "--count", 20),
        *("--images", place / "test.safetensors", "--epsilons", 0.1, 0.2),
        *("--dataset", "d", "--model", "m", "--table", place / "curve.csv"),
        *("--out", place / "a", place / "b"),
    )
    assert done.returncode == 0, done.stderr
    assert len(ImageSet.load(place / "b")) == 20
    assert set(pd.read_csv(place / "curve.csv")["epsilon"]) == {0, 0.1, 0.2}


@pytest.mark.parametrize(
    ("objective", "own"),
    [
        ("bayesian", {"prior_scale": 0.5, "initial_scale": 0.03}),
        ("evidential", {"loss": "log", "evidence": "exp", "annealing": 9}),
    ],
)
def test_train_takes_another_objective_and_its_options(place, tmp_path, objective, own):
    done = run(
        *("train", "--model", "mlp", "--network", '{"dense": 8}', "--epochs", 1),
        *("--train", place / "train.safetensors", "--val", place / "val.safetensors"),
        *("--out", tmp_path / "net", "--history", tmp_path / "history.csv"),
        *("--objective", objective, "--set", json.dumps(own)),
    )
    assert done.returncode == 0, done.stderr
    record = Classifier.load(tmp_path / "net").record
    assert trained_for(record).record == {"objective": objective, **own}
    assert "train_loss" in pd.read_csv(tmp_path / "history.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--learning-rate", -1), "--learning-rate"),
        (("--model", "lenet_5"), "did you mean 'lenet5'"),
        (("--train", "none.safetensors"), "none.safetensors: no such file"),
        (("--learning-rate", 1e30), "epoch 1, step"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(place, tmp_path, arguments, message):
    done = run(
        *("train", "--model", "lenet5", "--epochs", 1, "--out", tmp_path / "net"),
        *("--train", place / "train.safetensors", "--val", place / "val.safetensors"),
        *("--history", tmp_path / "history.csv", *arguments),
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_every_script_explains_itself():
    for path in sorted(SCRIPTS.glob("*.py")):
        done = run(path.stem, "--help")
        assert done.returncode == 0, path.name
        assert "usage:" in done.stdout


def test_a_net_of_the_user_s_own_is_trained_and_then_read_without_being_told(place, tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n"
        "def make(size, classes, width=8):\n"
        "    dense = nn.Linear(size**2, width), nn.ReLU(), nn.Linear(width, classes)\n"
        "    return nn.Sequential(nn.Flatten(), *dense)\n"
    )
    done = run(
        *("train", "--model", "mine", "--entry", f"{tmp_path}/net.py:make"),
        *("--network", '{"width": 5}', "--epochs", 1, "--out", tmp_path / "net"),
        *("--train", place / "train.safetensors", "--val", place / "val.safetensors"),
        *("--history", tmp_path / "history.csv"),
    )
    assert done.returncode == 0, done.stderr
    net = Classifier.load(tmp_path / "net")
    assert net.architecture.name == "mine"
    assert next(net.network.parameters()).shape == (5, 28**2)
    (tmp_path / "net.py").unlink()
    done = run(
        *("evaluate", "--classifiers", tmp_path / "net", "--dataset", "d", "--model", "mine"),
        *("--calibration", place / "calibration.safetensors", "--temperature", tmp_path / "t.csv"),
        *("--sets", place / "test.safetensors"),
        *("--out", tmp_path / "e.csv", "--reliability", tmp_path / "r.csv"),
    )
    assert done.returncode == 1
    assert "net.py" in done.stderr
    assert "Traceback" not in done.stderr
