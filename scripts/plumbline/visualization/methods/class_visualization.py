"""Class model visualization: the image with the highest score of a class."""

import math

from torch import Tensor

from plumbline.errors import at_least
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive
from plumbline.runtime.torchvision_import import import_torchvision
from plumbline.visualization.ascent import climbed
from plumbline.visualization.material import Material, noise

VARIANTS = {"class_visualization_kernel": "class visualization, kernel"}


def visualize(
    classifier: Classifier,
    targets: Tensor,
    material: Material,
    *,
    seed: int,
    steps: int = 150,
    rate: float = 0.05,
    l2: float = 0.0,
    blur_every: int = 0,
    sigma: float = 1.0,
) -> Tensor:
    """An image for each of ``targets`` [N], float in [0, 1], [N, C, H, W].

    Gradient ascent from noise on the logit minus ``l2`` * the squared Euclidean distance of the
    image from the mean that the net subtracts.  A step changes a pixel by about ``rate`` and is
    clipped to [0, 1].  If ``blur_every`` is above 0, the image is blurred by a Gaussian kernel of
    ``sigma`` pixels before every ``blur_every``-th step, as in study 002.

    Simonyan et al. 2014, "Deep inside convolutional networks", section 2; blurring as in
    Yosinski et al. 2015, section 3.
    """
    name = "class_visualization"
    for option, value in (("steps", steps), ("blur_every", blur_every), ("l2", l2)):
        at_least(f"{name}.{option}", value, 0)
    at_least(f"{name}.sigma", sigma, 1e-3)

    def score(images: Tensor) -> Tensor:
        logits = classifier(images).gather(1, targets[:, None])[:, 0]
        return logits - l2 * (images - classifier.mean).square().sum((1, 2, 3))

    images = noise(classifier, len(targets), derive(seed, "start"))
    for step in progress(range(steps), f"steps of {name}"):
        if blur_every and step and step % blur_every == 0:
            images = blurred(images, sigma)
        images = climbed(images, score, rate)
    return images


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Images blurred by a Gaussian kernel of ``sigma`` pixels, truncated at 3 ``sigma``."""
    import_torchvision()
    from torchvision.transforms.v2.functional import gaussian_blur

    reach = min(math.ceil(3 * sigma), images.shape[-1] - 1)
    return gaussian_blur(images, [2 * reach + 1] * 2, [sigma] * 2)
