"""LeNet-5 as trained by study 000: two convolutions, one hidden dense layer, dropout."""

from torch import nn

from plumbline.models.classifier import Network

LABEL = "LeNet-5"
TRAITS = ("dropout",)


def build(
    *,
    channels: int,
    size: int,
    classes: int,
    width: int = 20,
    dense: int = 500,
    dropout_features: float = 0.25,
    dropout_dense: float = 0.5,
) -> Network:
    """LeNet-5 for images ``channels`` x ``size`` x ``size``.

    The first convolution has ``width`` filters, the second 2.5 times as many (20 and 50 in the
    study); ``dense`` is the number of hidden units.  ``size`` must be at least 4.

    LeCun et al. 1998, with ReLU, max-pooling and the widths of study 000.
    """
    wide, side = width * 5 // 2, size // 4
    layers = {
        "conv1": nn.Conv2d(channels, width, 5, padding="same"),
        "relu1": nn.ReLU(),
        "pool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(width, wide, 5, padding="same"),
        "relu2": nn.ReLU(),
        "pool2": nn.MaxPool2d(2),
        "dropout1": nn.Dropout(dropout_features),
        "flatten": nn.Flatten(),
        "dense1": nn.Linear(wide * side * side, dense),
        "relu3": nn.ReLU(),
        "dropout2": nn.Dropout(dropout_dense),
        "output": nn.Linear(dense, classes),
    }
    return Network(layers, last_block="pool2")
