"""What the attacks share that also lower the score of a detector: projected gradient ascent."""

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

    ``objective(pixels, labels, step)`` [N] is increased by ``steps`` signed gradient steps of
    ``relative_step`` · ε from a start uniform in the ε-ball, each projected on the ball and on
    [0, 1].
    """
    device = classifier.mean.device
    found: list[list[Tensor]] = [[] for _ in epsilons]
    for start in progress(range(0, len(pixels), batch), "batches"):
        images = pixels[start : start + batch].to(device)
        truth = labels[start : start + batch].to(device)
        generator = torch.Generator().manual_seed(derive(seed, "start", start))
        noise = (2 * torch.rand(images.shape, generator=generator) - 1).to(device)
        for epsilon, parts in zip(epsilons, found, strict=True):
            low, high = (images - epsilon).clamp(min=0), (images + epsilon).clamp(max=1)
            now = (images + epsilon * noise).clamp(low, high)
            for step in range(steps):
                now.requires_grad_()
                (gradient,) = torch.autograd.grad(objective(now, truth, step).sum(), now)
                now = (now.detach() + relative_step * epsilon * gradient.sign()).clamp(low, high)
            parts.append(now.cpu())
    return [torch.cat(parts) for parts in found]


def best_wrong(scores: Tensor, labels: Tensor) -> Tensor:
    """The class of the highest of ``scores`` [N, K] other than ``labels`` [N], [N, 1]."""
    others = scores.detach().scatter(1, labels[:, None], -torch.inf)
    return others.argmax(1, keepdim=True)
