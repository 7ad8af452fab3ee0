"""Deep convolutional GAN whose depth depends on the image size."""

from itertools import pairwise

from torch import nn

from plumbline.errors import InputError
from plumbline.visualization.generator import Pair

LABEL = "DCGAN"
SMALLEST = 7  # pixels of the first feature map, at most


def build(*, channels: int, size: int, code: int = 100, width: int = 64) -> Pair:
    """Generator and discriminator with strided convolutions; ``width`` channels next to the image.

    The side is halved until it is at most 7 pixels (28: 14, 7; 32: 16, 8, 4), and the number of
    channels doubles each time.  Generator: a dense layer, then transposed convolutions with
    batch normalisation and ReLU, and a final sigmoid, the paper's tanh scaled to [0, 1].
    Discriminator: the mirrored net, with leaky ReLU of slope 0.2 and without normalisation in
    its first layer.  Initial weights are normal with standard deviation 0.02.

    Radford, Metz and Chintala 2016, "Unsupervised representation learning with deep
    convolutional generative adversarial networks", section 3.

    Raises :class:`InputError` if ``size`` cannot be halved to 7 pixels or less.
    """
    side = size
    widths: list[int] = []
    while side > SMALLEST:
        if side % 2:
            raise InputError(f"dcgan: a side of {size} pixels cannot be halved down to {SMALLEST}")
        side //= 2
        widths.append(width * 2 ** len(widths))
    pair = Pair(
        _generator(channels, side, code, widths[::-1]), _discriminator(channels, side, widths)
    )
    pair.apply(_initialise)
    return pair


def _generator(channels: int, side: int, code: int, widths: list[int]) -> nn.Sequential:
    wide = widths[0]
    layers: list[nn.Module] = [
        nn.Linear(code, wide * side * side, bias=False),
        nn.Unflatten(1, (wide, side, side)),
        nn.BatchNorm2d(wide),
        nn.ReLU(),
    ]
    for before, after in pairwise(widths):
        layers += [
            nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    layers += [nn.ConvTranspose2d(widths[-1], channels, 4, stride=2, padding=1), nn.Sigmoid()]
    return nn.Sequential(*layers)


def _discriminator(channels: int, side: int, widths: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(channels, widths[0], 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
    ]
    for before, after in pairwise(widths):
        layers += [
            nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.LeakyReLU(0.2),
        ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * side * side, 1))


def _initialise(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(layer.weight, 0.0, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
