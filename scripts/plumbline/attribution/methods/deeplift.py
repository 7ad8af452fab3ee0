"""DeepLIFT: contributions to the difference of a logit from its value for a reference image.

Shrikumar et al. 2017, "Learning important features through propagating activation differences",
sections 3.5.1 to 3.5.3.

Choices where the paper gives none.  Max-pooling: the whole difference of a window is attributed
to its maximum if that rose, and to the maximum of the reference if it fell (among several, to the
one that is highest in the image), so that contributions still sum to the difference; both parts
of the difference are rescaled equally.  Residual sums, concatenation and average pooling are
applied to the two parts separately.  Batch norm is folded into the preceding convolution.

With the rescale rule the linear rule changes nothing.
"""

import torch
from torch import Tensor

from plumbline.attribution.backward import pixel_gradient
from plumbline.attribution.batching import parts, target_logits
from plumbline.attribution.deeplift import rescale, reveal_cancel
from plumbline.attribution.modified_backward import fold_batchnorm
from plumbline.errors import InputError, nearest
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

LABEL = "DeepLIFT"
VARIANTS = {"deeplift_reveal_cancel": "DeepLIFT reveal-cancel"}
FAMILY = "deeplift"
RULES = ("rescale", "linear", "reveal_cancel")


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    rule: str = "rescale",
    baseline: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Multiplier times difference from the reference, [N, C, H, W].

    The reference has the value ``baseline`` in all pixels; the paper uses black for digits.
    Contributions to the ``target`` logit sum to f(x) - f(reference); the gap is the deviation
    from this.  ``rule`` determines the multiplier of a ReLU:

    - ``rescale``: the ratio of differences dy / dx.
    - ``reveal_cancel``: positive and negative contributions to a ReLU's input are separated by
      the linear rule and get one multiplier each, so that they do not cancel.
    - ``linear``: the linear rule alone, as in study 003; ReLUs and max-pooling keep their
      derivative.  Both parts then have the same multiplier, and the result is the gradient
      times the difference from the reference, which is complete only for a linear net.

    Each batch holds the reference and at least one image, or its two parts: at most ``batch``
    in all if ``batch`` is three or more.

    Raises :class:`InputError` for any other ``rule``.
    """
    if rule not in RULES:
        raise InputError(f"deeplift: no rule {rule!r}{nearest(rule, RULES)}")
    reference = torch.full_like(pixels[:1], baseline)
    network = fold_batchnorm(classifier.network) if rule == "reveal_cancel" else classifier.network
    size = {"linear": batch, "rescale": batch - 1, "reveal_cancel": (batch - 1) // 2}[rule]
    relevance = torch.empty_like(pixels)
    for part in progress(parts(len(pixels), max(1, size)), f"batches of deeplift {rule}"):
        images, classes = pixels[part].detach(), target[part]
        if rule == "linear":
            gradient = pixel_gradient(classifier, images, classes)
            relevance[part] = gradient * (images - reference)
        elif rule == "rescale":
            relevance[part] = rescale(classifier, images, reference, classes)
        else:
            relevance[part] = reveal_cancel(classifier, network, images, reference, classes)
    difference = _differences(classifier, pixels, reference, target, batch)
    return relevance, relevance.sum((1, 2, 3)) - difference


@torch.no_grad()
def _differences(
    classifier: Classifier, pixels: Tensor, reference: Tensor, target: Tensor, batch: int
) -> Tensor:
    """The ``target`` logit of each image minus that of the reference, [N]."""
    return target_logits(classifier, pixels, target, batch) - classifier(reference)[0, target]
