"""Mutants that share work with the net, and with each other, answer as copies of their own do."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from plumbline.models.classifier import logits
from plumbline.registry import OPERATORS
from plumbline.stability import mutant_predictor as module
from plumbline.stability.folding import Folded
from plumbline.stability.mutant_predictor import MutantPredictor
from plumbline.stability.stages import stages

INVERT = OPERATORS.load("neuron_activation_inversion")


def one_by_one(classifier, changes, pixels):
    """Labels of a mutant that is a copy of its own."""
    mutant = copy.deepcopy(classifier)
    mutant.network.load_state_dict(mutant.network.state_dict() | changes)
    return logits(mutant, pixels).argmax(1)


@pytest.mark.parametrize("model", ["lenet5", "alexnet", "resnet34"])
@pytest.mark.parametrize(
    "operator",
    [
        *(partial(OPERATORS.load(name), rate=0.02) for name in OPERATORS.names()[:2]),
        partial(OPERATORS.load("weight_shuffling"), rate=0.02),
        partial(OPERATORS.load("neuron_switch"), rate=0.2),
        partial(INVERT, rate=0.02, after_normalisation=True),
        partial(INVERT, rate=0.1, layers="dense"),
        partial(OPERATORS.load("gaussian_fuzzing"), rate=0.1, layers="dense"),
        partial(OPERATORS.load("neuron_switch"), rate=0.3, layers="dense"),
    ],
)
def test_predictions_are_those_of_copied_mutants(nets, digits, model, operator):
    pixels, net = digits["test"].pixels[:24], nets[model]
    before = {key: value.clone() for key, value in net.state_dict().items()}
    before_network = {key: value.clone() for key, value in net.network.named_parameters()}
    mutants = [operator(net.network, seed=seed) for seed in range(4)]
    wanted = torch.stack([one_by_one(net, each, pixels) for each in mutants])
    for cache in (0, 300_000, module.CACHE_BYTES):
        predictor = MutantPredictor(net, pixels, batch=16, cache=cache)
        assert torch.equal(predictor.labels, logits(net, pixels, batch=16).argmax(1))
        assert torch.equal(predictor.predict(mutants), wanted)
        # Afterwards the kept activations are still good.
        assert torch.equal(predictor.predict([{}, before_network]), predictor.labels.expand(2, -1))
    after = net.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_mutants_of_all_kinds_may_come_together(lenet, digits):
    pixels = digits["test"].pixels[:24]
    mutants = [
        {},
        INVERT(lenet.network, seed=0, rate=0.1, layers="dense"),
        INVERT(lenet.network, seed=1, rate=0.1, layers="convolutional"),
        {"output.bias": torch.arange(10.0)},
        INVERT(lenet.network, seed=2, rate=0.1, layers="dense"),
        INVERT(lenet.network, seed=3, rate=0.9),
    ]
    wanted = torch.stack([one_by_one(lenet, each, pixels) for each in mutants])
    assert torch.equal(MutantPredictor(lenet, pixels, batch=10).predict(mutants), wanted)


def test_mutants_of_late_layers_start_from_kept_activations(lenet, digits):
    predictor = MutantPredictor(lenet, digits["test"].pixels[:8])
    changes = {"output.bias": torch.full((10,), -1e9).index_fill(0, torch.tensor([7]), 1e9)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predictor._copy.network.conv1, "forward", None)  # must not be asked again
        assert predictor.predict([changes, changes]).tolist() == [[7] * 8] * 2


def test_images_can_be_left_out(lenet, digits):
    pixels, which = digits["test"].pixels[:24], torch.tensor([0, 3, 4, 11, 12, 23])
    mutants = [INVERT(lenet.network, seed=seed, rate=0.1) for seed in range(3)]
    predictor = MutantPredictor(lenet, pixels, batch=8)
    whole = predictor.predict(mutants)
    predictor.restrict(which)
    assert torch.equal(predictor.predict(mutants), whole[:, which])
    predictor.restrict(torch.tensor([5]))
    assert torch.equal(predictor.predict(mutants), whole[:, [23]])
    assert torch.equal(predictor.labels, logits(lenet, pixels[[23]]).argmax(1))


def test_lost_mutants_are_not_asked_about_the_rest(lenet, digits):
    pixels = digits["test"].pixels[:24]
    mutants = [INVERT(lenet.network, seed=seed, rate=0.1) for seed in range(4)]
    whole, seen = MutantPredictor(lenet, pixels, batch=8).predict(mutants), []

    def lost(labels):
        seen.append(labels.shape[1])
        return torch.tensor([True, False, labels.shape[1] > 8, False])

    found = MutantPredictor(lenet, pixels, batch=8).predict(mutants, lost)
    for mutant, asked in enumerate((8, 24, 16, 24)):
        assert torch.equal(found[mutant, :asked], whole[mutant, :asked])
        assert (found[mutant, asked:] == -1).all()
    assert seen == [8, 16, 24]
    seen.clear()
    predictor = MutantPredictor(lenet, pixels, batch=8)
    predictor.predict(mutants, lambda labels: seen.append(0) or torch.ones(4, dtype=bool))
    assert len(seen) == 1  # with none left there is nothing more to do


def test_a_failing_layer_leaves_the_net_as_it_was(lenet, digits):
    predictor = MutantPredictor(lenet, digits["test"].pixels[:8])
    weight = lenet.network.conv1.weight
    with pytest.raises(RuntimeError):
        predictor.predict([{"conv1.bias": torch.ones(8), "conv2.weight": torch.zeros(64, 3)}])
    assert lenet.network.conv1.weight is weight
    own = dict(lenet.network.named_parameters())
    assert torch.equal(predictor.predict([own])[0], predictor.labels)


class Before(nn.Module):
    """A block with its normalisation before the convolution, which works in place."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, hidden):
        return hidden + self.conv(self.norm(hidden.mul_(0.5)).relu_())


def test_a_normalisation_that_gets_something_else_is_not_folded():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), Before(), nn.Flatten(), nn.Linear(16, 3))
    network.train()(torch.rand(32, 1, 4, 4) * 9)
    images = torch.rand(6, 1, 4, 4)
    folded = Folded(network.eval(), images)
    assert torch.equal(folded.network(images), network(images))
    kinds = [type(each) for each in folded.network.modules()]
    assert nn.BatchNorm2d in kinds
    _, block, *_ = stages(folded.network)
    hidden = torch.rand(2, 4, 2, 2)
    kept = hidden.clone()
    block.probe(hidden.clone())
    block(hidden)
    assert torch.equal(hidden, kept)


def test_folded_normalisations_follow_the_changes_of_both(nets):
    network = nets["resnet34"].network
    images = torch.rand(3, 1, 28, 28)
    folded = Folded(network, images)
    assert not any(isinstance(each, nn.BatchNorm2d) for each in folded.network.modules())
    changes = INVERT(network, seed=0, rate=0.3) | INVERT(
        network, seed=1, rate=0.3, after_normalisation=True
    )
    mutant = copy.deepcopy(network)
    mutant.load_state_dict(mutant.state_dict() | changes)
    copied = folded.network
    copied.load_state_dict(copied.state_dict() | folded.changes(changes))
    torch.testing.assert_close(copied(images), mutant(images), rtol=1e-4, atol=1e-4)
