"""Gradient, gradient x input, integrated gradients, SmoothGrad."""

import numpy as np
import pytest
import torch

from plumbline.attribution.methods import (
    gradient,
    gradient_x_input,
    integrated_gradients,
    smoothgrad,
)
from plumbline.registry import ATTRIBUTIONS
from plumbline.runtime.seeding import derive


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


def test_smoothgrad_noise_has_the_promised_deviation(exact, images, target):
    """Over raw intensity, which returns its input, the mean is the image plus noise."""
    dim = images * 0.5  # range half of the others': the noise follows each image's own
    both = torch.cat([images, dim])
    relevance, _ = smoothgrad.attribute(
        exact["lenet5"], both, target.repeat(2), seed=0, samples=1, level=0.2, base="intensity"
    )
    deviation = (relevance - both).std((1, 2, 3))
    span = both.amax((1, 2, 3)) - both.amin((1, 2, 3))
    torch.testing.assert_close(deviation, 0.2 * span, rtol=0.1, atol=0)


@pytest.mark.parametrize("base", ["integrated_gradients", "kernel_shap", "random"])
def test_smoothgrad_of_any_base_is_its_mean_over_noisy_images(base, exact, images, target):
    """By a plain loop over the same noise; a random base draws anew for each copy."""
    net, samples = exact["lenet5"], 3
    stream = np.random.default_rng(7)
    noise = stream.standard_normal((2, samples, *images.shape[1:]), dtype=np.float32)
    span = images[:2].amax((1, 2, 3)) - images[:2].amin((1, 2, 3))
    noisy = images[:2, None] + 0.1 * span[:, None, None, None, None] * torch.from_numpy(noise)
    maps, _ = ATTRIBUTIONS.load(base)(
        net, noisy.flatten(0, 1), target[:2].repeat_interleave(3), seed=derive(7, base, 0, 0)
    )
    for batch in (256, 5):
        relevance, gap = smoothgrad.attribute(
            net, images[:2], target[:2], seed=7, batch=batch, samples=3, level=0.1, base=base
        )
        expected = maps.view(2, 3, *images.shape[1:]).mean(1)
        torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-9)
        assert gap.isnan().all()


def test_smoothgrad_of_a_random_base_draws_anew_for_each_image(exact, images, target):
    same = images[:1].repeat(300, 1, 1, 1)  # more than are made at once
    relevance, _ = smoothgrad.attribute(
        exact["lenet5"], same, target[:1].repeat(300), seed=0, samples=1, level=0.0, base="random"
    )
    assert len(relevance.flatten(1).unique(dim=0)) == 300
