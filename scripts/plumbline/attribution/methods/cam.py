"""Class activation mapping: feature maps weighted by the weights of a class."""

import torch
from torch import Tensor, nn

from plumbline.attribution.batching import no_promise, parts
from plumbline.attribution.maps import enlarged, on_channels
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

LABEL = "CAM"
FAMILY = "activation_maps"
NEEDS = ("gap_head",)


@torch.no_grad()
def attribute(
    classifier: Classifier, pixels: Tensor, target: Tensor, *, seed: int, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """Feature maps of the last block weighted for the ``target`` class, [N, C, H, W].

    sum over k of w_k f_k(x, y), where w are the dense layer's weights with their sign; the mean
    of this map plus the bias is the logit.  The map is resized bilinearly to the image, which
    does not preserve the mean, so the gap is NaN.  It is distributed equally over the channels,
    so that their sum is the map.  If the last block has a single position, the map is uniform
    and carries no information.  Zhou et al. 2016, "Learning deep features for discriminative
    localization".
    """
    dense = next(layer for layer in reversed(classifier.network) if isinstance(layer, nn.Linear))
    relevance = torch.empty_like(pixels)
    for part in progress(parts(len(pixels), batch), "batches of cam"):
        features = classifier.features(pixels[part])
        weighted = torch.einsum("nkhw,nk->nhw", features, dense.weight[target[part]])
        relevance[part] = on_channels(enlarged(weighted, pixels[part]), pixels[part])
    return relevance, no_promise(pixels)
