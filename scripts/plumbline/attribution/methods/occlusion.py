"""Occlusion: drop of the logit when a block of the image is hidden."""

import torch
from torch import Tensor

from plumbline.attribution.batching import blocks, no_promise, target_logits
from plumbline.errors import InputError, at_least
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

FAMILY = "perturbation"


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    block: int = 0,
    stride: int = 0,
    fill: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Mean drop of the ``target`` logit over the blocks that cover a pixel, [N, C, H, W].

    A block of ``block`` x ``block`` pixels is set to ``fill`` in all channels and moved over the
    image in steps of ``stride``; the last block is aligned with the edge.  A ``block`` of 0
    means a seventh of the image's shorter side, a ``stride`` of 0 half a block: 4 and 2 pixels
    for images of 28 x 28, 32 and 16 for 224 x 224.  The drop is distributed equally over the
    channels, so that their sum is the mean drop.  The gap is NaN.  Zeiler and Fergus 2014,
    section 4.2, with the logit instead of the probability.

    Raises :class:`InputError` if ``stride`` exceeds the block, so that pixels would be skipped,
    or if the block is larger than the image.
    """
    block, stride = _sizes(block, stride, min(pixels.shape[2:]))
    down, across = (_windows(side, block, stride, pixels.device) for side in pixels.shape[2:])
    whole = target_logits(classifier, pixels, target, batch)
    positions = torch.cartesian_prod(*(torch.arange(len(windows)) for windows in (down, across)))
    drop = pixels.new_empty(len(pixels), len(positions))
    batches = blocks(len(pixels), len(positions), batch)
    for image, position in progress(batches, "batches of occlusion"):
        top, left = positions[position].to(pixels.device).unbind(1)
        hidden = down[top, :, None] & across[left, None]
        occluded = torch.where(hidden[:, None], fill, pixels[image, None])
        classes = target[image].repeat_interleave(len(hidden))
        logits = target_logits(classifier, occluded.flatten(0, 1), classes, batch)
        drop[image, position] = whole[image, None] - logits.view(occluded.shape[:2])
    down, across = down.to(pixels), across.to(pixels)
    total = torch.einsum("nrc,rh,cw->nhw", drop.unflatten(1, (len(down), -1)), down, across)
    covers = down.sum(0)[:, None] * across.sum(0)
    relevance = (total / covers / pixels.shape[1])[:, None].expand_as(pixels)
    return relevance.contiguous(), no_promise(pixels)


def _sizes(block: int, stride: int, side: int) -> tuple[int, int]:
    """Block and stride in pixels; raises :class:`InputError` if they do not fit ``side``."""
    at_least("occlusion.block", block, 0)
    at_least("occlusion.stride", stride, 0)
    block = block or max(1, round(side / 7))
    stride = stride or max(1, block // 2)
    if not stride <= block <= side:
        raise InputError(
            f"occlusion.block must be from its stride {stride} to the image's {side} pixels, "
            f"not {block}"
        )
    return block, stride


def _windows(side: int, block: int, stride: int, device: torch.device) -> Tensor:
    """Pixels along one side that each block covers, [blocks, side] bool."""
    starts = list(range(0, side - block + 1, stride))
    if starts[-1] != side - block:
        starts.append(side - block)
    start = torch.tensor(starts, device=device)[:, None]
    position = torch.arange(side, device=device)
    return (position >= start) & (position < start + block)
