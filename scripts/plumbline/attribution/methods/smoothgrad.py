"""SmoothGrad: the mean of a gradient, or of any other map, over noisy copies of the image."""

import numpy as np
import torch
from torch import Tensor

from plumbline.attribution.batching import blocks, no_promise
from plumbline.errors import InputError, at_least
from plumbline.models.classifier import Classifier
from plumbline.registry import ATTRIBUTIONS
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive

COPIES = 256  # noisy copies made at once, at most, ...
VALUES = 2**23  # ... of so many pixel values in all


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
    """Mean of the relevance by ``base`` over ``samples`` noisy copies, [N, C, H, W].

    The noise is normal, with ``level`` times each image's own range (highest minus lowest
    pixel) for its standard deviation, and is not clipped.  ``base`` is another method, a
    module of attribution/methods, with its default options; the paper's is ``gradient``, whose
    sign is kept here.  The gap is NaN.  Smilkov et al. 2017, "SmoothGrad: removing noise by
    adding noise".

    Raises :class:`InputError` if ``samples`` is below 1 or ``level`` below 0, or if ``base`` is
    SmoothGrad or no method.
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
        own = derive(seed, base, image.start, sample.start)  # for a base that is itself random
        classes = target[image].repeat_interleave(count)
        map_, _ = explain(classifier, noisy.flatten(0, 1), classes, seed=own, batch=batch)
        relevance[image] += map_.view(shape).sum(1) / samples
    return relevance, no_promise(pixels)


def _blocks(pixels: Tensor, samples: int) -> list[tuple[slice, slice]]:
    """Blocks of images and samples that do not depend on the batch, as a random base needs."""
    copies = max(1, min(COPIES, VALUES // pixels[0].numel()))
    return blocks(len(pixels), samples, copies)
