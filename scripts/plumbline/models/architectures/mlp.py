"""The multilayer perceptron that study 001 made Bayesian: one hidden layer."""

from torch import nn

from plumbline.models.classifier import Network

LABEL = "MLP"


def build(*, channels: int, size: int, classes: int, dense: int = 1024) -> Network:
    """All pixels to ``dense`` hidden units, ReLU, ``classes`` outputs: 784-1024-10 in the study.

    It has no convolution, so it is for training, attacks and uncertainty alone.

    After arm-on/interpretable-image-classification, Bayesian notebook.
    """
    layers = {
        "flatten": nn.Flatten(),
        "dense1": nn.Linear(channels * size * size, dense),
        "relu1": nn.ReLU(),
        "output": nn.Linear(dense, classes),
    }
    return Network(layers)
