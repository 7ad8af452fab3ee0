"""Label change rates equal those of mutants made and asked one by one."""

import copy
from functools import partial

import numpy as np
import pytest
import torch

from plumbline.data.image_sets import ImageSetKey
from plumbline.models.classifier import logits
from plumbline.registry import OPERATORS
from plumbline.runtime.seeding import derive
from plumbline.stability.estimates import summary
from plumbline.stability.mutants import TooFew, label_changes
from plumbline.stability.sequential import around, run

INVERT = OPERATORS.load("neuron_activation_inversion")
FUZZ = OPERATORS.load("gaussian_fuzzing")


def one_by_one(classifier, changes, pixels):
    """Labels of a mutant that is a copy of its own."""
    mutant = copy.deepcopy(classifier)
    mutant.network.load_state_dict(mutant.network.state_dict() | changes)
    return logits(mutant, pixels).argmax(1)


@pytest.fixture(scope="module")
def sets(digits):
    noise = np.random.default_rng(0).integers(0, 256, (20, 1, 28, 28), dtype=np.uint8)
    test = digits["test"].select(slice(30))
    ood = digits["val"].select(slice(20))
    return {"test": test, "ood_noise": type(ood)("noise", noise, ood.labels * 0 - 1, ood.index)}


@pytest.mark.parametrize("operator", [partial(INVERT, rate=0.05), partial(FUZZ, rate=0.1)])
def test_rates_and_acceptance_equal_a_plain_loop(lenet, digits, sets, operator):
    calibration = digits["calibration"].select(slice(100))
    outcome = label_changes(lenet, operator, calibration, sets, mutants=8, accept=0.9, seed=11)
    truth = torch.from_numpy(calibration.labels)
    own = (logits(lenet, calibration.images).argmax(1) == truth).double().mean()
    accuracy, changed, tries = [], {name: 0 for name in sets}, 0
    while len(accuracy) < 8:
        changes = operator(lenet.network, seed=derive(11, "mutant", tries))
        tries += 1
        right = one_by_one(lenet, changes, calibration.images) == truth
        if right.double().mean() >= 0.9 * own:
            accuracy.append(right.double().mean().item())
            for name, images in sets.items():
                label = logits(lenet, images.images).argmax(1)
                changed[name] += (one_by_one(lenet, changes, images.images) != label).numpy()
    assert outcome.tries == tries > 8  # some were rejected, or this proves little
    np.testing.assert_allclose(outcome.accuracy, accuracy)
    for name in sets:
        np.testing.assert_array_equal(outcome.rate(name), changed[name] / 8)
    assert max(outcome.rate(name).max() for name in sets) > 0


def test_the_same_seed_gives_the_same_rates_whatever_the_company(lenet, digits, sets):
    how = dict(mutants=5, accept=0.5, seed=2)
    calibration = digits["calibration"].select(slice(60))
    together = label_changes(lenet, INVERT, calibration, sets, **how)
    alone = label_changes(lenet, INVERT, calibration, {"test": sets["test"]}, **how)
    np.testing.assert_array_equal(together.changed["test"], alone.changed["test"])


def test_too_few_accepted_mutants_say_what_to_do(lenet, digits, sets, monkeypatch):
    def ruin(network, *, seed, good=()):
        good = seed in good
        return (
            {}
            if good
            else {"output.bias": torch.full((10,), 0.0).index_fill_(0, torch.tensor([0]), 1e9)}
        )

    calibration = digits["calibration"].select(slice(60))
    how = dict(mutants=6, accept=0.9, seed=0)
    with pytest.raises(TooFew, match=r"0 of 30 mutants keep 0\.9 .* rate"):
        label_changes(lenet, ruin, calibration, sets, **how)
    two = partial(ruin, good=[derive(0, "mutant", k) for k in (4, 17)])
    outcome = label_changes(lenet, two, calibration, sets, **how)
    assert (outcome.mutants, outcome.tries) == (2, 30)
    assert [len(each) for each in outcome.changed.values()] == [2, 2, 2]
    sets = {"calibration": calibration, **sets}
    typed = {ImageSetKey.parse(name): images for name, images in sets.items()}
    rows = summary(outcome, typed, 0, model="x")
    rows = {(each["metric"], each["set"]): each for each in rows}
    assert rows["rejection_rate", "calibration"]["value"] == 28 / 30
    assert rows["rejection_rate", "calibration"]["n"] == 30
    assert rows["mutant_accuracy", "calibration"]["n"] == 2


def test_calibration_is_asked_with_the_acceptance(lenet, digits, sets):
    calibration = digits["calibration"].select(slice(60))
    outcome = label_changes(lenet, INVERT, calibration, sets, mutants=5, accept=0.5, seed=2)
    again = label_changes(
        lenet, INVERT, calibration, {"again": calibration}, mutants=5, accept=0.5, seed=2
    )
    np.testing.assert_array_equal(again.changed["again"], again.changed["calibration"])
    np.testing.assert_array_equal(again.changed["again"], outcome.changed["calibration"])
    assert list(outcome.changed) == ["calibration", *sets]
    shares = (outcome.changed["calibration"] == 0).mean(1)  # at most so wrong as unchanged
    assert (outcome.accuracy <= 1).all()
    assert shares.min() < 1


@pytest.mark.parametrize("threshold", [0.02, 0.3])
def test_stopping_early_gives_the_verdicts_of_the_whole_matrix(lenet, digits, sets, threshold):
    calibration = digits["calibration"].select(slice(60))
    how = dict(mutants=40, accept=0.5, seed=2)
    test = around(threshold, sigma=0.5, alpha=0.1, beta=0.1, mutants=40)
    whole = label_changes(lenet, INVERT, calibration, sets, **how)
    early = label_changes(lenet, INVERT, calibration, sets, **how, stop=lambda rates: test)
    asked = 0
    for name in sets:
        done = run(whole.changed[name], test)
        np.testing.assert_array_equal(early.asked[name], done.asked)
        for image, count in enumerate(done.asked):
            seen = early.changed[name][:, image]
            np.testing.assert_array_equal(seen[:count], whole.changed[name][:count, image])
            assert not seen[count:].any()
        np.testing.assert_array_equal(run(early.changed[name], test).verdict, done.verdict)
        asked += int(done.asked.sum())
    assert 0 < asked < 40 * 50  # some stopped, or this proves little
