"""Simple Taylor decomposition."""

import torch
from torch import Tensor

from plumbline.attribution.backward import pixel_gradient
from plumbline.attribution.batching import parts, target_logits
from plumbline.errors import at_least
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

LABEL = "simple Taylor"
FAMILY = "gradient"
HALVINGS = 12  # bisection steps on the interval that contains the root


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    steps: int = 16,
) -> tuple[Tensor, Tensor]:
    """First-order Taylor expansion of the ``target`` logit at a root, [N, C, H, W].

    R_i = (x_i - r_i) d logit / d x_i at r, the root of the logit f that is nearest to the image
    x on the segment from x to the black image.  Relevance sums to f(x) up to terms of higher
    order, which are the gap.  The root is bracketed in ``steps`` equal steps, refined by
    bisection and approached from the side of the image.  If the logit does not change its sign,
    the expansion point is the limit towards black.

    In a net of ReLUs and max-pooling without biases f(t x) = t f(x): the only root is this
    limit, and the method equals gradient times input.  Montavon et al. 2017, section 3.1, and
    2018, "Methods for interpreting and understanding deep neural networks", section 4.1.

    Raises :class:`InputError` if ``steps`` is below 1.
    """
    at_least("simple_taylor.steps", steps, 1)
    relevance, gap = torch.empty_like(pixels), torch.empty_like(pixels[:, 0, 0, 0])
    for part in progress(parts(len(pixels), batch), "batches of simple_taylor"):
        images, classes = pixels[part], target[part]
        root, beside = _root(classifier, images, classes, steps)
        gradient = pixel_gradient(classifier, beside * images, classes)
        relevance[part] = gradient * (images - root * images)
        logit = target_logits(classifier, images, classes, batch)
        gap[part] = relevance[part].sum((1, 2, 3)) - logit
    return relevance, gap


def _root(
    classifier: Classifier, images: Tensor, target: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Factors [N, 1, 1, 1] of ``images`` just below and just above the nearest root.

    If there is no root, zero is used instead.
    """

    def sign(factor: Tensor) -> Tensor:
        logit = target_logits(classifier, factor * images, target, len(images))
        return logit.sign().view_as(factor)

    above = torch.ones_like(images[:, :1, :1, :1])
    below, bracketed = torch.zeros_like(above), torch.zeros_like(above, dtype=torch.bool)
    image_sign = sign(above)
    for step in reversed(range(1, steps)):
        factor = torch.full_like(above, step / steps)
        crosses = ~bracketed & (sign(factor) != image_sign)
        below = torch.where(crosses, factor, below)
        bracketed |= crosses
        above = torch.where(bracketed, above, factor)
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        same = sign(middle) == image_sign
        above, below = torch.where(same, middle, above), torch.where(same, below, middle)
    return below, above
