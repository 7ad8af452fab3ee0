"""The Classifier: a net that maps pixels in [0, 1] to logits, and its file format."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.errors import ArtefactError, InputError
from plumbline.models.bayesian import make_bayesian
from plumbline.models.own_nets import take_apart
from plumbline.registry import NETWORKS
from plumbline.storage.artefacts import load_arrays, save_arrays


class Network(nn.Sequential):
    """An architecture as a chain of named layers, of which any part can be computed by itself.

    ``layers`` run in sequence; a residual block is one layer.  ``last_block`` names the layer
    whose output is the last convolutional feature map [N, C, H, W], if there is one.
    ``published`` maps names in published weights to names of layers, where they differ.
    """

    def __init__(
        self,
        layers: dict[str, nn.Module],
        last_block: str | None = None,
        published: dict[str, str] | None = None,
    ) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
        self.last_block = last_block
        self.published = published or {}

    @property
    def first_dropout(self) -> int:
        """Position of the first layer with dropout of probability above 0, else the length."""
        random = [
            i
            for i, layer in enumerate(self)
            if any(isinstance(part, nn.Dropout) and part.p > 0 for part in layer.modules())
        ]
        return random[0] if random else len(self)

    @property
    def features_end(self) -> int:
        """Position after the last convolutional block; raises :class:`InputError` if none."""
        if self.last_block is None:
            raise InputError(
                "this net has no convolution, so it cannot be explained: list it in "
                "uncertainty.models instead"
            )
        return list(self._modules).index(self.last_block) + 1

    def part(self, hidden: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        """Output of the layers from ``start`` up to but not including ``stop``."""
        for layer in list(self)[start:stop]:
            hidden = layer(hidden)
        return hidden


@dataclass(frozen=True)
class Architecture:
    """Description of an untrained net: the name of its module and the arguments of ``build``.

    ``initial_scale`` is the ``scale`` of :func:`make_bayesian`; None for ordinary weights.
    ``entry`` is the ``file.py:Name`` of a user-defined net; None for a module of Plumbline.
    """

    name: str
    arguments: dict[str, Any]
    initial_scale: float | None = None
    entry: str | None = None

    def build(self) -> Network:
        """Build the net with random weights from torch's global generator."""
        if self.entry:
            network = Network(*take_apart(self.entry, **self.arguments))
        else:
            network = NETWORKS.load(self.name)(**self.arguments)
        if self.initial_scale is not None:
            make_bayesian(network, self.initial_scale)
        return network


class Classifier(nn.Module):
    """A net that includes its normalisation: pixels in [0, 1] [N, C, H, W] -> logits [N, K].

    Pixels of each channel are normalised by ``mean`` and ``std`` [C].  ``record`` describes how
    the net was trained.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        architecture: Architecture,
        classes: tuple[str, ...],
        mean: Tensor,
        std: Tensor,
        record: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.classes = classes
        self.record = record or {}
        self.network = architecture.build()
        self.register_buffer("mean", mean.reshape(1, -1, 1, 1))
        self.register_buffer("std", std.reshape(1, -1, 1, 1))
        # On a CPU convolutions run 1.2 to 2 times faster with this memory format.  A user-defined
        # net may rely on the default one, for example in `view`.
        if architecture.entry is None:
            self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it

    def normalise(self, pixels: Tensor) -> Tensor:
        """Normalised pixels; raises :class:`InputError` if images do not have the net's size."""
        built = self.architecture.arguments
        if tuple(pixels.shape[1:]) != (wanted := (built["channels"], built["size"], built["size"])):
            raise InputError(
                f"images of {_times(pixels.shape[1:])} given to a net for {_times(wanted)}: set "
                "the same size and channels for both datasets in data.sources"
            )
        return (pixels - self.mean) / self.std

    def forward(self, pixels: Tensor) -> Tensor:
        return self.network(self.normalise(pixels))

    def trunk(self, pixels: Tensor) -> Tensor:
        """Output of the layers before the first dropout layer, the same in every pass."""
        return self.network.part(self.normalise(pixels), stop=self.network.first_dropout)

    def head(self, hidden: Tensor) -> Tensor:
        """Logits from the output of :meth:`trunk`."""
        return self.network.part(hidden, start=self.network.first_dropout)

    def features(self, pixels: Tensor) -> Tensor:
        """Output of the last convolutional block, [N, C, H, W]."""
        return self.network.part(self.normalise(pixels), stop=self.network.features_end)

    def classify(self, features: Tensor) -> Tensor:
        """Logits from the output of :meth:`features`."""
        return self.network.part(features, start=self.network.features_end)

    def save(self, path: str | os.PathLike) -> None:
        """Write weights and metadata atomically as one safetensors file."""
        arrays = {name: value.cpu().numpy() for name, value in self.state_dict().items()}
        metadata: dict[str, Any] = {
            "architecture": self.architecture.name,
            "arguments": self.architecture.arguments,
            "classes": self.classes,
            "record": self.record,
        }
        for name in ("initial_scale", "entry"):
            if (value := getattr(self.architecture, name)) is not None:
                metadata[name] = value
        save_arrays(path, "Classifier", arrays, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike, device: torch.device | str = "cpu") -> Self:
        """Read a trained net, in evaluation mode and with frozen weights.

        Raises :class:`ArtefactError` if the file is damaged or does not fit its architecture.
        """
        arrays, metadata = load_arrays(path, "Classifier")
        channels = arrays["mean"].size
        classifier = cls(
            Architecture(
                metadata["architecture"],
                metadata["arguments"],
                metadata.get("initial_scale"),
                metadata.get("entry"),
            ),
            tuple(metadata["classes"]),
            torch.zeros(channels),
            torch.ones(channels),
            metadata["record"],
        )
        try:
            classifier.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise ArtefactError(f"{path}: weights do not fit: {reason}") from None
        return classifier.to(device).eval().requires_grad_(False)


def _times(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape))


def batches(images: np.ndarray | Tensor, size: int, device: torch.device) -> Iterator[Tensor]:
    """Consecutive batches of ``images`` on ``device``; uint8 becomes float32 in [0, 1]."""
    images = torch.as_tensor(images)
    for batch in images.split(size):
        batch = batch.to(device)
        yield batch.float() / 255 if batch.dtype == torch.uint8 else batch


@torch.no_grad()
def logits(classifier: Classifier, images: np.ndarray | Tensor, batch: int = 256) -> Tensor:
    """Logits of all ``images``, [N, K] on the CPU."""
    device = classifier.mean.device
    return torch.cat([classifier(pixels).cpu() for pixels in batches(images, batch, device)])
