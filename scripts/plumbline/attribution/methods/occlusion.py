"""Occlusion: how far the logit drops when a block of the image is hidden."""

import torch
from torch import Tensor

from plumbline.attribution.batching import at_least, no_promise, pairs, target_logits
from plumbline.errors import InputError
from plumbline.models.classifier import Classifier
from plumbline.progress import progress


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    block: int = 4,
    stride: int = 2,
    fill: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Mean drop of the ``target`` logit over the blocks that cover a pixel, [N, C, H, W].

    A block of ``block`` x ``block`` pixels is set to ``fill`` in all channels and moved by
    ``stride``; a last one lies flush with the edge.  The drop is shared equally among the
    channels, so that their sum is the mean drop.  The gap is NaN.  Zeiler and Fergus 2014,
    section 4.2, with the logit in place of the probability.

    Raises :class:`InputError` if ``stride`` leaves pixels out or the block is larger than the
    image.
    """
    at_least("occlusion.stride", stride, 1)
    if not stride <= block <= min(pixels.shape[2:]):
        raise InputError(
            f"occlusion.block must be from its stride {stride} to the image's "
            f"{min(pixels.shape[2:])} pixels, not {block}"
        )
    down, across = (_windows(side, block, stride, pixels.device) for side in pixels.shape[2:])
    whole = target_logits(classifier, pixels, target, batch)
    every = pairs(pixels, len(down) * len(across), batch)
    drops = []
    for image, window in progress(every, "batches of occlusion"):
        hidden = down[window // len(across), :, None] & across[window % len(across), None]
        occluded = torch.where(hidden[:, None], fill, pixels[image])
        drops.append(whole[image] - target_logits(classifier, occluded, target[image], batch))
    drop = torch.cat(drops).view(len(pixels), len(down), len(across))
    down, across = down.to(pixels), across.to(pixels)
    total = torch.einsum("nrc,rh,cw->nhw", drop, down, across)
    covers = down.sum(0)[:, None] * across.sum(0)
    relevance = (total / covers / pixels.shape[1])[:, None].expand_as(pixels)
    return relevance.contiguous(), no_promise(pixels)


def _windows(side: int, block: int, stride: int, device: torch.device) -> Tensor:
    """Which pixels of one side each block covers, [blocks, side] bool."""
    starts = list(range(0, side - block + 1, stride))
    if starts[-1] != side - block:
        starts.append(side - block)
    start = torch.tensor(starts, device=device)[:, None]
    place = torch.arange(side, device=device)
    return (place >= start) & (place < start + block)
