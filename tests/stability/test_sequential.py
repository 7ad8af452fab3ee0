"""The sequential test keeps Wald's error bounds and takes about as long as he says."""

import math

import numpy as np
import pytest

from plumbline.stability.sequential import (
    NORMAL,
    OPEN,
    SUSPICIOUS,
    Running,
    around,
    mean_threshold,
    quantile_threshold,
    run,
)

STREAMS, LONG = 2000, 1000
TESTS = [
    around(0.2, sigma=0.4, alpha=0.05, beta=0.05, mutants=500),
    around(0.1, sigma=0.5, alpha=0.1, beta=0.02, mutants=500),
    around(0.5, sigma=0.2, alpha=0.01, beta=0.1, mutants=500),
]


def streams(rate, seed=0):
    return np.random.default_rng(seed).random((LONG, STREAMS)) < rate


def upper(share):
    """What a share of all streams may be by chance, at 4 standard deviations."""
    return share + 4 * math.sqrt(share * (1 - share) / STREAMS)


@pytest.mark.parametrize("test", TESTS)
def test_errors_stay_within_the_bounds(test):
    high, low = run(streams(test.high), test), run(streams(test.low, 1), test)
    assert (high.verdict == OPEN).sum() == (low.verdict == OPEN).sum() == 0
    missed, alarms = (high.verdict == NORMAL).mean(), (low.verdict == SUSPICIOUS).mean()
    assert missed <= upper(test.alpha / (1 - test.beta))
    assert alarms <= upper(test.beta / (1 - test.alpha))
    assert missed + alarms <= upper(test.alpha + test.beta)
    # Rates further away are told more surely, and sooner.
    above = run(streams(min(1.3 * test.high, 0.95), 2), test)
    assert (above.verdict == NORMAL).mean() < missed + 0.01
    assert above.asked.mean() < high.asked.mean()


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("which", ["low", "high"])
def test_it_takes_about_as_many_mutants_as_wald_says(test, which):
    """Wald 1945: the mean evidence at the end over the mean evidence of one mutant."""
    rate = getattr(test, which)
    done = run(streams(rate, 3), test)
    normal, suspicious = test.bounds
    share = test.alpha if which == "high" else 1 - test.beta
    stay, change = test.steps
    expected = (share * normal + (1 - share) * suspicious) / (rate * change + (1 - rate) * stay)
    # Overshooting the bounds makes it longer, never shorter but by chance.
    assert 0.95 * expected < done.asked.mean() < 1.35 * expected


@pytest.mark.parametrize("test", TESTS)
def test_whole_runs_and_mutants_one_by_one_agree_with_the_ratio_of_wang(test):
    changed = streams(0.8 * test.high, 4)[:200, :300]
    whole, running = run(changed, test), Running(test, 300)
    for line in changed:
        running.see(line[running.open])
    np.testing.assert_array_equal(whole.verdict, running.verdict)
    np.testing.assert_array_equal(whole.asked, running.asked)
    assert set(whole.verdict) == {NORMAL, OPEN, SUSPICIOUS}
    for image in range(40):
        assert (whole.verdict[image], whole.asked[image]) == plain(changed[:, image], test)


def plain(changed, test):
    """The ratio after every mutant, as Wang et al. write it."""
    count = 0
    for asked, each in enumerate(changed, start=1):
        count += each
        likely_low = test.low**count * (1 - test.low) ** (asked - count)
        likely_high = test.high**count * (1 - test.high) ** (asked - count)
        ratio = likely_low / likely_high
        if ratio <= test.beta / (1 - test.alpha):
            return SUSPICIOUS, asked
        if ratio >= (1 - test.beta) / test.alpha:
            return NORMAL, asked
    return OPEN, len(changed)


def test_the_first_mutant_counts():
    test = around(0.3, sigma=0.9, alpha=0.4, beta=0.4, mutants=10)
    done = run(np.array([[True, False], [False, False]]), test)
    assert done.verdict[0] == SUSPICIOUS
    assert done.asked[0] == 1
    # The count and the number of mutants grow before the ratio is taken: one change in one.
    assert test.steps[1] >= test.bounds[1] > 0 > test.bounds[0]


def test_thresholds():
    rates = np.linspace(0, 0.2, 101)
    error = rates.std(ddof=1) / math.sqrt(101)
    assert mean_threshold(rates, 0.99) == pytest.approx(0.1 + 2.5758293 * error)
    limit = quantile_threshold(rates, 0.05)
    assert (rates > limit).mean() <= 0.05 < (rates >= limit).mean() + 0.01
    assert mean_threshold(np.array([0.3]), 0.99) == 0.3
    quiet = around(0.0, sigma=0.1, alpha=0.05, beta=0.05, mutants=100)
    assert (quiet.low, quiet.high) == pytest.approx((0.0045, 0.0055))
    loud = around(1.0, sigma=0.5, alpha=0.05, beta=0.05, mutants=100)
    assert 0 < loud.low < loud.high < 1
