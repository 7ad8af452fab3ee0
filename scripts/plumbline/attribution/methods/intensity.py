"""Control: the pixels themselves."""

from torch import Tensor

from plumbline.attribution.batching import no_promise
from plumbline.models.classifier import Classifier


def attribute(
    classifier: Classifier, pixels: Tensor, target: Tensor, *, seed: int, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """The pixel values as relevance, [N, C, H, W], blind to the net; the gap is NaN.

    Summed over channels they rank by brightness.  On bright digits before a dark ground this
    keeps nearly all of the accuracy at a share of 20 %, so a method that does no better
    there has shown nothing about the net.
    """
    return pixels.clone(), no_promise(pixels)
