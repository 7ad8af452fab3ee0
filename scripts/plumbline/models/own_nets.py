"""Nets of the user's own, from a file of theirs: built, taken apart into layers, checked."""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from plumbline.errors import InputError
from plumbline.models.tracing import Link, only_shapes, traced_chain
from plumbline.registry import nearest
from plumbline.runtime.torchvision_import import import_torchvision

WHOLE = "net"
PROBES = 2


def take_apart(
    entry: str, *, channels: int, size: int, classes: int, **options: Any
) -> tuple[dict[str, nn.Module], str | None, dict[str, str]]:
    """The net that ``entry`` makes, as a chain of named layers.

    ``entry`` is ``file.py:Name``: a class of modules, or a function that returns one.  It is
    called with ``options`` and with those of ``channels``, ``size`` and ``classes`` that it has
    arguments for.

    The layers are the children of the net in their order, plain ``nn.Sequential`` opened, with
    a flattening before a dense layer that follows feature maps, if these one after the other
    give the net's own answers to random pixels.  If not, they are those that ``forward`` calls
    one after the other, functions among them (:func:`~plumbline.models.tracing.traced_chain`),
    and where it cannot be traced the whole net is one layer.  Returned are the layers, the last
    one that puts out feature maps of more than one pixel (or what the net's attribute
    ``last_block`` names; None if there is none), and the layers' names by the names that they
    have in the net, as :class:`~plumbline.models.classifier.Network` wants them.

    Raises :class:`InputError`, naming the entry, if there is no such net, if it does not take
    images [N, ``channels``, ``size``, ``size``] in evaluation mode, or does not give logits
    [N, ``classes``].
    """
    module = _make(entry, {"channels": channels, "size": size, "classes": classes}, options)
    modes = [(each, each.training) for each in module.modules()]
    module.eval()
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand((PROBES, channels, size, size), generator=generator)
    answers = _logits(module, entry, pixels, classes)
    layers, names, maps = _chain(list(_children(module, "")), pixels, answers)
    if not layers:
        layers, names, maps = _chain(traced_chain(module), pixels, answers)
    if not layers:
        layers, names, maps = {WHOLE: module}, {"": WHOLE}, []
    for each, mode in modes:
        each.training = mode
    return layers, _last_block(module, entry, names, maps), names


def _last_block(
    module: nn.Module, entry: str, names: dict[str, str], maps: list[str]
) -> str | None:
    wanted = getattr(module, "last_block", None)
    if wanted is None:
        return maps[-1] if maps else None
    known = {name: ours for name, ours in names.items() if ours in maps}
    if wanted not in known:
        raise InputError(f"{entry}: its last_block is no layer of maps{nearest(wanted, known)}")
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
        raise InputError(f"{entry} makes a {type(module).__name__}, not a torch.nn.Module")
    return module


def _load(entry: str) -> Callable[..., nn.Module]:
    path, _, name = entry.rpartition(":")
    spec = importlib.util.spec_from_file_location(f"own_{Path(path).stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(Path(path).resolve().parent))  # for what stands beside it
    try:
        try:
            spec.loader.exec_module(module)
        except RuntimeError as error:
            if "torchvision::nms" not in str(error):
                raise
            import_torchvision()  # only so is it to be had here
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
    """The net's own logits [N, K]; raises :class:`InputError` if it does not give such."""
    try:
        logits = module(pixels.clone())  # it may work in place
    except Exception as error:  # a stranger's code can raise anything
        channels, height, width = pixels.shape[1:]
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{entry} does not take images of {channels} x {height} x {width}: {line}"
        ) from None
    if not isinstance(logits, Tensor) or logits.shape != (len(pixels), classes):
        got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise InputError(
            f"{entry} answers {got} to {len(pixels)} images of {classes} classes; all classes that "
            "the net knows are to be named in data.sources"
        )
    return logits


@torch.no_grad()
def _chain(
    links: list[Link], pixels: Tensor, answers: Tensor
) -> tuple[dict[str, nn.Module], dict[str, str], list[str]]:
    """Layers, their names by those in the net, and those that put out feature maps.

    All empty if the links one after the other are not the net.
    """
    layers: dict[str, nn.Module] = {}
    names: dict[str, str] = {}
    maps: list[str] = []
    hidden = pixels.clone()
    for name, layer, parts in links:
        ours = name.replace(".", "_")
        ours += "_" * hasattr(nn.Sequential(), ours)  # not the name of something it has already
        if isinstance(layer, nn.Linear) and hidden.ndim == 4:
            layers[f"{ours}_flatten"] = nn.Flatten()
            hidden = hidden.flatten(1)
        before = hidden
        try:
            hidden = layer.eval()(hidden.clone())
        except Exception:  # it is not called so
            return {}, {}, []
        layers[ours] = nn.Flatten() if _flattens(layer, before, hidden) else layer
        names |= {theirs: f"{ours}.{inner}".rstrip(".") for theirs, inner in parts.items()}
        if _has_maps(layer, hidden):
            maps.append(ours)
    same = isinstance(hidden, Tensor) and hidden.shape == answers.shape
    if not same or not torch.allclose(hidden, answers, rtol=1e-4, atol=1e-5):
        return {}, {}, []
    return layers, names, maps


def _flattens(layer: nn.Module, before: Tensor, after: Tensor) -> bool:
    """Whether a traced layer puts the pixels of its feature maps in a row and does nothing else."""
    return only_shapes(layer) and before.ndim == 4 and torch.equal(before.flatten(1), after)


def _has_maps(layer: nn.Module, answer: Any) -> bool:
    """Whether a layer makes feature maps [N, C, H, W] of more than one pixel."""
    mapped = isinstance(answer, Tensor) and answer.ndim == 4 and answer.shape[2:] != (1, 1)
    return mapped and not isinstance(layer, nn.Dropout)


def _children(module: nn.Module, prefix: str) -> Iterator[Link]:
    for name, child in module.named_children():
        if type(child) is nn.Sequential:
            yield from _children(child, f"{prefix}{name}.")
        else:
            yield Link(f"{prefix}{name}", child, {f"{prefix}{name}": ""})
