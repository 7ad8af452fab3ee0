"""Multilayer perceptron with one hidden layer, the architecture of study 001's Bayesian net."""

from torch import nn

from plumbline.models.classifier import Network

LABEL = "MLP"


def build(*, channels: int, size: int, classes: int, dense: int = 1024) -> Network:
    """Pixels -> ``dense`` hidden units with ReLU -> ``classes`` logits; 784-1024-10 in the study.

    The net has no convolution, so it can be used for training, attacks and uncertainty only.

    As in arm-on/interpretable-image-classification, Bayesian notebook.
    """
    layers = {
        "flatten": nn.Flatten(),
        "dense1": nn.Linear(channels * size * size, dense),
        "relu1": nn.ReLU(),
        "output": nn.Linear(dense, classes),
    }
    return Network(layers)
