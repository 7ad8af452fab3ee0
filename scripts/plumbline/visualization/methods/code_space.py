"""Activation maximization in the code space of a generator."""

import torch
from torch import Tensor
from torch.nn import functional as F

from plumbline.errors import InputError, at_least
from plumbline.models.classifier import Classifier
from plumbline.runtime.seeding import derive
from plumbline.visualization.ascent import Schedule, distance, until_sure
from plumbline.visualization.generator import Generator
from plumbline.visualization.material import Material, shape

VARIANTS = {
    "code_gan": "AM, GAN codes",
    "code_dcgan": "AM, DCGAN codes",
}


def visualize(
    classifier: Classifier,
    targets: Tensor,
    material: Material,
    *,
    seed: int,
    generator: str = "gan",
    steps: int = 400,
    rate: float = 0.05,
    l2: float = 0.01,
    threshold: float = 0.99,
) -> Tensor:
    """A generated image for each of ``targets`` [N], in [0, 1], [N, C, H, W].

    Starting from codes drawn from the prior N(0, 1), Adam minimises cross-entropy + ``l2`` * the
    Euclidean norm of the code, until the probability of the class for the generated image is at
    least ``threshold``, or for ``steps`` steps.  ``generator`` must be the name of the generator
    in ``material``.

    Nguyen et al. 2016, "Synthesizing the preferred inputs for neurons in neural networks via
    deep generator networks"; parameters of study 003.
    """
    at_least("code_space.steps", steps, 0)
    at_least("code_space.l2", l2, 0)
    maker = _generator(material, generator, classifier)
    stream = torch.Generator().manual_seed(derive(seed, "start"))
    start = torch.randn((len(targets), maker.code), generator=stream).to(classifier.mean)

    def loss(codes: Tensor, which: Tensor, step: int) -> Tensor:
        logits = classifier(maker(codes))
        cross_entropy = F.cross_entropy(logits, targets[which], reduction="none")
        return cross_entropy + l2 * distance(codes, torch.zeros_like(codes))

    schedule = Schedule(steps, rate, threshold)
    codes = until_sure(classifier, targets, start, loss, maker, schedule, what="code_space")
    with torch.no_grad():
        return maker(codes)


def _generator(material: Material, name: str, classifier: Classifier) -> Generator:
    """The generator of that name on the net's device; raises :class:`InputError` if it is not
    given or makes images of another size."""
    generator = material.generator
    if generator is None or generator.name != name:
        raise InputError(f"code_space: the generator {name!r} is not given")
    if generator.shape != shape(classifier):
        raise InputError(f"code_space: images of {name} do not have the net's size")
    return generator.to(classifier.mean)
