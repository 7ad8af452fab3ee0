"""DeepDream: amplification of the activations of a layer, from coarse to fine scales."""

from collections.abc import Callable

import torch
from torch import Tensor

from plumbline.errors import InputError, at_least, nearest, one_of
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive
from plumbline.visualization.ascent import climbed, jittered, resized
from plumbline.visualization.material import STARTS, Material

LABEL = "DeepDream"
CLASS = "class"
SMALLEST = 12  # pixels; smaller images are not recognisable


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

    The starting image (image, mean or noise) is reduced by ``scale`` ** (``octaves`` - 1) and
    changed by ``steps`` of gradient ascent; the change is enlarged and added to the next larger
    octave, up to the full size.  The objective is the mean of the squared outputs of ``layer``
    or, if that is ``class``, the logit of the target, for the image rolled randomly by up to
    ``jitter`` pixels in each step.  Layers after the last convolutional block, and logits, need
    images of full size; for these the octave is enlarged.  A step changes a pixel by about
    ``rate``.

    Mordvintsev, Olah and Tyka 2015, "Inceptionism"; octaves as in study 003.

    Raises :class:`InputError` if an octave would be smaller than 12 pixels, or for a layer that
    the net does not have.
    """
    one_of("deep_dream.start", start, STARTS)
    at_least("deep_dream.octaves", octaves, 1)
    at_least("deep_dream.scale", scale, 1.01)
    base = material.start(start, classifier, targets, derive(seed, "start"))
    full = base.shape[-1]
    sizes = _sizes(full, octaves, scale)
    stream = torch.Generator().manual_seed(derive(seed, "jitter"))
    score = _objective(classifier, targets, _end(classifier, layer), full)
    added = torch.zeros_like(resized(base, sizes[0]))
    for number, size in enumerate(sizes, start=1):
        octave = resized(base, size)
        images = (octave + resized(added, size)).clamp(0, 1)
        for _ in progress(range(steps), f"octave {number} of {octaves}, steps of deep_dream"):
            images = climbed(images, lambda x: score(jittered(x, jitter, stream)), rate)
        added = images - octave
    return images


def _objective(
    classifier: Classifier, targets: Tensor, end: int | None, full: int
) -> Callable[[Tensor], Tensor]:
    """What ascent raises for each image, [N]: the target's logit, or the mean squared output of
    the first ``end`` layers; ``full`` is the side in pixels that logits and late layers need."""

    def score(images: Tensor) -> Tensor:
        if end is None:
            return classifier(resized(images, full)).gather(1, targets[:, None])[:, 0]
        if end > classifier.network.features_end:
            images = resized(images, full)
        hidden = (images - classifier.mean) / classifier.std
        return classifier.network.part(hidden, stop=end).flatten(1).square().mean(1)

    return score


def _sizes(full: int, octaves: int, scale: float) -> list[int]:
    """Side of each octave in pixels, the smallest first."""
    sizes = [round(full / scale**octave) for octave in reversed(range(octaves))]
    if sizes[0] < SMALLEST:
        raise InputError(
            f"deep_dream.octaves: the smallest of {octaves} octaves of a {full} pixel image is "
            f"{sizes[0]} pixels wide, below {SMALLEST}; set fewer octaves or a smaller scale"
        )
    return sizes


def _end(classifier: Classifier, layer: str) -> int | None:
    """Number of layers up to and including ``layer``; None for ``class``."""
    names = list(classifier.network._modules)
    if layer == CLASS:
        return None
    if layer not in names:
        raise InputError(f"deep_dream.layer: no {layer!r}{nearest(layer, [CLASS, *names])}")
    return names.index(layer) + 1
