"""Nets with given weights: safe reading, matching of names, and checks."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from plumbline.errors import InputError
from plumbline.models.classifier import Architecture, Classifier, Network

Weights = dict[str, Tensor]


def classifier_with(
    weights: Weights,
    architecture: Architecture,
    classes: tuple[str, ...],
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> Classifier:
    """A Classifier with ``weights``, in evaluation mode and frozen.

    ``mean`` and ``std`` per channel are in units of the pixel range [0, 1]; without them pixels
    are not normalised.

    Raises :class:`InputError` if the weights do not exactly match the architecture.
    """
    channels = architecture.arguments["channels"]
    for name, values in (("mean", mean), ("std", std)):
        if values and len(values) != channels:
            raise InputError(f"{name} has {len(values)} numbers for images of {channels} channels")
    classifier = Classifier(
        architecture,
        classes,
        torch.tensor(mean) if mean else torch.zeros(channels),
        torch.tensor(std) if std else torch.ones(channels),
    )
    fitted = rename(weights, classifier.network)
    check(fitted, classifier.network, architecture.name)
    classifier.network.load_state_dict(fitted, strict=False)  # checked: only counters are missing
    return classifier.eval().requires_grad_(False)


def read_weights(path: Path) -> Weights:
    """Tensors by name from a safetensors file or a PyTorch state dict.

    The state dict may be stored under the key ``state_dict``, and its names may have the prefix
    ``module.`` of data-parallel training.  Only tensors and plain values are unpickled.

    Raises :class:`InputError` naming the file if it does not contain weights.
    """
    from safetensors.torch import load_file

    content: Any
    try:
        if path.suffix == ".safetensors":
            content = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(f"{path}: not a state dict of plain tensors, so not loaded") from None
    except Exception as error:  # a damaged pickle can raise almost anything
        raise InputError(f"{path}: not readable as weights ({_line(error)})") from None
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not (isinstance(content, dict) and content and all(map(_is_weight, content.items()))):
        raise InputError(f"{path}: does not contain a state dict (tensors by name)")
    return {name.removeprefix("module."): tensor for name, tensor in content.items()}


def rename(weights: Weights, network: Network) -> Weights:
    """``weights`` with published names replaced by the names of layers in ``network``."""
    return {_ours(name, network.published): tensor for name, tensor in weights.items()}


def check(weights: Weights, network: Network, model: str) -> None:
    """Raise :class:`InputError` unless ``weights`` match ``network`` exactly and are finite.

    Counters of batch normalisation may be missing; they are not used in evaluation.
    """
    wanted = network.state_dict()
    missing = [
        name for name in wanted if name not in weights and not name.endswith("num_batches_tracked")
    ]
    unexpected = [name for name in weights if name not in wanted]
    faults = [
        f"{names[0]} is {word} ({len(names)} such)"
        for word, names in (("missing", missing), ("unexpected", unexpected))
        if names
    ]
    faults += [
        f"{name} is {_shape(weights[name])}, the net's {_shape(tensor)}"
        for name, tensor in wanted.items()
        if name in weights and weights[name].shape != tensor.shape
    ][:1]
    faults += [
        f"{name} is not finite" for name, tensor in weights.items() if not tensor.isfinite().all()
    ][:1]
    if faults:
        raise InputError(f"the weights do not fit {model}: {'; '.join(faults)}")


def _ours(name: str, published: dict[str, str]) -> str:
    for theirs, ours in published.items():
        start = f"{theirs}." if theirs else ""  # the empty name is the whole net
        if name == theirs:
            return ours
        if name.startswith(start):
            return f"{ours}.{name.removeprefix(start)}"
    return name


def _is_weight(item: tuple[Any, Any]) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], Tensor)


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a single number"


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
