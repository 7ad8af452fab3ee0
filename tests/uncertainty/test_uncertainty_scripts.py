"""predict.py and score_uncertainty.py by hand: their files, and equal bytes on a rerun."""

from dataclasses import replace

import numpy as np
import pandas as pd
import predict
import pytest
import score_uncertainty
import torch
from support import run_script

from plumbline.config.uncertainty import RefusalOptions
from plumbline.data.image_sets import COLUMNS
from plumbline.errors import ArtefactError
from plumbline.storage.artefacts import load_predictions
from plumbline.uncertainty.prediction import Estimator

SETS = ("calibration", "test", "ood_letters")


@pytest.fixture(scope="module")
def files(digits, lenet, tmp_path_factory):
    """A net and three image sets on disk; the last has classes of its own."""
    folder = tmp_path_factory.mktemp("uncertainty")
    lenet.save(folder / "classifier.safetensors")
    sets = [digits["calibration"].select(slice(30)), digits["test"].select(slice(40))]
    sets.append(replace(sets[0], name="letters", classes=tuple("ABCDEFGHIJ")))
    for name, images in zip(SETS, sets, strict=True):
        images.save(folder / f"{name}.safetensors")
    return folder


def run_predict(folder, estimator, out, *more, names=SETS):
    classifier = folder / "classifier.safetensors"
    sets = [folder / f"{name}.safetensors" for name in names]
    run_script(
        *(predict, "--estimator", estimator, "--method", estimator),
        *("--classifiers", classifier, "--sets", *sets),
        *("--names", *names, "--seed", 4, "--device", "cpu", "--out", out, *more),
    )


@pytest.fixture(scope="module")
def predicted(files):
    run_predict(files, "softmax", files / "softmax.out")
    run_predict(files, "mc_dropout", files / "mc_dropout.out", "--set", '{"samples": 3}')
    return [files / "softmax.out", files / "mc_dropout.out"]


def test_predictions_hold_every_set_in_order(predicted, digits):
    found = load_predictions(predicted[1])
    assert list(found) == list(SETS)
    assert found["test"].probs.shape == (3, 40, 10)
    assert found["test"].estimator == "mc_dropout"
    assert (found["test"].labels == digits["test"].labels[:40]).all()
    assert (found["test"].index == digits["test"].index[:40]).all()


def test_labels_of_another_dataset_are_no_labels_of_this_net(predicted):
    assert (load_predictions(predicted[0])["ood_letters"].labels == -1).all()


def test_a_set_does_not_depend_on_the_others_and_a_rerun_gives_equal_bytes(files, predicted):
    run_predict(files, "mc_dropout", files / "again", "--set", '{"samples": 3}')
    assert (files / "again").read_bytes() == predicted[1].read_bytes()
    run_predict(files, "mc_dropout", files / "alone", "--set", '{"samples": 3}', names=["test"])
    alone, among = (load_predictions(p)["test"] for p in (files / "alone", predicted[1]))
    assert (alone.probs == among.probs).all()


def test_a_damaged_file_is_named(predicted, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.write_bytes(predicted[0].read_bytes()[:-40])
    with pytest.raises(ArtefactError, match="damaged"):
        load_predictions(damaged)


def test_measures_and_scores_keep_their_contract(predicted, tmp_path):
    outs = []
    for number in range(2):
        scores, table = tmp_path / f"{number}.parquet", tmp_path / f"{number}.csv"
        run_script(
            *(score_uncertainty, "--predictions", *predicted, "--dataset", "digits"),
            *("--model", "lenet5", "--seed", 9, "--scores", scores, "--out", table),
            *("--refusal", tmp_path / "refusal.csv"),
            options=RefusalOptions,
        )
        outs.append((scores.read_bytes(), table.read_bytes()))
    assert outs[0] == outs[1]
    table = pd.read_csv(table)
    keys = ["dataset", "model", "estimator", "set", *COLUMNS, "measure", "control", "metric"]
    assert list(table) == [*keys, "value", "low", "high", "n", "n_positive"]
    assert not table.duplicated(keys).any()
    ranks = table.metric.isin(("error_auroc", "aurc"))  # of too few errors without interval
    assert (
        table[~ranks]
        .drop(columns=[*COLUMNS, "measure", "control", "n_positive"])
        .notna()
        .all()
        .all()
    )
    assert (table.n_positive.notna() == (ranks | table.metric.str.startswith("risk_at"))).all()
    known = table.dropna(subset=["low"])
    assert ((known.low <= known.value) & (known.value <= known.high)).all()
    known = set(table[table.metric == "accuracy"].set)
    assert known == {"calibration", "test"}
    scores = pd.read_parquet(scores)
    assert len(scores) == 2 * (30 + 40 + 30)
    one = scores[(scores.set == "test") & (scores.estimator == "mc_dropout")]
    row = table[(table.set == "test") & (table.estimator == "mc_dropout")]
    row = row[row.measure.isna() & row.control.isna()].set_index("metric")
    assert row.value["accuracy"] == pytest.approx(one.correct.mean())
    assert row.value["mean_mutual_information"] == pytest.approx(
        one.mutual_information.mean(), rel=1e-5
    )
    assert np.isclose(one.entropy - one.expected_entropy, one.mutual_information).all()


def test_a_temperature_divides_the_logits_of_its_own_net(files, predicted, tmp_path):
    table = tmp_path / "temperature.csv"
    table.write_text("seed,metric,value\n0,temperature,2.0\n1,temperature,7.0\n")
    run_predict(files, "softmax", tmp_path / "scaled", "--temperature", table)
    scaled = load_predictions(tmp_path / "scaled")["test"].probs.astype(np.float64)
    plain = load_predictions(predicted[0])["test"].probs.astype(np.float64)
    expected = np.sqrt(plain) / np.sqrt(plain).sum(-1, keepdims=True)
    assert scaled == pytest.approx(expected, abs=1e-6)
    assert (scaled.argmax(-1) == plain.argmax(-1)).all()


def test_a_set_s_prediction_depends_on_its_name_and_not_on_other_sets(digits, lenet):
    def draw(classifiers, pixels, *, seed, scale):
        noise = torch.rand((2, len(pixels), 10), generator=torch.Generator().manual_seed(seed))
        return (scale * noise).softmax(-1)

    estimator, images = Estimator("mine", draw, {"scale": 2.0}), digits["test"].select(slice(5))
    first, again, other = (
        estimator.prediction([lenet], name, images, 3) for name in ("a", "a", "b")
    )
    np.testing.assert_array_equal(first.probs, again.probs)
    assert (first.probs != other.probs).any()
    assert (first.estimator, first.images, first.alpha) == ("mine", "a", None)
    np.testing.assert_array_equal(first.labels, images.labels)
    strange = replace(images, classes=tuple("ABCDEFGHIJ"))
    assert (estimator.prediction([lenet], "a", strange, 3).labels == -1).all()
    alpha = Estimator("mine", draw, {"scale": 1.0}, lambda nets, pixels: torch.ones(5, 10))
    assert (alpha.prediction([lenet], "a", images, 3).alpha == 1).all()
