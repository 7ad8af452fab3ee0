"""Artefacts passed between stages: ImageSet, Prediction, Attribution.

A fourth, the Classifier, is in :mod:`plumbline.models.classifier`.  All are safetensors files whose
header contains a JSON text with metadata and a checksum.  Arrays are NumPy, so that programs which
only draw need not import torch.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from plumbline.errors import ArtefactError, DamagedFileError
from plumbline.storage.files import atomic

Arrays = dict[str, np.ndarray]


def save_arrays(path: str | os.PathLike, kind: str, arrays: Arrays, metadata: dict) -> None:
    """Write ``arrays`` and JSON ``metadata`` atomically as one safetensors file of ``kind``."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = {"kind": kind, "metadata": metadata}
    header["checksum"] = _checksum(header, arrays)
    with atomic(path) as temporary:
        # A single key, because safetensors does not preserve the order of several, and files with
        # equal content must be equal byte by byte.
        text = json.dumps(header, sort_keys=True)
        try:
            save_file(arrays, temporary, metadata={"plumbline": text})
        except SafetensorError as error:
            if code := re.search(r"\(os error (\d+)\)", str(error)):
                raise OSError(int(code[1]), os.strerror(int(code[1]))) from None
            raise


def load_arrays(path: str | os.PathLike, kind: str) -> tuple[Arrays, dict]:
    """Read a file of :func:`save_arrays`: arrays and metadata.

    Raises :class:`ArtefactError` if the file is missing or an artefact of another kind, and
    :class:`DamagedFileError` if it is truncated, not an artefact, or does not match its checksum.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as handle:
            header = json.loads((handle.metadata() or {}).get("plumbline", "{}"))
            names = handle.keys()
            arrays = {name: handle.get_tensor(name) for name in names}
    except FileNotFoundError:
        raise ArtefactError(f"{path}: no such file") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise DamagedFileError(path, f"not a readable safetensors file ({error})") from None
    if not header:
        raise DamagedFileError(path, "not an artefact")
    if header.pop("checksum", None) != _checksum(header, arrays):
        raise DamagedFileError(path, "does not match its checksum")
    if header["kind"] != kind:
        raise ArtefactError(f"{path}: contains {header['kind']}, not {kind}")
    return arrays, header["metadata"]


def _checksum(header: dict, arrays: Arrays) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(f"{name}{arrays[name].dtype}{arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class ImageSet:
    """Labelled images.

    ``images`` [N, C, H, W] are uint8 in 0..255 if that is lossless, else float32 in [0, 1].
    ``labels`` [N] int64 are class numbers, -1 for no class.  ``index`` [N] int64 identifies the
    image of the source that each one is, or was made from.  ``classes`` are the class names.
    ``provenance`` describes the origin of the set.  ``extra`` holds further arrays of length N,
    such as ``source_correct`` and ``success`` of adversarial sets.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    index: np.ndarray
    classes: tuple[str, ...] = ()
    provenance: dict = field(default_factory=dict)
    extra: Arrays = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.images)
        if self.images.ndim != 4:
            raise ValueError(f"images must be [N, C, H, W], not {self.images.shape}")
        if self.images.dtype not in (np.uint8, np.float32):
            raise ValueError(f"images must be uint8 or float32, not {self.images.dtype}")
        if self.images.dtype == np.float32 and n:
            low, high = float(self.images.min()), float(self.images.max())
            if not (low >= 0.0 and high <= 1.0):  # also rejects NaN
                raise ValueError(f"pixels must be in [0, 1], not [{low}, {high}]")
        for name, array in {"labels": self.labels, "index": self.index, **self.extra}.items():
            if len(array) != n:
                raise ValueError(f"{name} has {len(array)} entries for {n} images")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def pixels(self) -> np.ndarray:
        """Images as float32 in [0, 1], [N, C, H, W]."""
        if self.images.dtype == np.float32:
            return self.images
        return self.images.astype(np.float32) / 255

    def select(self, which: np.ndarray | slice) -> Self:
        """The images selected by ``which``, with their labels, index and extra arrays."""
        return replace(
            self,
            images=self.images[which],
            labels=self.labels[which],
            index=self.index[which],
            extra={name: array[which] for name, array in self.extra.items()},
        )

    def save(self, path: str | os.PathLike) -> None:
        """Write the artefact to ``path`` atomically."""
        arrays = {"images": self.images, "labels": self.labels, "index": self.index}
        arrays |= {f"extra.{name}": array for name, array in self.extra.items()}
        metadata = {"name": self.name, "classes": self.classes, "provenance": self.provenance}
        save_arrays(path, "ImageSet", arrays, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read ``path``; raises :class:`ArtefactError` if the file is damaged."""
        arrays, metadata = load_arrays(path, "ImageSet")
        extra = {k.removeprefix("extra."): v for k, v in arrays.items() if k.startswith("extra.")}
        return cls(
            name=metadata["name"],
            images=arrays["images"],
            labels=arrays["labels"],
            index=arrays["index"],
            classes=tuple(metadata["classes"]),
            provenance=metadata["provenance"],
            extra=extra,
        )


@dataclass(frozen=True)
class Prediction:
    """The predictions of an estimator for an image set.

    ``probs`` [S, N, K] float32, rows summing to one: S is 1 for a deterministic net, the number of
    passes for MC dropout, of members for an ensemble, of draws for a Bayesian net.  ``labels`` and
    ``index`` [N] are those of the image set named ``images``.  ``alpha`` [N, K] float32, at least
    1, are the parameters of the Dirichlet distribution of an evidential net, whose mean is
    ``probs``; None for other estimators.
    """

    estimator: str
    images: str
    probs: np.ndarray
    labels: np.ndarray
    index: np.ndarray
    alpha: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.probs.ndim != 3:
            raise ValueError(f"probs must be [S, N, K], not {self.probs.shape}")
        if self.probs.size and not np.allclose(self.probs.sum(-1), 1, atol=1e-4):
            raise ValueError("probs do not sum to one over the classes")
        if not len(self.labels) == len(self.index) == self.probs.shape[1]:
            raise ValueError("labels, index and probs differ in length")
        if self.alpha is not None and self.alpha.shape != self.probs.shape[1:]:
            raise ValueError(f"alpha must be [N, K], not {self.alpha.shape}")

    @property
    def arrays(self) -> Arrays:
        """The arrays by name, without ``alpha`` if it is None."""
        names = ("probs", "labels", "index", "alpha")
        return {name: found for name in names if (found := getattr(self, name)) is not None}

    def save(self, path: str | os.PathLike) -> None:
        """Write the artefact to ``path`` atomically."""
        metadata = {"estimator": self.estimator, "images": self.images}
        save_arrays(path, "Prediction", self.arrays, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read ``path``; raises :class:`ArtefactError` if the file is damaged."""
        arrays, metadata = load_arrays(path, "Prediction")
        fields: dict[str, Any] = {**metadata, **arrays}
        return cls(**fields)


def save_predictions(path: str | os.PathLike, predictions: Iterable[Prediction]) -> None:
    """Write the predictions of one estimator for several image sets atomically as one file."""
    sets = {each.images: each for each in predictions}
    arrays = {
        f"{name}.{part}": array
        for name, each in sets.items()
        for part, array in each.arrays.items()
    }
    estimators = {name: each.estimator for name, each in sets.items()}
    # A list of pairs preserves the order of the sets; the header sorts the keys of dictionaries.
    save_arrays(path, "Predictions", arrays, {"estimators": list(estimators.items())})


def load_predictions(path: str | os.PathLike) -> dict[str, Prediction]:
    """Read a file of :func:`save_predictions`: image set -> Prediction, in the same order.

    Raises :class:`ArtefactError` if the file is damaged.
    """
    arrays, metadata = load_arrays(path, "Predictions")
    return {
        name: Prediction(
            estimator=estimator,
            images=name,
            probs=arrays[f"{name}.probs"],
            labels=arrays[f"{name}.labels"],
            index=arrays[f"{name}.index"],
            alpha=arrays.get(f"{name}.alpha"),
        )
        for name, estimator in metadata["estimators"]
    }


@dataclass(frozen=True)
class Attribution:
    """Relevance of every pixel for one logit of a classifier.

    ``relevance`` [N, C, H, W] float32, signed.  ``target`` [N] int64 is the class whose logit is
    explained.  ``gap`` [N] float32 is sum(relevance) minus the value required by completeness (NaN
    for methods that are not complete).  ``probability`` [N] float32 is the softmax probability of
    the target.  ``index`` [N] identifies the source image.  ``method`` is the name of the entry in
    the configuration.
    """

    method: str
    relevance: np.ndarray
    target: np.ndarray
    gap: np.ndarray
    probability: np.ndarray
    index: np.ndarray

    def __post_init__(self) -> None:
        if self.relevance.ndim != 4:
            raise ValueError(f"relevance must be [N, C, H, W], not {self.relevance.shape}")
        if not np.isfinite(self.relevance).all():
            raise ValueError(f"{self.method}: relevance is not finite")
        others = (self.target, self.gap, self.probability, self.index)
        if any(len(each) != len(self.relevance) for each in others):
            raise ValueError("relevance, target, gap, probability and index differ in length")

    def save(self, path: str | os.PathLike) -> None:
        """Write the artefact to ``path`` atomically."""
        arrays = {"relevance": self.relevance, "target": self.target}
        arrays |= {"gap": self.gap, "probability": self.probability, "index": self.index}
        save_arrays(path, "Attribution", arrays, {"method": self.method})

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read ``path``; raises :class:`ArtefactError` if the file is damaged."""
        arrays, metadata = load_arrays(path, "Attribution")
        fields: dict[str, Any] = {**metadata, **arrays}
        return cls(**fields)
