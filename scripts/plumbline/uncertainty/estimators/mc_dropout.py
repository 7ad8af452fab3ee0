"""Monte Carlo dropout: one net, with several passes with active dropout."""

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
    """Class probabilities for ``samples`` random passes, float32 [samples, N, K] on the CPU.

    ``pixels`` [N, C, H, W] are float32 in [0, 1] or uint8; the net is the first of
    ``classifiers``.  ``mean`` says what is averaged over the passes: ``probabilities``, the
    correct estimate of the integral over nets, or ``logits``, as in study 003.  In the latter case
    the result is the softmax of the mean logits, [1, N, K], without any measure of disagreement.

    Gal and Ghahramani 2016.  Raises :class:`InputError` if the net has no dropout layer, and for
    any other ``mean``.
    """
    if mean not in MEANS:
        raise InputError(f"mc_dropout.mean must be {' or '.join(MEANS)}, not {mean!r}")
    logits = passes("mc_dropout", classifiers[0], pixels, seed, batch, samples)
    if mean == "logits":
        logits = logits.mean(0, keepdim=True)
    return torch.softmax(logits, -1)


def cost(samples: int) -> int:
    """Passes of an image through nets."""
    return samples


@torch.no_grad()
def passes(
    method: str, classifier: Classifier, pixels: Tensor, seed: int, batch: int, samples: int
) -> Tensor:
    """Logits of ``samples`` random passes, float32 [samples, N, K] on the CPU.

    Only the dropout layers are random; batch normalisation uses its running statistics.  The
    layers before the first dropout layer are computed once for all passes; the result is the same
    as that of full passes, bit for bit.

    Pass t draws its masks from ``derive(seed, t)``, so that it does not depend on the number of
    passes; the state of torch's global generator is restored.  Within a pass the batches draw in
    sequence, so another ``batch`` gives other masks of the same distribution.

    Raises :class:`InputError`, naming ``method``, if the net has no dropout layer or ``samples``
    is below 1.
    """
    if samples < 1:
        raise InputError(f"{method}.samples must be at least 1, not {samples}")
    device = classifier.mean.device
    with _dropout_on(method, classifier), torch.random.fork_rng():
        trunks = [classifier.trunk(each) for each in batches(pixels, batch, device)]
        logits = []
        for number in range(samples):
            torch.manual_seed(derive(seed, number))
            logits.append(torch.cat([classifier.head(each).cpu() for each in trunks]))
    return torch.stack(logits)


@contextmanager
def _dropout_on(method: str, classifier: Classifier) -> Iterator[None]:
    """While active, only dropout layers are in training mode; all modes are restored on exit."""
    layers = [layer for layer in classifier.modules() if isinstance(layer, nn.Dropout)]
    if not layers:
        name = classifier.architecture.name
        raise InputError(f"{method}: {name} has no dropout layer, so its passes are not random")
    modes = [(module, module.training) for module in classifier.modules()]
    classifier.eval()
    for layer in layers:
        layer.train()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
