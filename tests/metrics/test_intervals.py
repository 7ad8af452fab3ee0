"""Intervals of what is compared, near its end, of few, and of what never differs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq
from scipy.stats import norm

from plumbline.metrics import intervals
from plumbline.metrics.intervals import (
    DIFFERENCE,
    FEWEST,
    auroc_estimate,
    bootstrap_counts,
    bootstrap_estimate,
    interval,
    mean_interval,
    newcombe,
    ranked,
    widened,
    wilson,
    with_whole,
)
from plumbline.metrics.ranking import measure, resample

SAMPLES = np.random.default_rng(0).normal(0.3, 0.05, 401)


def test_the_items_themselves_come_first():
    counts = np.array([[0, 2, 1], [3, 0, 0]], np.int32)
    assert with_whole(counts).tolist() == [[1, 1, 1], [0, 2, 1], [3, 0, 0]]
    assert with_whole(counts).dtype == counts.dtype
    assert with_whole(counts[:0]).tolist() == [[1, 1, 1]]


def test_an_estimate_holds_its_value():
    assert bootstrap_estimate(SAMPLES)[1:] == interval(SAMPLES[1:])
    for value in (0.0, 0.9):
        found = bootstrap_estimate(np.append(value, SAMPLES[1:]))
        low, high = interval(SAMPLES[1:])
        assert found == (value, min(value, low), max(value, high))
    assert np.isnan(bootstrap_estimate(np.full(5, np.nan))).all()


def test_what_is_the_same_in_every_resample_is_not_certain():
    reach = wilson(0, 20)[1]
    assert bootstrap_estimate(np.zeros(9), 20) == (0, 0, reach)
    assert bootstrap_estimate(np.ones(9), 20) == (1, 1 - reach, 1)
    assert bootstrap_estimate(np.zeros(9), 20, DIFFERENCE) == (0, -reach, reach)
    assert bootstrap_estimate(np.full(9, 0.5), 20) == pytest.approx((0.5, 0.5 - reach, 0.5 + reach))
    assert 1 - reach == pytest.approx(wilson(20, 20)[0])
    some = np.append(np.zeros(20), [0.01, 0.3])  # a share of 0 that resamples barely move
    assert bootstrap_estimate(some, 20)[2] >= reach
    assert bootstrap_estimate(SAMPLES, 20) == bootstrap_estimate(SAMPLES)


@given(st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.5), st.integers(1, 500))
def test_widening_never_narrows_and_stays_within_bounds(value, below, above, n):
    given_ends = max(value - below, -1), min(value + above, 1)
    found = widened((value, *given_ends), n, DIFFERENCE)
    assert -1 <= found[1] <= given_ends[0] <= value <= given_ends[1] <= found[2] <= 1
    assert found[2] > found[1]


def test_of_too_few_there_is_a_value_but_no_interval():
    for positives, negatives in ((FEWEST - 1, 500), (500, FEWEST - 1), (1, 1)):
        for figure in (ranked, auroc_estimate):
            value, *ends = figure(SAMPLES, positives, negatives)
            assert value == SAMPLES[0]
            assert np.isnan(ends).all()
    assert ranked(SAMPLES, FEWEST, FEWEST) == bootstrap_estimate(SAMPLES)


@pytest.mark.parametrize("auroc", [0.0, 0.02, 0.5, 0.8, 0.97, 1.0])
@pytest.mark.parametrize(("m", "n"), [(10, 10), (12, 300), (400, 30)])
def test_newcombe_solves_his_equation(auroc, m, n):
    star = (m + n) / 2 - 1

    def variance(a):  # Hanley and McNeil's, both numbers replaced by their mean
        q1, q2 = a / (2 - a), 2 * a**2 / (1 + a)
        return (a * (1 - a) + star * (q1 - a**2) + star * (q2 - a**2)) / (m * n)

    low, high = newcombe(auroc, m, n)
    tiny = 1e-9
    if auroc > 0:
        expected = brentq(lambda a: auroc - a - intervals.Z * np.sqrt(variance(a)), 0, auroc - tiny)
        assert low == pytest.approx(expected, abs=1e-8)
    if auroc < 1:
        expected = brentq(lambda a: a - auroc - intervals.Z * np.sqrt(variance(a)), auroc + tiny, 1)
        assert high == pytest.approx(expected, abs=1e-8)
    assert newcombe(1 - auroc, m, n) == pytest.approx((1 - high, 1 - low))
    assert (low == 0) == (auroc == 0)
    assert (high == 1) == (auroc == 1)


def coverage(draw, truth, positives, trials=120, negatives=100):
    """How often the resamples' interval, and ours, hold the true AUROC."""
    random = np.random.default_rng(positives)
    positive = np.arange(negatives + positives) >= negatives
    counts = with_whole(resample(positive, 0))
    hits = np.zeros(2)
    for _ in range(trials):
        scores = np.append(random.normal(size=negatives), draw(random, positives))
        samples = measure(scores, positive, counts)["auroc"]
        ends = interval(samples[1:]), auroc_estimate(samples, positives, negatives)[1:]
        hits += [low <= truth <= high for low, high in ends]
    return hits / trials


@pytest.mark.parametrize("positives", [10, 20])
@pytest.mark.parametrize("shape", ["shifted", "wide", "unseen"])
def test_an_auroc_near_1_is_covered(shape, positives):
    """95 % is meant, and of 400 draws 99.5 to 100 % are covered; by resamples alone 45 to 87 %.

    Of positives that are as spread as negatives, thrice as spread, and of which six in a
    hundred cannot be told from negatives at all.
    """
    truth = 0.97
    draws = {
        "shifted": lambda random, n: random.normal(norm.ppf(truth) * np.sqrt(2), 1, n),
        "wide": lambda random, n: random.normal(norm.ppf(truth) * np.sqrt(10), 3, n),
        "unseen": lambda random, n: np.where(random.random(n) < 0.06, random.normal(size=n), 9.0),
    }
    alone, ours = coverage(draws[shape], truth, positives)
    assert ours >= 0.93
    assert alone < 0.92


def test_pairs_are_drawn_together_and_their_numbers_stay():
    positive = np.array([False] * 6 + [True] * 4)
    item = np.array([5, 2, 9, 4, 7, 1, 9, 1, 4, 30])  # the last is of nothing among the negatives
    counts = resample(positive, 3, item)
    assert (counts[:, positive].sum(1) == 4).all()
    assert (counts[:, ~positive].sum(1) == 6).all()
    for place in (6, 7, 8):
        source = np.flatnonzero(item[:6] == item[place])[0]
        assert (counts[:, place] == counts[:, source]).all()
    assert (counts[:, 9] == 1).all()
    assert counts[:, 6].std() > 0.5
    assert counts[:, 0].std() > 0.5


def test_without_pairs_the_draws_are_as_without_items():
    positive = np.arange(30) % 3 == 0
    assert np.array_equal(resample(positive, 3), resample(positive, 3, np.arange(30)))


@given(n=st.integers(1, 500), share=st.floats(0, 1))
def test_wilson_is_scipys(n, share):
    k = round(share * n)
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson(k, n), expected, atol=1e-9)


def test_wilson_of_nothing_is_everything():
    assert wilson(0, 0) == (0.0, 1.0)


def test_bootstrap_counts_draw_n_with_replacement():
    counts = bootstrap_counts(50, seed=1, resamples=20)
    assert counts.shape == (20, 50)
    assert (counts.sum(1) == 50).all()
    bootstrap_counts.cache_clear()
    assert (counts == bootstrap_counts(50, seed=1, resamples=20)).all()


def test_bootstrap_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        _, low, high = mean_interval(rng.exponential(size=80), seed=trial)
        hits += low <= 1 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_bootstrap_interval_is_scipys():
    values = np.random.default_rng(3).normal(size=60)
    _, low, high = mean_interval(values, seed=0)
    expected = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert low == pytest.approx(expected.low, abs=0.03)
    assert high == pytest.approx(expected.high, abs=0.03)
