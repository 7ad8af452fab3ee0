"""predict.py and measure.py by hand: contracts of their files, and equal bytes on a rerun."""

from dataclasses import replace

import measure
import numpy as np
import pandas as pd
import predict
import pytest
from support import run_script

from plumbline.data.image_sets import COLUMNS
from plumbline.storage.artefacts import ArtefactError, load_predictions

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
            *(measure, "--predictions", *predicted, "--dataset", "digits", "--model", "lenet5"),
            *("--seed", 9, "--scores", scores, "--out", table),
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
