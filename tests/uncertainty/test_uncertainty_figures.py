"""Rows of the table of measures: what they hold, and what they equal."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from plumbline.data.image_sets import TEST, ImageSetKey
from plumbline.metrics.intervals import bootstrap_counts, interval, newcombe, wilson
from plumbline.storage.artefacts import Prediction
from plumbline.uncertainty.estimates import errors, rises, rows
from plumbline.uncertainty.measures import mean_probs, measures

N = 80


def prediction(estimator, samples=1, name="test", seed=0, alpha=False, labels=None):
    rng = np.random.default_rng(seed)
    concentration = rng.gamma(1.0, 2.0, (N, 4)) + 1
    probs = rng.dirichlet(np.ones(4), size=(samples, N))
    if labels is None:
        labels = np.where(rng.random(N) < 0.8, probs.mean(0).argmax(1), 0)
    return Prediction(
        estimator,
        name,
        probs.astype(np.float32),
        labels,
        np.arange(N) + 7,
        concentration.astype(np.float32) if alpha else None,
    )


def by_metric(found, measure="", control=""):
    return {
        row["metric"]: row
        for row in found
        if (row["measure"], row["control"]) == (measure, control)
    }


def test_an_estimator_has_scores_error_figures_of_each_measure_and_differences():
    control = prediction("softmax")
    found = rows(prediction("ensemble", 3, labels=control.labels), control, TEST, 0, model="lenet5")
    plain = by_metric(found)
    assert list(plain)[:5] == ["accuracy", "nll", "brier", "ece", "mean_entropy"]
    assert all(row["n"] == N and row["model"] == "lenet5" for row in found)
    for measure in ("entropy", "mutual_information", "max_probability", "variance"):
        expected = ["error_auroc", "aurc", "risk_at_80", "risk_at_90", "risk_at_95"]
        assert list(by_metric(found, measure)) == expected
    differences = by_metric(found, control="softmax")
    names = ("accuracy", "nll", "brier", "ece")
    assert list(differences) == [f"{name}_difference" for name in names]
    own = by_metric(rows(control, control, TEST, 0))
    for name in names:
        difference = plain[name]["value"] - own[name]["value"]
        assert differences[f"{name}_difference"]["value"] == pytest.approx(difference)


def test_the_control_is_not_compared_with_itself_and_no_class_means_no_score():
    control = prediction("softmax")
    assert not by_metric(rows(control, control, TEST, 0), control="softmax")
    unknown = prediction("softmax", labels=np.full(N, -1))
    assert all(row["metric"].startswith("mean_") for row in rows(unknown, unknown, TEST, 0))


def test_means_of_the_measures_have_their_bootstrap_interval():
    control = prediction("softmax")
    value, low, high = (
        by_metric(rows(control, control, TEST, 4))["mean_entropy"][end]
        for end in ("value", "low", "high")
    )
    entropy = measures(control.probs)["entropy"]
    assert value == pytest.approx(entropy.mean())
    assert (low, high) == pytest.approx(interval(bootstrap_counts(N, 4) @ entropy / N))


def test_the_share_without_evidence_is_counted():
    control, evidential = prediction("softmax"), prediction("evidential", alpha=True)
    evidential.alpha[:20] = 1
    evidential.alpha[20] = 1 + 2e-6  # a little is not none
    found = by_metric(rows(evidential, control, TEST, 0))
    assert found["no_evidence"]["value"] == 20 / N
    assert found["mean_vacuity"]["value"] == pytest.approx(
        (4 / evidential.alpha.sum(1)).mean(), rel=1e-5
    )
    assert "no_evidence" not in by_metric(rows(control, control, TEST, 0))


def test_figures_of_errors_and_their_intervals_equal_a_slow_bootstrap():
    rng = np.random.default_rng(3)
    uncertainty, wrong = rng.integers(0, 20, N) / 20, rng.random(N) < 0.3
    found = errors(uncertainty, wrong, seed=6)
    assert found["error_auroc"][0] == pytest.approx(roc_auc_score(wrong, uncertainty))
    draws = [np.repeat(np.arange(N), each) for each in bootstrap_counts(N, 6)]
    slow = np.array([roc_auc_score(wrong[i], uncertainty[i]) for i in draws])
    ends = interval(slow), newcombe(found["error_auroc"][0], wrong.sum(), (~wrong).sum())
    expected = min(low for low, _ in ends), max(high for _, high in ends)
    assert found["error_auroc"][1:] == pytest.approx(expected)
    exact = uncertainty + rng.random(N) / 1e6  # without ties
    risk = wrong[np.argsort(exact)[: int(np.ceil(0.9 * N))]].mean()
    assert errors(exact, wrong, seed=6)["risk_at_90"][0] == pytest.approx(risk)


def test_a_net_that_makes_no_errors_has_no_auroc_but_a_risk():
    found = errors(np.arange(N) / N, np.zeros(N, bool), seed=0)
    assert np.isnan(found["error_auroc"]).all()
    assert found["aurc"][0] == 0
    assert np.isnan(found["aurc"][1:]).all()
    assert found["risk_at_95"] == (0, 0, wilson(0, 76)[1])


def test_rises_are_of_the_same_images():
    source = prediction("mc_dropout", 3)
    part = slice(10, 40)
    turned = Prediction(
        "mc_dropout",
        "rotation_30",
        prediction("", 3, seed=9).probs[:, part],
        source.labels[part],
        source.index[part],
    )
    key = ImageSetKey("shifted", shift="rotation", level=30)
    found = {row["measure"]: row for row in rises(turned, source, key, 0, dataset="digits")}
    assert {row["control"] for row in found.values()} == {"test"}
    after, before = measures(turned.probs), measures(source.probs)
    for name in ("entropy", "mutual_information"):
        rise = (after[name] - before[name][part]).mean()
        assert found[name]["value"] == pytest.approx(rise)
    fall = (mean_probs(source.probs)[part].max(1) - mean_probs(turned.probs).max(1)).mean()
    assert found["max_probability"]["value"] == pytest.approx(fall)
    assert found["entropy"]["n"] == 30
