"""Uncertainty of explanations: mean and standard deviation of relevance over random passes."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.attribution.budget import batch_size
from plumbline.attribution.steadiness import Spread
from plumbline.errors import InputError, at_least
from plumbline.models.classifier import Classifier, logits
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive
from plumbline.storage.artefacts import ImageSet
from plumbline.training.losses import trained_for

Attribute = Callable[..., tuple[Tensor, Tensor]]


class FixedMask(nn.Module):
    """Dropout with a fixed mask, the same in training and evaluation and for every image.

    Each element of the input ``shape`` of one image is kept with probability 1 - ``rate`` and
    divided by that probability.  Before the first :meth:`draw` the layer is the identity.
    """

    mask: Tensor

    def __init__(self, rate: float, shape: torch.Size) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("mask", torch.ones(shape))

    def draw(self, stream: np.random.Generator) -> None:
        """Draw a new mask from ``stream``."""
        kept = stream.random(tuple(self.mask.shape)) >= self.rate
        scale = 1 / (1 - self.rate) if self.rate < 1 else 0.0
        self.mask.copy_(torch.from_numpy(kept * scale))

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden * self.mask


def with_masks(classifier: Classifier, pixels: Tensor) -> tuple[Classifier, dict[str, FixedMask]]:
    """A copy in which each dropout layer is replaced by a :class:`FixedMask`, and these by name.

    Otherwise the copy is an ordinary net in evaluation mode, so that methods which copy, fold or
    hook a net explain the masked one.  ``pixels`` [N, C, H, W] are images of the size that the
    net will be given.

    Raises :class:`InputError` if the net has no dropout layer.
    """
    copied, shapes, rates, handles = copy.deepcopy(classifier), {}, {}, []
    for name, layer in copied.network.named_modules():
        if isinstance(layer, nn.Dropout):
            rates[name] = layer.p

            def note(layer: nn.Module, inputs: tuple[Tensor, ...], name: str = name) -> None:
                shapes[name] = inputs[0].shape[1:]

            handles.append(layer.register_forward_pre_hook(note))
    if not handles:
        raise InputError(f"spread: {classifier.architecture.name} has no dropout layer")
    with torch.no_grad():
        copied(pixels[:1])
    masks = {name: FixedMask(rates[name], shape).to(pixels) for name, shape in shapes.items()}
    for name, mask in masks.items():
        copied.network.set_submodule(name, mask)
    return copied, masks


def _dropout(
    classifier: Classifier, pixels: Tensor, samples: int, seed: int
) -> Iterator[tuple[Classifier, Tensor]]:
    """For each pass the net with newly drawn masks, and the unchanged images."""
    masked, masks = with_masks(classifier, pixels)
    for number in range(samples):
        for name, mask in masks.items():
            mask.draw(np.random.default_rng(derive(seed, number, name)))
        yield masked, pixels


def _noise(
    classifier: Classifier, pixels: Tensor, samples: int, level: float, seed: int
) -> Iterator[tuple[Classifier, Tensor]]:
    """For each pass the unchanged net, and the images with newly drawn noise."""
    span = pixels.amax((1, 2, 3), keepdim=True) - pixels.amin((1, 2, 3), keepdim=True)
    for number in range(samples):
        stream = np.random.default_rng(derive(seed, number))
        noise = torch.from_numpy(stream.standard_normal(tuple(pixels.shape))).to(pixels)
        yield classifier, pixels + level * span * noise


def spread(
    attribute: Attribute,
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    source: str,
    samples: int,
    level: float,
    seed: int,
    batch: int = 256,
) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of a method's relevance over random passes, [N, 1, H, W].

    Relevance is summed over channels.  ``attribute`` is the method's function with its options
    bound; its random numbers are the same in every pass, so that only the ``source`` varies:

    - ``dropout``: one mask is drawn per dropout layer and pass, and the masked net explains all
      images.  A method that evaluates the net many times thus explains one net in each pass, and
      for each image the passes are those of MC dropout (Gal and Ghahramani 2016).
    - ``noise``: normal noise is added to the pixels without clipping; its standard deviation is
      ``level`` times the image's range (highest minus lowest pixel).

    Earlier passes and images do not depend on later ones.  The standard deviation is that of a
    sample, with ``samples`` - 1 in the denominator.

    Raises :class:`InputError` if ``samples`` is below 2 or the net has no dropout layer.
    """
    at_least("spread.samples", samples, 2)
    if source == "dropout":
        passes = _dropout(classifier, pixels, samples, seed)
    else:
        passes = _noise(classifier, pixels, samples, level, seed)
    mean = torch.zeros_like(pixels[:, :1], dtype=torch.float64)
    squares = torch.zeros_like(mean)
    for number, (net, images) in enumerate(progress(passes, f"{source} passes", samples), start=1):
        relevance, _ = attribute(net, images, target, seed=derive(seed, "method"), batch=batch)
        value = relevance.sum(1, keepdim=True).double()
        before = value - mean  # Welford 1962 avoids differences of large sums
        mean += before / number
        squares += before * (value - mean)
    return mean.to(pixels), (squares / (samples - 1)).sqrt().to(pixels)


def explain(
    attribute: Attribute,
    classifier: Classifier,
    images: ImageSet,
    *,
    name: str,
    source: str,
    samples: int,
    level: float,
    seed: int,
    memory: int,
) -> Spread:
    """The :class:`Spread` called ``name`` of a method's relevance for the predicted classes.

    The activations of a batch take at most ``memory`` bytes; the other arguments are those of
    :func:`spread`.
    """
    pixels = torch.from_numpy(images.pixels).to(classifier.mean.device)
    batch = batch_size(classifier, pixels, memory)
    outputs = logits(classifier, pixels, batch)
    target = outputs.argmax(1)
    objective = trained_for(classifier.record)
    probability = objective.log_probabilities(outputs).exp().gather(1, target[:, None])[:, 0]
    inputs = classifier, pixels, target.to(pixels.device)
    mean, deviation = spread(
        attribute, *inputs, source=source, samples=samples, level=level, seed=seed, batch=batch
    )
    relevance, _ = attribute(*inputs, seed=derive(seed, "method"), batch=batch)
    arrays = {
        "relevance": relevance.sum(1, keepdim=True),
        "mean": mean,
        "deviation": deviation,
        "target": target,
        "probability": probability,
        "uncertainty": objective.uncertainty(outputs),
    }
    fields: dict[str, Any] = {key: value.cpu().numpy() for key, value in arrays.items()}
    return Spread(name, source, samples, level, index=images.index, **fields)
