"""How badly a VAE of the training images reconstructs an image."""

import torch
from torch import Tensor

from plumbline.detection.material import Material
from plumbline.models.classifier import batches

LABEL = "reconstruction error of the VAE"
NEEDS = ("vae",)


@torch.no_grad()
def score(material: Material, pixels: Tensor, *, seed: int, batch: int = 256) -> Tensor:
    """Mean squared difference of an image and its reconstruction, [N], in [0, 1].

    Reconstructed from the mean of its posterior, so that nothing is random.  The net is not
    asked.
    """
    vae = material.vae
    parts = []
    for each in batches(pixels, batch, material.classifier.mean.device):
        missed = vae.decode(vae.encode(each)[0]) - each
        parts.append((missed**2).flatten(1).mean(1).cpu())
    return torch.cat(parts)
