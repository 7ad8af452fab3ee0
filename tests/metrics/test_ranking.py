"""Figures of a ranking equal scikit-learn's and slow loops, ties and resamples included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from plumbline.metrics import ranking
from plumbline.metrics.intervals import RESAMPLES, bootstrap_counts
from plumbline.metrics.ranking import measure, resample, selective

COVERAGES = (0.3, 0.8, 0.95, 1.0)


def by_scikit_learn(scores, positive):
    false, true, _ = roc_curve(positive, scores, drop_intermediate=False)
    return {
        "auroc": roc_auc_score(positive, scores),
        "aupr": average_precision_score(positive, scores),
        "fpr95": false[np.argmax(true >= 0.95)],
    }


def once(scores, positive):
    return measure(scores, positive, np.ones((1, len(scores)), dtype=np.int32))


@st.composite
def cases(draw):
    """Scores with many ties or none, at least one image of each kind."""
    levels = draw(st.sampled_from([2, 5, 40, 10**9]))
    n, seed = draw(st.integers(2, 150)), draw(st.integers(0, 10**6))
    random = np.random.default_rng(seed)
    positive = random.random(n) < draw(st.floats(0.05, 0.95))
    positive[:2] = [False, True]
    return random.integers(0, levels, n) / 7.0 - 3, positive


@settings(deadline=None, max_examples=150)
@given(cases())
def test_equals_scikit_learn(case):
    ours, theirs = once(*case), by_scikit_learn(*case)
    for name, value in theirs.items():
        assert ours[name][0] == pytest.approx(value, rel=0, abs=1e-12), name


@settings(deadline=None, max_examples=25)
@given(cases(), st.integers(0, 10**6))
def test_resamples_equal_a_slow_loop(case, seed):
    scores, positive = case
    counts = resample(positive, seed)[:20]
    ours = measure(scores, positive, counts)
    for i, count in enumerate(counts):
        theirs = by_scikit_learn(np.repeat(scores, count), np.repeat(positive, count))
        for name, value in theirs.items():
            assert ours[name][i] == pytest.approx(value, rel=0, abs=1e-12), name


@settings(deadline=None, max_examples=50)
@given(cases())
def test_auroc_is_the_chance_that_a_positive_scores_higher(case):
    scores, positive = case
    above = scores[positive][:, None] - scores[~positive][None, :]
    chance = (above > 0).mean() + (above == 0).mean() / 2
    assert once(scores, positive)["auroc"][0] == pytest.approx(chance, rel=0, abs=1e-12)
    turned = once(-scores, positive)["auroc"][0]
    assert turned == pytest.approx(1 - chance, rel=0, abs=1e-12)


def test_known_cases():
    perfect = once(np.array([3.0, 2, 1, 0]), np.array([True, True, False, False]))
    assert [perfect[name][0] for name in ("auroc", "aupr", "fpr95")] == [1, 1, 0]
    blind = once(np.zeros(8), np.arange(8) < 2)
    assert [blind[name][0] for name in ("auroc", "aupr", "fpr95")] == [0.5, 0.25, 1]
    backwards = once(np.array([0.0, 1, 2]), np.array([True, False, False]))
    assert [backwards[name][0] for name in ("auroc", "fpr95")] == [0, 1]


def test_fpr95_counts_the_threshold_that_reaches_95_percent_exactly():
    positive = np.arange(25) < 20
    scores = np.zeros(25)
    scores[:19] = 1  # 19 of 20 positives, exactly 95 %, stand above the last one
    scores[20] = 2  # with one of five negatives
    assert once(scores, positive)["fpr95"][0] == 1 / 5
    scores[18] = 0  # 18 of 20 do not suffice
    assert once(scores, positive)["fpr95"][0] == 1


def test_resamples_keep_the_number_of_each_kind():
    positive = np.random.default_rng(0).random(60) < 0.1
    counts = resample(positive, 5)
    assert counts.shape == (RESAMPLES, 60)
    assert (counts[:, positive].sum(1) == positive.sum()).all()
    assert (counts[:, ~positive].sum(1) == (~positive).sum()).all()
    assert (resample(positive, 5) == counts).all()
    assert (resample(positive, 6) != counts).any()


def test_blocks_do_not_change_a_bit(monkeypatch):
    random = np.random.default_rng(1)
    scores, positive = random.integers(0, 9, 50).astype(float), random.random(50) < 0.4
    counts = resample(positive, 0)
    whole = measure(scores, positive, counts)
    monkeypatch.setattr(ranking, "CHUNK", 333)
    parts = measure(scores, positive, counts)
    assert all((whole[name] == parts[name]).all() for name in whole)
    others = selective(scores, positive, counts, COVERAGES)
    monkeypatch.setattr(ranking, "CHUNK", 2**16)
    wholes = selective(scores, positive, counts, COVERAGES)
    assert all((wholes[name] == others[name]).all() for name in wholes)


def test_no_number_and_no_positive_are_refused():
    positive = np.array([True, False, False])
    with pytest.raises(ValueError, match="1 of 3 scores are NaN"):
        once(np.array([0.1, np.nan, 0.3]), positive)
    with pytest.raises(ValueError, match="no positive or no negative"):
        once(np.zeros(3), np.zeros(3, dtype=bool))


def slow_selective(uncertainty, wrong, coverages):
    """One image after the other; within a tie, each brings the tie's share of wrong answers."""
    expected = np.empty(len(wrong))
    for value in np.unique(uncertainty):
        same = uncertainty == value
        expected[same] = wrong[same].mean()
    answered = expected[np.argsort(uncertainty)]
    risks = [answered[:k].sum() / k for k in range(1, len(wrong) + 1)]
    at = [next(r for k, r in enumerate(risks, 1) if k >= c * len(wrong) - 1e-9) for c in coverages]
    return sum(risks) / len(risks), at


@settings(deadline=None, max_examples=60)
@given(cases(), st.integers(0, 10**6))
def test_selective_figures_equal_scikit_learn_and_a_slow_loop(case, seed):
    uncertainty, wrong = case
    counts = bootstrap_counts(len(wrong), seed)[:12]
    ours = selective(uncertainty, wrong, counts, COVERAGES)
    for i, count in enumerate(counts):
        drawn, mistakes = np.repeat(uncertainty, count), np.repeat(wrong, count)
        area, risks = slow_selective(drawn, mistakes, COVERAGES)
        assert ours["aurc"][i] == pytest.approx(area, rel=0, abs=1e-12)
        assert ours["risks"][i] == pytest.approx(risks, rel=0, abs=1e-12)
        if 0 < mistakes.sum() < len(mistakes):
            auroc = roc_auc_score(mistakes, drawn)
            assert ours["auroc"][i] == pytest.approx(auroc, rel=0, abs=1e-12)
        else:
            assert np.isnan(ours["auroc"][i])


def of_images(uncertainty, wrong, coverages=COVERAGES):
    found = selective(uncertainty, wrong, np.ones((1, len(wrong)), np.int32), coverages)
    return {name: each[0] for name, each in found.items()}


def test_aurc_is_the_mean_over_all_orders_of_ties():
    """A uniform choice among the orders, drawn often: the closed form is its expectation."""
    rng = np.random.default_rng(0)
    uncertainty, wrong = rng.integers(0, 3, 30) / 2.0, rng.random(30) < 0.3
    draws = [of_images(uncertainty + 1e-3 * rng.random(30), wrong) for _ in range(4000)]
    found = of_images(uncertainty, wrong)
    for name in ("aurc", "risks"):
        each = np.array([draw[name] for draw in draws])
        error = each.std(0) / np.sqrt(len(each)) + 1e-12
        assert (np.abs(each.mean(0) - found[name]) < 4.5 * error).all()


def test_known_cases_of_selective_answers():
    wrong = np.array([False, False, False, True])
    best = of_images(np.arange(4.0), wrong, (0.5, 0.75, 1.0))
    assert (best["auroc"], best["aurc"]) == pytest.approx((1, 0.25 / 4))
    assert best["risks"].tolist() == [0, 0, 0.25]
    blind = of_images(np.zeros(4), wrong, (0.1, 1.0))
    assert (blind["auroc"], blind["aurc"]) == pytest.approx((0.5, 0.25))
    assert blind["risks"].tolist() == [0.25, 0.25]
    worst = of_images(-np.arange(4.0), wrong, (0.25,))
    assert (worst["auroc"], worst["risks"][0]) == (0, 1)
    assert worst["aurc"] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_an_order_of_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="1 of 2 scores are NaN"):
        of_images(np.array([0.0, np.nan]), np.array([True, False]))
