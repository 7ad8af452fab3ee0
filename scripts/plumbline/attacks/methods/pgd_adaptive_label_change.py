"""Projected gradient descent that also evades detection by the label change rate."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import functional_call

from plumbline.attacks.adaptive_attack import best_wrong, run
from plumbline.models.classifier import Classifier
from plumbline.runtime.seeding import derive

LABEL = "PGD against label change"
ADAPTIVE = "label_change_rate"


def perturb(
    classifier: Classifier,
    pixels: Tensor,
    labels: Tensor,
    epsilons: Sequence[float],
    *,
    seed: int,
    mutate: Callable[..., dict[str, Tensor]],
    batch: int = 256,
    steps: int = 40,
    relative_step: float = 0.0333,
    mutants: int = 4,
) -> list[Tensor]:
    """Make the net and its mutants agree on one wrong class, for each ε in ``epsilons``.

    Maximises the mean log-probability, over the net and ``mutants`` mutants, of the wrong class
    that is the most probable on average.  ``mutate(network, seed=…)`` returns the parameters of a
    mutant that differ from the net's.  New mutants are drawn in every step and none is rejected,
    so that the attack knows the operator but not the mutants of the detector.  Steps as in PGD.

    The expectation over random nets follows Athalye, Carlini and Wagner 2018.
    """

    def objective(images: Tensor, truth: Tensor, step: int) -> Tensor:
        hidden = classifier.normalise(images)
        changes = [
            mutate(classifier.network, seed=derive(seed, "mutant", step, number))
            for number in range(mutants)
        ]
        logits = [functional_call(classifier.network, state, (hidden,)) for state in [{}, *changes]]
        scores = torch.stack(logits).log_softmax(2).mean(0)
        return scores.gather(1, best_wrong(scores, truth))[:, 0]

    return run(
        objective,
        classifier,
        pixels,
        labels,
        epsilons,
        seed=seed,
        batch=batch,
        steps=steps,
        relative_step=relative_step,
    )
