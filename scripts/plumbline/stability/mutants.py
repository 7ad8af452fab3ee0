"""Mutants of a net, and how often they change its answer to an image."""

import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from plumbline.artefacts import ImageSet
from plumbline.errors import InputError
from plumbline.models.classifier import Classifier, batches
from plumbline.progress import progress
from plumbline.seeding import derive
from plumbline.statistics import mean_interval, wilson
from plumbline.tables import Row, row

TRIES = 5  # mutants drawn at most for each that is wanted
CACHE = 2**28  # bytes of activations that one Replay keeps
Changes = dict[str, Tensor]
Operator = Callable[..., Changes]


class Replay:
    """A net that answers the same images again and again, each time with other weights.

    The net itself stays as it is.  A mutant shares with the net everything before its first
    changed layer; the inputs of the layers with weights are therefore kept, as far as
    ``cache`` bytes go.  ``labels`` [N] are the net's own answers.
    """

    def __init__(
        self, classifier: Classifier, images: np.ndarray, batch: int = 256, cache: int = CACHE
    ) -> None:
        self._layers = list(classifier.network.named_children())
        self._place = {name: i for i, (name, _) in enumerate(self._layers)}
        self._free = cache
        self._known = [
            {0: classifier.normalise(pixels)}
            for pixels in batches(images, batch, classifier.mean.device)
        ]
        with torch.no_grad():
            self.labels = torch.cat([self._remember(known) for known in self._known])

    def _remember(self, known: dict[int, Tensor]) -> Tensor:
        """Answer one batch and keep the inputs of layers in ``known``, by their place."""
        hidden = known[0].clone()  # a layer may work in place
        for place, (_, layer) in enumerate(self._layers):
            size = hidden.numel() * hidden.element_size()
            if place and size <= self._free and next(layer.parameters(), None) is not None:
                known[place] = hidden.clone()
                self._free -= size
            hidden = layer(hidden)
        return hidden.argmax(1)

    @torch.no_grad()
    def answers(self, changes: Changes) -> Iterator[Tensor]:
        """Labels that the mutant with ``changes`` gives, batch by batch."""
        by_layer = defaultdict(dict)
        for name, value in changes.items():
            layer, _, inner = name.partition(".")
            by_layer[layer][inner] = value
        first = min((self._place[name] for name in by_layer), default=0)
        for known in self._known:
            start = max(place for place in known if place <= first)
            hidden = known[start].clone()
            for name, layer in self._layers[start:]:
                if name in by_layer:
                    hidden = functional_call(layer, by_layer[name], (hidden,))
                else:
                    hidden = layer(hidden)
            yield hidden.argmax(1)


@dataclass(frozen=True)
class Outcome:
    """What mutants did.

    By image set: ``prediction`` [N], the net's own label, and ``rate`` [N], the share of the
    accepted mutants with another one.  ``accuracy`` holds the accepted mutants' accuracies on
    calibration; ``tries`` counts the mutants drawn for them.
    """

    prediction: dict[str, np.ndarray]
    rate: dict[str, np.ndarray]
    accuracy: np.ndarray
    tries: int

    @property
    def mutants(self) -> int:
        """How many were accepted."""
        return len(self.accuracy)


def label_changes(
    classifier: Classifier,
    operator: Operator,
    calibration: ImageSet,
    sets: dict[str, ImageSet],
    *,
    mutants: int,
    accept: float,
    seed: int,
) -> Outcome:
    """Draw mutants until ``mutants`` are accepted and count how often they change the answer.

    A mutant is accepted if its accuracy on ``calibration`` is at least ``accept`` times that
    of ``classifier``.  A change is a label other than the net's own, right or wrong.  At most
    ``TRIES`` times ``mutants`` are drawn; with fewer accepted, but two, the outcome is of those.

    Wang et al. 2019, algorithm 1; study 004.  Raises :class:`InputError` if not even two are
    accepted.
    """
    replay = Replay(classifier, np.concatenate([each.pixels for each in sets.values()]))
    draws = _accepted(classifier, operator, calibration, mutants, accept, seed)
    changed, accuracy, tries = torch.zeros_like(replay.labels), [], TRIES * mutants
    for changes, right, tried in progress(draws, "mutants", mutants):
        changed += torch.cat(list(replay.answers(changes))) != replay.labels
        accuracy.append(right)
        tries = tried if len(accuracy) == mutants else tries
    count = len(accuracy)
    if count < min(2, mutants):
        raise InputError(
            f"{count} of {tries} mutants keep {accept:g} of the accuracy on calibration: "
            "lower the operator's rate or stability.mutation.accept"
        )
    if count < mutants:
        print(f"only {count} of {tries} mutants accepted, {mutants} wanted", file=sys.stderr)
    ends = np.cumsum([len(each) for each in sets.values()])[:-1]
    rate = np.split(changed.cpu().numpy() / count, ends)
    prediction = np.split(replay.labels.cpu().numpy(), ends)
    return Outcome(
        prediction=dict(zip(sets, prediction, strict=True)),
        rate=dict(zip(sets, rate, strict=True)),
        accuracy=np.array(accuracy),
        tries=tries,
    )


def _accepted(
    classifier: Classifier,
    operator: Operator,
    calibration: ImageSet,
    mutants: int,
    accept: float,
    seed: int,
) -> Iterator[tuple[Changes, float, int]]:
    """Accepted mutants, each with its accuracy and how many were drawn so far."""
    replay = Replay(classifier, calibration.images)
    truth = torch.from_numpy(calibration.labels).to(replay.labels.device)
    own = int((replay.labels == truth).sum())
    needed = math.ceil(accept * own - 1e-9)  # the product may round up past a whole number
    found = 0
    for attempt in range(TRIES * mutants):
        changes = operator(classifier.network, seed=derive(seed, "mutant", attempt))
        right = _right(replay, changes, truth, needed)
        if right >= needed:
            found += 1
            yield changes, right / len(truth), attempt + 1
        if found == mutants:
            return


def _right(replay: Replay, changes: Changes, truth: Tensor, needed: int) -> int:
    """How many answers are right; counting stops once ``needed`` cannot be reached."""
    right, seen = 0, 0
    for labels in replay.answers(changes):
        right += int((labels == truth[seen : seen + len(labels)]).sum())
        seen += len(labels)
        if right + len(truth) - seen < needed:
            break
    return right


def per_image(outcome: Outcome, sets: dict[str, ImageSet], operator: str) -> dict[str, np.ndarray]:
    """Columns of the table of images: label change rate p and its error sqrt(p (1 - p) / m)."""
    rate = np.concatenate([outcome.rate[name] for name in sets])
    return {
        "set": np.repeat(list(sets), [len(each) for each in sets.values()]),
        "index": np.concatenate([each.index for each in sets.values()]),
        "label": np.concatenate([each.labels for each in sets.values()]),
        "operator": np.repeat(operator, len(rate)),
        "prediction": np.concatenate([outcome.prediction[name] for name in sets]),
        "label_change_rate": rate,
        "standard_error": np.sqrt(rate * (1 - rate) / outcome.mutants),
        "mutants": np.repeat(outcome.mutants, len(rate)),
    }


def summary(outcome: Outcome, seed: int, **keys: str) -> list[Row]:
    """Rows of the table: mean label change rate by set (interval over images, n of images),
    rejection rate (n of mutants drawn), mean accuracy of the accepted (n of mutants)."""
    rows = []
    for name, rate in outcome.rate.items():
        figure = mean_interval(rate, derive(seed, "images", name))
        rows.append(row("label_change_rate", *figure, len(rate), **keys, set=name))
    rejected, keys = outcome.tries - outcome.mutants, {**keys, "set": "calibration"}
    figure = (rejected / outcome.tries, *wilson(rejected, outcome.tries))
    rows.append(row("rejection_rate", *figure, outcome.tries, **keys))
    figure = mean_interval(outcome.accuracy, derive(seed, "accuracy"))
    rows.append(row("mutant_accuracy", *figure, outcome.mutants, **keys))
    return rows
