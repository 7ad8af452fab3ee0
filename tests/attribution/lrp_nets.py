"""Nets for the tests of LRP: without biases, with fire modules, with padded shortcuts."""

import copy

import torch
from torch import nn

from plumbline.attribution.modified_backward import fold_batchnorm
from plumbline.models.cifar_resnet import cifar_resnet
from plumbline.models.classifier import Network
from plumbline.runtime.torchvision_import import import_torchvision


def without_biases(net):
    """The classifier with batch norm folded and all biases zero."""
    net = copy.deepcopy(net)
    net.network = fold_batchnorm(net.network)
    for name, weights in net.network.named_parameters():
        if name.endswith("bias"):
            weights.zero_()
    return net


def with_network(net, network):
    """A float64 classifier that puts ``network`` in the place of the net of ``net``."""
    net = copy.deepcopy(net)
    net.network = network.double().eval().requires_grad_(False)
    return net


def fire_net(net):
    """A small net of the kind of SqueezeNet: concatenation, and ReLUs that work in place."""
    torch.manual_seed(1)
    fire = import_torchvision().models.squeezenet.Fire
    layers = {
        "conv1": nn.Conv2d(1, 8, 3, stride=2),
        "relu1": nn.ReLU(inplace=True),
        "pool1": nn.MaxPool2d(3, stride=2, ceil_mode=True),
        "fire2": fire(8, 4, 6, 6),
        "fire3": fire(12, 4, 6, 6),
        "dropout": nn.Dropout(),
        "conv10": nn.Conv2d(12, 10, 1),
        "relu10": nn.ReLU(inplace=True),
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
    }
    return with_network(net, Network(layers, last_block="fire3"))


def shortcut_net(net, images):
    """A small ResNet for CIFAR-10 with padded shortcuts and batch norm that has seen images."""
    torch.manual_seed(2)
    network = cifar_resnet(1, channels=1, classes=10, width=4).double()
    for _ in range(3):
        network(images)
    return with_network(net, network)
