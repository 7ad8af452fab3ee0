"""The sanity check of every attribution: does it change when the net's weights are re-drawn?

A method whose maps stay as they are does not explain the net, whatever they look like.
Adebayo et al. 2018, "Sanity checks for saliency maps", section 3.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.attribution.correlation import is_constant, rank_correlation
from plumbline.errors import InputError
from plumbline.metrics.intervals import mean_interval, wilson
from plumbline.models.classifier import Classifier, Network
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive
from plumbline.storage.tables import Row, row

STAGES = 6  # at most: deeper nets have several layers re-drawn at once
Attribute = Callable[..., tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Variant:
    """A net some of whose layers are re-drawn.

    ``kind`` is ``cascade``, the first ``stage`` groups of :func:`stages` re-drawn;
    ``independent``, only the group number ``stage``; or ``chance``, all of them, once more.
    ``layer`` names the last group.  Stage 0 of the cascade is the trained net.
    """

    kind: str
    stage: int
    layer: str
    redrawn: tuple[str, ...]


@dataclass(frozen=True)
class Correlations:
    """Rank correlations [N] of a method's maps of two nets, and which had a constant map [N]."""

    method: str
    variant: Variant
    of: str
    values: np.ndarray
    constant: np.ndarray


def stages(network: Network) -> list[tuple[str, ...]]:
    """The layers of ``network`` that have weights, from the output down, in groups.

    A batch norm goes with the layer before it.  There are at most ``STAGES`` groups: the
    output layer, and the others divided as evenly as possible.
    """
    found, norms = [], []
    for name, layer in reversed(list(network.named_children())):
        if isinstance(layer, nn.BatchNorm2d):
            norms.append(name)
        elif next(layer.parameters(), None) is not None:
            found.append((name, *norms))
            norms = []
    parts = np.array_split(np.arange(1, len(found)), min(STAGES, len(found)) - 1 or 1)
    groups = [[0], *(part.tolist() for part in parts if len(part))]
    return [tuple(name for place in group for name in found[place]) for group in groups]


def variants(network: Network) -> list[Variant]:
    """Every net that is compared, the cascade first, then the others."""
    groups = stages(network)
    names = [_label(network, group) for group in groups]
    below = [sum(groups[:depth], ()) for depth in range(len(groups) + 1)]
    cascade = [
        Variant("cascade", depth, names[depth - 1] if depth else "", below[depth])
        for depth in range(len(below))
    ]
    alone = [
        Variant("independent", number, name, group)
        for number, (name, group) in enumerate(zip(names, groups, strict=True), start=1)
    ]
    return [*cascade, *alone, Variant("chance", len(groups), names[-1], below[-1])]


def _label(network: Network, group: tuple[str, ...]) -> str:
    """The names of a group's layers without those of batch norms."""
    layers = [each for each in group if not isinstance(network.get_submodule(each), nn.BatchNorm2d)]
    return "+".join(layers)


def redrawn(classifier: Classifier, layers: Iterable[str], seed: int) -> Classifier:
    """A copy whose ``layers`` are as they were before training, drawn anew by ``seed``.

    Each is initialised as its architecture does it, batch norms with their first statistics.
    Torch's global generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = classifier.architecture.build()
    copied = copy.deepcopy(classifier)
    for name in layers:
        state = fresh.get_submodule(name).state_dict()
        copied.network.get_submodule(name).load_state_dict(state)
    return copied.requires_grad_(False).eval()


def compare(
    methods: Mapping[str, Attribute],
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int,
) -> Iterator[Correlations]:
    """Rank correlations of each method's maps of the trained net with those of other nets.

    All explain the ``target`` [N] of the trained net for ``pixels`` [N, C, H, W].  Maps are
    summed over channels, as everywhere.  The layers of cascade and independent nets are drawn
    by one seed, so that both kinds re-draw a layer to the same weights.  ``chance`` compares
    two nets that are both re-drawn whole: what is left is owed to the image and the
    architecture alone.  Each net is made once and explained by all methods, by each with
    other random numbers of its own: stage 0 of the cascade shows how well a method repeats
    itself.

    ``methods`` are functions ``attribute`` by the entry's name, their options bound.
    """

    def maps(name: str, net: Classifier, *part: str | int) -> np.ndarray:
        own = derive(seed, "explain", name, *part)
        relevance, _ = methods[name](net, pixels, target, seed=own, batch=batch)
        if not relevance.isfinite().all():
            raise InputError(f"{name}: relevance is not finite on a net with random weights")
        return relevance.sum(1).flatten(1).double().cpu().numpy()

    lit = (pixels.amax(1) > 0).flatten(1).cpu().numpy()
    trained = {name: maps(name, classifier) for name in methods}
    last: dict[str, np.ndarray] = {}
    for variant in progress(variants(classifier.network), "nets with re-drawn weights"):
        draw = derive(seed, "weights", variant.kind == "chance")
        net = redrawn(classifier, variant.redrawn, draw)
        for name in methods:
            found = maps(name, net, variant.kind, variant.stage)
            if variant.kind == "cascade":
                last[name] = found
            reference = last[name] if variant.kind == "chance" else trained[name]
            yield from _correlations(name, variant, reference, found, lit)


def _correlations(
    name: str, variant: Variant, first: np.ndarray, second: np.ndarray, lit: np.ndarray
) -> Iterator[Correlations]:
    for of, where, take in (
        ("signed", None, np.positive),
        ("absolute", None, np.abs),
        ("absolute_lit", lit, np.abs),
    ):
        one, other = take(first), take(second)
        constant = is_constant(one, where) | is_constant(other, where)
        yield Correlations(name, variant, of, rank_correlation(one, other, where), constant)


def rows(found: Iterable[Correlations], seed: int, **keys: Any) -> list[Row]:
    """Tidy rows of what :func:`compare` gives.

    - ``rank_correlation``: mean over images, a bootstrap interval over images;
    - ``constant_share``: share of the images of which one map or both are constant, whose
      correlation counts as 0, with Wilson's interval;
    - ``rank_correlation_gain``: with all layers re-drawn, the paired difference to the method
      ``random``, if that is among the methods.

    Keys are ``keys``, then method, kind, layer, stage and ``of``, what was ranked: ``signed``
    relevance, its ``absolute`` value, or ``absolute_lit``, this without the pixels that are 0 in
    the image.  Methods that multiply by the pixel give those no relevance whatever the weights.
    """
    found = list(found)
    full = max(each.variant.stage for each in found)
    ends = [each for each in found if (each.variant.kind, each.variant.stage) == ("cascade", full)]
    control = {each.of: each.values for each in ends if each.method == "random"}
    resamples = derive(seed, "bootstrap")
    table = []
    for each in found:
        n, own = len(each.values), keys | _keys(each)
        table.append(row("rank_correlation", *mean_interval(each.values, resamples), n, **own))
        count = int(each.constant.sum())
        table.append(row("constant_share", count / n, *wilson(count, n), n, **own))
    for each in ends:
        if each.method != "random" and control:
            gain = mean_interval(each.values - control[each.of], resamples)
            table.append(
                row("rank_correlation_gain", *gain, len(each.values), **keys, **_keys(each))
            )
    return table


def _keys(found: Correlations) -> dict[str, Any]:
    variant = found.variant
    return {
        "method": found.method,
        "kind": variant.kind,
        "layer": variant.layer,
        "stage": variant.stage,
        "of": found.of,
    }
