"""Monte Carlo dropout: one net, several passes with its dropout on."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from plumbline.errors import InputError
from plumbline.models.classifier import Classifier, batches
from plumbline.seeding import derive

NEEDS = ("dropout",)


@torch.no_grad()
def predict(
    classifiers: list[Classifier],
    pixels: Tensor,
    *,
    seed: int,
    batch: int = 256,
    samples: int = 50,
) -> Tensor:
    """Class probabilities in ``samples`` random passes, float32 [samples, N, K] on the CPU.

    ``pixels`` [N, C, H, W] are float32 in [0, 1] or uint8; the net is the first of
    ``classifiers``.  Only its dropout layers are random: batch normalisation keeps its
    statistics, as in evaluation.  What comes before the first dropout layer is the same in
    every pass and computed once; the result is that of full passes, bit for bit.

    Pass t draws its masks from ``derive(seed, t)``, so the first passes do not depend on how
    many follow, and torch's global generator is left as it was.  Within a pass the batches
    draw one after the other, so another ``batch`` gives other masks of the same distribution.

    Gal and Ghahramani 2016.  Raises :class:`InputError` if the net has no dropout layer, for
    then all passes would be equal.
    """
    if samples < 1:
        raise InputError(f"mc_dropout.samples must be at least 1, not {samples}")
    classifier = classifiers[0]
    device = classifier.mean.device
    with _dropout_on(classifier), torch.random.fork_rng():
        trunks = [classifier.trunk(each) for each in batches(pixels, batch, device)]
        passes = []
        for number in range(samples):
            torch.manual_seed(derive(seed, number))
            answers = [torch.softmax(classifier.head(each), -1).cpu() for each in trunks]
            passes.append(torch.cat(answers))
    return torch.stack(passes)


@contextmanager
def _dropout_on(classifier: Classifier) -> Iterator[None]:
    """Training mode for the dropout layers alone; every layer's mode is restored at the end."""
    layers = [each for each in classifier.modules() if isinstance(each, nn.Dropout)]
    if not layers:
        name = classifier.architecture.name
        raise InputError(f"mc_dropout: {name} has no dropout layer, so nothing in it is random")
    modes = [(each, each.training) for each in classifier.modules()]
    classifier.eval()
    for layer in layers:
        layer.train()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
