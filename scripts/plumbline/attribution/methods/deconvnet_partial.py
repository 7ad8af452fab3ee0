"""DeConvNet of a single filter: its strongest activation projected back to the pixels."""

import torch
from torch import Tensor

from plumbline.attribution.activation_rules import deconvnet
from plumbline.attribution.batching import no_promise, parts
from plumbline.attribution.maps import layer_end, need_feature_maps
from plumbline.errors import InputError, at_least
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

LABEL = "DeConvNet, partial"
FAMILY = "modified_backward"


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    layer: str = "",
    channel: int = -1,
) -> tuple[Tensor, Tensor]:
    """Reconstruction from one filter's strongest activation, [N, C, H, W]; the gap is NaN.

    ``layer`` is a layer of the net's chain whose output has feature maps, or the last
    convolutional block if empty.  ``channel`` is the filter; -1 selects for each image the one
    with the highest activation.  All other activations of the layer are set to zero, and the
    remaining one is passed back through the mirrored net, as in ``deconvnet``.  The result does
    not depend on ``target``.  Zeiler and Fergus 2014, section 2.1 and figure 2.

    Raises :class:`InputError` for a layer or channel that the net does not have.
    """
    at_least("deconvnet_partial.channel", channel, -1)
    network = classifier.network
    stop = layer_end(network, layer)
    relevance = torch.empty_like(pixels)
    for part in progress(parts(len(pixels), batch), "batches of deconvnet_partial"):
        leaf = pixels[part].detach().requires_grad_()
        with deconvnet():
            maps = network.part(classifier.normalise(leaf), stop=stop)
        need_feature_maps(maps, layer)
        start = _strongest(maps.detach(), channel)
        (relevance[part],) = torch.autograd.grad(maps, leaf, start)
    return relevance, no_promise(pixels)


def _strongest(maps: Tensor, channel: int) -> Tensor:
    """``maps`` [N, C, H, W] with all values zero but the highest of ``channel``, or of all."""
    if channel >= maps.shape[1]:
        raise InputError(
            f"deconvnet_partial.channel must be below {maps.shape[1]} in this layer, not {channel}"
        )
    flat = maps.flatten(2)
    offset = 0
    if channel >= 0:
        flat, offset = flat[:, channel : channel + 1], channel * flat.shape[2]
    value, position = flat.flatten(1).max(1, keepdim=True)
    zeros = torch.zeros_like(maps.flatten(1))
    return zeros.scatter_(1, position + offset, value).view_as(maps)
