"""What every training shares: the state that it is resumed from, and the stop when it diverges."""

import io
import math
from pathlib import Path
from typing import Self

import torch

from plumbline.errors import ArtefactError, InputError
from plumbline.files import atomic


class Checkpoint:
    """Kept on disk by a dataclass whose fields are tensors, plain values and containers of them."""

    def save(self, path: Path) -> None:
        """Write atomically."""
        content = io.BytesIO()  # torch's own writer does not say when the disk is full
        torch.save(vars(self), content)
        with atomic(path) as temporary:
            temporary.write_bytes(content.getbuffer())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read without unpickling anything but tensors and plain values.

        Raises :class:`ArtefactError` naming the file if it is no checkpoint of this class.
        """
        try:
            return cls(**torch.load(path, map_location="cpu", weights_only=True))
        except Exception:  # a damaged pickle can raise almost anything
            raise ArtefactError(
                f"{path}: not a checkpoint of this training; delete it and run again"
            ) from None


def finite(loss: float, epoch: int, step: int, option: str) -> float:
    """``loss`` itself; raises :class:`InputError`, naming ``option``, if it is not finite.

    ``epoch`` and ``step`` count from 0.
    """
    if not math.isfinite(loss):
        raise InputError(
            f"the loss is {loss} in epoch {epoch + 1}, step {step + 1}: lower {option}"
        )
    return loss
