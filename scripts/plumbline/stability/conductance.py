"""Conductance: the part of the predicted class's logit that flows through each feature map."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.data.image_sets import ImageSetKey
from plumbline.metrics.intervals import mean_interval, mean_intervals
from plumbline.models.classifier import Classifier, Network, batches
from plumbline.runtime.seeding import derive
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.tables import Row, row

MEMORY = 2**29  # maximum size of the activations of a batch, in bytes
COPIES = 16  # memory in units of the blocks' outputs, including inner layers and gradients
BATCH = 256  # maximum number of images in a batch
ENDS = (nn.Conv2d, nn.Linear, nn.Dropout, nn.Flatten, nn.AdaptiveAvgPool2d)
Part = tuple[str, Sequence[nn.Module]]


@dataclass(frozen=True)
class Conductance:
    """Conductance of each block for the logit of the predicted class, by name of the block.

    ``channels`` [N, channels] is the conductance of a channel's units, averaged over height and
    width; each unit of a dense layer is a channel.  ``change`` [N] is the logit at the image minus
    the logit at the baseline.  ``gap`` [N] is the sum over all units of a block minus ``change``,
    which vanishes in the limit of many steps.  ``target`` [N] is the predicted class.
    """

    channels: dict[str, Tensor]
    gap: dict[str, Tensor]
    target: Tensor
    change: Tensor


def conductance(
    classifier: Classifier, images: np.ndarray | Tensor, *, steps: int, batch: int | None = None
) -> Conductance:
    """Conductance of every block for the predicted class; the baseline is the black image.

    With h_k the output of a block at k / ``steps`` of the path from the baseline to the image, the
    conductance of a unit is the right Riemann sum over k = 1 ... ``steps`` of
    d logit / d h (h_k) * (h_k - h_{k-1}), as in study 004.  A single pass along the path, with one
    forward and one backward pass per step, serves all blocks.  By default ``batch`` is what fits
    into ``MEMORY``.

    Dhamdhere, Sundararajan and Yan 2018, equation 3.
    """
    device, (*parts, head) = classifier.mean.device, _parts(classifier.network)
    batch = batch or _batch(classifier, parts, images)
    flows = [_walk(classifier, parts, head, each, steps) for each in batches(images, batch, device)]
    flow, size, targets, changes = zip(*flows, strict=True)
    target, change = torch.cat(targets).cpu(), torch.cat(changes).cpu()
    channels = {
        name: torch.cat([each[place] for each in flow]).cpu()
        for place, (name, _) in enumerate(parts)
    }
    gap = {
        name: each.sum(1) * units - change
        for (name, each), units in zip(channels.items(), size[0], strict=True)
    }
    return Conductance(channels, gap, target, change)


def blocks(network: Network) -> list[str]:
    """Names of a net's blocks, from the input to the output.

    If the net has composite modules, such as residual blocks, these are the blocks.  In a plain
    chain a block is a convolution or dense layer, except the last, with the activation,
    normalisation and pooling that follow it.
    """
    return [name for name, _ in _parts(network)[:-1]]


def _parts(network: Network) -> list[Part]:
    """The net split after each block; the last part, without a name, computes the logits."""
    flat = list(_flat(network))
    ends = {
        place + 1: name
        for place, (name, layer) in enumerate(flat)
        if next(layer.children(), None) is not None
    }
    if not ends:
        weighted = [i for i, (_, each) in enumerate(flat) if isinstance(each, ENDS[:2])]
        for start in weighted[:-1]:
            end = start + 1
            while not isinstance(flat[end][1], ENDS):
                end += 1
            ends[end] = flat[start][0]
    names, starts = [*ends.values(), ""], [0, *ends]
    layers = [each for _, each in flat]
    return [
        (name, layers[start:stop])
        for name, start, stop in zip(names, starts, [*ends, len(flat)], strict=True)
    ]


def _flat(network: nn.Sequential) -> Iterator[tuple[str, nn.Module]]:
    """Layers by name, with those of an ``nn.Sequential`` listed one by one."""
    for name, layer in network.named_children():
        if isinstance(layer, nn.Sequential):
            yield from ((f"{name}_{inner}", each) for inner, each in _flat(layer))
        else:
            yield name, layer


def _through(layers: Sequence[nn.Module], hidden: Tensor) -> Tensor:
    for layer in layers:
        hidden = layer(hidden)
    return hidden


def _record(
    classifier: Classifier, parts: Sequence[Part], head: Part, pixels: Tensor, gradients: bool
) -> tuple[list[Tensor], Tensor]:
    """Output of every block, and the logits."""
    hidden = classifier.normalise(pixels)
    outputs: list[Tensor] = []
    for _, layers in parts:
        hidden = _through(layers, hidden)
        if gradients and not outputs:
            hidden = hidden.requires_grad_()  # weights are frozen: no gradients are needed before
        outputs.append(hidden)
    return outputs, _through(head[1], hidden)


def _walk(
    classifier: Classifier, parts: Sequence[Part], head: Part, pixels: Tensor, steps: int
) -> tuple[list[Tensor], list[int], Tensor, Tensor]:
    """Mean conductance by channel and number of units per channel of every block; target, change.

    The path runs from the image back to the baseline, because the image determines the class.
    """
    upper, logits = _record(classifier, parts, head, pixels, True)
    target = logits.argmax(1, keepdim=True)
    above = logits.detach().gather(1, target)
    flow = [torch.zeros_like(each[:, :, 0, 0] if each.ndim == 4 else each) for each in upper]
    for step in reversed(range(steps)):
        gradients = torch.autograd.grad(logits.gather(1, target).sum(), upper)
        lower, logits = _record(classifier, parts, head, pixels * (step / steps), step > 0)
        for total, gradient, high, low in zip(flow, gradients, upper, lower, strict=True):
            part = gradient * (high.detach() - low.detach())
            total += part.mean((2, 3)) if part.ndim == 4 else part
        upper = lower
    change = above - logits.gather(1, target)
    units = [each[0, 0].numel() for each in upper]
    return [each.detach() for each in flow], units, target.squeeze(1), change.squeeze(1)


@torch.no_grad()
def _batch(classifier: Classifier, parts: Sequence[Part], images: np.ndarray | Tensor) -> int:
    """Number of images in a batch, from the size of the blocks' outputs for one image."""
    one = next(batches(images[:1], 1, classifier.mean.device))
    outputs, _ = _record(classifier, parts, ("", ()), one, False)
    size = COPIES * sum(each.numel() * each.element_size() for each in outputs)
    return max(1, min(BATCH, MEMORY // size))


@torch.no_grad()
def closed_form(
    classifier: Classifier, images: np.ndarray | Tensor, target: Tensor, batch: int = 256
) -> Tensor | None:
    """Conductance [N, channels] of the last block if the logit is linear in its channel means.

    With global average pooling and one dense layer w after the last block, the conductance of a
    channel is w[target] (mean h(x) - mean h(0)) / (H W) for any number of steps.  None for any
    other net.
    """
    network = classifier.network
    if network.last_block is None:
        return None
    tail = [
        each
        for each in list(network)[network.features_end :]
        if not isinstance(each, nn.Dropout | nn.Flatten)
    ]
    match tail:
        case [nn.AdaptiveAvgPool2d(output_size=1 | (1, 1)), nn.Linear(weight=weight)]:
            means, size = [], 1
            for pixels in batches(images, batch, classifier.mean.device):
                baseline = torch.zeros_like(pixels[:1])
                change = classifier.features(pixels) - classifier.features(baseline)
                size = change.shape[2] * change.shape[3]
                means.append(change.mean((2, 3)))
            return (weight[target.to(weight.device)] * torch.cat(means) / size).cpu()
    return None


def measure(
    classifier: Classifier, images: ImageSet, key: ImageSetKey, steps: int, seed: int, **keys: str
) -> tuple[dict[str, np.ndarray], list[Row]]:
    """Arrays of one image set to keep, ``set/block`` and ``set.index``, and its table rows.

    ``completeness_gap`` is the mean of |gap| over the images in units of the mean |change| of
    the logit, for every block; ``closed_form_gap`` of the last one the mean over images of the
    summed difference to the closed form, in units of the mean sum of the closed form's sizes.
    """
    name, result = key.name, conductance(classifier, images.images, steps=steps)
    arrays = {f"{name}/{block}": each.numpy() for block, each in result.channels.items()}
    keys, of_set = {**keys, **key.columns()}, derive(seed, "images", name)
    gaps = torch.stack([_relative(each, result.change) for each in result.gap.values()], 1)
    estimates = zip(*mean_intervals(gaps.numpy(), of_set), strict=True)
    rows = [
        row(
            "completeness_gap", float(mean), float(low), float(high), len(gaps), **keys, block=block
        )
        for block, (mean, low, high) in zip(result.gap, estimates, strict=True)
    ]
    exact = closed_form(classifier, images.images, result.target)
    if exact is not None:
        block = list(result.channels)[-1]
        difference = (result.channels[block] - exact).abs().sum(1)
        gap = _relative(difference, exact.abs().sum(1)).numpy()
        estimate = mean_interval(gap, of_set)
        rows.append(row("closed_form_gap", *estimate, len(gap), **keys, block=block))
    return {**arrays, f"{name}.index": images.index}, rows


def _relative(error: Tensor, size: Tensor) -> Tensor:
    """Absolute errors divided by the mean absolute size, which avoids division by small sizes."""
    return (error.abs() / size.abs().mean()).double()
