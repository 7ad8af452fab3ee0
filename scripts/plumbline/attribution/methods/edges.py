"""Control: the edges of the image."""

from torch import Tensor
from torch.nn import functional as F

from plumbline.attribution.batching import no_promise
from plumbline.attribution.maps import on_channels
from plumbline.models.classifier import Classifier

LABEL = "edges (control)"
FAMILY = "controls"
SMOOTH, SLOPE = (1.0, 2.0, 1.0), (-1.0, 0.0, 1.0)


def attribute(
    classifier: Classifier, pixels: Tensor, target: Tensor, *, seed: int, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """Sobel gradient magnitude of the image, independent of the net, [N, C, H, W]; gap NaN.

    Computed from the mean of the channels, with border pixels replicated, and distributed
    equally over the channels, so that their sum is the magnitude.  Many attributions resemble
    it: Adebayo et al. 2018, "Sanity checks for saliency maps".
    """
    grey = F.pad(pixels.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    smooth, slope = pixels.new_tensor(SMOOTH), pixels.new_tensor(SLOPE)
    across = F.conv2d(grey, (smooth[:, None] * slope)[None, None])
    down = F.conv2d(grey, (slope[:, None] * smooth)[None, None])
    return on_channels(across.hypot(down)[:, 0], pixels), no_promise(pixels)
