"""Images decoded from holes: where codes are drawn, what is answered, and what is compared."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chisquare, t
from sklearn.metrics import roc_auc_score

from plumbline.latent.extension import draw, inside, without_extra
from plumbline.latent.maps import estimates
from plumbline.latent.trial import MAP, SHARES, TEST, by_estimator, extra_row, table, trial
from plumbline.metrics import classification
from plumbline.metrics.intervals import mean_interval
from plumbline.storage.artefacts import ImageSet
from plumbline.training.extra_images import with_targets
from plumbline.uncertainty.measures import mean_probs, measures

AXIS = np.linspace(-3, 3, 7)
ON_DATA = (AXIS**2 + AXIS[:, None] ** 2).ravel() < 3


def test_codes_are_uniform_over_the_marked_cells_and_only_there():
    """Also within a cell: each is cut in four, and all quarters are drawn equally often."""
    where = ~ON_DATA.reshape(7, 7)
    codes = draw(where, AXIS, 40_000, seed=0)
    fine = np.floor((codes + 3.5) * 2).astype(int)  # half cells, counted from the corner
    counts = np.zeros((14, 14), int)
    np.add.at(counts, (fine[:, 1], fine[:, 0]), 1)
    marked = where.repeat(2, 0).repeat(2, 1)
    assert counts[~marked].sum() == 0
    assert chisquare(counts[marked]).pvalue > 0.001
    assert inside(where, AXIS, codes).all()


def test_rows_are_the_second_dimension():
    where = np.zeros((7, 7), bool)
    where[6, 1] = True
    codes = draw(where, AXIS, 50, seed=1)
    assert np.abs(codes - [-2, 3]).max() <= 0.5
    assert not inside(where.T, AXIS, codes).any()
    assert (draw(where, AXIS, 50, seed=1) == codes).all()
    assert (draw(where, AXIS, 50, seed=2) != codes).any()


def test_a_map_without_holes_gives_no_codes():
    assert draw(np.zeros((7, 7), bool), AXIS, 50, seed=1).shape == (0, 2)


@pytest.fixture
def train():
    images = np.zeros((6, 1, 2, 2), np.uint8)
    return ImageSet("few", images, np.arange(6) % 3, np.arange(6), tuple("abc"))


def test_soft_labels_hold_every_class_alike_and_change_nothing_else(train):
    same, targets = with_targets(train, 4, "soft")
    assert same is train
    assert targets.shape == (4, 3)
    assert (targets == np.float32(1 / 3)).all()


def test_a_class_of_its_own_comes_last(train):
    more, targets = with_targets(train, 4, "class")
    assert more.classes == ("a", "b", "c", "uncertain")
    assert (more.labels == train.labels).all()
    assert (targets == [0, 0, 0, 1]).all()


@given(arrays(np.float64, (5, 4), elements=st.floats(0.01, 1)))
def test_the_class_uncertain_is_shared_out_evenly(raw):
    probs = raw / raw.sum(1, keepdims=True)
    read = without_extra(probs, 3)
    np.testing.assert_allclose(read.sum(1), 1)
    np.testing.assert_allclose(read - probs[:, :3], probs[:, 3:] / 3 * np.ones(3))
    top = np.take_along_axis(read, probs[:, :3].argmax(1)[:, None], 1)[:, 0]
    np.testing.assert_allclose(top, read.max(1))
    assert (without_extra(probs, 4) == probs).all()
    sure = without_extra(np.array([0.0, 0, 0, 1]), 3)
    assert measures(sure[None, None])["entropy"] == pytest.approx(np.log(3))


def answers(rng, sharp, seeds=(0, 1, 2)):
    """Made-up probabilities of each net: test 80, other images 30, a map of 49 cells."""
    said = {}
    for arm, strength in sharp.items():
        for seed in seeds:
            probs = {}
            for name, n in ((TEST, 80), ("ood_x", 30), (MAP, 49)):
                logits = rng.normal(size=(n, 3)) + strength * np.eye(3)[np.arange(n) % 3]
                probs[name] = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True))[None]
            said[arm, seed] = probs
    return said


@pytest.fixture(scope="module")
def judged():
    rng = np.random.default_rng(3)
    said = answers(rng, {"none": 1.0, "random": 2.0, "holes": 3.0})
    labels = np.arange(80) % 3
    trialled = trial(labels, {"ood_x": 30}, ON_DATA, seed=9)
    samples = {
        estimator: {
            who: trialled.samples(
                mean_probs(probs[TEST]), {name: measures(each) for name, each in probs.items()}
            )
            for who, probs in found.items()
        }
        for estimator, found in by_estimator(said).items()
    }
    return labels, said, list(table(trialled, samples, dataset="d", model="m"))


def pick(rows, **where):
    found = [r for r in rows if all(r[key] == value for key, value in where.items())]
    assert len(found) == 1, where
    return found[0]


def test_figures_of_a_net_are_those_that_other_code_gives(judged):
    labels, said, rows = judged
    probs = {name: each[0] for name, each in said["random", 1].items()}
    own = {"estimator": "softmax", "arm": "random", "control": "", "seed": 1}
    for metric in ("accuracy", "nll", "brier", "ece"):
        expected = getattr(classification, metric)(probs[TEST], labels)
        assert pick(rows, **own, metric=metric)["value"] == pytest.approx(expected)
    for measure, sign in (("entropy", 1), ("max_probability", -1)):
        scores = {name: measures(each[None])[measure] for name, each in probs.items()}
        both = sign * np.concatenate([scores[TEST], scores["ood_x"]])
        auroc = roc_auc_score(np.arange(110) >= 80, both)
        found = pick(rows, **own, measure=measure, metric="auroc")
        assert (found["value"], found["n"]) == (pytest.approx(auroc), 110)
        known = estimates(scores[MAP], scores[MAP], ON_DATA, 0, high_is_certain=sign < 0)
        found = pick(rows, **own, measure=measure, metric="hole_share")
        assert (found["value"], found["n"]) == (known["hole_share"][0], (~ON_DATA).sum())


def test_differences_are_paired_by_seed_and_by_image(judged):
    labels, said, rows = judged
    nll = {who: classification.nll_per_image(probs[TEST][0], labels) for who, probs in said.items()}
    gaps = np.stack([nll["holes", seed] - nll["none", seed] for seed in range(3)])
    where = {"estimator": "softmax", "arm": "holes", "control": "none"}
    over_seeds = pick(rows, **where, metric="nll_difference", over="seeds")
    means = gaps.mean(1)
    low, high = t.interval(0.95, 2, means.mean(), means.std(ddof=1) / np.sqrt(3))
    assert over_seeds["n"] == 3
    assert [over_seeds[key] for key in ("value", "low", "high")] == pytest.approx(
        [means.mean(), low, high]
    )
    over_images = pick(rows, **where, metric="nll_difference", over="images")
    assert over_images["n"] == 80
    close = mean_interval(gaps.mean(0), seed=1)  # other resamples: the ends agree roughly
    assert over_images["value"] == pytest.approx(close[0])
    width = close[2] - close[1]
    assert over_images["low"] == pytest.approx(close[1], abs=0.15 * width)
    assert over_images["high"] == pytest.approx(close[2], abs=0.15 * width)


def test_an_arm_against_its_equal_differs_by_nothing():
    said = answers(np.random.default_rng(0), {"none": 1.0}, seeds=(0, 1))
    said |= {(arm, seed): said["none", seed] for arm in ("random", "holes") for seed in (0, 1)}
    trialled = trial(np.arange(80) % 3, {"ood_x": 30}, ON_DATA, seed=9)
    samples = {
        who: trialled.samples(
            mean_probs(probs[TEST]), {name: measures(each) for name, each in probs.items()}
        )
        for who, probs in said.items()
    }
    rows = [r for r in table(trialled, {"softmax": samples}) if r["control"]]
    assert rows
    for each in rows:
        assert each["value"] == 0
        share = each["metric"].split("_diff")[0] in SHARES  # which nothing is certain of
        assert (each["low"] == -each["high"] < 0) if share else (each["low"] == each["high"] == 0)


def test_the_ensemble_of_an_arm_is_the_mean_of_its_nets(judged):
    labels, said, rows = judged
    mean = np.mean([said["holes", seed][TEST][0] for seed in range(3)], axis=0)
    found = pick(rows, estimator="ensemble", arm="holes", control="", metric="nll")
    assert found["value"] == pytest.approx(classification.nll(mean, labels))
    assert found["seed"] == ""
    assert {r["over"] for r in rows if r["estimator"] == "ensemble"} == {"images", "cells"}


def test_one_seed_has_no_ensemble_and_no_interval_over_seeds():
    said = answers(np.random.default_rng(0), {"none": 1.0, "random": 1.0, "holes": 1.0}, (0,))
    assert list(by_estimator(said)) == ["softmax"]


def test_the_share_of_images_from_holes_is_told():
    found = extra_row("random", np.array([True, True, False, True]), dataset="d")
    assert (found["value"], found["n"], found["arm"]) == (0.75, 4, "random")
    assert np.isnan(extra_row("random", np.zeros(0, bool))["value"])
