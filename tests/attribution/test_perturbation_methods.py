"""Occlusion, LIME and KernelSHAP."""

import itertools
import math

import numpy as np
import pytest
import torch

from plumbline.attribution.coalitions import fill_image, hide, spread, worths
from plumbline.attribution.methods import kernel_shap, lime, occlusion
from plumbline.attribution.superpixels import superpixels


def logits(net, images, target):
    return net(images)[torch.arange(len(images)), target]


def per_cell(relevance, labels, count):
    """Sum of relevance in each superpixel, [N, D]."""
    sums = torch.zeros(len(relevance), count).double()
    return sums.scatter_add_(1, labels.flatten(1), relevance.sum(1).flatten(1))


def table(net, image, target, cells):
    """Logit of every coalition, by a plain loop over bit masks."""
    labels, count = superpixels(image, "grid", cells, 0.0)
    values = {}
    for members in itertools.product([False, True], repeat=count):
        shown = torch.tensor(members)[labels[0]]
        values[members] = net(image * shown)[0, target].item()
    return values, count


def test_occlusion_of_single_pixels_is_the_direct_difference(exact, images, target):
    net, image = exact["lenet5"], images[:1]
    relevance, _ = occlusion.attribute(net, image, target[:1], seed=0, block=1, stride=1, fill=0.5)
    for place in range(0, 28 * 28, 31):
        changed = image.clone()
        changed[0, 0, place // 28, place % 28] = 0.5
        drop = (net(image) - net(changed))[0, target[0]]
        torch.testing.assert_close(relevance.flatten()[place], drop, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("block", "stride"), [(4, 1), (5, 3)])
def test_occlusion_is_the_mean_over_covering_blocks(exact, images, target, block, stride):
    """By a plain loop; blocks of 5 by 3 need a last one that is flush with the edge."""
    net, image = exact["lenet5"], images[:1]
    relevance, _ = occlusion.attribute(net, image, target[:1], seed=0, block=block, stride=stride)
    starts = sorted({*range(0, 29 - block, stride), 28 - block})
    total, covers = torch.zeros(28, 28).double(), torch.zeros(28, 28).double()
    for top, left in itertools.product(starts, starts):
        where = slice(top, top + block), slice(left, left + block)
        changed = image.clone()
        changed[0, 0][where] = 0
        total[where] += (net(image) - net(changed))[0, target[0]]
        covers[where] += 1
    torch.testing.assert_close(relevance[0, 0], total / covers, rtol=0, atol=1e-9)


def test_occlusion_equals_captum(exact, images, target):
    """captum too takes the mean drop over the windows that cover a pixel.

    It gives each channel the whole drop; with one channel that is the same.
    """
    captum = pytest.importorskip("captum.attr")
    expected = captum.Occlusion(exact["lenet5"]).attribute(
        images[:2], (1, 4, 4), 1, 0.0, target[:2], perturbations_per_eval=128
    )
    relevance, _ = occlusion.attribute(
        exact["lenet5"], images[:2], target[:2], seed=0, block=4, stride=1
    )
    torch.testing.assert_close(relevance, expected.double(), rtol=0, atol=1e-6)


def test_kernel_shap_equals_the_mean_over_all_permutations(exact, images, target):
    net, image = exact["lenet5"], images[1:2]
    values, count = table(net, image, target[1], cells=2)
    expected = np.zeros(count)
    for order in itertools.permutations(range(count)):
        members = [False] * count
        for player in order:
            before = values[tuple(members)]
            members[player] = True
            expected[player] += values[tuple(members)] - before
    expected /= math.factorial(count)
    relevance, gap = kernel_shap.attribute(net, image, target[1:2], seed=0, samples=16, cells=2)
    found = per_cell(relevance, *superpixels(image, "grid", 2, 0.0))
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-8)
    assert gap.abs().max() < 1e-9


def test_kernel_shap_is_exact_when_it_sees_all_coalitions(exact, images, target):
    """Nine superpixels against Shapley's formula over subsets."""
    net, image = exact["lenet5"], images[:1]
    values, count = table(net, image, target[0], cells=3)
    expected = np.zeros(count)
    for members, value in values.items():
        size = sum(members)
        for player in range(count):
            rest = size - members[player]
            share = math.factorial(rest) * math.factorial(count - rest - 1)
            expected[player] += (1 if members[player] else -1) * share * value
    expected /= math.factorial(count)
    relevance, _ = kernel_shap.attribute(net, image, target[:1], seed=0, samples=512, cells=3)
    found = per_cell(relevance, *superpixels(image, "grid", 3, 0.0))
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-8)


def test_kernel_shap_samples_come_near_the_exact_values_and_keep_the_sum(exact, images, target):
    net, images, target, errors = exact["lenet5"], images[:2], target[:2], []
    exactly, _ = kernel_shap.attribute(net, images, target, seed=0, samples=512, cells=3)
    for samples in (30, 480):
        relevance, gap = kernel_shap.attribute(
            net, images, target, seed=0, samples=samples, cells=3
        )
        demanded = logits(net, images, target) - logits(net, images * 0, target)
        torch.testing.assert_close(relevance.sum((1, 2, 3)), demanded)
        assert gap.abs().max() < 1e-9
        errors.append((relevance - exactly).norm() / exactly.norm())
    assert errors[1] < errors[0] / 2
    assert errors[1] < 0.1


def test_kernel_shap_coalitions_come_in_pairs_and_their_weights_make_the_kernel():
    both, weight = kernel_shap._paired(np.random.default_rng(0), 3, 4000, 6)
    assert (both[:, :4000] ^ both[:, 4000:]).all()
    sizes, kernel = both.sum(2), np.array([1 / (s * (6 - s)) for s in range(1, 6)])
    share = [weight[sizes == s].sum() / weight.sum() for s in range(1, 6)]
    np.testing.assert_allclose(share, kernel / kernel.sum(), atol=2e-3)
    np.testing.assert_allclose(both[:, :4000].mean((0, 1)), 0.5, atol=0.02)
    assert sizes.min() == 1
    assert sizes.max() == 5


@pytest.mark.parametrize("segments", ["grid", "slic"])
@pytest.mark.parametrize("fill", [0.0, 0.7])
def test_lime_and_kernel_shap_recover_a_linear_net(linear, images, target, segments, fill):
    """The logit is additive in the superpixels: both must return what each adds."""
    labels, count = superpixels(images, segments, 4, 0.3)
    weights = linear.network.output.weight[target].view_as(images)
    expected = per_cell(weights * (images - fill), labels, count)
    how = {"seed": 0, "samples": 200, "segments": segments, "cells": 4, "fill": fill}
    for relevance, _ in (
        lime.attribute(linear, images, target, ridge=1e-9, **how),
        kernel_shap.attribute(linear, images, target, **how),
    ):
        found = per_cell(relevance, labels, count)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-7)


def test_lime_equals_the_ridge_of_scikit_learn(exact, images, target):
    """The same presence vectors and weights, fitted by another library."""
    from sklearn.linear_model import Ridge

    net, image, width = exact["lenet5"], images[:1], 0.25
    relevance, _ = lime.attribute(
        net, image, target[:1], seed=5, samples=60, cells=4, ridge=2.0, width=width
    )
    labels, count = superpixels(image, "grid", 4, 0.0)
    present = np.random.default_rng(5).random((60, count)) < 0.5
    present[0] = True
    hidden = image * torch.from_numpy(present)[:, labels[0]][:, None]
    cosine = present.sum(1) / (np.sqrt(present.sum(1)) * np.sqrt(count))
    ridge = Ridge(alpha=2.0, solver="cholesky").fit(
        present.astype(float),
        net(hidden)[:, target[0]].numpy(),
        sample_weight=np.exp(-((1 - cosine) ** 2) / (2 * width**2)),
    )
    found = per_cell(relevance, labels, count)
    np.testing.assert_allclose(found[0], ridge.coef_, rtol=0, atol=1e-8)


def test_coalitions_hide_superpixels_and_spread_keeps_sums(exact, images, target):
    labels, count = superpixels(images, "grid", 3, 0.0)
    present = torch.rand(6, 3, count, generator=torch.Generator().manual_seed(0)) < 0.5
    fill = fill_image(images, labels, count, 0.2)
    found = worths(exact["lenet5"], images, target, labels, present, fill, batch=4)
    hidden = hide(images, labels, present, fill)
    for image, sample in itertools.product(range(6), range(3)):
        shown = present[image, sample][labels[image]]
        changed = torch.where(shown, images[image, 0], 0.2)[None, None]
        torch.testing.assert_close(hidden[image, sample], changed[0])
        logit = exact["lenet5"](changed)[0, target[image]]
        torch.testing.assert_close(found[image, sample], logit, rtol=0, atol=1e-9)
    colour = images.repeat(1, 3, 1, 1)
    relevance = spread(found.new_ones(6, count), labels, colour)
    torch.testing.assert_close(per_cell(relevance, labels, count), torch.ones(6, count).double())
