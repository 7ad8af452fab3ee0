"""Images of which some superpixels are hidden: the games that LIME and KernelSHAP fit."""

import torch
from torch import Tensor

from plumbline.attribution.batching import blocks, target_logits
from plumbline.errors import InputError
from plumbline.models.classifier import Classifier

IMAGES = 8  # games that are played and fitted at once; more are no faster


def fill_image(pixels: Tensor, labels: Tensor, count: int, fill: float | str) -> Tensor:
    """What hidden superpixels show, [N, C, H, W].

    ``fill`` is a value for all pixels and channels, or ``mean``: the mean colour of the
    superpixel, as the authors of LIME hide.

    Raises :class:`InputError` for another ``fill``.
    """
    if isinstance(fill, int | float):
        return torch.full_like(pixels, fill)
    if fill != "mean":
        raise InputError(f"fill must be a number or mean, not {fill!r}")
    channels = pixels.shape[1]
    flat = labels.flatten(1)
    place = flat[:, None].expand(-1, channels, -1)
    sums = pixels.new_zeros(len(pixels), channels, count)
    sums = sums.scatter_add(2, place, pixels.flatten(2))
    means = sums / sizes(labels, count)[:, None]
    return means.gather(2, place).view_as(pixels)


def sizes(labels: Tensor, count: int) -> Tensor:
    """How many pixels each of ``count`` superpixels has in ``labels`` [N, H, W], [N, D]."""
    image = torch.arange(len(labels), device=labels.device)[:, None, None] * count
    return torch.bincount((labels + image).flatten(), minlength=len(labels) * count).view(-1, count)


def hide(pixels: Tensor, labels: Tensor, present: Tensor, fill: Tensor) -> Tensor:
    """Images [N, S, C, H, W] whose superpixels show ``fill`` where ``present`` is false.

    ``labels`` [N, H, W] give each pixel's superpixel, ``present`` [N, S, D] the coalitions,
    ``fill`` [N, C, H, W] what hides.
    """
    samples = present.shape[1]
    place = labels.flatten(1)[:, None].expand(-1, samples, -1)
    shown = present.gather(2, place).view(len(pixels), samples, 1, *labels.shape[1:])
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
    """Logit of ``target`` of every coalition of every image, [N, S] float64.

    ``present`` [N, S, D] says which superpixels are shown.  At most ``batch`` images exist at
    a time.
    """
    worth = pixels.new_empty(present.shape[:2], dtype=torch.float64)
    for i, sample in blocks(len(pixels), worth.shape[1], batch):
        images = hide(pixels[i], labels[i], present[i, sample], fill[i])
        classes = target[i].repeat_interleave(images.shape[1])
        logits = target_logits(classifier, images.flatten(0, 1), classes, batch)
        worth[i, sample] = logits.view(images.shape[:2]).double()
    return worth


def spread(worth: Tensor, labels: Tensor, pixels: Tensor) -> Tensor:
    """Share the ``worth`` [N, D] of each superpixel equally among its pixels and channels.

    Returns relevance like ``pixels`` [N, C, H, W], constant inside a superpixel, with the same
    sum as ``worth``.
    """
    each = worth / (sizes(labels, worth.shape[1]) * pixels.shape[1])
    share = each.gather(1, labels.flatten(1)).view(labels.shape)
    return share[:, None].expand_as(pixels).to(pixels.dtype)
