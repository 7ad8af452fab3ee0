"""Projected gradient descent that also evades detection by the maximum softmax probability."""

from collections.abc import Sequence

from torch import Tensor

from plumbline.attacks.adaptive_attack import best_wrong, run
from plumbline.models.classifier import Classifier

LABEL = "PGD against maximum probability"
ADAPTIVE = "max_probability"


def perturb(
    classifier: Classifier,
    pixels: Tensor,
    labels: Tensor,
    epsilons: Sequence[float],
    *,
    seed: int,
    batch: int = 256,
    steps: int = 40,
    relative_step: float = 0.0333,
) -> list[Tensor]:
    """Maximise the log-odds of the most probable wrong class, for each ε in ``epsilons``.

    The log-odds log p / (1 - p) increase with the maximum softmax probability p and, unlike the
    cross-entropy, do not saturate once the prediction is wrong.  Steps as in PGD.

    After Carlini and Wagner 2017, "Adversarial examples are not easily detected".
    """

    def objective(images: Tensor, truth: Tensor, step: int) -> Tensor:
        scores = classifier(images)
        target = best_wrong(scores, truth)
        others = scores.scatter(1, target, -float("inf")).logsumexp(1)
        return scores.gather(1, target)[:, 0] - others

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
