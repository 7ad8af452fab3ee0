"""Projected gradient descent that also deceives the label change rate."""

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
    """Make the net and its mutants agree on one wrong class, for each ε of ``epsilons``.

    Increases the mean log-probability, over the net and ``mutants`` mutants, of the wrong class
    that is likeliest on average.  ``mutate(network, seed=…)`` gives the state of a mutant as far
    as it differs; new ones are drawn in every step and none is rejected, so that the attack
    knows the operator but no mutant of the detector.  Steps as in PGD.

    Expectation over random nets after Athalye, Carlini and Wagner 2018.
    """

    def objective(images: Tensor, truth: Tensor, step: int) -> Tensor:
        hidden = classifier.normalise(images)
        changes = [
            mutate(classifier.network, seed=derive(seed, "mutant", step, number))
            for number in range(mutants)
        ]
        answers = [functional_call(classifier.network, each, (hidden,)) for each in [{}, *changes]]
        scores = torch.stack(answers).log_softmax(2).mean(0)
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
