"""Conductance of the feature maps of the last convolutional block."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.artefacts import ImageSet
from plumbline.models.classifier import Classifier, batches
from plumbline.seeding import derive
from plumbline.statistics import mean_interval
from plumbline.tables import Row, row


@dataclass(frozen=True)
class Conductance:
    """What flows through each channel to the logit of the predicted class.

    ``channels`` [N, channels] is the conductance of a channel's units, averaged over height
    and width.  ``target`` [N] is the predicted class.  ``gap`` [N] is the sum over all units
    minus ``change`` [N], the logit at the image minus the logit at the baseline, which it
    equals in the limit of many steps.
    """

    channels: Tensor
    target: Tensor
    gap: Tensor
    change: Tensor


def conductance(
    classifier: Classifier, images: np.ndarray | Tensor, *, steps: int, batch: int = 256
) -> Conductance:
    """Conductance of the last block for the predicted class; the baseline is the black image.

    With h_k the features at k / ``steps`` of the way from the baseline to the image, the flow
    through a unit is the right Riemann sum over k = 1 ... ``steps`` of
    d logit / d h (h_k) * (h_k - h_{k-1}), as in study 004.

    Dhamdhere, Sundararajan and Yan 2018, equation 3.
    """
    device = classifier.mean.device
    parts = [_flow(classifier, each, steps) for each in batches(images, batch, device)]
    return Conductance(*(torch.cat(each).cpu() for each in zip(*parts, strict=True)))


def _flow(classifier: Classifier, pixels: Tensor, steps: int) -> tuple[Tensor, ...]:
    """Channels, target, gap and change of one batch.

    The path is walked from the image back to the baseline, because the image names the class.
    """
    with torch.no_grad():
        upper = classifier.features(pixels)
        logits = classifier.classify(upper)
        target = logits.argmax(1, keepdim=True)
    flow = torch.zeros_like(upper)
    for step in reversed(range(steps)):
        with torch.no_grad():
            lower = classifier.features(pixels * (step / steps))
        upper = upper.requires_grad_()
        logit = classifier.classify(upper).gather(1, target)
        (gradient,) = torch.autograd.grad(logit.sum(), upper)
        flow += gradient * (upper.detach() - lower)
        upper = lower
    with torch.no_grad():
        change = (logits - classifier.classify(lower)).gather(1, target).squeeze(1)
    gap = flow.sum((1, 2, 3)) - change
    return flow.mean((2, 3)), target.squeeze(1), gap, change


@torch.no_grad()
def closed_form(
    classifier: Classifier, images: np.ndarray | Tensor, target: Tensor, batch: int = 256
) -> Tensor | None:
    """Conductance [N, channels] where the logit is linear in the mean of each feature map.

    With global average pooling and one dense layer w after the last block, a channel's
    conductance is w[target] (mean h(x) - mean h(0)) / (H W) for any number of steps.  None
    where something else follows the block.
    """
    network = classifier.network
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
    classifier: Classifier, images: ImageSet, name: str, steps: int, seed: int, **keys: str
) -> tuple[dict[str, np.ndarray], list[Row]]:
    """Arrays of one image set to keep, ``name`` and ``name.index``, and its table rows.

    ``completeness_gap`` is the mean of |gap| over the images in units of the mean |change| of
    the logit; ``closed_form_gap`` the mean over images of the summed difference to the closed
    form, in units of the mean sum of the closed form's sizes.
    """
    result = conductance(classifier, images.images, steps=steps)
    gaps = {"completeness_gap": _relative(result.gap, result.change)}
    exact = closed_form(classifier, images.images, result.target)
    if exact is not None:
        difference = (result.channels - exact).abs().sum(1)
        gaps["closed_form_gap"] = _relative(difference, exact.abs().sum(1))
    rows = [
        row(metric, *mean_interval(gap, derive(seed, metric, name)), len(gap), **keys, set=name)
        for metric, gap in gaps.items()
    ]
    return {name: result.channels.numpy(), f"{name}.index": images.index}, rows


def _relative(error: Tensor, size: Tensor) -> np.ndarray:
    """Absolute errors in units of the mean absolute size, so that no small size blows one up."""
    return (error.abs() / size.abs().mean()).double().numpy()
