"""Shared by all trainings: checkpoints to resume from, and the check for divergence."""

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

SEAL = 32  # length of the checksum before the content, in bytes
ELSEWHERE = {"device", "checkpoint"}  # arguments that do not affect the result of a training


class Checkpoint:
    """Base of dataclasses that are saved to disk; fields are tensors, plain values and containers.

    ``made_by`` is the :func:`fingerprint` of the training.
    """

    def save(self, path: Path, made_by: str) -> None:
        """Write atomically."""
        content = io.BytesIO()  # torch's own writer does not report a full disk
        torch.save(vars(self), content)
        with atomic(path) as temporary:
            temporary.write_bytes(_seal(made_by, content.getbuffer()) + content.getbuffer())

    @classmethod
    def load(cls, path: Path | None, made_by: str) -> Self | None:
        """The state at ``path`` if it is intact and was saved by the same training, else None.

        A damaged state, or that of another training, is ignored with a message on standard error.
        Only tensors and plain values are unpickled.
        """
        if path is None or not path.exists():
            return None
        with open(path, "rb") as file:
            seal, content = file.read(SEAL), file.read()
        if seal == _seal(made_by, content):
            state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            return cls(**state)
        reason = "saved for other options, images or code, or damaged"
        print(f"{path}: {reason}; starting again", file=sys.stderr)
        return None


def _seal(made_by: str, content: bytes | memoryview) -> bytes:
    """Checksum of the fingerprint and the content of a checkpoint."""
    seal = hashlib.sha256(made_by.encode())
    seal.update(content)
    return seal.digest()


def fingerprint(arguments: dict[str, Any]) -> str:
    """Hash of everything that determines the result of a training: ``arguments`` and torch.

    Images and other arrays enter by their content.  Device and checkpoint are ignored, so that a
    training can be resumed elsewhere.
    """
    counted = {name: value for name, value in arguments.items() if name not in ELSEWHERE}
    counted["torch"] = torch.__version__
    text = json.dumps(counted, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """A JSON value for other types: arrays by their content, objects by class and fields."""
    if isinstance(value, np.ndarray):
        content = hashlib.sha256(np.ascontiguousarray(value).data).hexdigest()
        return str(value.dtype), value.shape, content
    return type(value).__name__, vars(value)


def finite(loss: float, epoch: int, step: int, option: str) -> float:
    """``loss`` unchanged; raises :class:`InputError`, naming ``option``, if it is not finite.

    ``epoch`` and ``step`` count from 0.
    """
    if not math.isfinite(loss):
        raise InputError(
            f"the loss is {loss} in epoch {epoch + 1}, step {step + 1}: lower {option}"
        )
    return loss
