"""Uncertain explanations: the mean and the spread of an attribution over random passes."""

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
    """Dropout whose mask is given: the same in training and evaluation and for every image.

    Each element of an image's input [``shape``] is kept with probability 1 - ``rate`` and
    divided by it.  Before the first :meth:`draw` all are kept as they are.
    """

    mask: Tensor

    def __init__(self, rate: float, shape: torch.Size) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("mask", torch.ones(shape))

    def draw(self, stream: np.random.Generator) -> None:
        """Draw another mask."""
        kept = stream.random(tuple(self.mask.shape)) >= self.rate
        scale = 1 / (1 - self.rate) if self.rate < 1 else 0.0
        self.mask.copy_(torch.from_numpy(kept * scale))

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden * self.mask


def with_masks(classifier: Classifier, pixels: Tensor) -> tuple[Classifier, dict[str, FixedMask]]:
    """A copy with a :class:`FixedMask` in the place of each dropout layer, and those by name.

    Nothing else tells it from an ordinary net in evaluation mode, so methods that copy, fold
    or hook the net work on it, and explain the one that the masks leave.  ``pixels`` [N, C, H,
    W] are images of the size that it will be given.

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
    """The images before the net that is left by each pass's masks."""
    thinned, masks = with_masks(classifier, pixels)
    for number in range(samples):
        for name, mask in masks.items():
            mask.draw(np.random.default_rng(derive(seed, number, name)))
        yield thinned, pixels


def _noise(
    classifier: Classifier, pixels: Tensor, samples: int, level: float, seed: int
) -> Iterator[tuple[Classifier, Tensor]]:
    """The images with each pass's noise before the net."""
    size = pixels.amax((1, 2, 3), keepdim=True) - pixels.amin((1, 2, 3), keepdim=True)
    for number in range(samples):
        stream = np.random.default_rng(derive(seed, number))
        noise = torch.from_numpy(stream.standard_normal(tuple(pixels.shape))).to(pixels)
        yield classifier, pixels + level * size * noise


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

    Relevance is summed over channels, as everywhere.  ``attribute`` is the method's function,
    its options bound; it has the same random numbers in every pass, so that only the
    ``source`` varies:

    - ``dropout``: a mask is drawn for each dropout layer and pass; the net that it leaves
      explains all images.  So methods that run the net often explain one net in each pass,
      and for every image the passes are those of MC dropout (Gal and Ghahramani 2016).
    - ``noise``: normal noise is added to the pixels, not clipped, with ``level`` times each
      image's range (highest minus lowest pixel) for a standard deviation.

    The first passes and images do not depend on later ones.  The deviation is that of the
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
        before = value - mean  # Welford 1962: no difference of large sums
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

    The other arguments are those of :func:`spread`; batches are such that their activations
    take at most ``memory`` bytes.
    """
    pixels = torch.from_numpy(images.pixels).to(classifier.mean.device)
    batch = batch_size(classifier, pixels, memory)
    outputs = logits(classifier, pixels, batch)
    target = outputs.argmax(1)
    objective = trained_for(classifier.record)
    probability = objective.log_probabilities(outputs).exp().gather(1, target[:, None])[:, 0]
    where = (attribute, classifier, pixels, target.to(pixels.device))
    mean, deviation = spread(
        *where, source=source, samples=samples, level=level, seed=seed, batch=batch
    )
    relevance, _ = attribute(*where[1:], seed=derive(seed, "method"), batch=batch)
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
