"""Projected gradient ascent, shared by the attacks that also lower the score of a detector."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive

Objective = Callable[[Tensor, Tensor, int], Tensor]


def run(
    objective: Objective,
    classifier: Classifier,
    pixels: Tensor,
    labels: Tensor,
    epsilons: Sequence[float],
    *,
    seed: int,
    batch: int,
    steps: int,
    relative_step: float,
) -> list[Tensor]:
    """Adversarial pixels [N, C, H, W] on the CPU, one tensor for each of ``epsilons``.

    Maximises ``objective(pixels, labels, step)`` [N] by ``steps`` signed gradient steps of
    ``relative_step`` · ε from a uniform random start in the ε-ball, each projected onto the ball
    and onto [0, 1].
    """
    device = classifier.mean.device
    adversarial: list[list[Tensor]] = [[] for _ in epsilons]
    for start in progress(range(0, len(pixels), batch), "batches"):
        images = pixels[start : start + batch].to(device)
        truth = labels[start : start + batch].to(device)
        generator = torch.Generator().manual_seed(derive(seed, "start", start))
        noise = (2 * torch.rand(images.shape, generator=generator) - 1).to(device)
        for epsilon, parts in zip(epsilons, adversarial, strict=True):
            low, high = (images - epsilon).clamp(min=0), (images + epsilon).clamp(max=1)
            x = (images + epsilon * noise).clamp(low, high)
            for step in range(steps):
                x.requires_grad_()
                (gradient,) = torch.autograd.grad(objective(x, truth, step).sum(), x)
                x = (x.detach() + relative_step * epsilon * gradient.sign()).clamp(low, high)
            parts.append(x.cpu())
    return [torch.cat(parts) for parts in adversarial]


def best_wrong(scores: Tensor, labels: Tensor) -> Tensor:
    """The class with the highest of ``scores`` [N, K] apart from ``labels`` [N], [N, 1]."""
    others = scores.detach().scatter(1, labels[:, None], -torch.inf)
    return others.argmax(1, keepdim=True)
