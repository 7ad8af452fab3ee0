"""Reconstruction error of a VAE fitted to the training images."""

import torch
from torch import Tensor

from plumbline.detection.material import Material
from plumbline.models.classifier import batches

LABEL = "reconstruction error of the VAE"
NEEDS = ("vae",)


@torch.no_grad()
def score(material: Material, pixels: Tensor, *, seed: int, batch: int = 256) -> Tensor:
    """Mean squared difference between an image and its reconstruction, in [0, 1], [N].

    The reconstruction is decoded from the posterior mean, without randomness.  The score does not
    use the net.
    """
    vae = material.vae
    parts = []
    for each in batches(pixels, batch, material.classifier.mean.device):
        missed = vae.decode(vae.encode(each)[0]) - each
        parts.append((missed**2).flatten(1).mean(1).cpu())
    return torch.cat(parts)
