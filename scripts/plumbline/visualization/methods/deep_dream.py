"""DeepDream: what a layer sees in an image is made stronger, from coarse to fine."""

import torch
from torch import Tensor

from plumbline.errors import InputError, at_least, one_of
from plumbline.models.classifier import Classifier
from plumbline.registry import nearest
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive
from plumbline.visualization.ascent import climbed, jittered, resized
from plumbline.visualization.material import STARTS, Material

LABEL = "DeepDream"
CLASS = "class"
SMALLEST = 12  # pixels; below it nothing of an image can be told


def visualize(
    classifier: Classifier,
    targets: Tensor,
    material: Material,
    *,
    seed: int,
    layer: str = "class",
    start: str = "image",
    octaves: int = 2,
    scale: float = 1.4,
    steps: int = 20,
    rate: float = 0.02,
    jitter: int = 2,
) -> Tensor:
    """An image for each of ``targets`` [N], float in [0, 1], [N, C, H, W].

    The start (image, mean or noise) is shrunk by ``scale`` ** (``octaves`` - 1); ``steps`` of
    ascent change it; what they added is enlarged onto the next larger octave, up to the full
    size.  Ascent is on the mean of the squared outputs of ``layer``, or, where that is
    ``class``, on the target's logit, for the image rolled anew in each step by up to
    ``jitter`` pixels.  A layer behind the last convolutional block, and a logit, need images
    of full size and get the octave enlarged.  A step changes a pixel by about ``rate``.

    Mordvintsev, Olah and Tyka 2015, "Inceptionism"; octaves as in study 003.

    Raises :class:`InputError` if an octave were smaller than 12 pixels.
    """
    one_of("deep_dream.start", start, STARTS)
    at_least("deep_dream.octaves", octaves, 1)
    at_least("deep_dream.scale", scale, 1.01)
    base = material.start(start, classifier, targets, derive(seed, "start"))
    full = base.shape[-1]
    sizes = _sizes(full, octaves, scale)
    place = _place(classifier, layer)
    stream = torch.Generator().manual_seed(derive(seed, "jitter"))

    def score(images: Tensor) -> Tensor:
        shifted = jittered(images, jitter, stream)
        if place is None:
            return classifier(resized(shifted, full)).gather(1, targets[:, None])[:, 0]
        if place > classifier.network.features_end:
            shifted = resized(shifted, full)
        hidden = (shifted - classifier.mean) / classifier.std
        return classifier.network.part(hidden, stop=place).flatten(1).square().mean(1)

    added = torch.zeros_like(resized(base, sizes[0]))
    for number, size in enumerate(sizes, start=1):
        octave = resized(base, size)
        images = (octave + resized(added, size)).clamp(0, 1)
        for _ in progress(range(steps), f"octave {number} of {octaves}, steps of deep_dream"):
            images = climbed(images, score, rate)
        added = images - octave
    return images


def _sizes(full: int, octaves: int, scale: float) -> list[int]:
    """Side of each octave in pixels, the smallest first."""
    sizes = [round(full / scale**each) for each in reversed(range(octaves))]
    if sizes[0] < SMALLEST:
        raise InputError(
            f"deep_dream.octaves: the smallest of {octaves} octaves of a {full} pixel image is "
            f"{sizes[0]} pixels wide, below {SMALLEST}; choose fewer or a smaller scale"
        )
    return sizes


def _place(classifier: Classifier, layer: str) -> int | None:
    """Number of the net's layers up to and with ``layer``; none for the class."""
    names = list(classifier.network._modules)
    if layer == CLASS:
        return None
    if layer not in names:
        raise InputError(f"deep_dream.layer: no {layer!r}{nearest(layer, [CLASS, *names])}")
    return names.index(layer) + 1
