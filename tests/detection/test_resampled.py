"""Quick figures of resamples equal those of metrics.ranking, which scikit-learn proves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from plumbline.detection import resampled
from plumbline.detection.resampled import Resampled
from plumbline.metrics.ranking import measure, resample, selective


@st.composite
def cases(draw):
    """Scores with many ties or none, at least one image of each kind."""
    levels = draw(st.sampled_from([1, 2, 5, 40, 10**9]))
    n, seed = draw(st.integers(2, 120)), draw(st.integers(0, 10**6))
    random = np.random.default_rng(seed)
    positive = random.random(n) < draw(st.floats(0.02, 0.98))
    positive[:2] = [False, True]
    return random.integers(0, levels, n) / 7.0 - 3, positive, seed


@settings(deadline=None, max_examples=100)
@given(cases())
def test_equals_the_slower_way(case):
    scores, positive, seed = case
    counts = resample(positive, seed)[:25]
    ours = Resampled(positive, counts).measure(scores)
    theirs = measure(scores, positive, counts)
    theirs["aurc"] = selective(scores, positive, counts, ())["aurc"]
    assert list(ours) == ["auroc", "aupr", "fpr95", "aurc"]
    for name, values in theirs.items():
        assert ours[name] == pytest.approx(values, rel=0, abs=1e-12), name


def test_equals_scikit_learn_and_the_mean_of_the_risks():
    random = np.random.default_rng(3)
    scores, positive = random.normal(size=200), random.random(200) < 0.3
    found = Resampled(positive, np.ones((1, 200), int)).measure(scores)
    assert found["auroc"][0] == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    assert found["aupr"][0] == pytest.approx(average_precision_score(positive, scores), abs=1e-12)
    kept = positive[np.argsort(scores)]
    risks = np.cumsum(kept) / np.arange(1, 201)
    assert found["aurc"][0] == pytest.approx(risks.mean(), abs=1e-12)


def test_blocks_do_not_change_a_bit(monkeypatch):
    random = np.random.default_rng(1)
    scores, positive = random.integers(0, 9, 50).astype(float), random.random(50) < 0.4
    counts = resample(positive, 0)
    whole = Resampled(positive, counts).measure(scores)
    monkeypatch.setattr(resampled, "CHUNK", 333)
    parts = Resampled(positive, counts).measure(scores)
    assert all((whole[name] == parts[name]).all() for name in whole)


def test_what_cannot_be_ranked_is_refused():
    positive, ones = np.array([True, False, False]), np.ones((1, 3), int)
    with pytest.raises(ValueError, match="1 of 3 scores are NaN"):
        Resampled(positive, ones).measure(np.array([0.1, np.nan, 0.3]))
    with pytest.raises(ValueError, match="no positive or no negative"):
        Resampled(np.zeros(3, bool), ones)
    with pytest.raises(ValueError, match="other numbers of positives"):
        Resampled(positive, np.array([[2, 1, 0]]))
