"""Gradient, gradient x input, integrated gradients, SmoothGrad."""

import pytest
import torch

from plumbline.attribution.methods import (
    gradient,
    gradient_x_input,
    integrated_gradients,
    smoothgrad,
)


def logits(net, images, target):
    return net(images)[torch.arange(len(images)), target]


def test_gradient_is_the_difference_quotient(exact, images, target):
    net, image, step = exact["lenet5"], images[:1], 1e-6
    relevance, _ = gradient.attribute(net, image, target[:1], seed=0)
    bumps = torch.eye(28 * 28).double().view(-1, 1, 28, 28)[::37] * step
    classes = target[:1].expand(len(bumps))
    rise = logits(net, image + bumps, classes) - logits(net, image - bumps, classes)
    torch.testing.assert_close(rise / (2 * step), relevance.flatten()[::37], rtol=1e-5, atol=1e-6)


def test_gradient_equals_captum_saliency(exact, images, target):
    captum = pytest.importorskip("captum.attr")
    expected = captum.Saliency(exact["lenet5"]).attribute(images.clone(), target, abs=False)
    relevance, _ = gradient.attribute(exact["lenet5"], images, target, seed=0)
    torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-12)


def test_gradient_x_input_on_a_linear_net_is_weight_times_pixel(linear, images, target):
    relevance, _ = gradient_x_input.attribute(linear, images, target, seed=0)
    weights = linear.network.output.weight[target].view_as(images)
    torch.testing.assert_close(relevance, weights * images, rtol=0, atol=1e-12)


@pytest.mark.parametrize("baseline", [0.0, 0.4])
def test_integrated_gradients_are_exact_on_a_linear_net(linear, images, target, baseline):
    relevance, gap = integrated_gradients.attribute(
        linear, images, target, seed=0, steps=1, baseline=baseline
    )
    weights = linear.network.output.weight[target].view_as(images)
    torch.testing.assert_close(relevance, weights * (images - baseline), rtol=0, atol=1e-12)
    assert gap.abs().max() < 1e-12


@pytest.mark.parametrize("model", ["lenet5", "alexnet", "resnet34"])
def test_integrated_gradients_become_complete_with_more_steps(model, exact, images):
    """The error is that of the quadrature, so a hundred times the points leave next to none."""
    net, images, errors = exact[model], images[:3], {}
    target = net(images).argmax(1)
    demanded = logits(net, images, target) - logits(net, images * 0, target)
    for steps in (5, 50, 500):
        relevance, gap = integrated_gradients.attribute(net, images, target, seed=0, steps=steps)
        torch.testing.assert_close(gap, relevance.sum((1, 2, 3)) - demanded)
        errors[steps] = (gap.abs().mean() / demanded.abs().mean()).item()
    assert errors[500] < errors[50] < errors[5]
    assert errors[500] < errors[5] / 10
    if model == "lenet5":  # deeper nets have more kinks along the path
        assert errors[50] < 1e-2


@pytest.mark.parametrize("baseline", [0.0, 0.3])
def test_integrated_gradients_equal_captum(exact, images, target, baseline):
    captum = pytest.importorskip("captum.attr")
    expected = captum.IntegratedGradients(exact["lenet5"]).attribute(
        images, torch.full_like(images, baseline), target, n_steps=20, method="gausslegendre"
    )
    relevance, _ = integrated_gradients.attribute(
        exact["lenet5"], images, target, seed=0, steps=20, baseline=baseline
    )
    torch.testing.assert_close(relevance, expected.double(), rtol=0, atol=1e-6)


def test_smoothgrad_without_noise_is_the_gradient(exact, images, target):
    expected, _ = gradient.attribute(exact["lenet5"], images, target, seed=0)
    relevance, _ = smoothgrad.attribute(
        exact["lenet5"], images, target, seed=0, samples=3, level=0.0
    )
    torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-12)


def test_smoothgrad_noise_has_the_promised_deviation(exact, images, target, monkeypatch):
    """With a stand-in gradient that returns its input, the mean is the image plus noise."""
    monkeypatch.setattr(smoothgrad, "pixel_gradient", lambda net, pixels, target: pixels)
    dim = images * 0.5  # range half of the others': the noise follows each image's own
    both = torch.cat([images, dim])
    relevance, _ = smoothgrad.attribute(
        exact["lenet5"], both, target.repeat(2), seed=0, samples=1, level=0.2
    )
    deviation = (relevance - both).std((1, 2, 3))
    span = both.amax((1, 2, 3)) - both.amin((1, 2, 3))
    torch.testing.assert_close(deviation, 0.2 * span, rtol=0.1, atol=0)
