"""Variational autoencoder with two latent dimensions, after Kingma and Welling 2014."""

import math
import os
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plumbline.errors import ArtefactError
from plumbline.models.classifier import batches
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive
from plumbline.storage.artefacts import load_arrays, save_arrays
from plumbline.storage.checkpoints import finite

LATENT = 2
WIDE, NARROW = 400, 256


class Vae(nn.Module):
    """Dense VAE of study 000 for images of ``shape`` (C, H, W), pixels in [0, 1].

    Encoder: pixels -> 400 ELU -> 256 ELU -> mean (2) and log-variance (2) of a normal
    distribution.  Decoder: 2 -> 256 ELU -> 400 ELU -> pixels, sigmoid.  ``record`` describes
    how it was trained.
    """

    def __init__(self, shape: tuple[int, ...], record: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.shape, self.record = tuple(shape), record or {}
        pixels = math.prod(shape)
        self.encoder = _dense(pixels, WIDE, NARROW, 2 * LATENT)
        self.decoder = _dense(LATENT, NARROW, WIDE, pixels)

    def encode(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance [N, 2] of the posterior of ``pixels`` [N, C, H, W]."""
        mean, log_variance = self.encoder(pixels.flatten(1)).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, codes: Tensor) -> Tensor:
        """Pixels in [0, 1], [N, C, H, W], decoded from ``codes`` [N, 2]."""
        return torch.sigmoid(self.decoder(codes)).unflatten(1, self.shape)

    def loss(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        """Negative evidence lower bound of ``pixels`` in nats, averaged over the images.

        Bernoulli cross-entropy of the decoded pixels, summed over pixels, for one draw from the
        posterior, plus the divergence of the posterior from the prior N(0, 1).
        """
        mean, log_variance = self.encode(pixels)
        decoded = self.decoder(sample(mean, log_variance, generator))
        cross_entropy = F.binary_cross_entropy_with_logits(
            decoded, pixels.flatten(1), reduction="none"
        )
        return (cross_entropy.sum(1) + divergence(mean, log_variance)).mean()

    def save(self, path: str | os.PathLike) -> None:
        """Write the VAE atomically as one safetensors file."""
        arrays = {name: value.cpu().numpy() for name, value in self.state_dict().items()}
        save_arrays(path, "VAE", arrays, {"shape": self.shape, "record": self.record})

    @classmethod
    def load(cls, path: str | os.PathLike, device: torch.device | str = "cpu") -> Self:
        """Read a fitted VAE; raises :class:`ArtefactError` if the file is damaged."""
        arrays, metadata = load_arrays(path, "VAE")
        vae = cls(tuple(metadata["shape"]), metadata["record"])
        try:
            vae.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
        except RuntimeError as error:
            raise ArtefactError(
                f"{path}: weights do not fit: {str(error).splitlines()[0]}"
            ) from None
        return vae.to(device).eval().requires_grad_(False)


def sample(mean: Tensor, log_variance: Tensor, generator: torch.Generator) -> Tensor:
    """A draw from the posterior: mean + exp(log_variance / 2) * noise, [N, 2].

    Study 000 additionally halves the noise (its fault 3), so that its decoder sees half of the
    standard deviation used in :func:`divergence`; this is not repeated here.  The noise is drawn
    on the CPU, so that it is the same on every device.
    """
    noise = torch.randn(mean.shape, generator=generator).to(mean.device)
    return mean + (log_variance / 2).exp() * noise


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) in nats, summed over the dimensions, [N].

    Kingma and Welling 2014, appendix B.
    """
    return 0.5 * (log_variance.exp() + mean**2 - 1 - log_variance).sum(1)


def fit(
    images: np.ndarray,
    *,
    epochs: int,
    batch: int,
    learning_rate: float,
    seed: int,
    device: torch.device,
) -> Vae:
    """Fit a VAE to ``images`` [N, C, H, W], uint8 or float32 in [0, 1], with Adam.

    Its ``record`` contains the mean loss of every epoch, in nats per image.

    Raises :class:`InputError` naming epoch and step if the loss is not finite.
    """
    with torch.random.fork_rng():
        torch.manual_seed(derive(seed, "weights"))
        vae = Vae(images.shape[1:]).to(device)
    generator = torch.Generator().manual_seed(derive(seed, "noise"))
    optimizer = torch.optim.Adam(vae.parameters(), lr=learning_rate)
    pixels = torch.from_numpy(images).to(device)
    losses = []
    for epoch in progress(range(epochs), "epochs"):
        order = torch.randperm(len(pixels), generator=generator).to(device)
        total = 0.0
        for step, pixels_of_batch in enumerate(batches(pixels[order], batch, device)):
            loss = vae.loss(pixels_of_batch, generator)
            value = finite(loss.item(), epoch, step, "latent.vae.learning_rate")
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += value * len(pixels_of_batch)
        losses.append(total / len(pixels))
    vae.record = {"images": len(images), "loss": losses}
    return vae.eval().requires_grad_(False)


@torch.no_grad()
def encode(vae: Vae, images: np.ndarray | Tensor, batch: int = 1024) -> np.ndarray:
    """Encoder means of ``images`` [N, C, H, W], float32 [N, 2]."""
    device = next(vae.parameters()).device
    codes = [vae.encode(pixels)[0].cpu() for pixels in batches(images, batch, device)]
    return torch.cat(codes).numpy()


@torch.no_grad()
def decode(vae: Vae, codes: np.ndarray, batch: int = 1024) -> Tensor:
    """Decoded ``codes`` [N, 2] as float32 pixels [N, C, H, W] on the CPU."""
    device = next(vae.parameters()).device
    codes_tensor = torch.from_numpy(codes.astype(np.float32))
    return torch.cat([vae.decode(part.to(device)).cpu() for part in codes_tensor.split(batch)])


def _dense(*widths: int) -> nn.Sequential:
    """Dense layers of the given widths with ELU between them."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ELU()]
    return nn.Sequential(*layers[:-1])
