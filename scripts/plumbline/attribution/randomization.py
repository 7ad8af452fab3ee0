"""Model randomisation test: do relevance maps change when the net's weights are re-drawn?

A method whose maps do not change does not explain the net, however plausible they look.
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

STAGES = 6  # at most; in deeper nets several layers are re-drawn at once
Attribute = Callable[..., tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Variant:
    """A net in which some layers are re-drawn.

    ``kind`` is ``cascade`` if the first ``stage`` groups of :func:`stages` are re-drawn,
    ``independent`` if only group number ``stage`` is, or ``chance`` if all are re-drawn with
    another seed.  ``layer`` names the last group.  Stage 0 of the cascade is the trained net.
    """

    kind: str
    stage: int
    layer: str
    redrawn: tuple[str, ...]


@dataclass(frozen=True)
class Correlations:
    """Rank correlations [N] of a method's maps of two nets, and whether one of them is constant
    [N] bool."""

    method: str
    variant: Variant
    of: str
    values: np.ndarray
    constant: np.ndarray


def stages(network: Network) -> list[tuple[str, ...]]:
    """Groups of the layers of ``network`` that have weights, from the output to the input.

    A batch norm belongs to the layer before it.  There are at most ``STAGES`` groups: the
    output layer alone, and the other layers divided as evenly as possible.
    """
    layers, norms = [], []
    for name, layer in reversed(list(network.named_children())):
        if isinstance(layer, nn.BatchNorm2d):
            norms.append(name)
        elif next(layer.parameters(), None) is not None:
            layers.append((name, *norms))
            norms = []
    parts = np.array_split(np.arange(1, len(layers)), min(STAGES, len(layers)) - 1 or 1)
    groups = [[0], *(part.tolist() for part in parts if len(part))]
    return [tuple(name for index in group for name in layers[index]) for group in groups]


def variants(network: Network) -> list[Variant]:
    """All nets to be compared: the cascade, the independent ones, then ``chance``."""
    groups = stages(network)
    names = [_label(network, group) for group in groups]
    below = [sum(groups[:depth], ()) for depth in range(len(groups) + 1)]
    cascade = [
        Variant("cascade", depth, names[depth - 1] if depth else "", below[depth])
        for depth in range(len(below))
    ]
    independent = [
        Variant("independent", number, name, group)
        for number, (name, group) in enumerate(zip(names, groups, strict=True), start=1)
    ]
    return [*cascade, *independent, Variant("chance", len(groups), names[-1], below[-1])]


def _label(network: Network, group: tuple[str, ...]) -> str:
    """The names of a group's layers, without batch norms."""
    layers = [name for name in group if not isinstance(network.get_submodule(name), nn.BatchNorm2d)]
    return "+".join(layers)


def redrawn(classifier: Classifier, layers: Iterable[str], seed: int) -> Classifier:
    """A copy whose ``layers`` are initialised again, with weights drawn by ``seed``.

    Each layer is initialised as in its architecture; batch norms get their initial statistics.
    The state of torch's global generator is restored.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = classifier.architecture.build()
    copied = copy.deepcopy(classifier)
    for name in layers:
        state = fresh.get_submodule(name).state_dict()
        copied.network.get_submodule(name).load_state_dict(state)
    return copied.requires_grad_(False).eval()


def map_correlations(
    methods: Mapping[str, Attribute],
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int,
) -> Iterator[Correlations]:
    """Rank correlations between each method's maps of the trained net and of re-drawn nets.

    All explain the predictions ``target`` [N] of the trained net for ``pixels`` [N, C, H, W].
    Maps are summed over channels.  Cascade and independent nets are drawn with the same seed,
    so that a layer gets the same weights in both.  ``chance`` compares two completely re-drawn
    nets: what similarity remains is due to the image and the architecture alone.  Each net is
    made once and explained by all methods.  Random numbers of the methods differ between nets,
    so that stage 0 of the cascade shows how reproducible a method is.

    ``methods`` holds functions ``attribute`` with their options bound, by the entry's name.

    Raises :class:`InputError` if a map is not finite.
    """

    def maps(name: str, net: Classifier, *part: str | int) -> np.ndarray:
        method_seed = derive(seed, "explain", name, *part)
        relevance, _ = methods[name](net, pixels, target, seed=method_seed, batch=batch)
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
            changed = maps(name, net, variant.kind, variant.stage)
            if variant.kind == "cascade":
                last[name] = changed
            reference = last[name] if variant.kind == "chance" else trained[name]
            yield from _correlations(name, variant, reference, changed, lit)


def _correlations(
    name: str, variant: Variant, first: np.ndarray, second: np.ndarray, lit: np.ndarray
) -> Iterator[Correlations]:
    for of, where, take in (
        ("signed", None, np.positive),
        ("absolute", None, np.abs),
        ("absolute_lit", lit, np.abs),
    ):
        ranked, other = take(first), take(second)
        constant = is_constant(ranked, where) | is_constant(other, where)
        yield Correlations(name, variant, of, rank_correlation(ranked, other, where), constant)


def rows(correlations: Iterable[Correlations], seed: int, **keys: Any) -> list[Row]:
    """Tidy rows from the result of :func:`map_correlations`.

    - ``rank_correlation``: mean over images, with a bootstrap interval over images;
    - ``constant_share``: share of images for which at least one map is constant, so that the
      correlation counts as 0, with Wilson's interval;
    - ``rank_correlation_gain``: with all layers re-drawn, the paired difference from the method
      ``random``, if that is among the methods.

    Key columns are ``keys``, then method, kind, layer, stage and ``of``, what was ranked:
    ``signed`` relevance, its ``absolute`` value, or ``absolute_lit``, the absolute value without
    the pixels that are 0 in the image, which have no relevance in methods that multiply by the
    pixel, whatever the weights.
    """
    correlations = list(correlations)
    full = max(result.variant.stage for result in correlations)
    ends = [
        result
        for result in correlations
        if (result.variant.kind, result.variant.stage) == ("cascade", full)
    ]
    control = {result.of: result.values for result in ends if result.method == "random"}
    resamples = derive(seed, "bootstrap")
    table = []
    for result in correlations:
        n, all_keys = len(result.values), keys | _keys(result)
        mean = mean_interval(result.values, resamples)
        table.append(row("rank_correlation", *mean, n, **all_keys))
        count = int(result.constant.sum())
        table.append(row("constant_share", count / n, *wilson(count, n), n, **all_keys))
    for result in ends:
        if result.method != "random" and control:
            gain = mean_interval(result.values - control[result.of], resamples)
            n, all_keys = len(result.values), keys | _keys(result)
            table.append(row("rank_correlation_gain", *gain, n, **all_keys))
    return table


def _keys(result: Correlations) -> dict[str, Any]:
    variant = result.variant
    return {
        "method": result.method,
        "kind": variant.kind,
        "layer": variant.layer,
        "stage": variant.stage,
        "of": result.of,
    }
