"""Monte Carlo dropout: one net, several passes with its dropout on."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from plumbline.errors import InputError
from plumbline.models.classifier import Classifier, batches
from plumbline.runtime.seeding import derive

LABEL = "MC dropout"
VARIANTS = {"mc_dropout_logits": "MC dropout, mean of logits"}
FAMILY = "dropout"
PASSES = "samples"
NEEDS = ("dropout",)
MEANS = ("probabilities", "logits")


def predict(
    classifiers: list[Classifier],
    pixels: Tensor,
    *,
    seed: int,
    batch: int = 256,
    samples: int = 50,
    mean: str = "probabilities",
) -> Tensor:
    """Class probabilities in ``samples`` random passes, float32 [samples, N, K] on the CPU.

    ``pixels`` [N, C, H, W] are float32 in [0, 1] or uint8; the net is the first of
    ``classifiers``.  ``mean`` says what is averaged over the passes: ``probabilities``, as the
    integral over the nets wants it, or ``logits``, as study 003 did.  Then there is a single
    answer, [1, N, K], the softmax of the mean logits, and no disagreement to be measured.

    Gal and Ghahramani 2016.  Raises :class:`InputError` if the net has no dropout layer, for
    then all passes would be equal, and for another ``mean``.
    """
    if mean not in MEANS:
        raise InputError(f"mc_dropout.mean must be {' or '.join(MEANS)}, not {mean!r}")
    answers = passes("mc_dropout", classifiers[0], pixels, seed, batch, samples)
    if mean == "logits":
        answers = answers.mean(0, keepdim=True)
    return torch.softmax(answers, -1)


def cost(samples: int) -> int:
    """Passes of an image through nets."""
    return samples


@torch.no_grad()
def passes(
    method: str, classifier: Classifier, pixels: Tensor, seed: int, batch: int, samples: int
) -> Tensor:
    """Logits of ``samples`` random passes, float32 [samples, N, K] on the CPU.

    Only the dropout layers are random: batch normalisation keeps its statistics, as in
    evaluation.  What comes before the first dropout layer is the same in every pass and computed
    once; the result is that of full passes, bit for bit.

    Pass t draws its masks from ``derive(seed, t)``, so the first passes do not depend on how
    many follow, and torch's global generator is left as it was.  Within a pass the batches draw
    one after the other, so another ``batch`` gives other masks of the same distribution.

    Raises :class:`InputError`, naming ``method``, if the net has no dropout layer or there are
    no ``samples``.
    """
    if samples < 1:
        raise InputError(f"{method}.samples must be at least 1, not {samples}")
    device = classifier.mean.device
    with _dropout_on(method, classifier), torch.random.fork_rng():
        trunks = [classifier.trunk(each) for each in batches(pixels, batch, device)]
        answers = []
        for number in range(samples):
            torch.manual_seed(derive(seed, number))
            answers.append(torch.cat([classifier.head(each).cpu() for each in trunks]))
    return torch.stack(answers)


@contextmanager
def _dropout_on(method: str, classifier: Classifier) -> Iterator[None]:
    """Training mode for the dropout layers alone; every layer's mode is restored at the end."""
    layers = [each for each in classifier.modules() if isinstance(each, nn.Dropout)]
    if not layers:
        name = classifier.architecture.name
        raise InputError(f"{method}: {name} has no dropout layer, so nothing in it is random")
    modes = [(each, each.training) for each in classifier.modules()]
    classifier.eval()
    for layer in layers:
        layer.train()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
