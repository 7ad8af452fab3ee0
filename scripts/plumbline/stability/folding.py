"""Folding of batch normalisation into the preceding convolutions."""

import copy
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_conv_bn_weights

from plumbline.stability.layers import following_norms

CLOSE = 1e-3  # tolerance relative to the largest logit: above rounding, below a wrong fold
Changes = dict[str, Tensor]


class Folded:
    """A copy of ``network`` with batch normalisations folded into the convolutions before them.

    If the logits of the images ``probe`` [N, C, H, W] then differ by more than rounding, nothing
    is folded: in a user-defined net a normalisation may be registered after a convolution without
    being applied to its output, or the output may also be used elsewhere.
    """

    def __init__(self, network: nn.Sequential, probe: Tensor) -> None:
        self.network = copy.deepcopy(network)
        self._pairs: dict[tuple[str, str], tuple[nn.Conv2d, nn.BatchNorm2d]] = {}
        for name, norm in following_norms(self.network).items():
            convolution = cast(nn.Conv2d, self.network.get_submodule(name))
            normalisation = cast(nn.BatchNorm2d, self.network.get_submodule(norm))
            if normalisation.running_mean is not None:
                self._pairs[name, norm] = convolution, normalisation
                self.network.set_submodule(name, fuse_conv_bn_eval(convolution, normalisation))
                self.network.set_submodule(norm, nn.Identity())
        wanted, found = network(probe.clone()), self.network(probe.clone())
        if not (found - wanted).abs().max() <= CLOSE * wanted.abs().max():
            self.network, self._pairs = copy.deepcopy(network), {}
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it

    def changes(self, changes: Changes) -> Changes:
        """The changes of the copy's weights that correspond to ``changes`` of the net's."""
        result = dict(changes)
        for (name, norm), (conv, normal) in self._pairs.items():
            own: dict[str, Any] = {f"{name}.{kind}": v for kind, v in conv.named_parameters()}
            own |= {f"{norm}.{kind}": value for kind, value in normal.named_parameters()}
            if changed := own.keys() & changes.keys():
                own |= {key: result.pop(key) for key in changed}
                result[f"{name}.weight"], result[f"{name}.bias"] = fuse_conv_bn_weights(
                    own[f"{name}.weight"],
                    own.get(f"{name}.bias"),
                    cast(Tensor, normal.running_mean),
                    cast(Tensor, normal.running_var),
                    normal.eps,
                    own[f"{norm}.weight"],
                    own[f"{norm}.bias"],
                )
        return result
