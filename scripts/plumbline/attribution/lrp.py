"""Layer-wise relevance propagation: the rules, and one way through a net for all of them.

Relevance R_j of an output z_j = sum_i x_i w_ij + b_j of a convolution or dense layer is shared
among its inputs in proportions that the layer's rule gives.  What holds for every rule here:

- A bias is one more input, whose value is always 1.  Its share is not handed on.
- A denominator is never shifted to keep it from zero.  Where the one that a rule wants is
  zero, there is nothing to share among, and that part is not handed on.  Only the epsilon
  rule has a stabiliser, and keeps relevance back by it.
- What biases and stabilisers absorb so is the gap, the sum of relevance minus the logit.
- Batch norm is folded into the convolution before it.  Max-pooling gives all to the maximum;
  average pooling, residual sums and concatenation share in proportion, as LRP-0 does.
- Relevance is of pixels: the normalisation inside the classifier follows LRP-0 too, and its
  shift counts as a bias, unless the rule of the pixels is ``box``.

Bach et al. 2015, "On pixel-wise explanations for non-linear classifier decisions by
layer-wise relevance propagation"; Montavon et al. 2019, "Layer-wise relevance propagation: an
overview".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plumbline.attribution.batching import parts, pick
from plumbline.attribution.modified_backward import fold_batchnorm, modified
from plumbline.errors import InputError
from plumbline.models.classifier import Classifier
from plumbline.registry import nearest
from plumbline.runtime.progress import progress

WEIGHTED = (nn.Conv2d, nn.Linear)
INPUT_RULES = ("same", "box")
ZERO = 1e-30  # a smaller denominator counts as zero, else a quotient could overflow float32


class Term(NamedTuple):
    """One summand of a surrogate: a sum over inputs, the factor before it, the bias in it."""

    factor: Tensor
    sum: Tensor
    bias: Tensor | None


class Signed:
    """A convolution or dense layer, its weights and biases split by sign once for all images."""

    def __init__(self, layer: nn.Conv2d | nn.Linear) -> None:
        self.layer = layer
        weight = layer.weight.detach()
        self.weights = weight.clamp(min=0), weight.clamp(max=0)
        self.bias: Tensor | None = None
        self.biases: tuple[Tensor | None, Tensor | None] = None, None
        if layer.bias is not None:
            self.bias = layer.bias.detach()
            self.biases = self.bias.clamp(min=0), self.bias.clamp(max=0)

    def positive(self, inputs: Tensor) -> Tensor:
        """Sum of the positive contributions x_i w_ij, bias included, to each output."""
        return self._contributions(inputs, 0)

    def negative(self, inputs: Tensor) -> Tensor:
        """Sum of the negative contributions."""
        return self._contributions(inputs, 1)

    def apply(self, inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """The layer with other weights."""
        if isinstance(self.layer, nn.Linear):
            return F.linear(inputs, weight, bias)
        return self.layer._conv_forward(inputs, weight, bias)

    def _contributions(self, inputs: Tensor, sign: int) -> Tensor:
        same, other = self.weights[sign], self.weights[1 - sign]
        if inputs.detach().amin() >= 0:  # as after a ReLU: half of the work
            return self.apply(inputs, same, self.biases[sign])
        above = self.apply(inputs.clamp(min=0), same, self.biases[sign])
        return above - self.apply((-inputs).relu(), other)


def weighted(terms: list[Term]) -> Tensor:
    """A surrogate with the derivative of the sum of ``terms``, each factor times sum."""
    return _Weighted.apply([term.factor for term in terms], *(term.sum for term in terms))


class _Weighted(torch.autograd.Function):
    """Nobody asks for a surrogate's value, so the first sum stands in for it."""

    @staticmethod
    def forward(ctx: Any, factors: list[Tensor], *sums: Tensor) -> Tensor:
        ctx.factors = factors
        return sums[0].detach()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return None, *(gradient * factor for factor in ctx.factors)


Rule = Callable[[Signed, Tensor, Tensor], list[Term]]


def epsilon(value: float) -> Rule:
    """R_i = x_i w_ij / (z_j + s_j) R_j; the stabiliser s_j has the sign of z_j.

    Its size is ``value`` times the root mean square of the layer's outputs for that image, as
    in Montavon et al. 2019: it means the same in every layer.  With ``value`` 0 this is LRP-0,
    R_i = x_i w_ij / z_j R_j.  Bach et al. 2015, eq. 58.
    """

    def rule(layer: Signed, before: Tensor, after: Tensor) -> list[Term]:
        return [Term(share_handed_on(after.detach(), value), after, layer.bias)]

    return rule


def gamma(value: float) -> Rule:
    """Contributions of the sign of z_j count 1 + ``value`` times, above and below the line.

    For z_j > 0 these are the positive ones, and where inputs are not negative this is the
    rule of Montavon et al. 2019, w_ij + ``value`` max(w_ij, 0).  That rule explodes in
    residual nets, where z_j < 0 can have relevance and the first inputs have both signs; this
    is its generalisation, Andeol et al. 2021, "Learning domain invariant representations by
    joint Wasserstein distance minimization", appendix.
    """

    def rule(layer: Signed, before: Tensor, after: Tensor) -> list[Term]:
        # The negative sum is z - positive: no third pass, and no cancellation, because
        # z < 0 leaves (1 + value) z - value * positive without a summand above zero.
        z, positive = after.detach(), layer.positive(before)
        extra = (z > 0).to(z).mul_(2 * value).sub_(value)  # value where z > 0, else -value
        own = (1 + value / 2) - extra / 2  # 1 where z > 0, else 1 + value
        share = quotient(z, own * z + extra * positive.detach())
        return [
            Term(own.mul_(share), after, layer.bias),
            Term(extra.mul_(share), positive, layer.biases[0]),
        ]

    return rule


def alpha_beta(alpha: float, beta: float) -> Rule:
    """Positive contributions share ``alpha`` R_j, negative ones -``beta`` R_j.

    Where there are none of one sign its part is not handed on.  Bach et al. 2015, eq. 60,
    with beta's sign as in Montavon et al. 2019.

    Raises :class:`InputError` unless ``alpha`` - ``beta`` is 1 and ``beta`` at least 0.
    """
    if beta < 0 or abs(alpha - beta - 1) > 1e-9:
        raise InputError(
            f"alpha - beta must be 1, and beta at least 0; not alpha {alpha:g}, beta {beta:g}"
        )

    def rule(layer: Signed, before: Tensor, after: Tensor) -> list[Term]:
        z, positive = after.detach(), layer.positive(before)
        terms = [Term(alpha * quotient(z, positive.detach()), positive, layer.biases[0])]
        if beta:
            negative = layer.negative(before)
            factor = -beta * quotient(z, negative.detach())
            terms.append(Term(factor, negative, layer.biases[1]))
        return terms

    return rule


def box(low: Tensor, high: Tensor) -> Rule:
    """z^B, for the layer at the pixels, which lie between ``low`` and ``high`` [1, C, H, W].

    R_i = (x_i w_ij - l_i max(w_ij, 0) - h_i min(w_ij, 0)) / (the same summed over i) R_j.  A
    bias has both bounds at its value, 1, and so gets nothing.  The derivative of this rule's
    surrogate is R_i, not R_i / x_i, since a black pixel has relevance too.  Montavon et al.
    2017, "Explaining nonlinear classification decisions with deep Taylor decomposition".
    """

    def rule(layer: Signed, before: Tensor, after: Tensor) -> list[Term]:
        value = before.detach()
        one = 1 + (before - value)  # a factor whose derivative is that of the input
        above, below = ((value - b.reshape(value[:1].shape)) * one for b in (low, high))
        total = layer.apply(above, layer.weights[0]) + layer.apply(below, layer.weights[1])
        return [Term(quotient(after.detach(), total.detach()), total, None)]

    return rule


@dataclass(frozen=True)
class Rules:
    """Which rule each layer of a net follows.

    ``of`` gives it for the place of a layer with weights, counted from the pixels, 1 to the
    number of such layers, which it gets too.  ``input_rule`` is ``same``, or ``box``: the
    layer at the pixels follows z^B with the bounds 0 and 1 of pixels, carried through the
    classifier's normalisation.

    Raises :class:`InputError` for another ``input_rule``.
    """

    of: Callable[[int, int], Rule]
    input_rule: str = "same"

    def __post_init__(self) -> None:
        if self.input_rule not in INPUT_RULES:
            close = nearest(self.input_rule, INPUT_RULES)
            raise InputError(f"input_rule: no {self.input_rule!r}{close}")


class Propagation:
    """The net of a classifier, ready to hand on relevance by ``rules`` to any images."""

    def __init__(self, classifier: Classifier, pixels: Tensor, rules: Rules) -> None:
        self.classifier, self.box = classifier, rules.input_rule == "box"
        self.network = fold_batchnorm(classifier.network)
        layers = [
            cast(nn.Conv2d | nn.Linear, layer)
            for layer in self.network.modules()
            if type(layer) in WEIGHTED
        ]
        self.signed: dict[nn.Module, Signed] = {layer: Signed(layer) for layer in layers}
        self.rules: dict[nn.Module, Rule] = {
            layer: rules.of(place, len(layers)) for place, layer in enumerate(layers, start=1)
        }
        if self.box:
            black = torch.zeros_like(pixels[:1])
            bounds = (classifier.normalise(each) for each in (black, black + 1))
            self.rules[layers[0]] = box(*bounds)

    def terms(self, layer: nn.Module, before: Tensor, after: Tensor) -> list[Term]:
        """The surrogate of one layer, in parts."""
        return self.rules[layer](self.signed[layer], before, after)

    def surrogate(self, layer: nn.Module, before: Tensor, after: Tensor) -> Tensor:
        """What the layer's output hands on, a sum over inputs whose derivative is the rule."""
        return weighted(self.terms(layer, before, after))

    def __call__(self, pixels: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Relevance [N, C, H, W] and logit [N] of one batch; not without :func:`modified`."""
        if self.box:
            leaf = self.classifier.normalise(pixels).requires_grad_()
            logit = pick(self.network(leaf), target)
            (relevance,) = torch.autograd.grad(logit.sum(), leaf)
            return relevance, logit.detach()
        leaf = pixels.detach().requires_grad_()
        logit = pick(self.network(self.classifier.normalise(leaf)), target)
        (gradient,) = torch.autograd.grad(logit.sum(), leaf)
        return gradient * pixels, logit.detach()


def propagate(
    classifier: Classifier, pixels: Tensor, target: Tensor, rules: Rules, batch: int, name: str
) -> tuple[Tensor, Tensor]:
    """Relevance of all ``pixels`` for the logit of ``target``, [N, C, H, W], and its gap [N].

    ``name`` is the method's, for the progress.
    """
    relevance, gap = torch.empty_like(pixels), torch.empty_like(pixels[:, 0, 0, 0])
    propagation = Propagation(classifier, pixels, rules)
    with modified(propagation.network, dict.fromkeys(WEIGHTED, propagation.surrogate)):
        for part in progress(parts(len(pixels), batch), f"batches of {name}"):
            relevance[part], logit = propagation(pixels[part], target[part])
            gap[part] = relevance[part].sum((1, 2, 3)) - logit
    return relevance, gap


def quotient(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Their quotient, zero where the denominator is."""
    # As torch.where on a comparison this takes ten times as long.
    share = numerator / F.hardshrink(denominator, ZERO)
    return share.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)


def share_handed_on(outputs: Tensor, epsilon: float) -> Tensor:
    """z / (z + s) for outputs z, one if both are zero."""
    if not epsilon:
        return torch.ones_like(outputs)
    size, dims = outputs.abs(), tuple(range(1, outputs.ndim))
    scale = epsilon / outputs[0].numel() ** 0.5
    stabiliser = scale * torch.linalg.vector_norm(outputs, dim=dims, keepdim=True)
    return (size / (size + stabiliser)).nan_to_num_(nan=1.0)
