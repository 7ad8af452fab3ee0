"""What holds for every attribution method."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plumbline.attribution.batching import blocks, pairs
from plumbline.contracts import SCRIPTS, read_module
from plumbline.errors import InputError
from plumbline.registry import ATTRIBUTIONS, NETWORKS

SMALL = {
    "integrated_gradients": {"steps": 7},
    "smoothgrad": {"samples": 7},
    "occlusion": {"block": 6, "stride": 5},
    "lime": {"samples": 40, "cells": 4},
    "kernel_shap": {"samples": 40, "cells": 4},
}
PROMISES = (
    "deep_taylor",
    "deeplift",
    "integrated_gradients",
    "kernel_shap",
    "lrp_alpha_beta",
    "lrp_composite",
    "lrp_epsilon",
    "lrp_gamma",
    "lrp_transposed",
    "simple_taylor",
)
METHODS = ATTRIBUTIONS.names()


def explain(name, net, images, target, seed=3, batch=256, **options):
    options = SMALL.get(name, {}) | options
    return ATTRIBUTIONS.load(name)(net, images, target, seed=seed, batch=batch, **options)


def fitting(name, nets):
    """The LeNet-5 among ``nets``, or the ResNet-34 where the method needs what that has."""
    return nets["resnet34" if NETWORKS.unmet(ATTRIBUTIONS, name, "lenet5") else "lenet5"]


def uses_seed(name):
    """Whether a method reads its argument ``seed``, and so is random."""
    return "seed" in read_module(SCRIPTS / ATTRIBUTIONS.file(name)).read


def hooks(net):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules())


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shapes_types_and_promises(name, dtype, nets, exact, images, target):
    net = fitting(name, nets if dtype == torch.float32 else exact)
    relevance, gap = explain(name, net, images.to(dtype), target)
    assert relevance.shape == images.shape
    assert gap.shape == target.shape
    assert relevance.dtype == gap.dtype == dtype
    assert relevance.isfinite().all()
    assert not relevance.requires_grad
    assert gap.isnan().all() or gap.isfinite().all()
    assert gap.isfinite().all() or name not in PROMISES


@pytest.mark.parametrize("name", METHODS)
def test_batch_size_changes_nothing(name, exact, images, target):
    net = fitting(name, exact)
    whole = explain(name, net, images, target)
    for batch in (1, 11):
        parts = explain(name, net, images, target, batch=batch)
        for one, other in zip(whole, parts, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("name", METHODS)
def test_never_more_images_at_once_than_the_batch(name, exact, images, target):
    seen = []
    net = fitting(name, exact)
    handle = net.network.conv1.register_forward_pre_hook(
        lambda layer, inputs: seen.append(len(inputs[0]))
    )
    with_copies = explain(name, net, images, target, batch=4)
    handle.remove()
    assert len(with_copies[0]) == 6
    assert max(seen, default=0) <= 4


@pytest.mark.parametrize("name", METHODS)
def test_seed_decides_and_first_images_do_not_depend_on_later_ones(name, exact, images, target):
    net = fitting(name, exact)
    once, again = (explain(name, net, images, target)[0] for _ in range(2))
    assert torch.equal(once, again)
    other = explain(name, net, images, target, seed=4)[0]
    assert torch.equal(once, other) == (not uses_seed(name))
    first = explain(name, net, images[:2], target[:2])[0]
    torch.testing.assert_close(once[:2], first, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", METHODS)
def test_net_and_images_are_left_alone(name, exact, images, target):
    net, before = exact["resnet34"], images.clone()
    weights = {k: v.clone() for k, v in net.state_dict().items()}
    explain(name, net, images, target)
    assert torch.equal(images, before)
    assert all(torch.equal(v, weights[k]) for k, v in net.state_dict().items())
    assert hooks(net) == 0
    assert not net.training


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("integrated_gradients", {"steps": 0}, "steps must be at least 1"),
        ("smoothgrad", {"samples": 0}, "samples must be at least 1"),
        ("smoothgrad", {"level": -0.1}, "level must be at least 0"),
        ("lrp_epsilon", {"epsilon": -1.0}, "epsilon must be at least 0"),
        ("lrp_epsilon", {"input_rule": "bx"}, "did you mean 'box'"),
        ("lrp_composite", {"epsilon": -1.0}, "epsilon must be at least 0"),
        ("lrp_gamma", {"gamma": -0.1}, "gamma must be at least 0"),
        ("lrp_alpha_beta", {"alpha": 2.0}, "alpha - beta must be 1"),
        ("lrp_transposed", {"stabiliser": -1.0}, "stabiliser must be at least 0"),
        ("occlusion", {"block": 3, "stride": 4}, "block must be from its stride 4"),
        ("occlusion", {"block": -1}, "block must be at least 0"),
        ("occlusion", {"block": 29, "stride": 4}, "28 pixels, not 29"),
        ("lime", {"ridge": 0.0}, "ridge must be at least"),
        ("lime", {"segments": "slick"}, "did you mean 'slic'"),
        ("kernel_shap", {"cells": 29}, "cells must be from 2 to 28"),
        ("lime", {"fill": "grey"}, "fill must be a number or mean"),
        ("smoothgrad", {"base": "smoothgrad"}, "another method than smoothgrad"),
        ("smoothgrad", {"base": "gradiant"}, "did you mean 'gradient'"),
        ("kernel_shap", {"samples": 1}, "samples must be at least 2"),
    ],
)
def test_options_out_of_range_are_named(name, options, message, exact, images, target):
    with pytest.raises(InputError, match=message):
        explain(name, exact["lenet5"], images, target, **options)


def test_pairs_go_through_all_in_one_order(images):
    for batch in (1, 5, 100):
        parts = pairs(images, 7, batch)
        assert len(parts) == math.ceil(42 / batch)
        image = torch.cat([each for each, _ in parts])
        sample = torch.cat([each for _, each in parts])
        assert torch.equal(image * 7 + sample, torch.arange(42))


@given(st.integers(0, 9), st.integers(1, 40), st.integers(1, 30))
def test_blocks_go_through_all_pairs_in_one_order_and_fit_the_batch(images, samples, batch):
    found = blocks(images, samples, batch)
    seen = []
    for image, sample in found:
        pairs_ = list(itertools.product(range(images)[image], range(samples)[sample]))
        assert 0 < len(pairs_) <= batch
        seen += pairs_
    assert seen == list(itertools.product(range(images), range(samples)))
