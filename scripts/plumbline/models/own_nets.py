"""User-defined nets from a Python file: built, checked and split into a chain of layers."""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from plumbline.errors import InputError, nearest
from plumbline.models.tracing import Link, only_shapes, traced_chain
from plumbline.runtime.torchvision_import import import_torchvision

WHOLE = "net"
PROBES = 2


def take_apart(
    entry: str, *, channels: int, size: int, classes: int, **options: Any
) -> tuple[dict[str, nn.Module], str | None, dict[str, str]]:
    """The net defined by ``entry``, as a chain of named layers.

    ``entry`` is ``file.py:Name``: a module class, or a function that returns a module.  It is
    called with ``options`` and with those of ``channels``, ``size`` and ``classes`` that it has
    arguments for.

    If the children of the net in their order (with plain ``nn.Sequential`` expanded and a
    flattening inserted before a dense layer that follows feature maps) reproduce the net's
    output for random pixels, they are the layers.  Otherwise the layers are the calls made by
    ``forward``, including functions (:func:`~plumbline.models.tracing.traced_chain`); if
    ``forward`` cannot be traced, the whole net is one layer.

    Returns the layers, the name of the last one whose output is a feature map of more than one
    pixel (or the one named by the net's attribute ``last_block``; None if there is none), and a
    mapping from names in the net to names of layers, as needed by
    :class:`~plumbline.models.classifier.Network`.

    Raises :class:`InputError`, naming the entry, if there is no such net, if it does not accept
    images [N, ``channels``, ``size``, ``size``] in evaluation mode, or does not return logits
    [N, ``classes``].
    """
    module = _make(entry, {"channels": channels, "size": size, "classes": classes}, options)
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand((PROBES, channels, size, size), generator=generator)
    outputs = _logits(module, entry, pixels, classes)
    layers, names, maps = _chain(list(_children(module, "")), pixels, outputs)
    if not layers:
        layers, names, maps = _chain(traced_chain(module), pixels, outputs)
    if not layers:
        layers, names, maps = {WHOLE: module}, {"": WHOLE}, []
    for part, mode in modes:
        part.training = mode
    return layers, _last_block(module, entry, names, maps), names


def _last_block(
    module: nn.Module, entry: str, names: dict[str, str], maps: list[str]
) -> str | None:
    wanted = getattr(module, "last_block", None)
    if wanted is None:
        return maps[-1] if maps else None
    known = {name: ours for name, ours in names.items() if ours in maps}
    if wanted not in known:
        raise InputError(
            f"{entry}: last_block names no layer with feature maps{nearest(wanted, known)}"
        )
    return known[wanted]


def _make(entry: str, shape: dict[str, int], options: dict[str, Any]) -> nn.Module:
    make = _load(entry)
    arguments = inspect.signature(make).parameters
    given = {name: value for name, value in shape.items() if name in arguments} | options
    try:
        module = make(**given)
    except Exception as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{entry} cannot be built: {line}") from None
    if not isinstance(module, nn.Module):
        raise InputError(f"{entry} returns a {type(module).__name__}, not a torch.nn.Module")
    return module


def _load(entry: str) -> Callable[..., nn.Module]:
    path, _, name = entry.rpartition(":")
    spec = importlib.util.spec_from_file_location(f"own_{Path(path).stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(Path(path).resolve().parent))  # for imports from the same folder
    try:
        try:
            spec.loader.exec_module(module)
        except RuntimeError as error:
            if "torchvision::nms" not in str(error):
                raise
            import_torchvision()  # works around a CPU-only torch
            spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"{path} cannot be imported: {error}") from None
    finally:
        sys.path.pop(0)
    if not callable(getattr(module, name, None)):
        raise InputError(f"{path} has no class or function {name}")
    return getattr(module, name)


@torch.no_grad()
def _logits(module: nn.Module, entry: str, pixels: Tensor, classes: int) -> Tensor:
    """The logits [N, K] of the net; raises :class:`InputError` if it does not return them."""
    try:
        logits = module(pixels.clone())  # the module may operate in place
    except Exception as error:  # user code can raise anything
        channels, height, width = pixels.shape[1:]
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{entry} does not accept images of {channels} x {height} x {width}: {line}"
        ) from None
    if not isinstance(logits, Tensor) or logits.shape != (len(pixels), classes):
        got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise InputError(
            f"{entry} returns {got} for {len(pixels)} images of {classes} classes; list all "
            "classes of the net in data.sources"
        )
    return logits


@torch.no_grad()
def _chain(
    links: list[Link], pixels: Tensor, outputs: Tensor
) -> tuple[dict[str, nn.Module], dict[str, str], list[str]]:
    """The chain of layers, their names by names in the net, and those that output feature maps.

    All are empty if the chain does not reproduce ``outputs``, the output of the net.
    """
    layers: dict[str, nn.Module] = {}
    names: dict[str, str] = {}
    maps: list[str] = []
    hidden = pixels.clone()
    for name, layer, parts in links:
        ours = name.replace(".", "_")
        ours += "_" * hasattr(nn.Sequential(), ours)  # not the name of an existing attribute
        if isinstance(layer, nn.Linear) and hidden.ndim == 4:
            layers[f"{ours}_flatten"] = nn.Flatten()
            hidden = hidden.flatten(1)
        before = hidden
        try:
            hidden = layer.eval()(hidden.clone())
        except Exception:  # the layers are not called in this order
            return {}, {}, []
        layers[ours] = nn.Flatten() if _flattens(layer, before, hidden) else layer
        names |= {theirs: f"{ours}.{inner}".rstrip(".") for theirs, inner in parts.items()}
        if _has_maps(layer, hidden):
            maps.append(ours)
    same = isinstance(hidden, Tensor) and hidden.shape == outputs.shape
    if not same or not torch.allclose(hidden, outputs, rtol=1e-4, atol=1e-5):
        return {}, {}, []
    return layers, names, maps


def _flattens(layer: nn.Module, before: Tensor, after: Tensor) -> bool:
    """Whether a traced layer does nothing but flatten feature maps."""
    return only_shapes(layer) and before.ndim == 4 and torch.equal(before.flatten(1), after)


def _has_maps(layer: nn.Module, output: Any) -> bool:
    """Whether a layer's output is feature maps [N, C, H, W] of more than one pixel."""
    mapped = isinstance(output, Tensor) and output.ndim == 4 and output.shape[2:] != (1, 1)
    return mapped and not isinstance(layer, nn.Dropout)


def _children(module: nn.Module, prefix: str) -> Iterator[Link]:
    for name, child in module.named_children():
        if type(child) is nn.Sequential:
            yield from _children(child, f"{prefix}{name}.")
        else:
            yield Link(f"{prefix}{name}", child, {f"{prefix}{name}": ""})
