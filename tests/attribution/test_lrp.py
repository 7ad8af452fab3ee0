"""LRP-epsilon, batch norm folding, and the engine of modified backward passes."""

import copy

import pytest
import torch
from lrp_nets import without_biases
from torch import nn

from plumbline.attribution import lrp
from plumbline.attribution.methods import gradient_x_input, lrp_epsilon
from plumbline.attribution.modified_backward import fold_batchnorm, modified
from plumbline.models.classifier import Network

MODELS = ["lenet5", "alexnet", "resnet34"]


@pytest.mark.parametrize("model", MODELS)
def test_without_biases_lrp_zero_is_gradient_x_input_and_conserves(model, exact, images):
    net = without_biases(exact[model])
    logits = net(images)
    target = logits.argmax(1)
    relevance, gap = lrp_epsilon.attribute(net, images, target, seed=0, epsilon=1e-12)
    expected, _ = gradient_x_input.attribute(net, images, target, seed=0)
    scale = logits.abs().max().item()
    torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-6 * scale)
    assert gap.abs().max() < 1e-6 * scale
    torch.testing.assert_close(relevance.sum((1, 2, 3)), logits.amax(1), rtol=1e-6, atol=0)


@pytest.mark.parametrize("model", MODELS)
def test_lrp_zero_with_biases_is_gradient_x_input(model, exact, images):
    net = exact[model]
    target = net(images).argmax(1)
    relevance, gap = lrp_epsilon.attribute(net, images, target, seed=0, epsilon=0.0)
    expected, _ = gradient_x_input.attribute(net, images, target, seed=0)
    torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-9)
    logits = net(images).amax(1)
    torch.testing.assert_close(gap, expected.sum((1, 2, 3)) - logits, rtol=0, atol=1e-9)


def test_normalisation_counts_as_a_layer_with_bias(exact, images, target):
    net = copy.deepcopy(exact["lenet5"])
    net.mean += 0.3
    net.std *= 0.5
    for epsilon in (0.0, 0.1):
        relevance, _ = lrp_epsilon.attribute(net, images, target, seed=0, epsilon=epsilon)
        inside, _ = lrp_epsilon.attribute(
            exact["lenet5"], net.normalise(images), target, seed=0, epsilon=epsilon
        )
        share = images / net.std / net.normalise(images)  # of each normalised pixel
        torch.testing.assert_close(relevance, share * inside, rtol=0, atol=1e-9)


def test_epsilon_rule_by_hand():
    """Two inputs, two outputs: z = (3, -1), RMS sqrt(5), relevance of the first output 3."""
    layer = nn.Linear(2, 2).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 1.0], [1.0, -1.0]]))
        layer.bias.zero_()
    x = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    stabiliser = 0.1 * 5**0.5
    expected = torch.tensor([[1.0, 2.0]]).double() * 3 / (3 + stabiliser)
    z = layer(x)
    share = lrp.share_handed_on(z.detach(), 0.1)
    torch.testing.assert_close(x * (share[:, 0] * layer.weight[0]), expected)
    torch.testing.assert_close(share[0, 1], 1 / (1 + torch.tensor(stabiliser).double()))


def test_share_of_zero_outputs_is_finite():
    zeros = torch.zeros(2, 3)
    assert torch.equal(lrp.share_handed_on(zeros, 0.1), torch.ones(2, 3))
    mixed = torch.tensor([[0.0, 2.0]])
    assert lrp.share_handed_on(mixed, 0.1)[0, 0] == 0
    assert lrp.share_handed_on(mixed, 0.0)[0, 0] == 1


@pytest.mark.parametrize("model", MODELS)
def test_engine_changes_no_output_and_leaves_no_hook(model, exact, images):
    network = copy.deepcopy(exact[model].network)
    before = network(images)
    rules = dict.fromkeys((nn.Conv2d, nn.Linear), lambda layer, x, z: 2 * z)
    with modified(network, rules):
        assert torch.equal(network(images), before)
        assert sum(len(m._forward_hooks) for m in network.modules()) > 0
    assert sum(len(m._forward_hooks) for m in network.modules()) == 0


def test_engine_removes_hooks_after_an_exception(exact):
    network = copy.deepcopy(exact["lenet5"].network)
    with (
        pytest.raises(ZeroDivisionError),
        modified(network, {nn.Linear: lambda layer, x, z: z}),
    ):
        raise ZeroDivisionError
    assert sum(len(m._forward_hooks) for m in network.modules()) == 0


def test_engine_lets_gradients_follow_the_rule(images):
    """A rule that doubles in each of two layers multiplies the gradient by four."""
    torch.manual_seed(0)
    layers = {"flatten": nn.Flatten(), "one": nn.Linear(784, 5), "two": nn.Linear(5, 1)}
    network = Network(layers, last_block="flatten").double()
    leaf = images.clone().requires_grad_()
    (plain,) = torch.autograd.grad(network(leaf).sum(), leaf)
    with modified(network, {nn.Linear: lambda layer, x, z: 2 * z}):
        (doubled,) = torch.autograd.grad(network(leaf).sum(), leaf)
    torch.testing.assert_close(doubled, 4 * plain)


@pytest.mark.parametrize("model", MODELS)
def test_folding_changes_no_output(model, exact, images):
    network = exact[model].network
    folded = fold_batchnorm(network)
    torch.testing.assert_close(folded(images), network(images), rtol=0, atol=1e-10)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())
    assert any(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == (model == "resnet34")


def test_folding_leaves_a_batch_norm_that_follows_no_convolution(images):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.BatchNorm2d(3), nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2)
    ).double()
    network(images)  # statistics that are not the initial ones
    folded = fold_batchnorm(network)
    assert [type(m) for m in folded] == [nn.Conv2d, nn.ReLU, nn.BatchNorm2d, nn.Conv2d, nn.Identity]
    torch.testing.assert_close(folded(images), network.eval()(images), rtol=0, atol=1e-10)
