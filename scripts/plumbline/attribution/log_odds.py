"""Erase what speaks for one class and against another: how far do the log-odds turn?

Shrikumar et al. 2017, "Learning important features through propagating activation
differences", section 4.1: of images of a class o, the pixels whose relevance for o exceeds
that for a class t the most are set to black, 20 % of them at most.  The result is by how much
the logit of o minus the logit of t falls.  The better a method finds the pixels that tell o
from t, the more it falls.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.attribution.degradation import degrade, ranks
from plumbline.metrics.intervals import bootstrap_counts, interval, mean_interval
from plumbline.models.classifier import Classifier
from plumbline.runtime.seeding import derive
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.tables import Row, row

Attribute = Callable[..., tuple[Tensor, Tensor]]
Pair = tuple[int, int]
BASELINES = ("random", "intensity", "gradient_x_input")
QUARTILES = {"lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}
TEMPERATURE = 2.0
TEMPERED = 20  # images on which it is tried
KEYS = ("dataset", "model", "method", "control", "pair")


@dataclass(frozen=True)
class Change:
    """What erasing did to each image: the fall of the log-odds [N], and the pixels erased [N]."""

    fall: np.ndarray
    erased: np.ndarray


def known_pairs(names: Sequence[Sequence[str]], images: ImageSet) -> list[Pair]:
    """The pairs of class ``names`` of which ``images`` have both, the first one with an image."""
    number = {name: place for place, name in enumerate(images.classes)}
    pairs = [(number.get(first, -1), number.get(second, -1)) for first, second in names]
    return [pair for pair in pairs if min(pair) >= 0 and pair[0] in images.labels]


def first_of_class(labels: np.ndarray, pairs: Sequence[Pair], count: int) -> dict[int, np.ndarray]:
    """Positions of the first ``count`` images of each class that begins one of ``pairs``."""
    return {origin: np.flatnonzero(labels == origin)[:count] for origin, _ in pairs}


def changes(
    attribute: Attribute,
    classifier: Classifier,
    images: Mapping[int, Tensor],
    pairs: Sequence[Pair],
    *,
    share: float,
    seed: int,
    batch: int,
    **options: Any,
) -> dict[Pair, Change]:
    """Erase by one method: the change for each of ``pairs`` of classes (o, t).

    ``images`` [N, C, H, W] of each class o; ``attribute`` with its own ``options`` explains
    each of them for o and, with the same ``seed``, for t.
    """
    found, known = {}, {}
    for pair in pairs:
        origin = pair[0]
        pixels = images[origin]
        for label in pair:
            if (origin, label) not in known:
                target = torch.full((len(pixels),), label, device=pixels.device)
                relevance, _ = attribute(
                    classifier, pixels, target, seed=seed, batch=batch, **options
                )
                known[origin, label] = relevance.sum(1, keepdim=True)
        difference = contrast(known[origin, origin], known[pair])
        changed, count = erase(pixels, difference, share, seed)
        fall = margin(classifier, pixels, pair, batch) - margin(classifier, changed, pair, batch)
        found[pair] = Change(fall.double().cpu().numpy(), count.cpu().numpy())
    return found


def contrast(own: Tensor, other: Tensor) -> Tensor:
    """Relevance for the one class minus that for the other.

    A control that is blind to the class has the same for both; its own map then ranks.
    """
    return own if torch.equal(own, other) else own - other


def erase(pixels: Tensor, difference: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Set the highest pixels of ``difference`` [N, 1, H, W] to 0, where it is above 0.

    At most ``share`` of the pixels go, rounded, in all channels; ties are broken at random by
    ``seed``.  Returns the images and how many pixels each lost [N].
    """
    positive = (difference > 0).flatten(1).sum(1)
    most = round(share * difference[0].numel())
    count = positive.clamp(max=most)
    rank = torch.from_numpy(ranks(difference.cpu().numpy(), seed)).to(pixels.device)
    return degrade(pixels, rank, count, "delete", torch.zeros_like(pixels[0])), count


@torch.no_grad()
def margin(classifier: Classifier, pixels: Tensor, pair: Pair, batch: int) -> Tensor:
    """Logit of the first class minus that of the second, [N], their log-odds in nats."""
    logits = torch.cat([classifier(part) for part in pixels.split(batch)])
    return logits[:, pair[0]] - logits[:, pair[1]]


def tempered(classifier: Classifier, temperature: float) -> Classifier:
    """A copy whose logits are divided by ``temperature``: its last layer with weights is.

    What may follow that layer, pooling or a ReLU, passes a positive factor on.
    """
    divided = copy.deepcopy(classifier)
    layers = [m for m in divided.network.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    with torch.no_grad():
        for weights in layers[-1].parameters():
            weights.div_(temperature)
    return divided


def temperature_change(
    attribute: Attribute,
    classifier: Classifier,
    pixels: Tensor,
    *,
    seed: int,
    batch: int,
    **options: Any,
) -> np.ndarray:
    """How far a temperature of 2 alters the normalised map of each image, [N].

    The predicted classes of ``pixels`` [N, C, H, W] are explained; a map is summed over
    channels and divided by its largest absolute value; the result is the largest change of any
    pixel.  Where relevance is proportional to the logits it is 0: a factor cancels.
    """
    with torch.no_grad():
        target = torch.cat([classifier(part).argmax(1) for part in pixels.split(batch)])
    maps = []
    for net in (classifier, tempered(classifier, TEMPERATURE)):
        relevance, _ = attribute(net, pixels, target, seed=seed, batch=batch, **options)
        summed = relevance.sum(1).flatten(1)
        largest = summed.abs().amax(1, keepdim=True)
        maps.append(summed / torch.where(largest > 0, largest, 1))
    return (maps[1] - maps[0]).abs().amax(1).double().cpu().numpy()


def rows(
    found: Mapping[str, Mapping[Pair, Change]],
    temperatures: Mapping[str, np.ndarray],
    classes: Sequence[str],
    seed: int,
    **keys: str,
) -> list[Row]:
    """Tidy rows: for each method and pair, called ``o->t`` by the names in ``classes``,

    ``log_odds_fall``, the mean over images in nats, its ``lower_quartile``, ``median`` and
    ``upper_quartile``, ``erased_pixels`` per image, and ``log_odds_gain``: the fall minus that
    of each of ``BASELINES``, named in the column ``control``, image by image.  For each
    method ``temperature_map_change``, the mean of what :func:`temperature_change` returned.
    Intervals: bootstrap over images.
    """
    table = []
    for method, of_pairs in found.items():
        for pair, change in of_pairs.items():
            here = {**keys, "method": method, "pair": "->".join(classes[c] for c in pair)}
            draw, n = derive(seed, here["pair"]), len(change.fall)
            means = {"log_odds_fall": change.fall, "erased_pixels": change.erased}
            table += [_mean(metric, each, draw, **here) for metric, each in means.items()]
            quartiles = _quartiles(change.fall, draw)
            table += [_row(name, *each, n, **here) for name, each in quartiles.items()]
            for other in BASELINES:
                if other in found and other != method:
                    gain = change.fall - found[other][pair].fall
                    table.append(_mean("log_odds_gain", gain, draw, **here, control=other))
        if method in temperatures:
            moved = temperatures[method]
            table.append(_mean("temperature_map_change", moved, seed, **keys, method=method))
    return table


def _mean(metric: str, values: np.ndarray, seed: int, **keys: str) -> Row:
    return _row(metric, *mean_interval(values, seed), len(values), **keys)


def _row(metric: str, value: float, low: float, high: float, n: int, /, **keys: str) -> Row:
    return row(metric, value, low, high, n, **{name: keys.get(name, "") for name in KEYS})


def _quartiles(values: np.ndarray, seed: int) -> dict[str, tuple[float, float, float]]:
    """Each of ``QUARTILES`` with its bootstrap interval: the least value that so many reach."""
    order, n = np.sort(values), len(values)
    drawn = bootstrap_counts(n, seed)[:, np.argsort(values, kind="stable")].cumsum(1)
    found = {}
    for name, level in QUARTILES.items():
        samples = order[(drawn >= level * n).argmax(1)]
        value = float(order[int(np.ceil(level * n)) - 1])
        found[name] = (value, *interval(samples))
    return found
