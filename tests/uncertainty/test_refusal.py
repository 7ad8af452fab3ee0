"""Refusal: the threshold is the smallest that suffices, the counts are those of a slow loop."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import score_uncertainty
from hypothesis import given, settings
from hypothesis import strategies as st
from support import run_script

from plumbline.config.uncertainty import RefusalOptions
from plumbline.data.image_sets import COLUMNS, ImageSetKey
from plumbline.metrics.intervals import bootstrap_counts, interval, wilson
from plumbline.storage.artefacts import Prediction, save_predictions
from plumbline.uncertainty.refusal import SHARES, choose, confidence, rows

SUFFICIENT = (0.0, 0.5, 0.9, 0.95, 0.99, 1.0)


def prediction(name, n, seed, samples=5, classes=True):
    """Answers that are right more often the surer they are."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    easy = rng.random(n)[:, None] * 6 * np.eye(4)[labels]
    logits = easy + 1.5 * rng.normal(size=(n, 4)) + rng.normal(size=(samples, n, 4))
    probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    labels = labels if classes else np.full(n, -1)
    return Prediction("mc_dropout", name, probs.astype(np.float32), labels, np.arange(n))


@pytest.fixture(scope="module")
def sets():
    return {
        "calibration": prediction("calibration", 120, 0),
        "test": prediction("test", 90, 1),
        "ood_letters": prediction("ood_letters", 40, 2, classes=False),
    }


def found(sets, **more):
    options = {"accuracy": 0.95, "fixed": 0.2} | more
    typed = {ImageSetKey.parse(name): each for name, each in sets.items()}
    table = rows(typed, **options, seed=3, model="lenet5")
    return {(r["set"], r["rule"], r["share"], r["metric"]): r for r in table}


def test_confidence_is_the_median_of_the_winning_class():
    probs = np.array([[[0.9, 0.1]], [[0.2, 0.8]], [[0.7, 0.3]]], np.float32)
    assert confidence(probs) == pytest.approx([0.7])
    assert confidence(probs[:2]) == pytest.approx([(0.9 + 0.2) / 2])  # the mean wins with .55
    one = prediction("test", 30, 0, samples=1).probs
    assert confidence(one) == pytest.approx(one[0].max(1))


@given(st.integers(0, 2**32), st.integers(1, 40), st.sampled_from(SUFFICIENT), st.booleans())
@settings(deadline=None, max_examples=80)
def test_the_threshold_is_the_smallest_of_all_that_suffice(seed, n, accuracy, ties):
    rng = np.random.default_rng(seed)
    sure = rng.integers(0, 6, n) / 5 if ties else rng.random(n)
    right = rng.random(n) < sure
    enough = [
        each
        for each in [0.0, *sorted(sure)]
        if (sure > each).any() and right[sure > each].mean() >= accuracy - 1e-12
    ]
    assert choose(sure, right, accuracy) == (enough[0] if enough else 1.0)


def test_counts_and_accuracy_of_the_answered(sets):
    table, test = found(sets), sets["test"]
    right = test.probs.mean(0).argmax(1) == test.labels
    threshold = table["test", "chosen", "", "coverage"]["threshold"]
    own = confidence(sets["calibration"].probs)
    hits = sets["calibration"].probs.mean(0).argmax(1) == sets["calibration"].labels
    assert threshold == choose(own, hits, 0.95)
    assert table["calibration", "chosen", "", "accuracy"]["value"] >= 0.95
    for rule, limit in (("chosen", threshold), ("fixed", 0.2)):
        answered = confidence(test.probs) > limit
        count, good = int(answered.sum()), int((answered & right).sum())
        cover, accuracy = (table["test", rule, "", m] for m in ("coverage", "accuracy"))
        assert [cover[end] for end in ("value", "low", "high")] == [count / 90, *wilson(count, 90)]
        expected = [good / count, *wilson(good, count), count]
        assert [accuracy[end] for end in ("value", "low", "high", "n")] == expected


def test_the_gain_is_paired(sets):
    table, test = found(sets), sets["test"]
    gain = table["test", "chosen", "", "accuracy_gain"]
    right = test.probs.mean(0).argmax(1) == test.labels
    answered = confidence(test.probs) > gain["threshold"]
    slow = []
    for count in bootstrap_counts(90, 3):
        drawn = np.repeat(np.arange(90), count)
        slow.append(right[drawn][answered[drawn]].mean() - right[drawn].mean())
    assert (gain["low"], gain["high"]) == pytest.approx(interval(np.array(slow)))
    assert gain["value"] == pytest.approx(right[answered].mean() - right.mean())
    assert gain["value"] > 0


def test_where_nothing_is_refused_nothing_is_said_of_the_gain(sets):
    table = found(sets, fixed=0.0)
    assert table["test", "fixed", "", "coverage"]["value"] == 1
    gain = table["test", "fixed", "", "accuracy_gain"]
    assert (gain["value"], gain["n"]) == (0, 90)
    assert np.isnan([gain["low"], gain["high"]]).all()
    sure = replace(sets["test"], labels=sets["test"].probs.mean(0).argmax(1))
    gain = found({**sets, "test": sure}, fixed=0.5)["test", "fixed", "", "accuracy_gain"]
    assert gain["n"] < 90  # some are refused, but all answers are right
    assert (gain["value"], gain["high"]) == (0, wilson(0, gain["n"])[1])
    assert gain["low"] == -gain["high"]


def test_foreign_images_are_only_refused(sets):
    table, foreign = found(sets), sets["ood_letters"]
    assert {key[3] for key in table if key[0] == "ood_letters"} == {"refused"}
    refused = int((confidence(foreign.probs) <= 0.2).sum())
    row = table["ood_letters", "fixed", "", "refused"]
    assert [row[end] for end in ("value", "low", "high")] == [refused / 40, *wilson(refused, 40)]


def test_the_curve_ends_at_the_accuracy_on_all(sets):
    table, test = found(sets), sets["test"]
    right = test.probs.mean(0).argmax(1) == test.labels
    curve = [table["test", "curve", share, "accuracy_at_share"] for share in SHARES]
    assert curve[-1]["value"] == pytest.approx(right.mean())
    first = np.argsort(-confidence(test.probs))[:45]
    assert curve[9]["share"] == 0.5
    assert curve[9]["value"] == pytest.approx(right[first].mean())
    assert all(each["low"] <= each["value"] <= each["high"] for each in curve)


def test_where_nothing_suffices_nothing_is_answered(sets):
    probs = sets["calibration"].probs
    labels = (probs.mean(0).argmax(1) + 1) % 4
    wrong = replace(sets["calibration"], labels=labels)
    table = found({**sets, "calibration": wrong})
    assert table["test", "chosen", "", "coverage"]["threshold"] == 1
    assert table["test", "chosen", "", "coverage"]["value"] == 0
    assert np.isnan(table["test", "chosen", "", "accuracy"]["value"])
    assert table["test", "fixed", "", "coverage"]["value"] > 0


def test_the_script_writes_a_tidy_table(sets, tmp_path):
    controls = [replace(each, estimator="softmax") for each in sets.values()]
    save_predictions(tmp_path / "softmax", controls)
    save_predictions(tmp_path / "mc_dropout", sets.values())
    for out in ("first", "second"):
        words = ["--predictions", tmp_path / "softmax", tmp_path / "mc_dropout"]
        words += ["--dataset", "digits", "--model", "lenet5", "--refusal-seed", "3"]
        words += ["--accuracy", "0.9", "--refusal", tmp_path / out]
        words += ["--out", tmp_path / "measures.csv", "--scores", tmp_path / "scores.parquet"]
        run_script(score_uncertainty, *words, options=RefusalOptions)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    with open(tmp_path / "first") as handle:
        table = list(csv.DictReader(handle))
    keys = ["dataset", "model", "estimator", "set", *COLUMNS, "rule", "threshold", "share"]
    keys.append("metric")
    assert list(table[0]) == [*keys, "value", "low", "high", "n"]
    assert len({tuple(row[key] for key in keys) for row in table}) == len(table)
