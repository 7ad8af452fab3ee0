"""AlexNet in the form used by study 000 for small images."""

from torch import nn

from plumbline.models.classifier import Network

LABEL = "AlexNet"
TRAITS = ("dropout",)


def build(
    *,
    channels: int,
    size: int,
    classes: int,
    width: int = 20,
    dense: int = 4096,
    dropout: float = 0.5,
) -> Network:
    """Five convolutions with 1, 2, 4, 4 and 2 times ``width`` filters, and three dense layers.

    Study 000 uses ``width`` 20 and ``dense`` 4096.  ``size`` must be at least 8.

    After Krizhevsky, Sutskever and Hinton 2012.
    """
    side = size // 8
    layers = {
        "conv1": nn.Conv2d(channels, width, 5, padding="same"),
        "relu1": nn.ReLU(),
        "pool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(width, 2 * width, 5, padding="same"),
        "relu2": nn.ReLU(),
        "pool2": nn.MaxPool2d(2),
        "conv3": nn.Conv2d(2 * width, 4 * width, 3, padding="same"),
        "relu3": nn.ReLU(),
        "conv4": nn.Conv2d(4 * width, 4 * width, 3, padding="same"),
        "relu4": nn.ReLU(),
        "conv5": nn.Conv2d(4 * width, 2 * width, 3, padding="same"),
        "relu5": nn.ReLU(),
        "pool5": nn.MaxPool2d(2),
        "flatten": nn.Flatten(),
        "dense1": nn.Linear(2 * width * side * side, dense),
        "relu6": nn.ReLU(),
        "dropout1": nn.Dropout(dropout),
        "dense2": nn.Linear(dense, dense),
        "relu7": nn.ReLU(),
        "dropout2": nn.Dropout(dropout),
        "output": nn.Linear(dense, classes),
    }
    return Network(layers, last_block="pool5")
