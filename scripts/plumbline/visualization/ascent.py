"""What the methods share: ascent on many pictures at once, and terms that keep them natural."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress


def until_sure(
    classifier: Classifier,
    targets: Tensor,
    start: Tensor,
    loss: Callable[[Tensor, Tensor, int], Tensor],
    picture: Callable[[Tensor], Tensor],
    *,
    steps: int,
    rate: float,
    threshold: float,
    limits: tuple[float, float] | None = None,
    what: str,
) -> Tensor:
    """Adam on ``start`` [N, ...] until the net is sure; what it has reached, [N, ...].

    Each of the N goes its own way: it stops when the net's probability of its target is at
    least ``threshold`` for its ``picture``, at the latest after ``steps``.  ``loss(values,
    which, step)`` [n] is lowered, for the ``values`` at the places ``which`` [n] that still
    move.  After each step values are cut to ``limits`` (projected gradient).
    """
    values = start.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([values], lr=rate)
    moving = torch.arange(len(start), device=start.device)
    for step in progress(range(steps), f"steps of {what}"):
        with torch.no_grad():
            sure = probability(classifier, picture(values[moving]), targets[moving]) >= threshold
        moving = moving[~sure]
        if not len(moving):
            break
        before = values.detach().clone()
        part = before[moving].requires_grad_()
        (gradient,) = torch.autograd.grad(loss(part, moving, step).sum(), part)
        values.grad = torch.zeros_like(before).index_copy_(0, moving, gradient)
        optimizer.step()
        with torch.no_grad():
            if limits:
                values.clamp_(*limits)
            moved = values[moving]
            values.copy_(before).index_copy_(0, moving, moved)  # momentum moves the others too
    return values.detach()


def climbed(images: Tensor, objective: Callable[[Tensor], Tensor], rate: float) -> Tensor:
    """One step of plain ascent on ``objective(images)`` [N], cut to [0, 1], [N, C, H, W].

    It goes along the gradient of each image, divided by its root mean square, so that ``rate``
    is a typical change of a pixel.
    """
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(images).sum(), images)
    size = gradient.square().mean((1, 2, 3), keepdim=True).sqrt()
    return (images.detach() + rate * gradient / size.clamp_min(1e-12)).clamp(0, 1)


def probability(classifier: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """The net's softmax probability of each image's target class, [N]."""
    return classifier(images).softmax(1).gather(1, targets[:, None])[:, 0]


def distance(values: Tensor, anchor: Tensor) -> Tensor:
    """Euclidean norm of each of ``values`` minus its anchor, [N]; its gradient at 0 is 0."""
    return (values - anchor).flatten(1).norm(dim=1)


def total_variation(images: Tensor) -> Tensor:
    """Sum of absolute differences of neighbouring pixels, down and across, [N].

    Rudin, Osher and Fatemi 1992, in its anisotropic form.
    """
    down = (images[:, :, 1:] - images[:, :, :-1]).abs().sum((1, 2, 3))
    across = (images[..., 1:] - images[..., :-1]).abs().sum((1, 2, 3))
    return down + across


def jittered(images: Tensor, reach: int, stream: torch.Generator) -> Tensor:
    """All images rolled by one random shift of at most ``reach`` pixels each way."""
    if not reach:
        return images
    down, across = torch.randint(-reach, reach + 1, (2,), generator=stream).tolist()
    return images.roll((down, across), (2, 3))


def resized(images: Tensor, size: int) -> Tensor:
    """Images [N, C, H, H] brought to ``size`` x ``size``, bilinear, averaged when they shrink.

    By two matrix products, whose gradient is the same in every run on every device.
    """
    side = images.shape[-1]
    if side == size:
        return images
    unit = torch.eye(side, dtype=torch.float64)[None, None]
    matrix = F.interpolate(unit, (size, side), mode="bilinear", antialias=size < side)
    matrix = matrix[0, 0].to(images)
    return matrix @ images @ matrix.T
