"""Activation maximization in pixel space, until the net is certain.

Erhan et al. 2009, "Visualizing higher-layer features of a deep network"; the regularisation terms
are those of study 003 (L2) and of Mahendran and Vedaldi 2016 (variation, jitter).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from plumbline.errors import at_least, one_of
from plumbline.models.classifier import Classifier
from plumbline.runtime.seeding import derive
from plumbline.visualization.ascent import (
    Schedule,
    distance,
    jittered,
    total_variation,
    until_sure,
)
from plumbline.visualization.material import STARTS, Material

VARIANTS = {
    "am_noise": "AM, noise",
    "am_noise_mean": "AM, noise to class mean",
    "am_natural": "AM, natural",
    "am_mean": "AM, class mean",
    "am_image": "AM, training image",
}
ANCHORS = ("start", "mean", "black")


def visualize(
    classifier: Classifier,
    targets: Tensor,
    material: Material,
    *,
    seed: int,
    start: str = "noise",
    anchor: str = "start",
    steps: int = 400,
    rate: float = 0.02,
    l2: float = 0.0,
    variation: float = 0.0,
    jitter: int = 0,
    threshold: float = 0.999,
) -> Tensor:
    """An image for each of ``targets`` [N], float in [0, 1], [N, C, H, W].

    Starting from ``start`` (noise, mean or image: :meth:`Material.start`), Adam minimises
    cross-entropy + ``l2`` * (Euclidean distance to ``anchor``: start, mean or black) +
    ``variation`` * total variation, with the image shifted randomly by up to ``jitter`` pixels in
    each step and clipped to [0, 1] after it.  The optimisation of an image ends when the
    probability of its class, without shift, is at least ``threshold``, or after ``steps``.
    """
    name = "activation_maximization"
    one_of(f"{name}.start", start, STARTS)
    one_of(f"{name}.anchor", anchor, ANCHORS)
    for option, value in (("steps", steps), ("jitter", jitter), ("l2", l2)):
        at_least(f"{name}.{option}", value, 0)
    first = material.start(start, classifier, targets, derive(seed, "start"))
    anchors = {"start": first, "black": torch.zeros_like(first)}
    near = anchors[anchor] if anchor in anchors else material.mean(classifier, targets)
    stream = torch.Generator().manual_seed(derive(seed, "jitter"))

    def loss(images: Tensor, which: Tensor, step: int) -> Tensor:
        logits = classifier(jittered(images, jitter, stream))
        cross_entropy = F.cross_entropy(logits, targets[which], reduction="none")
        smoothness = variation * total_variation(images)
        return cross_entropy + l2 * distance(images, near[which]) + smoothness

    schedule = Schedule(steps, rate, threshold)
    return until_sure(
        classifier, targets, first, loss, lambda x: x, schedule, limits=(0.0, 1.0), what=name
    )
