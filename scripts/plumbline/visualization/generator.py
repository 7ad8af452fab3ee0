"""Generators of images from codes: the two nets of a GAN, and the trained generator."""

import os
from dataclasses import dataclass
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from plumbline.errors import ArtefactError
from plumbline.registry import GENERATORS
from plumbline.storage.artefacts import load_arrays, save_arrays


class Pair(nn.Module):
    """Generator, codes [N, D] -> images [N, C, H, W] in [0, 1], and discriminator, images ->
    logits of being real [N, 1]."""

    def __init__(self, generator: nn.Sequential, discriminator: nn.Module) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator


def code_size(net: nn.Sequential) -> int:
    """Dimensions of a generator's codes, from the dense layer that it begins with."""
    return cast(nn.Linear, net[0]).in_features


@dataclass(frozen=True)
class Plan:
    """Description of an untrained pair: the name of its module and the arguments of ``build``."""

    name: str
    arguments: dict[str, Any]

    def build(self) -> Pair:
        """Build the pair with random weights from torch's global generator."""
        return GENERATORS.load(self.name)(**self.arguments)


class Generator(nn.Module):
    """A trained generator: codes [N, ``code``] of the prior N(0, 1) -> images in [0, 1].

    ``record`` describes how it was trained.
    """

    def __init__(self, plan: Plan, net: nn.Sequential, record: dict[str, Any]) -> None:
        super().__init__()
        self.plan, self.net, self.record = plan, net, record
        self.eval().requires_grad_(False)

    @property
    def name(self) -> str:
        """Name of the module that built it."""
        return self.plan.name

    @property
    def code(self) -> int:
        """Number of dimensions of a code."""
        return code_size(self.net)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images."""
        size = self.plan.arguments["size"]
        return self.plan.arguments["channels"], size, size

    def forward(self, codes: Tensor) -> Tensor:
        return self.net(codes)

    @torch.no_grad()
    def sample(self, count: int, seed: int, batch: int = 256) -> Tensor:
        """``count`` images from codes drawn from the prior, [count, C, H, W] on the CPU."""
        stream = torch.Generator().manual_seed(seed)
        codes = torch.randn((count, self.code), generator=stream)
        device = next(self.parameters()).device
        return torch.cat([self(part.to(device)).cpu() for part in codes.split(batch)])

    def save(self, path: str | os.PathLike) -> None:
        """Write the generator atomically as one safetensors file."""
        arrays = {name: value.cpu().numpy() for name, value in self.net.state_dict().items()}
        metadata = {
            "name": self.plan.name,
            "arguments": self.plan.arguments,
            "record": self.record,
        }
        save_arrays(path, "Generator", arrays, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike, device: torch.device | str = "cpu") -> Self:
        """Read a trained generator; raises :class:`ArtefactError` if the file is damaged."""
        arrays, metadata = load_arrays(path, "Generator")
        plan = Plan(metadata["name"], metadata["arguments"])
        net = plan.build().generator
        try:
            net.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise ArtefactError(f"{path}: weights do not fit: {reason}") from None
        return cls(plan, net, metadata["record"]).to(device)
