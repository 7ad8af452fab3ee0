"""The dense GAN of study 003."""

import math

from torch import nn

from plumbline.visualization.generator import Pair

LABEL = "GAN"


def build(*, channels: int, size: int, code: int = 100, hidden: int = 128) -> Pair:
    """Generator code -> ``hidden`` ReLU -> pixels, sigmoid; discriminator pixels -> ``hidden``
    ReLU -> 1 logit.

    Goodfellow et al. 2014, with the widths of study 003.
    """
    image = (channels, size, size)
    pixels = math.prod(image)
    generator = nn.Sequential(
        nn.Linear(code, hidden),
        nn.ReLU(),
        nn.Linear(hidden, pixels),
        nn.Sigmoid(),
        nn.Unflatten(1, image),
    )
    discriminator = nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, hidden),
        nn.ReLU(),
        nn.Linear(hidden, 1),
    )
    return Pair(generator, discriminator)
