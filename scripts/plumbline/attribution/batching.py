"""Shared by all methods: pairs of image and sample in batches, and the logit to explain."""

from itertools import pairwise

import torch
from torch import Tensor

from plumbline.models.classifier import Classifier


def pairs(pixels: Tensor, samples: int, batch: int) -> list[tuple[Tensor, Tensor]]:
    """All pairs of an image in ``pixels`` [N, ...] and one of ``samples`` samples, in batches.

    Returns index tensors ``(image, sample)`` of at most ``batch`` elements each, on the device
    of ``pixels``, with images outermost.  The order does not depend on ``batch``, and neither
    does a stream of random numbers drawn in this order.
    """
    numbers = torch.arange(len(pixels) * samples, device=pixels.device)
    return [(part // samples, part % samples) for part in numbers.split(batch)]


def parts(images: int, batch: int) -> list[slice]:
    """Slices of consecutive images, at most ``batch`` each."""
    return [slice(start, start + batch) for start in range(0, images, batch)]


def blocks(images: int, samples: int, batch: int) -> list[tuple[slice, slice]]:
    """All pairs of an image and a sample, in blocks of at most ``batch`` pairs.

    Returns slices ``(images, samples)``, with images outermost, so that a stream of random
    numbers drawn in this order does not depend on ``batch``.  A block holds either several
    images with all their samples or one image with some of them, so that images can be
    broadcast instead of copied.
    """
    if samples <= batch:
        size = batch // samples
        return [
            (slice(i, min(i + size, images)), slice(0, samples)) for i in range(0, images, size)
        ]
    pieces = -(-samples // batch)
    ends = [samples * k // pieces for k in range(pieces + 1)]
    return [(slice(i, i + 1), slice(*piece)) for i in range(images) for piece in pairwise(ends)]


def pick(logits: Tensor, target: Tensor) -> Tensor:
    """The logit of each image's ``target`` class, [N]."""
    return logits.gather(1, target[:, None])[:, 0]


@torch.no_grad()
def target_logits(classifier: Classifier, pixels: Tensor, target: Tensor, batch: int) -> Tensor:
    """Logit of ``target`` for all ``pixels``, [N], computed in batches of at most ``batch``."""
    batches = zip(pixels.split(batch), target.split(batch), strict=True)
    return torch.cat([pick(classifier(images), classes) for images, classes in batches])


def no_promise(pixels: Tensor) -> Tensor:
    """The completeness gap of a method that is not complete: NaN for each image, [N]."""
    return torch.full((len(pixels),), torch.nan, dtype=pixels.dtype, device=pixels.device)
