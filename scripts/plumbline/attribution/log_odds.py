"""Change of log-odds between two classes when pixels that distinguish them are erased.

Shrikumar et al. 2017, "Learning important features through propagating activation
differences", section 4.1: in images of a class o, the pixels whose relevance for o exceeds that
for another class t the most, at most 20 % of the pixels, are set to black.  The measure is how
much the logit of o minus the logit of t falls: the more it falls, the better the method finds
the pixels that distinguish o from t.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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
TEMPERED = 20  # images on which the temperature is tested
KEYS = ("dataset", "model", "method", "control", "pair")


@dataclass(frozen=True)
class Change:
    """Effect of erasing on each image: fall of the log-odds [N] and pixels erased [N]."""

    fall: np.ndarray
    erased: np.ndarray


def known_pairs(names: Sequence[Sequence[str]], images: ImageSet) -> list[Pair]:
    """Class numbers of the pairs of ``names`` that are both classes of ``images``, where the
    first class has at least one image."""
    number = {name: index for index, name in enumerate(images.classes)}
    pairs = [(number.get(first, -1), number.get(second, -1)) for first, second in names]
    return [pair for pair in pairs if min(pair) >= 0 and pair[0] in images.labels]


def first_of_class(labels: np.ndarray, pairs: Sequence[Pair], count: int) -> dict[int, np.ndarray]:
    """Positions of the first ``count`` images of each class that comes first in a pair."""
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
) -> dict[Pair, Change]:
    """Erase pixels according to one method: the change for each of ``pairs`` of classes (o, t).

    ``images`` holds the images [N, C, H, W] of each class o.  ``attribute``, its options bound,
    explains each of them for o and, with the same ``seed``, for t.
    """
    change_of, maps = {}, {}
    for pair in pairs:
        origin = pair[0]
        pixels = images[origin]
        for label in pair:
            if (origin, label) not in maps:
                target = torch.full((len(pixels),), label, device=pixels.device)
                relevance, _ = attribute(classifier, pixels, target, seed=seed, batch=batch)
                maps[origin, label] = relevance.sum(1, keepdim=True)
        difference = contrast(maps[origin, origin], maps[pair])
        changed, count = erase(pixels, difference, share, seed)
        fall = margin(classifier, pixels, pair, batch) - margin(classifier, changed, pair, batch)
        change_of[pair] = Change(fall.double().cpu().numpy(), count.cpu().numpy())
    return change_of


def contrast(for_origin: Tensor, for_other: Tensor) -> Tensor:
    """Relevance for one class minus that for another.

    If both are equal, as for a control that ignores the class, the map itself is returned.
    """
    return for_origin if torch.equal(for_origin, for_other) else for_origin - for_other


def erase(pixels: Tensor, difference: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Set the pixels where ``difference`` [N, 1, H, W] is positive and highest to 0.

    At most ``share`` of the pixels (rounded) are erased, in all channels; ties are broken at
    random according to ``seed``.  Returns the images and the number of pixels erased, [N].
    """
    positive = (difference > 0).flatten(1).sum(1)
    most = round(share * difference[0].numel())
    count = positive.clamp(max=most)
    rank = torch.from_numpy(ranks(difference.cpu().numpy(), seed)).to(pixels.device)
    return degrade(pixels, rank, count, "delete", torch.zeros_like(pixels[0])), count


@torch.no_grad()
def margin(classifier: Classifier, pixels: Tensor, pair: Pair, batch: int) -> Tensor:
    """Logit of the first class minus that of the second: their log-odds in nats, [N]."""
    logits = torch.cat([classifier(part) for part in pixels.split(batch)])
    return logits[:, pair[0]] - logits[:, pair[1]]


def tempered(classifier: Classifier, temperature: float) -> Classifier:
    """A copy whose logits are divided by ``temperature``, by scaling its last layer with weights.

    Layers that may follow, pooling or a ReLU, preserve a positive factor.
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
) -> np.ndarray:
    """Change of the normalised map of each image under a temperature of 2, [N].

    The predicted classes of ``pixels`` [N, C, H, W] are explained; each map is summed over
    channels and divided by its largest absolute value; the result is the largest change of any
    pixel.  It is 0 if relevance is proportional to the logits, because a factor cancels.
    """
    with torch.no_grad():
        target = torch.cat([classifier(part).argmax(1) for part in pixels.split(batch)])
    maps = []
    for net in (classifier, tempered(classifier, TEMPERATURE)):
        relevance, _ = attribute(net, pixels, target, seed=seed, batch=batch)
        summed = relevance.sum(1).flatten(1)
        largest = summed.abs().amax(1, keepdim=True)
        maps.append(summed / torch.where(largest > 0, largest, 1))
    return (maps[1] - maps[0]).abs().amax(1).double().cpu().numpy()


def rows(
    changes_by_method: Mapping[str, Mapping[Pair, Change]],
    temperatures: Mapping[str, np.ndarray],
    classes: Sequence[str],
    seed: int,
    **keys: str,
) -> list[Row]:
    """Tidy rows for each method and pair, written ``o->t`` with the names in ``classes``.

    ``log_odds_fall``, the mean over images in nats, its ``lower_quartile``, ``median`` and
    ``upper_quartile``, ``erased_pixels`` per image, and ``log_odds_gain``: the fall minus that
    of each of ``BASELINES``, named in the column ``control``, paired by image.  For each method
    ``temperature_map_change``, the mean of the result of :func:`temperature_change`.
    Intervals: bootstrap over images.
    """
    table = []
    for method, of_pairs in changes_by_method.items():
        for pair, change in of_pairs.items():
            pair_keys = {**keys, "method": method, "pair": "->".join(classes[c] for c in pair)}
            draw, n = derive(seed, pair_keys["pair"]), len(change.fall)
            means = {"log_odds_fall": change.fall, "erased_pixels": change.erased}
            table += [_mean(metric, values, draw, **pair_keys) for metric, values in means.items()]
            quartiles = _quartiles(change.fall, draw)
            table += [_row(name, *ends, n, **pair_keys) for name, ends in quartiles.items()]
            for other in BASELINES:
                if other in changes_by_method and other != method:
                    gain = change.fall - changes_by_method[other][pair].fall
                    table.append(_mean("log_odds_gain", gain, draw, **pair_keys, control=other))
        if method in temperatures:
            moved = temperatures[method]
            table.append(_mean("temperature_map_change", moved, seed, **keys, method=method))
    return table


def _mean(metric: str, values: np.ndarray, seed: int, **keys: str) -> Row:
    return _row(metric, *mean_interval(values, seed), len(values), **keys)


def _row(metric: str, value: float, low: float, high: float, n: int, /, **keys: str) -> Row:
    return row(metric, value, low, high, n, **{name: keys.get(name, "") for name in KEYS})


def _quartiles(values: np.ndarray, seed: int) -> dict[str, tuple[float, float, float]]:
    """Each of ``QUARTILES`` with its bootstrap interval: the smallest value whose cumulative
    share reaches the level."""
    ordered, n = np.sort(values), len(values)
    cumulative = bootstrap_counts(n, seed)[:, np.argsort(values, kind="stable")].cumsum(1)
    quartiles = {}
    for name, level in QUARTILES.items():
        samples = ordered[(cumulative >= level * n).argmax(1)]
        value = float(ordered[int(np.ceil(level * n)) - 1])
        quartiles[name] = (value, *interval(samples))
    return quartiles
