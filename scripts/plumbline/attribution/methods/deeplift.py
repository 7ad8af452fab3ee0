"""DeepLIFT: contributions to the logit's difference from a reference image's."""

import torch
from torch import Tensor

from plumbline.attribution.backward import pixel_gradient
from plumbline.attribution.batching import parts, target_logits
from plumbline.attribution.deeplift import rescale, reveal_cancel
from plumbline.attribution.modified_backward import fold_batchnorm
from plumbline.errors import InputError
from plumbline.models.classifier import Classifier
from plumbline.registry import nearest
from plumbline.runtime.progress import progress

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

    The reference has the value ``baseline`` in all pixels; black is the paper's for digits.
    Contributions to the ``target`` logit sum to f(x) - f(reference); the gap is what is left
    over.  ``rule`` says how ReLUs are passed:

    - ``rescale``: by the ratio of differences dy / dx.
    - ``reveal_cancel``: positive and negative contributions to a ReLU's input are kept apart
      by the linear rule and get a multiplier each, so that they do not hide one another.
    - ``linear``: the linear rule alone, as study 003 has it, ReLUs and max-pooling keeping
      their derivative.  Both parts then have one multiplier, and the result is the gradient
      times the difference from the reference: not complete, unless the net is linear.  (With
      ``rescale`` the linear rule changes nothing either.)

    What the paper leaves open.  Max-pooling: a window's whole difference goes to its maximum
    if that rose, and to the reference's maximum if it fell (of several, to the one that is
    highest in the image), so that contributions still sum; both parts of the difference are
    rescaled alike.  Residual sums, concatenation and average
    pooling add up or carry the parts of their inputs.  Batch norm is folded into the
    convolution before it.

    At least one image goes through the net beside the reference, or its two parts do: at most
    ``batch`` images if that is three or more.

    Shrikumar et al. 2017, "Learning important features through propagating activation
    differences", sections 3.5.1 to 3.5.3.

    Raises :class:`InputError` for another ``rule``.
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
    with torch.no_grad():
        start = classifier(reference)[0, target]
    demanded = target_logits(classifier, pixels, target, batch) - start
    return relevance, relevance.sum((1, 2, 3)) - demanded
