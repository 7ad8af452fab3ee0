"""What all methods share: pairs of image and sample in batches, and the logit explained."""

from itertools import pairwise

import torch
from torch import Tensor

from plumbline.models.classifier import Classifier


def pairs(pixels: Tensor, samples: int, batch: int) -> list[tuple[Tensor, Tensor]]:
    """Every pair of an image of ``pixels`` [N, ...] and one of ``samples``, in batches.

    Returns tensors ``(image, sample)`` of at most ``batch`` positions each, on the device of
    ``pixels``, images outermost: the order does not depend on ``batch``, so that a stream of
    random numbers drawn along it does not either.
    """
    every = torch.arange(len(pixels) * samples, device=pixels.device)
    return [(part // samples, part % samples) for part in every.split(batch)]


def parts(images: int, batch: int) -> list[slice]:
    """Consecutive images, ``batch`` at a time."""
    return [slice(start, start + batch) for start in range(0, images, batch)]


def blocks(images: int, samples: int, batch: int) -> list[tuple[slice, slice]]:
    """Every pair of an image and a sample, in blocks of at most ``batch`` pairs.

    Returns slices ``(images, samples)``, images outermost, so that a stream of random numbers
    drawn along them does not depend on ``batch``.  A block is either several images with all
    their samples, or one image with some of them: what is made of it needs no copies of the
    images, only a broadcast.
    """
    if samples <= batch:
        size = batch // samples
        return [
            (slice(i, min(i + size, images)), slice(0, samples)) for i in range(0, images, size)
        ]
    pieces = -(-samples // batch)
    ends = [samples * k // pieces for k in range(pieces + 1)]
    return [(slice(i, i + 1), slice(*each)) for i in range(images) for each in pairwise(ends)]


def pick(logits: Tensor, target: Tensor) -> Tensor:
    """The logit of each image's ``target`` class, [N]."""
    return logits.gather(1, target[:, None])[:, 0]


@torch.no_grad()
def target_logits(classifier: Classifier, pixels: Tensor, target: Tensor, batch: int) -> Tensor:
    """Logit of ``target`` for all ``pixels``, [N], at most ``batch`` images at a time."""
    split = zip(pixels.split(batch), target.split(batch), strict=True)
    return torch.cat([pick(classifier(images), classes) for images, classes in split])


def no_promise(pixels: Tensor) -> Tensor:
    """The completeness gap of a method that promises nothing: NaN for each image."""
    return torch.full((len(pixels),), torch.nan, dtype=pixels.dtype, device=pixels.device)
