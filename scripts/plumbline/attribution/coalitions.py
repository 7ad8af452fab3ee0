"""Images of which some superpixels are hidden: the games that LIME and KernelSHAP fit."""

import torch
from torch import Tensor

from plumbline.attribution.batching import pairs, target_logits
from plumbline.models.classifier import Classifier


def blocks(images: int, samples: int, batch: int) -> list[slice]:
    """Consecutive images, so many at a time that their samples fill a batch; at least one."""
    size = max(1, batch // samples)
    return [slice(start, start + size) for start in range(0, images, size)]


def hide(pixels: Tensor, labels: Tensor, present: Tensor, fill: float) -> Tensor:
    """Set superpixels to ``fill``, in all channels, where ``present`` [N, D] is false.

    ``labels`` [N, H, W] give each pixel's superpixel.
    """
    shown = present.gather(1, labels.flatten(1)).view(labels.shape)[:, None]
    return torch.where(shown, pixels, fill)


def worths(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    labels: Tensor,
    present: Tensor,
    fill: float,
    batch: int,
) -> Tensor:
    """Logit of ``target`` of every coalition of every image, [N, S] float64.

    ``present`` [N, S, D] says which superpixels are shown.  At most ``batch`` images exist at
    a time.
    """
    values = [
        target_logits(
            classifier,
            hide(pixels[image], labels[image], present[image, sample], fill),
            target[image],
            batch,
        )
        for image, sample in pairs(pixels, present.shape[1], batch)
    ]
    return torch.cat(values).double().view(len(pixels), -1)


def spread(worth: Tensor, labels: Tensor, pixels: Tensor) -> Tensor:
    """Share the ``worth`` [N, D] of each superpixel equally among its pixels and channels.

    Returns relevance like ``pixels`` [N, C, H, W], constant inside a superpixel, with the same
    sum as ``worth``.
    """
    flat = labels.flatten(1)
    image = torch.arange(len(flat), device=flat.device)[:, None] * worth.shape[1]
    sizes = torch.bincount((flat + image).flatten(), minlength=worth.numel()).view_as(worth)
    share = (worth / (sizes * pixels.shape[1])).gather(1, flat).view(labels.shape)
    return share[:, None].expand_as(pixels).to(pixels.dtype)
