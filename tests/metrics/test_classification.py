"""Accuracy, NLL, Brier score and ECE against hand-made cases, scikit-learn and slow loops."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from plumbline.metrics import classification
from plumbline.metrics.intervals import bootstrap_counts, interval, wilson
from plumbline.runtime.torchvision_import import import_torchvision


@pytest.fixture(scope="module")
def answers():
    """Probabilities [300, 5] and labels that follow them roughly."""
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.full(5, 0.5), size=300)
    labels = np.array([rng.choice(5, p=each) for each in probs])
    return probs, labels


def slow_ece(probs, labels, bins):
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [i for i, p in enumerate(probs) if low < max(p) <= high]
        if inside:
            right = sum(int(np.argmax(probs[i]) == labels[i]) for i in inside)
            sure = sum(max(probs[i]) for i in inside)
            total += abs(right - sure)
    return total / len(labels)


def two_classes(confidence, right):
    """Images whose first class has this confidence; the label is 0 where ``right``."""
    confidence = np.asarray(confidence, dtype=np.float64)
    return np.stack([confidence, 1 - confidence], 1), np.where(right, 0, 1)


def test_scores_equal_scikit_learn(answers):
    probs, labels = answers
    assert classification.nll(probs, labels) == pytest.approx(log_loss(labels, probs), rel=1e-12)
    assert classification.brier(probs, labels) == pytest.approx(
        brier_score_loss(labels, probs, scale_by_half=False), rel=1e-12
    )
    assert classification.accuracy(probs, labels) == accuracy_score(labels, probs.argmax(1))


@pytest.mark.parametrize("bins", [5, 10, 15])
def test_calibration_error_and_brier_score_equal_torchmetrics(answers, bins):
    import_torchvision()  # torchmetrics wants it
    from torchmetrics.functional import mean_squared_error
    from torchmetrics.functional.classification import multiclass_calibration_error

    probs, labels = answers
    said, wanted = torch.from_numpy(probs), torch.from_numpy(labels)
    error = multiclass_calibration_error(said, wanted, 5, n_bins=bins, norm="l1")
    assert classification.ece(probs, labels, bins) == pytest.approx(error.item(), rel=1e-6)
    # It has no Brier score of several classes: the squared error over images and classes is it.
    apart = mean_squared_error(said, torch.nn.functional.one_hot(wanted, 5).double())
    assert classification.brier(probs, labels) == pytest.approx(5 * apart.item(), rel=1e-6)


def test_scores_of_one_image_by_hand():
    probs, labels = np.array([[0.5, 0.3, 0.2]]), np.array([1])
    assert classification.nll(probs, labels) == pytest.approx(-np.log(0.3))
    assert classification.brier(probs, labels) == pytest.approx(0.25 + 0.49 + 0.04)
    assert classification.ece(probs, labels) == pytest.approx(0.5)
    assert classification.accuracy(probs, labels) == 0


def test_an_underflowed_probability_costs_much_but_not_infinity():
    probs = np.array([[1, 0]], np.float32)
    assert classification.nll_per_image(probs, np.array([1])) == pytest.approx(87.3365, abs=1e-3)
    assert classification.nll_per_image(probs, np.array([0])) == 0


def test_ece_of_a_perfectly_calibrated_set_is_zero():
    right = np.concatenate([np.arange(10) < 8, np.arange(20) < 11])
    probs, labels = two_classes([0.8] * 10 + [0.55] * 20, right)
    assert classification.ece(probs, labels) == pytest.approx(0, abs=1e-15)


def test_ece_by_hand():
    probs, labels = two_classes([0.9, 0.9, 0.6, 0.6], [True, False, True, True])
    assert classification.ece(probs, labels) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below():
    probs, labels = two_classes([9 / 15, 9 / 15 + 1e-9, 1.0], [True, True, True])
    assert np.flatnonzero(classification.reliability(probs, labels).count).tolist() == [8, 9, 14]


@given(st.integers(0, 2**32), st.integers(1, 20), st.booleans())
@settings(deadline=None, max_examples=60)
def test_ece_equals_a_slow_loop_also_on_the_edges(seed, bins, on_edges):
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.5, 1, size=60)
    if on_edges:
        confidence = rng.integers((bins + 1) // 2, bins + 1, size=60) / bins
    probs, labels = two_classes(confidence, rng.random(60) < confidence)
    assert classification.ece(probs, labels, bins) == pytest.approx(
        slow_ece(probs, labels, bins), abs=1e-12
    )


def test_reliability_adds_up_to_ece(answers):
    probs, labels = answers
    found = classification.reliability(probs, labels)
    full = found.count > 0
    assert found.count.sum() == len(labels)
    assert np.isnan(found.accuracy[~full]).all()
    gaps = np.abs(found.accuracy - found.confidence)[full]
    assert (gaps * found.count[full]).sum() / len(labels) == pytest.approx(
        classification.ece(probs, labels)
    )


def test_interval_of_ece_equals_a_slow_bootstrap(answers):
    probs, labels = (each[:40] for each in answers)
    value, low, high = classification.ece_interval(probs, labels, seed=3)
    draws = [np.repeat(np.arange(40), each) for each in bootstrap_counts(40, 3)]
    samples = np.array([slow_ece(probs[each], labels[each], 15) for each in draws])
    expected = interval(samples - samples.mean() + value)
    assert (low, high) == pytest.approx(expected)
    assert low < value < high
    assert samples.mean() > value  # the bias that the interval is rid of


def test_figures_have_value_and_interval_of_each_metric(answers):
    probs, labels = answers
    found = classification.estimates(probs, labels, seed=0)
    hits = round(classification.accuracy(probs, labels) * 300)
    assert found["accuracy"] == (hits / 300, *wilson(hits, 300))
    for name in ("nll", "brier", "ece"):
        value, low, high = found[name]
        assert value == pytest.approx(getattr(classification, name)(probs, labels))
        assert low < value < high
    assert found == classification.estimates(probs, labels, seed=0)


def test_differences_equal_a_slow_paired_bootstrap(answers):
    probs, labels = (each[:40] for each in answers)
    control = np.random.default_rng(5).dirichlet(np.ones(5), 40)
    found = classification.differences(probs, control, labels, seed=3)
    draws = [np.repeat(np.arange(40), each) for each in bootstrap_counts(40, 3)]
    for name in ("accuracy", "nll", "brier", "ece"):
        metric = getattr(classification, name)
        value, *ends = found[f"{name}_difference"]
        assert value == pytest.approx(metric(probs, labels) - metric(control, labels))
        samples = np.array(
            [metric(probs[i], labels[i]) - metric(control[i], labels[i]) for i in draws]
        )
        if name == "ece":
            samples += value - samples.mean()
        assert ends == pytest.approx(interval(samples))
        turned = classification.differences(control, probs, labels, seed=3)[f"{name}_difference"]
        assert turned == pytest.approx((-value, -ends[1], -ends[0]))


def test_an_estimator_does_not_differ_from_itself(answers):
    probs, labels = answers
    found = classification.differences(probs, probs, labels, seed=0)
    assert found.pop("accuracy_difference") == (0, -wilson(0, 300)[1], wilson(0, 300)[1])
    assert all(figure == (0, 0, 0) for figure in found.values())
