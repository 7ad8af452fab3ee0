"""Layer-wise relevance propagation: the rules, and one propagation procedure for all of them.

The relevance R_j of an output z_j = sum_i x_i w_ij + b_j of a convolution or dense layer is
distributed among its inputs in proportions given by the layer's rule.  The following holds for
every rule here:

- A bias is treated as an additional input with value 1.  Its share is not passed on.
- Denominators are never shifted away from zero.  Where the denominator of a rule is zero, there
  are no contributions to distribute to, and that part is not passed on.  Only the epsilon rule
  has a stabiliser, which absorbs relevance.
- The relevance absorbed by biases and stabilisers makes up the gap, the sum of relevance minus
  the logit.
- Batch norm is folded into the preceding convolution.  Max-pooling passes all relevance to the
  maximum; average pooling, residual sums and concatenation distribute it in proportion, as in
  LRP-0.
- Relevance is that of pixels: the normalisation inside the classifier follows LRP-0 as well, and
  its shift counts as a bias, unless the input rule is ``box``.

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
from plumbline.errors import InputError, nearest
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

WEIGHTED = (nn.Conv2d, nn.Linear)
INPUT_RULES = ("same", "box")
ZERO = 1e-30  # smaller denominators count as zero; otherwise a quotient could overflow float32


class Term(NamedTuple):
    """One summand of a surrogate: a sum over inputs, its factor, and the bias contained in it."""

    factor: Tensor
    sum: Tensor
    bias: Tensor | None


class Signed:
    """A convolution or dense layer with its weights and biases split by sign."""

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
        """Sum of the positive contributions x_i w_ij to each output, including the bias."""
        return self._contributions(inputs, 0)

    def negative(self, inputs: Tensor) -> Tensor:
        """Sum of the negative contributions to each output, including the bias."""
        return self._contributions(inputs, 1)

    def apply(self, inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """The layer's operation with other weights."""
        if isinstance(self.layer, nn.Linear):
            return F.linear(inputs, weight, bias)
        return self.layer._conv_forward(inputs, weight, bias)

    def _contributions(self, inputs: Tensor, sign: int) -> Tensor:
        same, other = self.weights[sign], self.weights[1 - sign]
        if inputs.detach().amin() >= 0:  # as after a ReLU: half the work
            return self.apply(inputs, same, self.biases[sign])
        above = self.apply(inputs.clamp(min=0), same, self.biases[sign])
        return above - self.apply((-inputs).relu(), other)


def weighted(terms: list[Term]) -> Tensor:
    """A surrogate whose derivative is that of sum over ``terms`` of factor times sum."""
    return _Weighted.apply([term.factor for term in terms], *(term.sum for term in terms))


class _Weighted(torch.autograd.Function):
    """Only the gradient is used; the forward value, the first sum, is a placeholder."""

    @staticmethod
    def forward(ctx: Any, factors: list[Tensor], *sums: Tensor) -> Tensor:
        ctx.factors = factors
        return sums[0].detach()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return None, *(gradient * factor for factor in ctx.factors)


Rule = Callable[[Signed, Tensor, Tensor], list[Term]]


def epsilon(value: float) -> Rule:
    """R_i = x_i w_ij / (z_j + s_j) R_j, where the stabiliser s_j has the sign of z_j.

    Its size is ``value`` times the root mean square of the layer's outputs for that image, as
    in Montavon et al. 2019, so that it is comparable between layers.  With ``value`` 0 this is
    LRP-0, R_i = x_i w_ij / z_j R_j.  Bach et al. 2015, eq. 58.
    """

    def rule(layer: Signed, before: Tensor, after: Tensor) -> list[Term]:
        return [Term(share_handed_on(after.detach(), value), after, layer.bias)]

    return rule


def gamma(value: float) -> Rule:
    """Contributions with the sign of z_j are multiplied by 1 + ``value``, in the numerator and
    in the denominator.

    For z_j > 0 these are the positive contributions, and for non-negative inputs this is the
    rule of Montavon et al. 2019, w_ij + ``value`` max(w_ij, 0).  That rule diverges in residual
    nets, where outputs z_j < 0 can have relevance and the first inputs have both signs; the rule
    here is its generalisation by Andeol et al. 2021, "Learning domain invariant representations
    by joint Wasserstein distance minimization", appendix.
    """

    def rule(layer: Signed, before: Tensor, after: Tensor) -> list[Term]:
        # The negative sum is z - positive, which saves a third pass.  There is no cancellation:
        # for z < 0 both summands of (1 + value) z - value * positive are at most zero.
        z, positive = after.detach(), layer.positive(before)
        extra = (z > 0).to(z).mul_(2 * value).sub_(value)  # value where z > 0, else -value
        base = (1 + value / 2) - extra / 2  # 1 where z > 0, else 1 + value
        share = quotient(z, base * z + extra * positive.detach())
        return [
            Term(base.mul_(share), after, layer.bias),
            Term(extra.mul_(share), positive, layer.biases[0]),
        ]

    return rule


def alpha_beta(alpha: float, beta: float) -> Rule:
    """Positive contributions receive ``alpha`` R_j, negative ones -``beta`` R_j, in proportion.

    If there are no contributions of one sign, its part is not passed on.  Bach et al. 2015,
    eq. 60, with the sign of beta as in Montavon et al. 2019.

    Raises :class:`InputError` unless ``alpha`` - ``beta`` is 1 and ``beta`` at least 0.
    """
    if beta < 0 or abs(alpha - beta - 1) > 1e-9:
        raise InputError(
            f"alpha - beta must be 1 and beta at least 0, not alpha {alpha:g} and beta {beta:g}"
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
    """z^B rule for the first layer, whose inputs lie between ``low`` and ``high`` [1, C, H, W].

    R_i = (x_i w_ij - l_i max(w_ij, 0) - h_i min(w_ij, 0)) / (the same summed over i) R_j.  Both
    bounds of a bias equal its value, 1, so it receives nothing.  The derivative of this rule's
    surrogate is R_i rather than R_i / x_i, because black pixels have relevance as well.
    Montavon et al. 2017, "Explaining nonlinear classification decisions with deep Taylor
    decomposition".
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
    """The rule that each layer of a net follows.

    ``of(number, layers)`` returns the rule of one layer with weights; layers are numbered from
    the pixels, from 1 to ``layers``.  ``input_rule`` is ``same``, or ``box``: the first layer
    follows z^B with the bounds 0 and 1 of pixels, transformed by the classifier's normalisation.

    Raises :class:`InputError` for any other ``input_rule``.
    """

    of: Callable[[int, int], Rule]
    input_rule: str = "same"

    def __post_init__(self) -> None:
        if self.input_rule not in INPUT_RULES:
            close = nearest(self.input_rule, INPUT_RULES)
            raise InputError(f"input_rule: no {self.input_rule!r}{close}")


class Propagation:
    """The net of a classifier, prepared to propagate relevance by ``rules``."""

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
            layer: rules.of(number, len(layers)) for number, layer in enumerate(layers, start=1)
        }
        if self.box:
            black = torch.zeros_like(pixels[:1])
            bounds = (classifier.normalise(image) for image in (black, black + 1))
            self.rules[layers[0]] = box(*bounds)

    def terms(self, layer: nn.Module, before: Tensor, after: Tensor) -> list[Term]:
        """The terms of the surrogate of one layer."""
        return self.rules[layer](self.signed[layer], before, after)

    def surrogate(self, layer: nn.Module, before: Tensor, after: Tensor) -> Tensor:
        """The surrogate of one layer, a function of its input whose derivative is the rule."""
        return weighted(self.terms(layer, before, after))

    def __call__(self, pixels: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Relevance [N, C, H, W] and logit [N] of one batch; call within :func:`modified`."""
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

    ``name`` is the name of the method in the progress report.
    """
    relevance, gap = torch.empty_like(pixels), torch.empty_like(pixels[:, 0, 0, 0])
    propagation = Propagation(classifier, pixels, rules)
    with modified(propagation.network, dict.fromkeys(WEIGHTED, propagation.surrogate)):
        for part in progress(parts(len(pixels), batch), f"batches of {name}"):
            relevance[part], logit = propagation(pixels[part], target[part])
            gap[part] = relevance[part].sum((1, 2, 3)) - logit
    return relevance, gap


def quotient(numerator: Tensor, denominator: Tensor) -> Tensor:
    """``numerator`` / ``denominator``, or zero where the denominator is zero."""
    # torch.where with a comparison takes ten times as long.
    share = numerator / F.hardshrink(denominator, ZERO)
    return share.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)


def share_handed_on(outputs: Tensor, epsilon: float) -> Tensor:
    """z / (z + s) for outputs z and stabiliser s; one where both are zero."""
    if not epsilon:
        return torch.ones_like(outputs)
    size, dims = outputs.abs(), tuple(range(1, outputs.ndim))
    scale = epsilon / outputs[0].numel() ** 0.5
    stabiliser = scale * torch.linalg.vector_norm(outputs, dim=dims, keepdim=True)
    return (size / (size + stabiliser)).nan_to_num_(nan=1.0)
