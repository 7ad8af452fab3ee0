"""Conductance against its closed form, completeness and captum."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from captum.attr import LayerConductance
from torch import nn

from plumbline.models.classifier import Architecture, Classifier, Network, logits
from plumbline.stability.conductance import closed_form, conductance, measure


@pytest.fixture(scope="module")
def doubles(nets):
    """The trained nets in float64, as copies."""
    copies = {}
    for name, net in nets.items():
        copy = Classifier(net.architecture, net.classes, net.mean.clone(), net.std.clone())
        copy.load_state_dict(net.state_dict())
        copies[name] = copy.double().eval().requires_grad_(False)
    return copies


@pytest.fixture(scope="module")
def pixels(digits):
    return torch.from_numpy(digits["test"].pixels[:12]).double()


class Pooled(Classifier):
    """A tiny net with global average pooling, wrapped without an architecture's module."""

    def __init__(self):
        nn.Module.__init__(self)
        torch.manual_seed(0)
        layers = {
            "conv": nn.Conv2d(1, 5, 3),
            "act": nn.Tanh(),
            "pool": nn.AdaptiveAvgPool2d((1, 1)),
            "flatten": nn.Flatten(),
            "drop": nn.Dropout(),
            "out": nn.Linear(5, 3),
        }
        self.architecture = Architecture("pooled", {"channels": 1, "size": 8})
        self.network = Network(layers, last_block="act")
        self.register_buffer("mean", torch.full((1, 1, 1, 1), 0.3))
        self.register_buffer("std", torch.full((1, 1, 1, 1), 0.5))
        self.eval().requires_grad_(False)


@pytest.mark.parametrize("steps", [1, 10])
def test_closed_form_of_a_tiny_pooled_net(steps):
    net, x = Pooled(), torch.rand(7, 1, 8, 8)
    result = conductance(net, x, steps=steps, batch=3)
    exact = closed_form(net, x, result.target, batch=4)
    torch.testing.assert_close(result.channels, exact, rtol=0, atol=1e-5 * float(exact.abs().max()))
    assert torch.equal(result.target, net(x).argmax(1))


def test_closed_form_of_resnet34_at_the_studys_steps(nets, digits):
    images = digits["test"].images[:12]
    result = conductance(nets["resnet34"], images, steps=10)
    exact = closed_form(nets["resnet34"], images, result.target)
    assert exact.abs().max() > 0.1
    torch.testing.assert_close(result.channels, exact, rtol=0, atol=1e-5 * float(exact.abs().max()))


def test_no_closed_form_with_hidden_dense_layers(lenet, digits):
    assert closed_form(lenet, digits["test"].images[:2], torch.zeros(2, dtype=torch.long)) is None


def test_the_sum_over_units_approaches_the_change_of_the_logit(doubles, pixels):
    net, gaps = doubles["lenet5"], []
    for steps in (4, 16, 64):
        result = conductance(net, pixels[:6], steps=steps)
        height, width = net.features(pixels[:1]).shape[2:]
        summed = result.channels.sum(1) * height * width
        torch.testing.assert_close(summed - result.change, result.gap)
        gaps.append(float(result.gap.abs().mean() / result.change.abs().mean()))
    assert all(later < earlier / 2 for earlier, later in pairwise(gaps)), gaps
    assert gaps[-1] < 1e-2
    change = logits(net, pixels[:6]) - logits(net, pixels[:6] * 0)
    torch.testing.assert_close(result.change, change.gather(1, result.target[:, None])[:, 0])


@pytest.mark.parametrize("model", ["lenet5", "alexnet", "resnet34"])
def test_equals_captum_on_the_same_path(doubles, pixels, model):
    """Captum weighs each difference of features by the gradient at the end nearer to its
    baseline; walked from the image to the baseline that is our right Riemann sum, negated."""
    net = doubles[model]
    ours = conductance(net, pixels[:4], steps=10)
    block = getattr(net.network, net.network.last_block)
    theirs = LayerConductance(net, block).attribute(
        torch.zeros_like(pixels[:4]),
        pixels[:4],
        target=ours.target,
        n_steps=10,
        method="riemann_trapezoid",
    )
    theirs = -theirs.mean((2, 3)).detach()
    scale = float(theirs.abs().max())
    assert scale > 0
    torch.testing.assert_close(ours.channels, theirs, rtol=1e-5, atol=1e-5 * scale)


def test_table_and_arrays_of_one_set(nets, digits):
    images = digits["test"].select(slice(20))
    arrays, rows = measure(nets["resnet34"], images, "test", 10, 0, dataset="digits")
    assert arrays["test"].shape == (20, 32)
    np.testing.assert_array_equal(arrays["test.index"], images.index)
    figures = {each["metric"]: each for each in rows}
    assert figures.keys() == {"completeness_gap", "closed_form_gap"}
    for each in figures.values():  # exact where the head is linear
        assert 0 <= each["low"] <= each["value"] <= each["high"] < 1e-5
        assert each["n"] == 20


def test_batches_do_not_matter(lenet, digits):
    images = digits["test"].images[:10]
    whole, parts = (conductance(lenet, images, steps=5, batch=b).channels for b in (10, 3))
    torch.testing.assert_close(whole, parts, rtol=1e-4, atol=1e-6)
    assert torch.equal(whole, conductance(lenet, images, steps=5, batch=10).channels)
