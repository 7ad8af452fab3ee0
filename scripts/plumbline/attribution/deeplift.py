"""DeepLIFT's rules: contributions to a difference from a reference.

Shrikumar, Greenside and Kundaje 2017, "Learning important features through propagating
activation differences".  The reference goes through the net in the same batch as the images,
so that every rule finds both; the gradient of one ordinary backward pass is then the product
of multipliers along all paths, which is their chain rule (eq. 3).
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plumbline.attribution.activation_rules import MAX_POOL, Replacing, relus
from plumbline.attribution.batching import pick
from plumbline.errors import InputError
from plumbline.models.classifier import Classifier

NEAR = 1e-3  # relative difference of what a max-pooling takes for equal


def rescale(classifier: Classifier, pixels: Tensor, reference: Tensor, target: Tensor) -> Tensor:
    """Contributions of ``pixels`` [N, C, H, W] to the ``target`` logits, by the rescale rule.

    ``reference`` [1, C, H, W] is the image of which differences are taken.  A ReLU's
    multiplier is its difference of outputs over its difference of inputs (section 3.5.2), and
    its derivative where that is 0 / 0.
    """
    leaf = torch.cat([reference, pixels]).requires_grad_()
    with Replacing(relus(_rescaled) | dict.fromkeys(MAX_POOL, _rescaled_pool)):
        logits = classifier(leaf)[1:]
    (multipliers,) = torch.autograd.grad(pick(logits, target).sum(), leaf)
    return multipliers[1:] * (pixels - reference)


def reveal_cancel(
    classifier: Classifier,
    network: nn.Module,
    pixels: Tensor,
    reference: Tensor,
    target: Tensor,
) -> Tensor:
    """Contributions of ``pixels`` to the ``target`` logits, by the reveal-cancel rule.

    ``network`` is the classifier's, its batch norms folded.  In its place runs a stack of the
    reference [1, ...] and of the positive and the negative part of each image's difference
    from it [2 N, ...].  Convolutions and dense layers follow the linear rule, ReLUs
    reveal-cancel; every other operation must be linear, without bias and image by image, and
    so acts on the parts as on their sum.
    """
    start = classifier.normalise(reference)
    change = classifier.normalise(pixels) - start
    parts = torch.cat([change.clamp(min=0), change.clamp(max=0)]).requires_grad_()
    rules = relus(_reveal_cancel) | dict.fromkeys(MAX_POOL, _reveal_cancel_pool)
    rules |= {each: partial(_linear_rule, each) for each in (F.conv2d, F.linear)}
    with Replacing(rules | {F.batch_norm: _no_batchnorm}):
        _, up, down = _unstacked(network(torch.cat([start, parts])))
    (multipliers,) = torch.autograd.grad(pick(up + down, target).sum(), parts)
    positive, negative = (multipliers * parts.detach()).chunk(2)
    return positive + negative


class _Scaled(torch.autograd.Function):
    """``value`` forward; backward the gradient times ``multiplier``, to ``source``."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, value: Tensor, multiplier: Tensor) -> Tensor:
        ctx.save_for_backward(multiplier)
        return value

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (multiplier,) = ctx.saved_tensors
        return gradient * multiplier, None, None


def _ratio(change: Tensor, by: Tensor, limit: Tensor) -> Tensor:
    """``change`` / ``by``, and ``limit`` where ``by`` is zero.

    No threshold is needed: for ReLU and maximum the quotient is bounded, however small ``by``.
    """
    return torch.where(by == 0, limit, change / by)


def _rescaled(stack: Tensor) -> Tensor:
    """ReLU of a stack [1 + N, ...], the reference first, with the rescale rule's gradient."""
    before = stack.detach()
    after = F.relu(before)
    slope = (before > 0).to(before)
    return _Scaled.apply(stack, after, _ratio(after - after[:1], before - before[:1], slope))


def _rescaled_pool(stack: Tensor, *args: Any, **options: Any) -> Tensor:
    """Max-pooling of such a stack: see :func:`_routes`."""
    after, chosen, multiplier = _routes(stack.detach(), *args, **options)
    return _Scaled.apply(_picked(stack, chosen), after, multiplier)


def _routes(before: Tensor, *args: Any, **options: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs of a max-pooling, the one input of each window that answers for its difference
    from the reference [1 + N, ...], and that input's multiplier.

    If the maximum rose, it is the input that is now highest, which rose at least as much; if
    it fell, the one that was highest in the reference, which fell at least as much.  So the
    contribution is the window's whole difference and the multiplier in [0, 1 + NEAR].  Of
    inputs that were nearly equal, as all are in a uniform reference, it is the one that is
    highest now, lest rounding decide; of those that are equal in both, the first, as in the
    derivative of max-pooling.
    """
    options["return_indices"] = True
    after, highest = F.max_pool2d(before, *args, **options)
    _, was_highest = F.max_pool2d(before[:1] + NEAR * before, *args, **options)
    change, rise = before - before[:1], after - after[:1]
    fell_as_much = _picked(change, was_highest) * (1 + NEAR) <= rise
    was_highest = torch.where(fell_as_much, was_highest, highest[:1])
    chosen = torch.where(rise < 0, was_highest, highest)
    return after, chosen, _ratio(rise, _picked(change, chosen), torch.ones_like(rise))


def _picked(values: Tensor, places: Tensor) -> Tensor:
    """The values at ``places`` [N, C, h, w], indices into each channel of [N, C, H, W]."""
    return values.flatten(2).gather(2, places.flatten(2)).view_as(places)


def _unstacked(stack: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The reference [1, ...] and the positive and negative parts [N, ...] of a stack."""
    up, down = stack[1:].chunk(2)
    return stack[:1], up, down


def _linear_rule(
    function: Any, stack: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any
) -> Tensor:
    """Section 3.5.1: an input x adds w dx to the positive part where w dx > 0, else to the other.

    The sign is that of the whole dx, not of its parts, so that both get the same multiplier;
    half of it goes to either side where dx is zero.
    """
    start, up, down = _unstacked(stack)
    change = up + down
    rise = change * torch.heaviside(change.detach(), change.new_tensor(0.5))
    both = torch.cat([rise, change - rise])
    up_by_rise, down_by_fall = function(both, weight.clamp(min=0), None, *args).chunk(2)
    down_by_rise, up_by_fall = function(both, weight.clamp(max=0), None, *args).chunk(2)
    first = function(start, weight, bias, *args)
    return torch.cat([first, up_by_rise + up_by_fall, down_by_rise + down_by_fall])


def _reveal_cancel(stack: Tensor) -> Tensor:
    """Section 3.5.3: what a part adds to a ReLU's output, on the mean before and after the other.

    The multiplier of a part that is zero is the limit from its side.
    """
    start, up, down = _unstacked(stack)
    with torch.no_grad():
        before, with_up, with_down = F.relu(start), F.relu(start + up), F.relu(start + down)
        after = F.relu(start + up + down)
        rise = (with_up - before + after - with_down) / 2
        fall = (with_down - before + after - with_up) / 2
        rise_limit = ((start >= 0).to(up) + (start + down >= 0)) / 2
        fall_limit = ((start > 0).to(down) + (start + up > 0)) / 2
        by_up, by_down = _ratio(rise, up, rise_limit), _ratio(fall, down, fall_limit)
    return torch.cat([before, _Scaled.apply(up, rise, by_up), _Scaled.apply(down, fall, by_down)])


def _reveal_cancel_pool(stack: Tensor, *args: Any, **options: Any) -> Tensor:
    """Max-pooling: both parts of the input that answers are rescaled alike."""
    start, up, down = _unstacked(stack)
    whole = torch.cat([start, start + up + down]).detach()
    after, chosen, multiplier = _routes(whole, *args, **options)
    parts = (_picked(part, chosen[1:]) * multiplier[1:] for part in (up, down))
    return torch.cat([after[:1], *parts])


def _no_batchnorm(*args: Any, **options: Any) -> Tensor:
    raise InputError("deeplift.reveal_cancel needs every batch norm to follow a convolution")
