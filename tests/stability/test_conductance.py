"""Conductance against its closed form, completeness and captum."""

import numpy as np
import pytest
import torch
from captum.attr import LayerConductance
from torch import nn

from plumbline.data.image_sets import TEST
from plumbline.models.classifier import Architecture, Classifier, Network, logits
from plumbline.stability.conductance import blocks, closed_form, conductance, measure


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


RESIDUAL = [f"layer{stage}_{i}" for stage, n in ((1, 3), (2, 4), (3, 6), (4, 3)) for i in range(n)]


def build(model, **how):
    """A Classifier of any architecture, untrained, in evaluation mode."""
    torch.manual_seed(1)
    architecture = Architecture(model, {"classes": 10, **how})
    net = Classifier(architecture, tuple("0123456789"), torch.full((3,), 0.4), torch.ones(3))
    return net.double().eval().requires_grad_(False)


@pytest.mark.parametrize("steps", [1, 10])
def test_closed_form_of_a_tiny_pooled_net(steps):
    net, x = Pooled(), torch.rand(7, 1, 8, 8)
    result = conductance(net, x, steps=steps, batch=3)
    exact, found = closed_form(net, x, result.target, batch=4), result.channels["conv"]
    torch.testing.assert_close(found, exact, rtol=0, atol=1e-5 * float(exact.abs().max()))
    assert torch.equal(result.target, net(x).argmax(1))


def test_closed_form_of_resnet34_at_the_studys_steps(nets, digits):
    images = digits["test"].images[:12]
    result = conductance(nets["resnet34"], images, steps=10)
    exact = closed_form(nets["resnet34"], images, result.target)
    assert exact.abs().max() > 0.1
    last = result.channels["layer4_2"]
    torch.testing.assert_close(last, exact, rtol=0, atol=1e-5 * float(exact.abs().max()))


def test_no_closed_form_with_hidden_dense_layers(lenet, digits):
    assert closed_form(lenet, digits["test"].images[:2], torch.zeros(2, dtype=torch.long)) is None


def test_blocks_of_every_architecture(nets):
    assert blocks(nets["lenet5"].network) == ["conv1", "conv2", "dense1"]
    convolutions = [f"conv{i}" for i in range(1, 6)]
    assert blocks(nets["alexnet"].network) == [*convolutions, "dense1", "dense2"]
    assert blocks(nets["resnet34"].network) == RESIDUAL
    small = {"channels": 3, "size": 32}
    stages = [f"layer{stage}_{i}" for stage in (1, 2, 3) for i in range(3)]
    assert blocks(build("resnet20", **small).network) == stages  # study 004's nine
    assert len(blocks(build("resnet56", **small).network)) == 27
    fires = [f"fire{i}" for i in range(2, 10)]
    assert blocks(build("squeezenet1_1", **small).network) == fires
    assert blocks(build("mlp", **small).network) == ["dense1"]


@pytest.mark.parametrize("model", ["lenet5", "alexnet"])
def test_the_sum_over_units_approaches_the_change_of_the_logit(doubles, pixels, model):
    """At every block, for all of the logit flows through each; from the last to the logits
    nothing but a dense layer is left, and any number of steps gives it exactly."""
    net, gaps = doubles[model], []
    for steps in (8, 32, 128):
        result = conductance(net, pixels[:6], steps=steps)
        scale = float(result.change.abs().mean())
        gaps.append({name: float(each.abs().mean()) / scale for name, each in result.gap.items()})
    *bent, straight = gaps[0]
    assert max(each[straight] for each in gaps) < 1e-12
    for name in bent:
        assert gaps[2][name] < gaps[1][name] < gaps[0][name] / 1.5, (name, gaps)
        assert gaps[2][name] < 0.02, (name, gaps)
    features = net.features(pixels[:1])
    block = {"lenet5": "conv2", "alexnet": "conv5"}[model]
    summed = result.channels[block].sum(1) * features[0, 0].numel()
    torch.testing.assert_close(summed - result.change, result.gap[block])
    change = logits(net, pixels[:6]) - logits(net, pixels[:6] * 0)
    torch.testing.assert_close(result.change, change.gather(1, result.target[:, None])[:, 0])


def captum(net, layer, images, target):
    """Captum's conductance by channel on the same path.

    It weighs each difference of outputs by the gradient at the end nearer to its baseline;
    walked from the image to the baseline that is our right Riemann sum, negated.
    """
    theirs = LayerConductance(net, layer).attribute(
        torch.zeros_like(images), images, target=target, n_steps=10, method="riemann_trapezoid"
    )
    theirs = theirs.mean((2, 3)) if theirs.ndim == 4 else theirs
    return -theirs.detach()


def same(ours, theirs):
    scale = float(theirs.abs().max())
    assert scale > 0
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5 * scale)


LAYERS = {
    "lenet5": {"conv1": "pool1", "conv2": "pool2", "dense1": "relu3"},
    "alexnet": {"conv1": "pool1", "conv3": "relu3", "conv5": "pool5", "dense2": "relu7"},
}


@pytest.mark.parametrize("model", LAYERS)
def test_equals_captum_at_the_blocks_of_a_chain(doubles, pixels, model):
    net = doubles[model]
    ours = conductance(net, pixels[:4], steps=10)
    for block, layer in LAYERS[model].items():
        theirs = captum(net, getattr(net.network, layer), pixels[:4], ours.target)
        same(ours.channels[block], theirs)


def test_equals_captum_at_every_residual_block(doubles, pixels):
    net = doubles["resnet34"]
    ours = conductance(net, pixels[:2], steps=10)
    assert list(ours.channels) == RESIDUAL
    for block in RESIDUAL[::3]:
        stage, _, place = block.partition("_")
        layer = getattr(net.network, stage)[int(place)]
        same(ours.channels[block], captum(net, layer, pixels[:2], ours.target))


def test_equals_captum_at_fire_modules():
    net, images = build("squeezenet1_1", channels=3, size=40), torch.rand(2, 3, 40, 40).double()
    ours = conductance(net, images, steps=10)
    for block in ("fire3", "fire9"):
        same(ours.channels[block], captum(net, getattr(net.network, block), images, ours.target))


def test_a_net_without_convolutions(pixels):
    """Nothing but a dense layer follows its only block, so the sum is exact."""
    net = build("mlp", channels=3, size=28, dense=30)
    result = conductance(net, pixels[:3].repeat(1, 3, 1, 1), steps=3)
    assert result.channels["dense1"].shape == (3, 30)
    assert float(result.gap["dense1"].abs().max() / result.change.abs().mean()) < 1e-12


def test_table_and_arrays_of_one_set(nets, digits):
    images = digits["test"].select(slice(20))
    arrays, rows = measure(nets["resnet34"], images, TEST, 10, 0, dataset="digits")
    assert arrays["test/layer4_2"].shape == (20, 32)
    assert arrays["test/layer1_0"].shape == (20, 4)
    assert arrays.keys() == {*(f"test/{name}" for name in RESIDUAL), "test.index"}
    np.testing.assert_array_equal(arrays["test.index"], images.index)
    gaps = {each["block"]: each for each in rows if each["metric"] == "completeness_gap"}
    assert list(gaps) == RESIDUAL
    for each in gaps.values():
        assert 0 <= each["low"] <= each["value"] <= each["high"]
        assert each["n"] == 20
    closed = rows[-1]
    assert (closed["metric"], closed["block"]) == ("closed_form_gap", "layer4_2")
    assert max(closed["high"], gaps["layer4_2"]["high"]) < 1e-5  # exact where the head is linear


def test_batches_do_not_matter(lenet, digits, monkeypatch):
    images = digits["test"].images[:10]
    whole = conductance(lenet, images, steps=5).channels
    again = conductance(lenet, images, steps=5).channels
    monkeypatch.setattr("plumbline.stability.conductance.MEMORY", 1)  # one image at a time
    single = conductance(lenet, images, steps=5).channels
    for block, each in whole.items():
        assert torch.equal(each, again[block])
        torch.testing.assert_close(each, single[block], rtol=1e-4, atol=1e-6)
