"""Images with some superpixels hidden: the cooperative games that LIME and KernelSHAP fit."""

import torch
from torch import Tensor

from plumbline.attribution.batching import blocks, target_logits
from plumbline.errors import InputError
from plumbline.models.classifier import Classifier

IMAGES = 8  # images whose games are evaluated and fitted at once; more are no faster


def fill_image(pixels: Tensor, labels: Tensor, count: int, fill: float | str) -> Tensor:
    """Pixels that replace hidden superpixels, [N, C, H, W].

    ``fill`` is one value for all pixels and channels, or ``mean``: the mean colour of the
    superpixel, as in the implementation by the authors of LIME.

    Raises :class:`InputError` for any other ``fill``.
    """
    if isinstance(fill, int | float):
        return torch.full_like(pixels, fill)
    if fill != "mean":
        raise InputError(f"fill must be a number or mean, not {fill!r}")
    channels = pixels.shape[1]
    superpixel = labels.flatten(1)[:, None].expand(-1, channels, -1)
    sums = pixels.new_zeros(len(pixels), channels, count)
    sums = sums.scatter_add(2, superpixel, pixels.flatten(2))
    means = sums / sizes(labels, count)[:, None]
    return means.gather(2, superpixel).view_as(pixels)


def sizes(labels: Tensor, count: int) -> Tensor:
    """Number of pixels of each of ``count`` superpixels in ``labels`` [N, H, W], [N, D]."""
    offset = torch.arange(len(labels), device=labels.device)[:, None, None] * count
    flat = (labels + offset).flatten()
    return torch.bincount(flat, minlength=len(labels) * count).view(-1, count)


def hide(pixels: Tensor, labels: Tensor, present: Tensor, fill: Tensor) -> Tensor:
    """Images [N, S, C, H, W] in which superpixels that are not ``present`` are replaced.

    ``labels`` [N, H, W] give the superpixel of each pixel, ``present`` [N, S, D] the coalitions,
    ``fill`` [N, C, H, W] the replacement.
    """
    samples = present.shape[1]
    superpixel = labels.flatten(1)[:, None].expand(-1, samples, -1)
    shown = present.gather(2, superpixel).view(len(pixels), samples, 1, *labels.shape[1:])
    return torch.where(shown, pixels[:, None], fill[:, None])


def worths(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    labels: Tensor,
    present: Tensor,
    fill: Tensor,
    batch: int,
) -> Tensor:
    """Logit of ``target`` for every coalition of every image, [N, S] float64.

    ``present`` [N, S, D] says which superpixels are shown.  At most ``batch`` images are held
    in memory at a time.
    """
    worth = pixels.new_empty(present.shape[:2], dtype=torch.float64)
    for i, sample in blocks(len(pixels), worth.shape[1], batch):
        images = hide(pixels[i], labels[i], present[i, sample], fill[i])
        classes = target[i].repeat_interleave(images.shape[1])
        logits = target_logits(classifier, images.flatten(0, 1), classes, batch)
        worth[i, sample] = logits.view(images.shape[:2]).double()
    return worth


def spread(worth: Tensor, labels: Tensor, pixels: Tensor) -> Tensor:
    """Divide the ``worth`` [N, D] of each superpixel equally among its pixels and channels.

    Returns relevance [N, C, H, W], constant within a superpixel, with the same sum as ``worth``.
    """
    per_pixel = worth / (sizes(labels, worth.shape[1]) * pixels.shape[1])
    share = per_pixel.gather(1, labels.flatten(1)).view(labels.shape)
    return share[:, None].expand_as(pixels).to(pixels.dtype)
