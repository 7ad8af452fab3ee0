"""LeNet as trained by Wang et al.: 6 and 16 filters, three dense layers, no dropout."""

from torch import nn

from plumbline.models.classifier import Network

LABEL = "LeNet"


def build(*, channels: int, size: int, classes: int) -> Network:
    """LeNet for images ``channels`` x ``size`` x ``size``; 61,706 parameters for MNIST.

    ``size`` must be at least 12.

    LeCun et al. 1998, as implemented in dgl-prc/m_testing_adversatial_sample: the second
    convolution is fully connected to the first, with ReLU and max-pooling.
    """
    side = (size // 2 - 4) // 2
    layers = {
        "conv1": nn.Conv2d(channels, 6, 5, padding=2),
        "relu1": nn.ReLU(),
        "pool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(6, 16, 5),
        "relu2": nn.ReLU(),
        "pool2": nn.MaxPool2d(2),
        "flatten": nn.Flatten(),
        "dense1": nn.Linear(16 * side * side, 120),
        "relu3": nn.ReLU(),
        "dense2": nn.Linear(120, 84),
        "relu4": nn.ReLU(),
        "output": nn.Linear(84, classes),
    }
    return Network(layers, last_block="pool2")
