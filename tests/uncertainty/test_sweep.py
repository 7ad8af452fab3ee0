"""Sweeps: prefixes of passes, sets of nets, and intervals over training seeds."""

import csv
import json
from itertools import combinations

import numpy as np
import pytest
import sweep_uncertainty
from scipy.stats import t
from support import run_script

from plumbline.metrics import classification
from plumbline.metrics.intervals import jackknife_interval, student_interval
from plumbline.uncertainty.sweep import SUBSETS, by_members, by_samples

N = 60
ESTIMATORS = {
    "mc_dropout": {"method": "mc_dropout", "options": {"samples": 20}, "nets": 2},
    "other": {"method": "mc_dropout", "options": {}, "nets": 1},
}


@pytest.fixture(scope="module")
def answers():
    """Passes [4 nets][12, N, 3] and labels that they guess more often than not."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, N)
    logits = (
        1.2 * np.eye(3)[labels] + rng.normal(size=(4, 1, N, 3)) + rng.normal(size=(4, 12, N, 3))
    )
    probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return list(probs.astype(np.float32)), labels


def table(rows):
    return {(row["size"], row["metric"], row["measure"], row["seed"]): row for row in rows}


def test_student_s_interval_is_that_of_scipy():
    values = np.array([0.3, 0.5, 0.9, 0.2])
    mean, low, high = student_interval(values)
    expected = t.interval(0.95, 3, values.mean(), values.std(ddof=1) / 2)
    assert (low, high) == pytest.approx(expected)
    assert student_interval(np.array([*values, np.nan])) == (mean, low, high)
    assert np.isnan(student_interval(np.array([0.4]))[1:]).all()
    assert np.isnan(student_interval(np.array([]))).all()


def test_the_jackknife_of_a_mean_is_student_s_interval():
    values = np.random.default_rng(0).normal(size=6)
    without = np.array([np.delete(values, i).mean() for i in range(6)])
    found = jackknife_interval(float(values.mean()), without)
    assert found == pytest.approx(student_interval(values))
    assert np.isnan(jackknife_interval(0.5, np.array([0.4, np.nan]))[1:]).all()


def test_a_row_of_passes_is_that_of_their_prefix(answers):
    passes, labels = answers
    found = table(by_samples(passes, labels, [1, 5, 12], seed=0))
    for seed, probs in enumerate(passes):
        for size in (1, 5, 12):
            mean = probs[:size].astype(np.float64).mean(0)
            for metric in ("accuracy", "nll", "brier", "ece"):
                expected = getattr(classification, metric)(mean, labels)
                got = found[size, metric, "", seed]["value"]
                assert got == pytest.approx(expected, rel=1e-5)
    each = [found[5, "nll", "", seed]["value"] for seed in range(4)]
    mean = found[5, "nll", "", "all"]
    assert [mean[end] for end in ("value", "low", "high")] == pytest.approx(student_interval(each))
    assert mean["n"] == 4
    assert found[5, "nll", "", 0]["n"] == N
    assert (1, "error_auroc", "mutual_information", "all") not in found
    assert found[5, "error_auroc", "mutual_information", "all"]["high"] <= 1


def test_of_one_net_the_interval_is_over_images(answers):
    passes, labels = answers
    found = table(by_samples(passes[:1], labels, [1, 12], seed=3))
    assert {seed for *_, seed in found} == {"all"}
    mean = passes[0].astype(np.float64).mean(0)
    expected = classification.estimates(mean, labels, 3)
    for metric, figure in expected.items():
        row = found[12, metric, "", "all"]
        assert [row[end] for end in ("value", "low", "high")] == pytest.approx(figure, rel=1e-5)
        assert (row["n"], row["over"]) == (N, "images")
    auroc = found[12, "error_auroc", "entropy", "all"]
    assert auroc["low"] < auroc["value"] < auroc["high"]


def test_more_passes_lower_the_nll_of_these(answers):
    """Jensen: the NLL of the mean is at most the mean NLL."""
    passes, labels = answers
    each = [classification.nll(probs[i], labels) for probs in passes for i in range(12)]
    found = table(by_samples(passes, labels, [12], seed=0))
    assert found[12, "nll", "", "all"]["value"] < np.mean(each)


def test_a_row_of_members_is_the_mean_over_all_sets_of_nets(answers):
    passes, labels = answers
    nets = np.stack([probs[0] for probs in passes])
    found = table(by_members(nets, labels, [1, 2, 4, 7], seed=0))
    assert {size for size, *_ in found} == {1, 2, 4}
    slow = [
        classification.nll(nets[[a, b]].astype(np.float64).mean(0), labels)
        for a, b in combinations(range(4), 2)
    ]
    assert found[2, "nll", "", "all"]["value"] == pytest.approx(np.mean(slow), rel=1e-5)
    alone = [classification.nll(net, labels) for net in nets]
    one = [found[1, "nll", "", "all"][end] for end in ("value", "low", "high")]
    assert one == pytest.approx(student_interval(alone), rel=1e-5)
    whole = found[4, "nll", "", "all"]
    assert np.isnan([whole["low"], whole["high"]]).all()
    assert whole["n"] == 4


def test_the_interval_over_overlapping_sets_is_about_as_wide_as_it_should_be():
    """Many runs of 6 nets each: the jackknife's error is near the spread of the runs' means."""
    rng = np.random.default_rng(1)
    labels = np.zeros(N, int)
    means, errors = [], []
    for _ in range(60):
        skill = rng.normal(0, 0.5, (6, 1, 1))
        odds = np.concatenate([skill + np.ones((6, N, 1)), np.zeros((6, N, 1))], -1)
        probs = np.exp(odds) / np.exp(odds).sum(-1, keepdims=True)
        row = table(by_members(probs.astype(np.float32), labels, [3], seed=0))[3, "nll", "", "all"]
        means.append(row["value"])
        errors.append((row["high"] - row["value"]) / t.ppf(0.975, 5))
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.35)


def test_many_sets_are_drawn_at_random_and_the_same_again():
    rng = np.random.default_rng(2)
    nets = rng.dirichlet(np.ones(3), size=(12, 8)).astype(np.float32)
    labels = rng.integers(0, 3, 8)
    first, again = (list(by_members(nets, labels, [6], seed=4)) for _ in range(2))
    assert str(first) == str(again)  # 924 sets of 6 of 12, SUBSETS of them drawn
    assert str(first) != str(list(by_members(nets, labels, [6], seed=5)))
    assert all(row["low"] < row["value"] < row["high"] for row in first if row["metric"] == "nll")
    assert SUBSETS < 924


def test_the_script_sweeps_both(digits, lenet, tmp_path):
    lenet.save(tmp_path / "net")
    digits["test"].save(tmp_path / "test")
    for out in ("first", "second"):
        words = ["--classifiers", tmp_path / "net", tmp_path / "net", "--test", tmp_path / "test"]
        words += ["--nets", *[tmp_path / "net"] * 3, "--estimators", json.dumps(ESTIMATORS)]
        words += ["--images", 50, "--samples", 1, 3, "--members", 1, 2, "--dataset", "digits"]
        words += ["--model", "lenet5", "--seed", 7, "--device", "cpu", "--out", tmp_path / out]
        run_script(sweep_uncertainty, *words)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    with open(tmp_path / "first") as handle:
        rows = list(csv.DictReader(handle))
    keys = ["dataset", "model", "estimator", "vary", "size", "measure", "over", "seed", "metric"]
    assert list(rows[0]) == [*keys, "value", "low", "high", "n", "n_positive"]
    assert {(row["vary"], row["size"]) for row in rows} == {
        ("samples", "1"),
        ("samples", "3"),
        ("members", "1"),
        ("members", "2"),
    }
    means = [row for row in rows if row["seed"] == "all"]
    assert {(row["estimator"], row["vary"], row["over"]) for row in means} == {
        ("mc_dropout", "samples", "seeds"),
        ("other", "samples", "images"),
        ("ensemble", "members", "seeds"),
    }
