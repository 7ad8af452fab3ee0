"""Grad-CAM: feature maps weighted by the mean gradient of the logit with respect to them."""

import torch
from torch import Tensor

from plumbline.attribution.batching import no_promise, parts, pick
from plumbline.attribution.maps import enlarged, layer_end, need_feature_maps, on_channels
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

LABEL = "Grad-CAM"
FAMILY = "activation_maps"


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    layer: str = "",
    relu: bool = True,
) -> tuple[Tensor, Tensor]:
    """Grad-CAM of the ``target`` logit, [N, C, H, W]; the gap is NaN.

    Each feature map of ``layer`` (a layer of the net's chain, or the last convolutional block if
    empty) is weighted by the mean over its positions of d logit / d activation.  With ``relu``
    only the positive part of the weighted sum is kept, as in the paper.  The map is resized
    bilinearly to the image and distributed equally over the channels, so that their sum is the
    map.  If the layer has a single position, the map is uniform and carries no information.
    Selvaraju et al. 2017, "Grad-CAM: visual explanations from deep networks via gradient-based
    localization", eq. 1 and 2.

    Raises :class:`InputError` for a layer that the net does not have, or that has no feature
    maps.
    """
    network = classifier.network
    stop = layer_end(network, layer)
    relevance = torch.empty_like(pixels)
    for part in progress(parts(len(pixels), batch), "batches of grad_cam"):
        with torch.no_grad():
            maps = network.part(classifier.normalise(pixels[part]), stop=stop)
        need_feature_maps(maps, layer)
        leaf = maps.requires_grad_()
        # A copy, because the next layer may operate in place.
        logit = pick(network.part(leaf.clone(), start=stop), target[part])
        (gradient,) = torch.autograd.grad(logit.sum(), leaf)
        weighted = torch.einsum("nkhw,nk->nhw", maps.detach(), gradient.mean((2, 3)))
        weighted = weighted.relu() if relu else weighted
        relevance[part] = on_channels(enlarged(weighted, pixels[part]), pixels[part])
    return relevance, no_promise(pixels)
