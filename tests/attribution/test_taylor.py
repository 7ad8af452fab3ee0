"""Simple and deep Taylor decomposition."""

import copy

import pytest
import torch
from lrp_nets import without_biases
from torch import nn
from torch.nn import functional as F

from plumbline.attribution.methods import deep_taylor, gradient_x_input, simple_taylor
from plumbline.errors import InputError

MODELS = ["lenet5", "alexnet", "resnet34"]


@pytest.mark.parametrize("model", MODELS)
def test_simple_taylor_without_biases_is_gradient_x_input(model, exact, images):
    net = without_biases(exact[model])
    logits = net(images)
    target = logits.argmax(1)
    relevance, gap = simple_taylor.attribute(net, images, target, seed=0)
    expected, _ = gradient_x_input.attribute(net, images, target, seed=0)
    scale = logits.abs().max().item()
    torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-9 * scale)
    assert gap.abs().max() < 1e-9 * scale


def test_simple_taylor_is_exact_on_a_linear_net(linear, images, target):
    """f(x) = w x + b is zero at r = t x, and R_i = w_i (x_i - r_i) sums to f(x)."""
    net = copy.deepcopy(linear)
    net.network.output.bias += 0.2
    logit = net(images).gather(1, target[:, None])[:, 0]
    weights = net.network.output.weight[target].view_as(images)
    bias = net.network.output.bias[target]
    slope = (weights * images).sum((1, 2, 3))
    relevance, gap = simple_taylor.attribute(net, images, target, seed=0)
    root = -bias / slope
    inside = (root > 0) & (root < 1)
    assert inside.any()
    assert not inside.all()
    root = torch.where(inside, root, 0.0)[:, None, None, None]
    torch.testing.assert_close(relevance, weights * images * (1 - root), rtol=0, atol=1e-4)
    torch.testing.assert_close(gap, torch.where(inside, 0.0, -bias), rtol=0, atol=1e-3)
    torch.testing.assert_close(gap, relevance.sum((1, 2, 3)) - logit)


def test_simple_taylor_takes_the_root_nearest_to_the_image(exact, images):
    """The logit max(s - 6, 0) + max(4 - s, 0) - 1 / 2 of s = 8 t has roots at 3.5 and 6.5."""
    net, image = copy.deepcopy(exact["lenet5"]), torch.ones_like(images[:1]) * 8 / 784
    first, last = nn.Linear(784, 2).double(), nn.Linear(2, 10).double()
    layers = {"flatten": nn.Flatten(), "first": first, "relu": nn.ReLU(), "last": last}
    net.network = type(net.network)(layers, "flatten").requires_grad_(False)
    first.weight.copy_(torch.tensor([[1.0], [-1.0]]).expand(2, 784))
    first.bias.copy_(torch.tensor([-6.0, 4.0]))
    last.weight.fill_(1.0)
    last.bias.fill_(-0.5)
    relevance, gap = simple_taylor.attribute(net, image, torch.tensor([3]), seed=0)
    assert relevance.sum().item() == pytest.approx(1.5, abs=1e-3)
    assert gap.item() == pytest.approx(0.0, abs=1e-3)


def test_steps_below_one_are_refused(exact, images, target):
    with pytest.raises(InputError, match=r"simple_taylor\.steps must be at least 1"):
        simple_taylor.attribute(exact["lenet5"], images, target, seed=0, steps=0)


def z_plus(layer, inputs, relevance):
    """R_i = x_i sum_j w+_ij / (sum_k x_k w+_kj + b+_j) R_j for inputs that are not negative."""
    copied = copy.deepcopy(layer)
    copied.weight.clamp_(min=0)
    copied.bias.clamp_(min=0)
    z = copied(inputs)
    return inputs * adjoint(copied, (relevance / z).nan_to_num(0.0), inputs)


def adjoint(layer, outputs, inputs):
    return torch.autograd.functional.vjp(layer, inputs, outputs)[1]


def unpooled(inputs, relevance):
    """All of a maximum's relevance goes to where it was."""
    _, place = F.max_pool2d(inputs, 2, return_indices=True)
    return F.max_unpool2d(relevance, place, 2, output_size=inputs.shape[2:])


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.3, 0.5)])
def test_deep_taylor_of_lenet_written_out(mean, std, exact, images):
    """alpha 1 and beta 0 from the logit down, z^B with bounds 0 and 1 at the pixels."""
    net = copy.deepcopy(exact["lenet5"])
    net.mean += mean
    net.std *= std
    layer = dict(net.network.named_children())
    x0 = net.normalise(images)
    a1 = layer["conv1"](x0).relu()
    p1 = F.max_pool2d(a1, 2)
    a2 = layer["conv2"](p1).relu()
    p2 = F.max_pool2d(a2, 2)
    a3 = layer["dense1"](p2.flatten(1)).relu()
    logits = layer["output"](a3)
    target = logits.argmax(1)
    r = logits * F.one_hot(target, 10)
    r = z_plus(layer["dense1"], p2.flatten(1), z_plus(layer["output"], a3, r))
    r = unpooled(a2, r.view_as(p2))
    r = unpooled(a1, z_plus(layer["conv2"], p1, r))
    parts = [copy.deepcopy(layer["conv1"]) for _ in range(3)]
    for part in parts:
        part.bias.zero_()
    parts[1].weight.clamp_(min=0)
    parts[2].weight.clamp_(max=0)
    low, high = (net.normalise(torch.full_like(images, bound)) for bound in (0.0, 1.0))
    z = parts[0](x0) - parts[1](low) - parts[2](high)
    share = (r / z).nan_to_num(0.0)
    own, least, most = (
        each * adjoint(part, share, x0) for part, each in zip(parts, (x0, low, high), strict=True)
    )
    relevance, gap = deep_taylor.attribute(net, images, target, seed=0)
    torch.testing.assert_close(relevance, own - least - most, rtol=0, atol=1e-10)
    torch.testing.assert_close(gap, relevance.sum((1, 2, 3)) - logits.amax(1), rtol=0, atol=1e-10)


@pytest.mark.parametrize("model", MODELS)
def test_deep_taylor_of_a_positive_logit_is_nowhere_negative(model, exact, images):
    net = exact[model]
    logits = net(images)
    relevance, gap = deep_taylor.attribute(net, images, logits.argmax(1), seed=0)
    assert logits.amax(1).min() > 0
    if model != "resnet34":  # a residual sum may have summands of both signs
        assert relevance.min() >= 0
        assert gap.max() < 1e-9


@pytest.mark.parametrize("model", ["lenet5", "alexnet"])
def test_deep_taylor_with_biases_that_are_not_positive_loses_nothing(model, exact, images):
    """As the paper assumes; then no bias has a share."""
    net = copy.deepcopy(exact[model])
    for name, weights in net.network.named_parameters():
        if name.endswith("bias"):
            weights.clamp_(max=0)
    logits = net(images)
    relevance, gap = deep_taylor.attribute(net, images, logits.argmax(1), seed=0)
    assert gap.abs().max() < 1e-9
    torch.testing.assert_close(relevance.sum((1, 2, 3)), logits.amax(1))
