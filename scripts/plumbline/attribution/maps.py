"""Maps of one value per position: from a layer's size to the image's, and onto its channels."""

from torch import Tensor
from torch.nn import functional as F

from plumbline.errors import InputError
from plumbline.models.classifier import Network
from plumbline.registry import nearest


def on_channels(values: Tensor, pixels: Tensor) -> Tensor:
    """Share a map [N, H, W] equally among the channels of ``pixels`` [N, C, H, W].

    The sum over channels, by which pixels are ranked and drawn, is the map.
    """
    return (values / pixels.shape[1])[:, None].expand_as(pixels).contiguous()


def enlarged(values: Tensor, pixels: Tensor) -> Tensor:
    """A layer's map [N, h, w] at the size of ``pixels`` [N, C, H, W], bilinear, [N, H, W].

    A single position becomes a map that is uniform to the last bit, so that its ranking is
    drawn at random and not by rounding.
    """
    size = pixels.shape[2:]
    if values.shape[1:] == (1, 1):
        return values.expand(-1, *size)
    return F.interpolate(values[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]


def layer_end(network: Network, layer: str) -> int:
    """Position in the chain after ``layer``; after the last convolutional block if it is empty.

    Raises :class:`InputError`, naming the nearest, if the net has no such layer.
    """
    names = [name for name, _ in network.named_children()]
    if layer and layer not in names:
        raise InputError(f"the net has no layer {layer!r}{nearest(layer, names)}")
    return names.index(layer) + 1 if layer else network.features_end


def need_feature_maps(output: Tensor, layer: str) -> None:
    """Raise :class:`InputError` unless a layer's ``output`` is of feature maps [N, C, H, W]."""
    if output.ndim != 4:
        raise InputError(f"layer {layer!r} has no feature maps; name one before the flattening")
