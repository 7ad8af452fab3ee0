"""Estimators: each equals the naive computation, and each other where theory says so."""

import copy

import pytest
import torch
from torch import nn

from plumbline.errors import InputError
from plumbline.models.classifier import Architecture, Classifier
from plumbline.runtime.seeding import derive
from plumbline.uncertainty.estimators import ensemble, mc_dropout, softmax

MODELS = ("lenet5", "alexnet", "resnet34")


@pytest.fixture(scope="module")
def pixels(digits):
    return torch.from_numpy(digits["test"].images[:40])


def without_dropout(classifier):
    """The same net with dropout probability 0."""
    still = copy.deepcopy(classifier)
    for layer in still.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    return still


def untrained(seed):
    torch.manual_seed(seed)
    arguments = {"channels": 1, "size": 28, "classes": 10, "width": 4, "dense": 16}
    architecture = Architecture("lenet5", arguments)
    return Classifier(architecture, tuple("0123456789"), torch.zeros(1), torch.ones(1)).eval()


def test_softmax_is_that_of_the_logits(lenet, pixels):
    probs = softmax.predict([lenet], pixels, seed=0)
    assert probs.shape == (1, 40, 10)
    assert probs.dtype == torch.float32
    with torch.no_grad():
        assert torch.equal(probs[0], torch.softmax(lenet(pixels.float() / 255), 1))


def test_pixels_may_be_bytes_or_floats(lenet, pixels):
    as_floats = pixels.float() / 255
    for predict, how in ((softmax.predict, {}), (mc_dropout.predict, {"samples": 2})):
        found = (predict([lenet], each, seed=1, **how) for each in (pixels, as_floats))
        assert torch.equal(*found)


def test_ensemble_of_one_member_is_softmax(lenet, pixels):
    one = ensemble.predict([lenet], pixels, seed=0, members=1)
    assert torch.equal(one, softmax.predict([lenet], pixels, seed=0))


def test_ensemble_is_the_softmax_of_each_of_its_first_members(pixels):
    nets = [untrained(seed) for seed in range(3)]
    probs = ensemble.predict(nets, pixels, seed=0, members=2)
    each = [softmax.predict([net], pixels, seed=0) for net in nets]
    assert torch.equal(probs, torch.cat(each[:2]))
    assert not torch.equal(each[0], each[1])


def test_ensemble_wants_as_many_nets_as_members(lenet, pixels):
    with pytest.raises(InputError, match=r"ensemble\.members: 3, but there are 1 nets"):
        ensemble.predict([lenet], pixels, seed=0)


@pytest.mark.parametrize("model", MODELS)
def test_mc_dropout_equals_full_passes_bit_for_bit(nets, model, pixels):
    classifier = nets[model]
    probs = mc_dropout.predict([classifier], pixels, seed=5, samples=3)
    naive = copy.deepcopy(classifier)
    for layer in naive.modules():
        if isinstance(layer, nn.Dropout):
            layer.train()
    for number, found in enumerate(probs):
        torch.manual_seed(derive(5, number))
        with torch.no_grad():
            assert torch.equal(found, torch.softmax(naive(pixels.float() / 255), 1))


@pytest.mark.parametrize("model", MODELS)
def test_mc_dropout_without_dropout_probability_is_softmax(nets, model, pixels):
    still = without_dropout(nets[model])
    probs = mc_dropout.predict([still], pixels, seed=0, samples=3)
    expected = softmax.predict([still], pixels, seed=0)
    assert torch.equal(probs, expected.expand(3, -1, -1))


@pytest.mark.parametrize("model", MODELS)
def test_mc_dropout_leaves_the_net_as_it_was(nets, model, pixels):
    classifier = nets[model]
    before = copy.deepcopy(classifier.state_dict())
    modes = [each.training for each in classifier.modules()]
    mc_dropout.predict([classifier], pixels, seed=0, samples=2)
    assert [each.training for each in classifier.modules()] == modes
    after = classifier.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_mc_dropout_samples_differ_and_follow_from_the_seed(lenet, pixels):
    state = torch.get_rng_state()
    first = mc_dropout.predict([lenet], pixels, seed=1, samples=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first[0], first[1])
    assert torch.equal(first, mc_dropout.predict([lenet], pixels, seed=1, samples=4))
    assert torch.equal(first[:2], mc_dropout.predict([lenet], pixels, seed=1, samples=2))
    assert not torch.equal(first, mc_dropout.predict([lenet], pixels, seed=2, samples=4))


def test_another_batch_gives_other_masks_of_the_same_distribution(lenet, pixels):
    some = pixels[:8]
    whole = mc_dropout.predict([lenet], some, seed=1, samples=60)
    parts = mc_dropout.predict([lenet], some, seed=1, samples=60, batch=4)
    assert not torch.equal(whole, parts)
    error = ((whole.var(0) + parts.var(0)) / 60).sqrt()  # standard error of the difference
    assert ((whole.mean(0) - parts.mean(0)).abs() < 5 * error).all()


def test_mc_dropout_refuses_a_net_without_dropout_and_no_samples(lenet, pixels):
    still = copy.deepcopy(lenet)
    still.network.dropout1, still.network.dropout2 = nn.Identity(), nn.Identity()
    with pytest.raises(InputError, match="lenet5 has no dropout layer"):
        mc_dropout.predict([still], pixels, seed=0)
    with pytest.raises(InputError, match="at least 1, not 0"):
        mc_dropout.predict([lenet], pixels, seed=0, samples=0)
