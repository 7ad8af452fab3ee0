"""Attributions by other libraries, called as in their tutorials.

Each rival takes a classifier, images [N, C, H, W] and their target classes, and explains all
images.  Those of superpixels return their values [N, 49].
"""

import contextlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.attribution.superpixels import superpixels
from plumbline.models.classifier import Classifier
from plumbline.runtime.torchvision_import import import_torchvision

CELLS = 7  # superpixels per side
Rival = Callable[[Classifier, Tensor, Tensor], Tensor]


def captum(method: str, **options: Any) -> Rival:
    """A gradient method of Captum, all images at once."""

    def explain(net: Classifier, pixels: Tensor, target: Tensor) -> Tensor:
        from captum import attr

        return getattr(attr, method)(net).attribute(pixels, target=target, **options)

    return explain


def captum_smoothgrad(samples: int) -> Rival:
    """Captum's NoiseTunnel of its gradient."""

    def explain(net: Classifier, pixels: Tensor, target: Tensor) -> Tensor:
        from captum.attr import NoiseTunnel, Saliency

        options = {"nt_type": "smoothgrad", "nt_samples": samples, "stdevs": 0.15}
        return NoiseTunnel(Saliency(net)).attribute(pixels, target=target, abs=False, **options)

    return explain


def captum_grad_cam(net: Classifier, pixels: Tensor, target: Tensor) -> Tensor:
    """Captum's Grad-CAM, interpolated to the size of the images."""
    from captum.attr import LayerAttribution, LayerGradCam

    layer = net.network.get_submodule(str(net.network.last_block))
    map_ = LayerGradCam(net, layer).attribute(pixels, target, relu_attributions=True)
    return LayerAttribution.interpolate(map_, tuple(pixels.shape[2:]), "bilinear")


def captum_lrp(rule: str) -> Rival:
    """Captum's LRP with one of its rules in all convolutions and dense layers."""

    def explain(net: Classifier, pixels: Tensor, target: Tensor) -> Tensor:
        from captum.attr import LRP
        from captum.attr._utils import lrp_rules

        network = _WithoutFlatten(net)
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.rule = getattr(lrp_rules, rule)()
        return LRP(network).attribute(pixels, target=target)

    return explain


class _WithoutFlatten(nn.Module):
    """A sequence of layers with a functional flatten, since Captum's LRP fails for nn.Flatten."""

    def __init__(self, net: Classifier) -> None:
        super().__init__()
        self.normalise = net.normalise
        self.layers = nn.ModuleList(each for each in net.network if type(each) is not nn.Flatten)

    def forward(self, pixels: Tensor) -> Tensor:
        hidden = self.normalise(pixels)
        for layer in self.layers:
            hidden = layer(hidden.flatten(1) if isinstance(layer, nn.Linear) else hidden)
        return hidden


def captum_occlusion(net: Classifier, pixels: Tensor, target: Tensor) -> Tensor:
    """Captum's occlusion with adjacent blocks, one image at a time."""
    from captum.attr import Occlusion

    window = (pixels.shape[1], *(side // CELLS for side in pixels.shape[2:]))
    occlusion = Occlusion(net)
    return torch.cat(
        [
            occlusion.attribute(image[None], window, window, target=kind[None], baselines=0)
            for image, kind in zip(pixels, target, strict=True)
        ]
    )


def captum_superpixels(method: str, samples: int) -> Rival:
    """Captum's LIME or KernelSHAP on a grid of superpixels, one image at a time."""

    def explain(net: Classifier, pixels: Tensor, target: Tensor) -> Tensor:
        from captum import attr

        explainer, labels = getattr(attr, method)(net), superpixels(pixels, "grid", CELLS, 0.0)[0]
        maps = [
            explainer.attribute(
                image[None], target=kind[None], feature_mask=mask[None], n_samples=samples
            )
            for image, kind, mask in zip(pixels, target, labels[:, None], strict=True)
        ]
        values = pixels.new_zeros(len(pixels), CELLS**2)
        return values.scatter(1, labels.flatten(1), torch.cat(maps)[:, 0].flatten(1))

    return explain


def zennit(attributor: str, composite: str | None = None, **options: Any) -> Rival:
    """A gradient method of Zennit, all images at once."""

    def explain(net: Classifier, pixels: Tensor, target: Tensor) -> Tensor:
        import_torchvision()
        from zennit import attribution, composites

        rules = getattr(composites, composite)() if composite else None
        with getattr(attribution, attributor)(net, rules, **options) as explainer:
            return explainer(pixels, _one_hot(net, target))[1]

    return explain


def zennit_lrp(rule: str, **options: float) -> Rival:
    """Zennit's LRP with one rule in all convolutions and dense layers, without canonizers."""

    def explain(net: Classifier, pixels: Tensor, target: Tensor) -> Tensor:
        import_torchvision()
        from zennit import attribution, rules, types
        from zennit.composites import LayerMapComposite, layer_map_base

        each = getattr(rules, rule)(**options)
        layers = [*layer_map_base(), (types.Convolution, each), (types.Linear, each)]
        with attribution.Gradient(net, LayerMapComposite(layers)) as explainer:
            return explainer(pixels, _one_hot(net, target))[1]

    return explain


def zennit_occlusion(net: Classifier, pixels: Tensor, target: Tensor) -> Tensor:
    """Zennit's occlusion with adjacent blocks, all images at once."""
    import_torchvision()
    from zennit.attribution import Occlusion

    side = pixels.shape[2] // CELLS
    with Occlusion(net, window=side, stride=side) as explainer:
        return explainer(pixels, _one_hot(net, target))[1]


def lime(samples: int) -> Rival:
    """The lime package on a grid of superpixels, one image at a time, with black as baseline."""

    def explain(net: Classifier, pixels: Tensor, target: Tensor) -> Tensor:
        from lime.lime_image import LimeImageExplainer

        explainer, channels = LimeImageExplainer(random_state=0), pixels.shape[1]
        values = np.zeros((len(pixels), CELLS**2))

        def classify(images: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                shown = torch.from_numpy(images).permute(0, 3, 1, 2)[:, :channels].to(pixels)
                return net(shown).softmax(1).cpu().numpy()

        for i, places in enumerate(superpixels(pixels, "grid", CELLS, 0.0)[0].cpu().numpy()):
            image = pixels[i].cpu().double().numpy()
            image = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)
            options = {"hide_color": 0, "num_samples": samples}
            with open(os.devnull, "w") as nothing, contextlib.redirect_stderr(nothing):
                found = explainer.explain_instance(
                    image, classify, segmentation_fn=lambda _, places=places: places, **options
                )
            for place, value in found.local_exp[found.top_labels[0]]:
                values[i, place] = value
        return torch.from_numpy(values)

    return explain


def shap(samples: int) -> Rival:
    """KernelExplainer of shap on a grid of superpixels, one image at a time, black baseline."""

    def explain(net: Classifier, pixels: Tensor, target: Tensor) -> Tensor:
        from shap import KernelExplainer

        none, every, values = np.zeros((1, CELLS**2)), np.ones((1, CELLS**2)), []
        labels = superpixels(pixels, "grid", CELLS, 0.0)[0]
        for image, kind, places in zip(pixels, target, labels, strict=True):

            def logit(
                present: np.ndarray,
                image: Tensor = image,
                kind: Tensor = kind,
                places: Tensor = places,
            ) -> np.ndarray:
                shown = torch.from_numpy(present).to(pixels)[:, None, places]
                with torch.no_grad():
                    return net(image * shown)[:, kind].cpu().numpy()

            explainer = KernelExplainer(logit, none)
            values.append(explainer.shap_values(every, nsamples=samples, silent=True))
        return torch.from_numpy(np.concatenate(values))

    return explain


def _one_hot(net: Classifier, target: Tensor) -> Tensor:
    return torch.eye(len(net.classes), device=target.device)[target]
