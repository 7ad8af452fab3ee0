"""Maps with one value per position: resizing to the image, and distribution over channels."""

from torch import Tensor
from torch.nn import functional as F

from plumbline.errors import InputError, nearest
from plumbline.models.classifier import Network


def on_channels(values: Tensor, pixels: Tensor) -> Tensor:
    """Distribute a map [N, H, W] equally over the channels of ``pixels`` [N, C, H, W].

    The sum over channels, which is used for ranking and drawing, equals the map.
    """
    return (values / pixels.shape[1])[:, None].expand_as(pixels).contiguous()


def enlarged(values: Tensor, pixels: Tensor) -> Tensor:
    """A layer's map [N, h, w] resized bilinearly to the size of ``pixels`` [N, C, H, W], [N, H, W].

    A map with a single position becomes exactly uniform, so that its ranking is random and not
    decided by rounding.
    """
    size = pixels.shape[2:]
    if values.shape[1:] == (1, 1):
        return values.expand(-1, *size)
    return F.interpolate(values[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]


def layer_end(network: Network, layer: str) -> int:
    """Position in the chain after ``layer``, or after the last convolutional block if empty.

    Raises :class:`InputError`, with the most similar name, if the net has no such layer.
    """
    names = [name for name, _ in network.named_children()]
    if layer and layer not in names:
        raise InputError(f"the net has no layer {layer!r}{nearest(layer, names)}")
    return names.index(layer) + 1 if layer else network.features_end


def need_feature_maps(output: Tensor, layer: str) -> None:
    """Raise :class:`InputError` unless a layer's ``output`` has the shape [N, C, H, W]."""
    if output.ndim != 4:
        raise InputError(f"layer {layer!r} has no feature maps; choose one before the flattening")
