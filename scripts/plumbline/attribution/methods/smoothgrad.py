"""SmoothGrad: mean of the gradient, or of any other method, over noisy copies of the image."""

import numpy as np
import torch
from torch import Tensor

from plumbline.attribution.batching import blocks, no_promise
from plumbline.errors import InputError, at_least
from plumbline.models.classifier import Classifier
from plumbline.registry import ATTRIBUTIONS
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive

LABEL = "SmoothGrad"
VARIANTS = {"smoothgrad_guided": "SmoothGrad, guided"}
FAMILY = "gradient"
BASE = "base"
COPIES = 256  # maximum number of noisy copies made at once ...
VALUES = 2**23  # ... and of their pixel values in total


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    samples: int = 50,
    level: float = 0.15,
    base: str = "gradient",
) -> tuple[Tensor, Tensor]:
    """Mean relevance by the method ``base`` over ``samples`` noisy copies, [N, C, H, W].

    The noise is normal and not clipped; its standard deviation is ``level`` times the image's
    range (highest minus lowest pixel).  ``base`` is another method, a module of
    attribution/methods, used with its default options; the paper uses ``gradient``, whose sign
    is kept here.  The gap is NaN.  Smilkov et al. 2017, "SmoothGrad: removing noise by adding
    noise".

    Raises :class:`InputError` if ``samples`` is below 1 or ``level`` below 0, or if ``base`` is
    ``smoothgrad`` or not a method.
    """
    at_least("smoothgrad.samples", samples, 1)
    at_least("smoothgrad.level", level, 0)
    if base == "smoothgrad":
        raise InputError("smoothgrad.base must be another method than smoothgrad")
    explain, stream = ATTRIBUTIONS.load(base), np.random.default_rng(seed)
    span = pixels.amax((1, 2, 3), keepdim=True) - pixels.amin((1, 2, 3), keepdim=True)
    relevance = torch.zeros_like(pixels)
    for image, sample in progress(_blocks(pixels, samples), "batches of smoothgrad"):
        count = sample.stop - sample.start
        shape = (image.stop - image.start, count, *pixels.shape[1:])
        noise = torch.from_numpy(stream.standard_normal(shape, dtype=np.float32)).to(pixels)
        noisy = noise.mul_(level * span[image, None]).add_(pixels[image, None])
        base_seed = derive(seed, base, image.start, sample.start)  # for a random base
        classes = target[image].repeat_interleave(count)
        maps, _ = explain(classifier, noisy.flatten(0, 1), classes, seed=base_seed, batch=batch)
        relevance[image] += maps.view(shape).sum(1) / samples
    return relevance, no_promise(pixels)


def _blocks(pixels: Tensor, samples: int) -> list[tuple[slice, slice]]:
    """Blocks of images and samples; independent of the batch size, as a random base requires."""
    copies = max(1, min(COPIES, VALUES // pixels[0].numel()))
    return blocks(len(pixels), samples, copies)
