"""Layer-wise relevance propagation with the epsilon rule."""

import torch
from torch import Tensor, nn

from plumbline.attribution.batching import at_least, pairs, pick
from plumbline.attribution.modified_backward import fold_batchnorm, modified
from plumbline.models.classifier import Classifier
from plumbline.progress import progress


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    epsilon: float = 0.1,
) -> tuple[Tensor, Tensor]:
    """LRP-epsilon of the ``target`` logit, [N, C, H, W].

    Bach et al. 2015, eq. 58: convolutions and dense layers share the relevance R_j of an
    output z_j among their inputs in the proportion x_i w_ij / (z_j + s_j).  Conventions:

    - The stabiliser s_j has the sign of z_j and is ``epsilon`` times the root mean square of
      the layer's outputs for that image, as in Montavon et al. 2019: it means the same in
      every layer.  ``epsilon`` 0 is LRP-0, which equals gradient times input.
    - z_j includes the bias.  What biases and stabilisers absorb is not handed on: it is the
      gap, the sum of relevance minus the logit, which conservation demands.
    - Batch norm is folded into the convolution before it.  Max-pooling gives all to the
      maximum; average pooling and residual sums share in proportion (LRP-0).
    - Relevance is of pixels: the normalisation inside the classifier follows LRP-0 too, and its
      shift counts as a bias.

    Raises :class:`InputError` if ``epsilon`` is below 0.
    """
    at_least("lrp_epsilon.epsilon", epsilon, 0)

    def rule(layer: nn.Module, before: Tensor, after: Tensor) -> Tensor:
        return after * _share_handed_on(after.detach(), epsilon)

    relevance, gap = torch.empty_like(pixels), torch.empty_like(pixels[:, 0, 0, 0])
    network = fold_batchnorm(classifier.network)
    with modified(network, {nn.Conv2d: rule, nn.Linear: rule}):
        for image, _ in progress(pairs(pixels, 1, batch), "batches of lrp_epsilon"):
            leaf = pixels[image].requires_grad_()
            logit = pick(network(classifier.normalise(leaf)), target[image])
            (gradient,) = torch.autograd.grad(logit.sum(), leaf)
            relevance[image] = gradient * pixels[image]
            gap[image] = relevance[image].sum((1, 2, 3)) - logit.detach()
    return relevance, gap


def _share_handed_on(outputs: Tensor, epsilon: float) -> Tensor:
    """z / (z + s) for outputs z, one if both are zero."""
    size = outputs.abs()
    dims = tuple(range(1, outputs.ndim))
    stabiliser = epsilon * outputs.square().mean(dims, keepdim=True).sqrt()
    return torch.where(size + stabiliser > 0, size / (size + stabiliser), 1.0)
