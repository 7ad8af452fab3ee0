"""A net in float64, a linear one, and generators that need no training."""

import copy

import pytest


@pytest.fixture(scope="session")
def exact(lenet):
    """The small trained LeNet-5 in float64."""
    return copy.deepcopy(lenet).double()


@pytest.fixture(scope="session")
def linear(exact):
    """A net that is one linear layer without bias, float64."""
    import torch
    from torch import nn

    from plumbline.models.classifier import Network

    net = copy.deepcopy(exact)
    torch.manual_seed(0)
    layers = {"flatten": nn.Flatten(), "output": nn.Linear(28 * 28, 10, bias=False)}
    net.network = Network(layers, last_block="flatten").double().requires_grad_(False)
    return net


@pytest.fixture(scope="session")
def generator():
    """A dense generator with random weights: its images are smooth in its codes."""
    import torch

    from plumbline.visualization.generator import Generator, Plan

    torch.manual_seed(0)
    plan = Plan("gan", {"channels": 1, "size": 28, "code": 20, "hidden": 64})
    net = plan.build().generator
    with torch.no_grad():
        net[2].weight.mul_(8)  # contrast
    return Generator(plan, net, {})


@pytest.fixture(scope="session")
def material(digits, generator):
    """Training digits and the generator."""
    from plumbline.visualization.material import Material

    return Material(digits["train"], generator)
