"""Label change rates equal those of mutants made and asked one by one."""

import copy
from functools import partial

import numpy as np
import pytest
import torch

from plumbline.errors import InputError
from plumbline.methods import OPERATORS
from plumbline.models.classifier import logits
from plumbline.seeding import derive
from plumbline.stability import mutants
from plumbline.stability.mutants import Replay, label_changes, per_image, summary

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


@pytest.mark.parametrize("model", ["lenet5", "alexnet", "resnet34"])
@pytest.mark.parametrize("operator", [INVERT, FUZZ])
@pytest.mark.parametrize("cache", [0, 300_000, mutants.CACHE])
def test_replay_gives_the_labels_of_a_copied_mutant(nets, digits, model, operator, cache):
    pixels = digits["test"].pixels[:24]
    replay = Replay(nets[model], pixels, batch=16, cache=cache)
    before = {key: value.clone() for key, value in nets[model].state_dict().items()}
    assert torch.equal(replay.labels, logits(nets[model], pixels, batch=16).argmax(1))
    for seed in range(4):
        changes = operator(nets[model].network, seed=seed, rate=0.02)
        labels = torch.cat(list(replay.answers(changes)))
        assert torch.equal(labels, one_by_one(nets[model], changes, pixels))
    # Afterwards the net is what it was, and the kept activations are still good.
    after = nets[model].state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert torch.equal(torch.cat(list(replay.answers({}))), replay.labels)


def test_mutants_of_late_layers_start_from_kept_activations(lenet, digits):
    replay = Replay(lenet, digits["test"].pixels[:8])
    changes = {"output.bias": torch.full((10,), -1e9).index_fill(0, torch.tensor([7]), 1e9)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lenet.network.conv1, "forward", None)  # must not be asked again
        assert torch.cat(list(replay.answers(changes))).tolist() == [7] * 8


def test_a_failing_layer_leaves_the_net_as_it_was(lenet, digits):
    replay = Replay(lenet, digits["test"].pixels[:8])
    weight = lenet.network.dense1.weight
    with pytest.raises(RuntimeError):
        list(replay.answers({"dense1.weight": torch.zeros(64, 3)}))
    assert lenet.network.dense1.weight is weight
    assert torch.equal(torch.cat(list(replay.answers({}))), replay.labels)


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
        np.testing.assert_array_equal(outcome.rate[name], changed[name] / 8)
    assert max(rate.max() for rate in outcome.rate.values()) > 0


def test_the_same_seed_gives_the_same_rates_whatever_the_company(lenet, digits, sets):
    how = dict(mutants=5, accept=0.5, seed=2)
    calibration = digits["calibration"].select(slice(60))
    together = label_changes(lenet, INVERT, calibration, sets, **how)
    alone = label_changes(lenet, INVERT, calibration, {"test": sets["test"]}, **how)
    np.testing.assert_array_equal(together.rate["test"], alone.rate["test"])


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
    with pytest.raises(InputError, match=r"0 of 30 mutants keep 0\.9 .* rate"):
        label_changes(lenet, ruin, calibration, sets, **how)
    two = partial(ruin, good=[derive(0, "mutant", k) for k in (4, 17)])
    outcome = label_changes(lenet, two, calibration, sets, **how)
    assert (outcome.mutants, outcome.tries) == (2, 30)
    rows = {(each["metric"], each["set"]): each for each in summary(outcome, 0, model="x")}
    assert rows["rejection_rate", "calibration"]["value"] == 28 / 30
    assert rows["rejection_rate", "calibration"]["n"] == 30
    assert rows["mutant_accuracy", "calibration"]["n"] == 2


def test_counting_stops_once_a_mutant_cannot_pass(lenet, digits):
    pixels, labels = digits["test"].pixels[:40], torch.from_numpy(digits["test"].labels[:40])
    replay, asked = Replay(lenet, pixels, batch=4), []
    wrong = (labels + 1) % 10

    def answers(changes):
        for each in wrong.split(4):
            asked.append(each)
            yield each

    replay.answers = answers
    assert mutants._right(replay, {}, labels, needed=35) < 35
    assert len(asked) == 2  # after 8 wrong ones, 32 of 40 cannot reach 35


def test_tables(lenet, digits, sets):
    calibration = digits["calibration"].select(slice(60))
    outcome = label_changes(lenet, INVERT, calibration, sets, mutants=10, accept=0.8, seed=1)
    columns = per_image(outcome, sets, "neuron_activation_inversion")
    assert list(columns) == [
        *("set", "index", "label", "operator", "prediction"),
        *("label_change_rate", "standard_error", "mutants"),
    ]
    assert {len(each) for each in columns.values()} == {50}
    p = columns["label_change_rate"]
    np.testing.assert_allclose(columns["standard_error"] ** 2 * 10, p * (1 - p), atol=1e-15)
    rows = summary(outcome, 1, dataset="digits", model="lenet5", operator="x")
    for each in rows:
        assert each["low"] <= each["value"] <= each["high"]
    rates = {each["set"]: each for each in rows if each["metric"] == "label_change_rate"}
    assert rates["test"]["value"] == pytest.approx(outcome.rate["test"].mean())
    assert rates["test"]["n"] == 30
