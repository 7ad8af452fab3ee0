"""Shared by the methods: gradient ascent on many images at once, and regularisation terms."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress


@dataclass(frozen=True)
class Schedule:
    """At most ``steps`` of Adam with the learning rate ``rate``, until the net's probability of
    the target is at least ``threshold``."""

    steps: int
    rate: float
    threshold: float


def until_sure(
    classifier: Classifier,
    targets: Tensor,
    start: Tensor,
    loss: Callable[[Tensor, Tensor, int], Tensor],
    picture: Callable[[Tensor], Tensor],
    schedule: Schedule,
    *,
    limits: tuple[float, float] | None = None,
    what: str,
) -> Tensor:
    """Optimise ``start`` [N, ...] by Adam until the net is certain; returns the result, [N, ...].

    The N optimisations are independent: each stops when the net is certain of its target for its
    ``picture``, or at the end of the ``schedule``.  ``loss(values, which, step)``
    [n] is minimised, where ``which`` [n] are the positions of the values that are still
    optimised.  After each step values are clipped to ``limits`` (projected gradient).
    """
    values = start.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([values], lr=schedule.rate)
    active = torch.arange(len(start), device=start.device)
    for step in progress(range(schedule.steps), f"steps of {what}"):
        with torch.no_grad():
            certainty = probability(classifier, picture(values[active]), targets[active])
        active = active[~(certainty >= schedule.threshold)]
        if not len(active):
            break
        before = values.detach().clone()
        part = before[active].requires_grad_()
        (gradient,) = torch.autograd.grad(loss(part, active, step).sum(), part)
        values.grad = torch.zeros_like(before).index_copy_(0, active, gradient)
        optimizer.step()
        with torch.no_grad():
            if limits:
                values.clamp_(*limits)
            moved = values[active]
            values.copy_(before).index_copy_(0, active, moved)  # undo the momentum of the others
    return values.detach()


def climbed(images: Tensor, objective: Callable[[Tensor], Tensor], rate: float) -> Tensor:
    """One step of gradient ascent on ``objective(images)`` [N], clipped to [0, 1], [N, C, H, W].

    The gradient of each image is divided by its root mean square, so that ``rate`` is the typical
    change of a pixel.
    """
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(images).sum(), images)
    size = gradient.square().mean((1, 2, 3), keepdim=True).sqrt()
    return (images.detach() + rate * gradient / size.clamp_min(1e-12)).clamp(0, 1)


def probability(classifier: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Softmax probability of each image's target class, [N]."""
    return classifier(images).softmax(1).gather(1, targets[:, None])[:, 0]


def distance(values: Tensor, anchor: Tensor) -> Tensor:
    """Euclidean distance of each of ``values`` from its anchor, [N]; the gradient at 0 is 0."""
    return (values - anchor).flatten(1).norm(dim=1)


def total_variation(images: Tensor) -> Tensor:
    """Sum of absolute differences of vertically and horizontally neighbouring pixels, [N].

    Rudin, Osher and Fatemi 1992, anisotropic form.
    """
    down = (images[:, :, 1:] - images[:, :, :-1]).abs().sum((1, 2, 3))
    across = (images[..., 1:] - images[..., :-1]).abs().sum((1, 2, 3))
    return down + across


def jittered(images: Tensor, reach: int, stream: torch.Generator) -> Tensor:
    """All images rolled by the same random shift of at most ``reach`` pixels in each direction."""
    if not reach:
        return images
    down, across = torch.randint(-reach, reach + 1, (2,), generator=stream).tolist()
    return images.roll((down, across), (2, 3))


def resized(images: Tensor, size: int) -> Tensor:
    """Images [N, C, H, H] resized to ``size`` x ``size``, bilinear, with antialiasing if smaller.

    Computed by two matrix products, whose gradient is deterministic on every device.
    """
    side = images.shape[-1]
    if side == size:
        return images
    unit = torch.eye(side, dtype=torch.float64)[None, None]
    matrix = F.interpolate(unit, (size, side), mode="bilinear", antialias=size < side)
    matrix = matrix[0, 0].to(images)
    return matrix @ images @ matrix.T
