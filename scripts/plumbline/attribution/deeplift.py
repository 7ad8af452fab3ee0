"""DeepLIFT's rules: contributions to a difference from a reference.

Shrikumar, Greenside and Kundaje 2017, "Learning important features through propagating
activation differences".  The reference passes through the net in the same batch as the images,
so that every rule has access to both; the gradient of one ordinary backward pass is then the
product of multipliers summed over all paths, the chain rule for multipliers (eq. 3).
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

NEAR = 1e-3  # relative difference below which inputs of a max-pooling count as equal


def rescale(classifier: Classifier, pixels: Tensor, reference: Tensor, target: Tensor) -> Tensor:
    """Contributions of ``pixels`` [N, C, H, W] to the ``target`` logits, by the rescale rule.

    Differences are taken from the image ``reference`` [1, C, H, W].  The multiplier of a ReLU
    is the difference of its outputs divided by the difference of its inputs (section 3.5.2),
    or its derivative where that is 0 / 0.
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

    ``network`` is the classifier's with batch norms folded.  Its input is a stack of the
    reference [1, ...] and the positive and negative parts of each image's difference from it
    [2 N, ...].  Convolutions and dense layers follow the linear rule, ReLUs reveal-cancel.  Any
    other operation must be linear, without bias and independent between images, so that it can
    be applied to the two parts separately.
    """
    start = classifier.normalise(reference)
    change = classifier.normalise(pixels) - start
    parts = torch.cat([change.clamp(min=0), change.clamp(max=0)]).requires_grad_()
    rules = relus(_reveal_cancel) | dict.fromkeys(MAX_POOL, _reveal_cancel_pool)
    rules |= {function: partial(_linear_rule, function) for function in (F.conv2d, F.linear)}
    with Replacing(rules | {F.batch_norm: _no_batchnorm}):
        _, up, down = _unstacked(network(torch.cat([start, parts])))
    (multipliers,) = torch.autograd.grad(pick(up + down, target).sum(), parts)
    positive, negative = (multipliers * parts.detach()).chunk(2)
    return positive + negative


class _Scaled(torch.autograd.Function):
    """Forward: ``value``.  Backward: the gradient times ``multiplier``, passed to ``source``."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, value: Tensor, multiplier: Tensor) -> Tensor:
        ctx.save_for_backward(multiplier)
        return value

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (multiplier,) = ctx.saved_tensors
        return gradient * multiplier, None, None


def _ratio(change: Tensor, by: Tensor, limit: Tensor) -> Tensor:
    """``change`` / ``by``, or ``limit`` where ``by`` is zero.

    No threshold is needed: for ReLU and maximum the quotient is bounded however small ``by`` is.
    """
    return torch.where(by == 0, limit, change / by)


def _rescaled(stack: Tensor) -> Tensor:
    """ReLU of a stack [1 + N, ...], the reference first, with the rescale rule's gradient."""
    before = stack.detach()
    after = F.relu(before)
    slope = (before > 0).to(before)
    return _Scaled.apply(stack, after, _ratio(after - after[:1], before - before[:1], slope))


def _rescaled_pool(stack: Tensor, *args: Any, **options: Any) -> Tensor:
    """Max-pooling of a stack [1 + N, ...], the reference first: see :func:`_routes`."""
    after, chosen, multiplier = _routes(stack.detach(), *args, **options)
    return _Scaled.apply(_picked(stack, chosen), after, multiplier)


def _routes(before: Tensor, *args: Any, **options: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs of a max-pooling, the input of each window that the difference from the reference
    is attributed to [1 + N, ...], and the multiplier of that input.

    If the maximum rose, this is the input that is now the highest, which rose at least as much.
    If it fell, it is the input that was the highest in the reference, which fell at least as
    much.  The contribution is therefore the window's whole difference, with a multiplier in
    [0, 1 + NEAR].  Among inputs that were nearly equal, as all are in a uniform reference, the
    one that is highest now is chosen, so that rounding does not decide.  Among inputs equal in
    both images it is the first, as in the derivative of max-pooling.
    """
    options["return_indices"] = True
    after, highest = F.max_pool2d(before, *args, **options)
    _, was_highest = F.max_pool2d(before[:1] + NEAR * before, *args, **options)
    change, rise = before - before[:1], after - after[:1]
    fell_as_much = _picked(change, was_highest) * (1 + NEAR) <= rise
    was_highest = torch.where(fell_as_much, was_highest, highest[:1])
    chosen = torch.where(rise < 0, was_highest, highest)
    return after, chosen, _ratio(rise, _picked(change, chosen), torch.ones_like(rise))


def _picked(values: Tensor, positions: Tensor) -> Tensor:
    """The values at ``positions`` [N, C, h, w], flat indices into each channel of [N, C, H, W]."""
    return values.flatten(2).gather(2, positions.flatten(2)).view_as(positions)


def _unstacked(stack: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The reference [1, ...] and the positive and negative parts [N, ...] of a stack."""
    up, down = stack[1:].chunk(2)
    return stack[:1], up, down


def _linear_rule(
    function: Any, stack: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any
) -> Tensor:
    """Linear rule (section 3.5.1): an input x contributes w dx to the positive part if w dx > 0,
    otherwise to the negative part.

    The sign is that of the whole dx, not of its parts, so that both parts get the same
    multiplier.  Where dx is zero, half of it goes to either part.
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
    """Reveal-cancel rule (section 3.5.3): the effect of one part of the input difference on a
    ReLU's output, averaged over adding it before and after the other part.

    If a part is zero, its multiplier is the one-sided limit.
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
    """Max-pooling: both parts of the chosen input are rescaled by the same multiplier."""
    start, up, down = _unstacked(stack)
    whole = torch.cat([start, start + up + down]).detach()
    after, chosen, multiplier = _routes(whole, *args, **options)
    parts = (_picked(part, chosen[1:]) * multiplier[1:] for part in (up, down))
    return torch.cat([after[:1], *parts])


def _no_batchnorm(*args: Any, **options: Any) -> Tensor:
    raise InputError(
        "deeplift with rule reveal_cancel needs a convolution directly before every batch norm"
    )
