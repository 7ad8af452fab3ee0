"""Class activation mapping: where the features that speak for a class are."""

import torch
from torch import Tensor, nn

from plumbline.attribution.batching import no_promise, parts
from plumbline.attribution.maps import enlarged, on_channels
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

NEEDS = ("gap_head",)


@torch.no_grad()
def attribute(
    classifier: Classifier, pixels: Tensor, target: Tensor, *, seed: int, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """Feature maps of the last block weighted for the ``target`` class, [N, C, H, W].

    sum over k of w_k f_k(x, y), w being the dense layer's weights, signs kept; its mean over
    the map and the bias make the logit.  The map is enlarged bilinearly to the image, which
    does not keep that mean, so the gap is NaN; and shared equally among the channels, so that
    their sum is the map.  Where the last block is a single position, the map is uniform: it
    says nothing.  Zhou et al. 2016, "Learning deep features for discriminative localization".
    """
    dense = next(each for each in reversed(classifier.network) if isinstance(each, nn.Linear))
    relevance = torch.empty_like(pixels)
    for part in progress(parts(len(pixels), batch), "batches of cam"):
        features = classifier.features(pixels[part])
        weighted = torch.einsum("nkhw,nk->nhw", features, dense.weight[target[part]])
        relevance[part] = on_channels(enlarged(weighted, pixels[part]), pixels[part])
    return relevance, no_promise(pixels)
