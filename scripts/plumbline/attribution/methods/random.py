"""Control: random relevance."""

import numpy as np
import torch
from torch import Tensor

from plumbline.attribution.batching import no_promise
from plumbline.models.classifier import Classifier

LABEL = "random (control)"
FAMILY = "controls"


def attribute(
    classifier: Classifier, pixels: Tensor, target: Tensor, *, seed: int, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """Uniform noise in [0, 1), independent of image and net, [N, C, H, W]; the gap is NaN.

    Any useful method ranks pixels better than this.
    """
    noise = np.random.default_rng(seed).random(tuple(pixels.shape))
    return torch.from_numpy(noise).to(pixels), no_promise(pixels)
