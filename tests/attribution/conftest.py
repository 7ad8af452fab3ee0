"""Nets in float64, and images, for exact proofs."""

import copy

import pytest


@pytest.fixture(scope="session")
def exact(nets):
    """The small trained nets in float64."""
    return {name: copy.deepcopy(net).double() for name, net in nets.items()}


@pytest.fixture(scope="session")
def images(digits):
    """Six test images, [6, 1, 28, 28] float64.

    A little noise keeps max-pooling from ties on the plain ground, where a net has no gradient.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    scans = torch.from_numpy(digits["test"].pixels[:6]).double()
    return 0.9 * scans + 0.1 * torch.rand(scans.shape, generator=generator).double()


@pytest.fixture(scope="session")
def target(exact, images):
    """What LeNet-5 takes them for."""
    return exact["lenet5"](images).argmax(1)


@pytest.fixture(scope="session")
def linear(exact):
    """A net that is one linear layer with bias, float64."""
    import torch
    from torch import nn

    from plumbline.models.classifier import Network

    net = copy.deepcopy(exact["lenet5"])
    torch.manual_seed(0)
    layers = {"flatten": nn.Flatten(), "output": nn.Linear(28 * 28, 10)}
    net.network = Network(layers, last_block="flatten").double().requires_grad_(False)
    return net
