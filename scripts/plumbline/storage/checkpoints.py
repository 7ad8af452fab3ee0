"""What every training shares: the state that it is resumed from, and the stop when it diverges."""

import hashlib
import io
import json
import math
import sys
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from plumbline.errors import InputError
from plumbline.storage.files import atomic

SEAL = 32  # bytes, before the content
ELSEWHERE = {"device", "checkpoint"}  # where a training runs and keeps its state


class Checkpoint:
    """Kept on disk by a dataclass whose fields are tensors, plain values and containers of them.

    ``made_by`` is the :func:`fingerprint` of the training whose state it is.
    """

    def save(self, path: Path, made_by: str) -> None:
        """Write atomically."""
        content = io.BytesIO()  # torch's own writer does not say when the disk is full
        torch.save(vars(self), content)
        with atomic(path) as temporary:
            temporary.write_bytes(_seal(made_by, content.getbuffer()) + content.getbuffer())

    @classmethod
    def load(cls, path: Path | None, made_by: str) -> Self | None:
        """The state at ``path``, if the same training has left it there whole; otherwise None.

        What another training has left, or what is damaged, costs time but no result: standard
        error is told.  Nothing but tensors and plain values is unpickled.
        """
        if path is None or not path.exists():
            return None
        with open(path, "rb") as file:
            seal, content = file.read(SEAL), file.read()
        if seal == _seal(made_by, content):
            state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            return cls(**state)
        reason = "left by other options, images or code, or damaged"
        print(f"{path}: {reason}; begun anew", file=sys.stderr)
        return None


def _seal(made_by: str, content: bytes | memoryview) -> bytes:
    """What says of a content that it is whole, and whose it is."""
    seal = hashlib.sha256(made_by.encode())
    seal.update(content)
    return seal.digest()


def fingerprint(arguments: dict[str, Any]) -> str:
    """Hash of all that the result of a training follows from: its ``arguments``, and torch.

    Images and other arrays count by their content.  Device and checkpoint do not count: a
    training is resumed wherever it goes on.
    """
    counted = {name: value for name, value in arguments.items() if name not in ELSEWHERE}
    counted["torch"] = torch.__version__
    text = json.dumps(counted, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """What JSON does not know: arrays by their content, objects by their class and fields."""
    if isinstance(value, np.ndarray):
        content = hashlib.sha256(np.ascontiguousarray(value).data).hexdigest()
        return str(value.dtype), value.shape, content
    return type(value).__name__, vars(value)


def finite(loss: float, epoch: int, step: int, option: str) -> float:
    """``loss`` itself; raises :class:`InputError`, naming ``option``, if it is not finite.

    ``epoch`` and ``step`` count from 0.
    """
    if not math.isfinite(loss):
        raise InputError(
            f"the loss is {loss} in epoch {epoch + 1}, step {step + 1}: lower {option}"
        )
    return loss
