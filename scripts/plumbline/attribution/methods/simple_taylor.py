"""Simple Taylor decomposition."""

import torch
from torch import Tensor

from plumbline.attribution.backward import pixel_gradient
from plumbline.attribution.batching import parts, target_logits
from plumbline.errors import at_least
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

HALVINGS = 12  # of the interval that holds the root


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

    R_i = (x_i - r_i) d logit / d x_i at r, the root nearest to the image x on the segment from
    there to the black image, where the logit f is zero: the sum is f(x) up to terms of higher
    order, and the gap is what these amount to.  The root is sought at ``steps`` equal steps,
    then by bisection, and approached from the side of the image.  Where the logit keeps its
    sign the expansion is at the limit towards black.

    In a net of ReLUs and max-pooling without biases f(t x) = t f(x): the only root is that
    limit, and this is gradient times input.  Montavon et al. 2017, section 3.1, and 2018,
    "Methods for interpreting and understanding deep neural networks", section 4.1.

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
    """Factors [N, 1, 1, 1] of ``images`` just below and just above the root nearest to them.

    Zero takes the place of a root if there is none.
    """

    def sign(factor: Tensor) -> Tensor:
        logit = target_logits(classifier, factor * images, target, len(images))
        return logit.sign().view_as(factor)

    above = torch.ones_like(images[:, :1, :1, :1])
    below, found = torch.zeros_like(above), torch.zeros_like(above, dtype=torch.bool)
    own = sign(above)
    for step in reversed(range(1, steps)):
        factor = torch.full_like(above, step / steps)
        crosses = ~found & (sign(factor) != own)
        below = torch.where(crosses, factor, below)
        found |= crosses
        above = torch.where(found, above, factor)
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        same = sign(middle) == own
        above, below = torch.where(same, middle, above), torch.where(same, below, middle)
    return below, above
