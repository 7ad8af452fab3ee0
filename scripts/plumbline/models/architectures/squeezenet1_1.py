"""SqueezeNet 1.1, built from torchvision's fire modules, for photographs."""

from torch import nn

from plumbline.models.classifier import Network
from plumbline.runtime.torchvision_import import import_torchvision

LABEL = "SqueezeNet 1.1"
TRAITS = ("dropout",)


def build(*, channels: int, size: int, classes: int, dropout: float = 0.5) -> Network:
    """Eight fire modules, and a head of dropout, 1 x 1 convolution, ReLU and global average.

    With three channels this is torchvision's ``squeezenet1_1``; published weights are read by
    the names that they have there (``features.0`` etc.).  ``size`` must be at least 17 and is
    not used otherwise.

    Iandola et al. 2016, version 1.1 by the authors.
    """
    fire = import_torchvision().models.squeezenet.Fire
    features = {
        "conv1": nn.Conv2d(channels, 64, 3, stride=2),
        "relu1": nn.ReLU(inplace=True),
        "pool1": nn.MaxPool2d(3, stride=2, ceil_mode=True),
        "fire2": fire(64, 16, 64, 64),
        "fire3": fire(128, 16, 64, 64),
        "pool3": nn.MaxPool2d(3, stride=2, ceil_mode=True),
        "fire4": fire(128, 32, 128, 128),
        "fire5": fire(256, 32, 128, 128),
        "pool5": nn.MaxPool2d(3, stride=2, ceil_mode=True),
        "fire6": fire(256, 48, 192, 192),
        "fire7": fire(384, 48, 192, 192),
        "fire8": fire(384, 64, 256, 256),
        "fire9": fire(512, 64, 256, 256),
    }
    head = {
        "dropout": nn.Dropout(dropout),
        "conv10": nn.Conv2d(512, classes, 1),
        "relu10": nn.ReLU(inplace=True),
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
    }
    published = {f"features.{number}": name for number, name in enumerate(features)}
    published |= {"classifier.1": "conv10"}
    network = Network(features | head, last_block="fire9", published=published)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    nn.init.normal_(network.get_parameter("conv10.weight"), std=0.01)
    return network
