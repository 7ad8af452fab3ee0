"""Density of training images around an image's code in the latent space of a VAE."""

import math

import torch
from torch import Tensor

from plumbline.detection.material import Material
from plumbline.latent.vae import encode

LABEL = "latent density of the VAE"
NEEDS = ("train", "vae")


def score(material: Material, pixels: Tensor, *, seed: int, batch: int = 256) -> Tensor:
    """Negative log density of the training images' codes at the code of an image, in nats, [N].

    A Gaussian kernel density with the covariance of the codes times n^(-1/3), Scott's rule in two
    dimensions (Scott 1992).  The score does not use the net.
    """
    train = material.train_codes
    found = torch.from_numpy(encode(material.vae, pixels, batch)).double()
    n, dimensions = train.shape
    kernel = train.T.cov() * n ** (-2 / (dimensions + 4))
    # In units of the kernel, so that its exponent is -|a - b|^2 / 2.
    root = torch.linalg.cholesky(kernel)
    train, found = (
        torch.linalg.solve_triangular(root, each.T, upper=False).T for each in (train, found)
    )
    norm = math.log(n) + dimensions / 2 * math.log(2 * math.pi) + root.diagonal().log().sum()
    sums = [(-(torch.cdist(part, train) ** 2) / 2).logsumexp(1) for part in found.split(batch)]
    return norm - torch.cat(sums)
