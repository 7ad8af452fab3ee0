"""Measures of uncertainty: identities, bounds and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy

from plumbline.data.image_sets import COLUMNS, TEST, parse_all
from plumbline.storage.artefacts import Prediction
from plumbline.uncertainty.measures import mean_probs, measures, rankings, scores


@st.composite
def simplex_points(draw):
    """Probabilities [S, N, K] in float32, many of them 0."""
    samples, images, classes = (draw(st.integers(1, 6)) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    concentration = draw(st.sampled_from([0.01, 0.3, 1.0, 50.0]))
    probs = rng.dirichlet(np.full(classes, concentration), size=(samples, images))
    probs[probs < draw(st.sampled_from([0.0, 1e-3]))] = 0
    return (probs / probs.sum(-1, keepdims=True)).astype(np.float32)


@given(simplex_points())
@settings(deadline=None, max_examples=200)
def test_every_measure_keeps_its_bounds_and_mutual_information_is_the_difference(probs):
    found = measures(probs)
    classes = probs.shape[2]
    for name in ("entropy", "expected_entropy", "mutual_information"):
        assert (found[name] >= 0).all()
        assert (found[name] <= np.log(classes) + 1e-12).all()
    assert (found["max_probability"] >= 1 / classes - 1e-12).all()
    assert (found["max_probability"] <= 1).all()
    assert (found["variance"] <= 0.25).all()
    difference = found["entropy"] - found["expected_entropy"]
    # Not clipped by more than float64 rounds: the identity holds, not just the bound.
    np.testing.assert_allclose(found["mutual_information"], difference, rtol=0, atol=1e-12)


@given(simplex_points())
@settings(deadline=None, max_examples=100)
def test_entropies_equal_those_of_scipy_and_mutual_information_the_mean_divergence(probs):
    found = measures(probs)
    each = probs.astype(np.float64)
    each /= each.sum(-1, keepdims=True)
    mean = each.mean(0)
    np.testing.assert_allclose(found["entropy"], scipy_entropy(mean, axis=-1), atol=1e-12)
    np.testing.assert_allclose(
        found["expected_entropy"], scipy_entropy(each, axis=-1).mean(0), atol=1e-12
    )
    divergence = scipy_entropy(each, np.broadcast_to(mean, each.shape), axis=-1).mean(0)
    np.testing.assert_allclose(found["mutual_information"], divergence, atol=1e-12)


def test_two_certain_samples_that_disagree_have_one_bit():
    found = measures(np.array([[[1, 0, 0]], [[0, 1, 0]]], np.float32))
    assert found["entropy"] == pytest.approx(np.log(2), abs=1e-15)
    assert found["mutual_information"] == pytest.approx(np.log(2), abs=1e-15)
    assert found["expected_entropy"] == 0
    assert found["max_probability"] == 0.5
    assert found["variance"] == pytest.approx((0.25 + 0.25 + 0) / 3)


def test_a_single_sample_has_no_mutual_information_and_no_variance():
    probs = np.random.default_rng(0).dirichlet(np.ones(10), size=(1, 50)).astype(np.float32)
    found = measures(probs)
    assert (found["mutual_information"] == 0).all()
    assert (found["variance"] == 0).all()
    assert (found["entropy"] == found["expected_entropy"]).all()


def test_uniform_probabilities_reach_the_upper_bound_of_entropy():
    found = measures(np.full((3, 1, 4), 0.25, np.float32))
    assert found["entropy"] == pytest.approx(np.log(4), abs=1e-15)
    assert found["mutual_information"] == 0


def test_confident_images_whose_float32_maximum_is_one_do_not_tie():
    probs = np.array([[[1, 1e-9], [1, 1e-12], [1, 0]]], np.float32)
    assert (probs[0, :, 0] == 1).all()
    found = measures(probs)["max_probability"]
    np.testing.assert_allclose(1 - found, [1e-9, 1e-12, 0], rtol=1e-3, atol=1e-15)


def test_vacuity_is_the_share_of_belief_without_evidence():
    alpha = np.array([[1, 1, 1, 1], [5, 1, 1, 1], [1, 37, 1, 1]], np.float32)
    probs = (alpha / alpha.sum(1, keepdims=True))[None]
    found = measures(probs, alpha)["vacuity"]
    # Subjective logic: the beliefs (alpha - 1) / sum(alpha) and the vacuity make one.
    belief = (alpha - 1) / alpha.sum(1, keepdims=True)
    np.testing.assert_allclose(found + belief.sum(1), 1, atol=1e-7)
    assert found.tolist() == [1, 0.5, 0.1]
    assert "vacuity" not in measures(probs)


def test_rankings_are_what_an_estimator_has_and_rise_with_uncertainty():
    rng = np.random.default_rng(1)
    probs = rng.dirichlet(np.ones(3), size=(2, 40)).astype(np.float32)
    labels = np.arange(40) % 3
    several = rankings(Prediction("mc_dropout", "test", probs, labels, np.arange(40)))
    expected = measures(probs)
    assert list(several) == list(expected)
    assert (several["max_probability"] == -expected["max_probability"]).all()
    assert (several["variance"] == expected["variance"]).all()
    alpha = np.full((40, 3), 2, np.float32)
    one = rankings(Prediction("evidential", "test", probs[:1], labels, np.arange(40), alpha))
    assert list(one) == ["entropy", "max_probability", "vacuity"]


def test_scores_have_a_row_for_each_image_of_each_set():
    rng = np.random.default_rng(2)
    sets = {"test": np.array([0, 1, 1]), "ood_other": np.array([-1, -1])}
    predictions = [
        Prediction("softmax", name, rng.dirichlet(np.ones(3), (1, len(y))), y, np.arange(len(y)))
        for name, y in sets.items()
    ]
    columns = scores(predictions, parse_all(sets))
    measured = ["entropy", "mutual_information", "expected_entropy", "max_probability", "variance"]
    keys = ["set", *COLUMNS, "index", "label", "estimator", "prediction", "correct"]
    assert list(columns) == keys + measured
    assert columns["set"].tolist() == ["test"] * 3 + ["ood_other"] * 2
    answers = mean_probs(predictions[0].probs).argmax(1)
    assert columns["correct"].tolist() == [*(answers == sets["test"]), False, False]


def test_scores_have_a_vacuity_only_where_there_is_evidence():
    probs = np.full((1, 2, 4), 0.25, np.float32)
    some = Prediction("softmax", "test", probs, np.zeros(2, int), np.arange(2))
    evidential = Prediction(
        "evidential", "test", probs, np.zeros(2, int), np.arange(2), np.ones((2, 4), np.float32)
    )
    assert "vacuity" not in scores([some], {"test": TEST})
    np.testing.assert_array_equal(
        scores([some, evidential], {"test": TEST})["vacuity"], [np.nan, np.nan, 1, 1]
    )
