"""Guided backpropagation and DeConvNet against hand-made nets, captum and zennit; saliency."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from plumbline.attribution.activation_rules import RELU, deconvnet, guided
from plumbline.attribution.methods import deconvnet as deconvnet_method
from plumbline.attribution.methods import gradient, guided_backpropagation, saliency
from plumbline.runtime.torchvision_import import import_torchvision

MODELS = ["lenet5", "alexnet", "resnet34"]
METHODS = {"GuidedBackprop": guided_backpropagation, "Deconvolution": deconvnet_method}
RULES = {"GuidedBackprop": guided, "Deconvolution": deconvnet}


@pytest.mark.filterwarnings("ignore:Setting backward hooks", "ignore:Input Tensor 0 did not")
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("model", MODELS)
def test_equal_captum_on_nets_whose_relus_are_layers(model, name, exact, images):
    """Also where captum's hooks are on layers that are used twice and work in place."""
    captum = pytest.importorskip("captum.attr")
    net = exact[model]
    target = net(images).argmax(1)
    expected = getattr(captum, name)(copy.deepcopy(net)).attribute(images.clone(), target)
    relevance, _ = METHODS[name].attribute(net, images, target, seed=0)
    scale = expected.abs().max().item()
    torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-10 * scale)
    plain, _ = gradient.attribute(net, images, target, seed=0)
    assert (relevance - plain).abs().max() > 0.1 * scale


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("model", MODELS)
def test_equal_zennit(model, name, exact, images):
    import_torchvision()
    pytest.importorskip("zennit")
    from zennit.attribution import Gradient
    from zennit.composites import DeconvNet, GuidedBackprop

    net = copy.deepcopy(exact[model])
    target = net(images).argmax(1)
    composite = {"GuidedBackprop": GuidedBackprop, "Deconvolution": DeconvNet}[name]()
    with Gradient(net, composite) as attributor:
        _, expected = attributor(images, F.one_hot(target, 10).double())
    relevance, _ = METHODS[name].attribute(exact[model], images, target, seed=0)
    scale = expected.abs().max().item()
    torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-10 * scale)


@pytest.mark.parametrize("name", RULES)
def test_by_plain_loops_on_two_layers(name):
    """dense - ReLU - dense - ReLU: y = W2 relu(W1 x), one output, every product written out."""
    torch.manual_seed(5)
    first, second = torch.randn(4, 3).double(), torch.randn(2, 4).double()
    x = torch.rand(3).double().requires_grad_()
    with RULES[name]():
        outputs = F.relu(second @ F.relu(first @ x))
    hidden = [sum(first[j, i] * x[i] for i in range(3)).item() for j in range(4)]
    for k in range(2):
        z = sum(second[k, j] * max(hidden[j], 0) for j in range(4)).item()
        top = 1.0 if name == "Deconvolution" or z > 0 else 0.0
        back = [max(top * second[k, j].item(), 0) for j in range(4)]
        if name == "GuidedBackprop":
            back = [b if h > 0 else 0.0 for b, h in zip(back, hidden, strict=True)]
        expected = torch.stack([sum(first[j, i] * back[j] for j in range(4)) for i in range(3)])
        (found,) = torch.autograd.grad(outputs[k], x, retain_graph=True)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("function", [*RELU, nn.ReLU(), nn.ReLU(inplace=True)], ids=range(8))
def test_every_way_to_call_a_relu_is_seen(name, function):
    """captum sees layers only: of a net with functions it silently returns the gradient."""
    weights = torch.tensor([-1.0, 2.0, -3.0, 4.0])
    x = torch.tensor([1.0, 2.0, -1.0, -2.0], requires_grad=True)
    with RULES[name]():
        output = function(x * 1.0)
    assert output.tolist() == [1, 2, 0, 0]
    (found,) = torch.autograd.grad(output, x, weights)
    assert found.tolist() == ([0, 2, 0, 0] if name == "GuidedBackprop" else [0, 2, 0, 4])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("rule", [guided, deconvnet])
def test_rules_change_no_output_and_end(model, rule, exact, images, target):
    net = exact[model]
    before, _ = gradient.attribute(net, images, target, seed=0)
    with rule():
        assert torch.equal(net(images), net(images.clone()))
        inside = net(images)
    assert torch.equal(inside, net(images))
    with pytest.raises(ZeroDivisionError), rule():
        raise ZeroDivisionError
    after, _ = gradient.attribute(net, images, target, seed=0)
    assert torch.equal(after, before)


@pytest.mark.parametrize("model", MODELS)
def test_batch_norm_acts_as_if_folded(model, exact, images):
    from plumbline.attribution.modified_backward import fold_batchnorm

    net = exact[model]
    folded = copy.deepcopy(net)
    folded.network = fold_batchnorm(net.network)
    target = net(images).argmax(1)
    for method in METHODS.values():
        expected, _ = method.attribute(folded, images, target, seed=0)
        relevance, _ = method.attribute(net, images, target, seed=0)
        scale = expected.abs().max().item()
        torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-9 * scale)


def test_saliency_is_the_largest_absolute_gradient_of_the_channels(exact, images, target):
    """A net for three channels, made of LeNet-5 whose input is a mix of them."""

    class Mixed(nn.Module):
        def forward(self, pixels):
            return exact["lenet5"](torch.einsum("nchw,c->nhw", pixels, mix)[:, None])

    mix = torch.tensor([0.2, -0.7, 0.5]).double()
    colour = torch.rand(6, 3, 28, 28, generator=torch.Generator().manual_seed(0)).double()
    relevance, gap = saliency.attribute(Mixed(), colour, target, seed=0)
    slope, _ = gradient.attribute(Mixed(), colour, target, seed=0)
    torch.testing.assert_close(relevance.sum(1), slope.abs().amax(1), rtol=0, atol=1e-12)
    torch.testing.assert_close(relevance.sum(1), slope[:, 1].abs(), rtol=0, atol=1e-12)
    assert torch.equal(relevance[:, 0], relevance[:, 2])
    assert gap.isnan().all()
