"""LRP-0 implemented with transposed layers, as in study 003."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plumbline.attribution.batching import parts, pick
from plumbline.attribution.lrp import WEIGHTED
from plumbline.attribution.modified_backward import fold_batchnorm, modified
from plumbline.errors import at_least
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

LABEL = "LRP, transposed layers"
FAMILY = "lrp"


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    stabiliser: float = 1e-7,
) -> tuple[Tensor, Tensor]:
    """LRP of the ``target`` logit through transposed layers, [N, C, H, W].

    From the output to the pixels, relevance passes through the transpose of each convolution and
    the transposed matrix of each dense layer, with the same weights and no bias:
    R_i = x_i (W^T (R / (z + s)))_i, where s has the sign of z and the size ``stabiliser``.
    (Study 003's transposed layers kept random biases, so that its maps changed between calls.)

    The transposed layer is the adjoint of the layer, by which its gradient multiplies.  With
    ``stabiliser`` 0 this is therefore LRP-0 and equals gradient times input; otherwise it is
    LRP-epsilon with a stabiliser of the same size in all layers.

    Raises :class:`InputError` if ``stabiliser`` is below 0.
    """
    at_least("lrp_transposed.stabiliser", stabiliser, 0)

    def rule(layer: nn.Module, before: Tensor, after: Tensor) -> Tensor:
        return _Transposed.apply(before, after.detach(), layer, stabiliser)

    relevance, gap = torch.empty_like(pixels), torch.empty_like(pixels[:, 0, 0, 0])
    network = fold_batchnorm(classifier.network)
    with modified(network, dict.fromkeys(WEIGHTED, rule)):
        for part in progress(parts(len(pixels), batch), "batches of lrp_transposed"):
            leaf = pixels[part].detach().requires_grad_()
            logit = pick(network(classifier.normalise(leaf)), target[part])
            (multiplier,) = torch.autograd.grad(logit.sum(), leaf)
            relevance[part] = multiplier * pixels[part]
            gap[part] = relevance[part].sum((1, 2, 3)) - logit.detach()
    return relevance, gap


class _Transposed(torch.autograd.Function):
    """Forward: the layer's output.  Backward: relevance / output becomes relevance / input."""

    @staticmethod
    def forward(
        ctx: Any, before: Tensor, after: Tensor, layer: nn.Module, stabiliser: float
    ) -> Tensor:
        ctx.save_for_backward(after)
        ctx.layer, ctx.stabiliser, ctx.shape = layer, stabiliser, before.shape
        return after.clone()

    @staticmethod
    def backward(ctx: Any, multiplier: Tensor) -> tuple[Tensor, None, None, None]:
        (z,) = ctx.saved_tensors
        relevance = multiplier * z
        if ctx.stabiliser:
            shared = relevance / torch.where(z < 0, z - ctx.stabiliser, z + ctx.stabiliser)
        else:
            shared = multiplier  # R / z, with its limit where both are zero
        return transposed(ctx.layer, shared, ctx.shape), None, None, None


def transposed(layer: nn.Conv2d | nn.Linear, outputs: Tensor, shape: torch.Size) -> Tensor:
    """The transposed layer without bias, from ``outputs`` to inputs of ``shape``.

    The adjoint of a dense layer or zero-padded convolution: for any inputs x and outputs y the
    inner products <layer(x) - bias, y> and <x, transposed(y)> are equal.
    """
    if isinstance(layer, nn.Linear):
        return outputs @ layer.weight
    # ``_reversed_padding_repeated_twice`` is (left, right, top, bottom), also for "same" padding.
    left, right, top, bottom = layer._reversed_padding_repeated_twice
    height, width = shape[2] + top + bottom, shape[3] + left + right
    unused = [
        size - (d * (k - 1) + 1 + (out - 1) * s)
        for size, out, k, s, d in zip(
            (height, width),
            outputs.shape[2:],
            layer.kernel_size,
            layer.stride,
            layer.dilation,
            strict=True,
        )
    ]  # rows and columns at the end that no output depends on
    padded = F.conv_transpose2d(
        outputs, layer.weight, stride=layer.stride, groups=layer.groups, dilation=layer.dilation
    )
    padded = F.pad(padded, (0, unused[1], 0, unused[0]))
    return padded[:, :, top : height - bottom, left : width - right]
