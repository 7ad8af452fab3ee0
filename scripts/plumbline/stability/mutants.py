"""Mutants of a net, and how often they change its answer to an image."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from plumbline.errors import InputError
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive
from plumbline.stability.replay import GROUP, GROUP_BYTES, Changes, Replay
from plumbline.stability.sequential import RatioTest, Running
from plumbline.storage.artefacts import ImageSet

TRIES = 5  # mutants drawn at most for each that is wanted
CALIBRATION = "calibration"
Operator = Callable[..., Changes]
Rule = Callable[[np.ndarray], RatioTest]


@dataclass(frozen=True)
class Outcome:
    """What mutants did.

    By image set, calibration first: ``prediction`` [N], the net's own label; ``changed`` [M, N]
    bool, which accepted mutant gave which image another one; ``asked`` [N], how many of the
    mutants, from the first on, were asked about an image: all, unless a sequential test stopped
    early, after which ``changed`` is False.  ``accuracy`` [M] holds the accepted mutants'
    accuracies on calibration; ``tries`` counts the mutants drawn for them.
    """

    prediction: dict[str, np.ndarray]
    changed: dict[str, np.ndarray]
    asked: dict[str, np.ndarray]
    accuracy: np.ndarray
    tries: int

    @property
    def mutants(self) -> int:
        """How many were accepted."""
        return len(self.accuracy)

    def rate(self, name: str, mutants: int | None = None) -> np.ndarray:
        """Label change rate [N] of the images of a set, among the first ``mutants`` or all."""
        changes = self.changed[name][:mutants].sum(0)
        return changes / np.minimum(self.asked[name], mutants or self.mutants)


class TooFew(InputError):
    """Not even two of ``tries`` mutants, ``accepted``, keep enough of the accuracy."""

    def __init__(self, accepted: int, tries: int, share: float) -> None:
        super().__init__(
            f"{accepted} of {tries} mutants keep {share:g} of the accuracy on calibration: "
            "lower the operator's rate or stability.mutation.accept"
        )
        self.accepted, self.tries = accepted, tries


@dataclass(frozen=True)
class _Accepted:
    """Accepted mutants of one group: how they were drawn, what they say on calibration."""

    attempts: list[int]
    changes: list[Changes]
    changed: Tensor
    accuracy: list[float]


def label_changes(
    classifier: Classifier,
    operator: Operator,
    calibration: ImageSet,
    sets: dict[str, ImageSet],
    *,
    mutants: int,
    accept: float,
    seed: int,
    stop: Rule | None = None,
) -> Outcome:
    """Draw mutants until ``mutants`` are accepted and see which answers they change.

    A mutant is accepted if its accuracy on ``calibration`` is at least ``accept`` times that
    of ``classifier``.  A change is a label other than the net's own, right or wrong.  At most
    ``TRIES`` times ``mutants`` are drawn; with fewer accepted, but two, the outcome is of those.
    With ``stop``, which makes a sequential test of the label change rates of the calibration
    images that the net gets right, images of ``sets`` are asked only until their verdict.

    Wang et al. 2019, algorithm 1; study 004.  Raises :class:`TooFew` if not even two are accepted.
    """
    own = Replay(classifier, calibration.images)
    others = Replay(classifier, np.concatenate([each.pixels for each in sets.values()]))
    prediction = others.labels.cpu().numpy()
    draw = _Draw(classifier, operator, seed)
    truth = torch.from_numpy(calibration.labels).to(own.labels.device)
    groups, changed = [], []
    accepted = _accepted(draw, own, truth, mutants, accept)
    for group in progress(accepted, "accepted mutants", mutants, lambda group: len(group.attempts)):
        if stop is None:
            changed.append(_changed(others, group.changes).cpu())
        group.changes.clear()
        groups.append(group)
    accuracy = np.array([each for group in groups for each in group.accuracy])
    first = torch.cat([group.changed for group in groups]).cpu().numpy() if groups else None
    tries = _tries(groups, mutants)
    _check(len(accuracy), tries, mutants, accept)
    if stop is None:
        rest = torch.cat(changed).numpy()
        asked = np.full(len(prediction), len(rest))
    else:
        attempts = [each for group in groups for each in group.attempts]
        right = first[:, (own.labels == truth).cpu().numpy()]
        rest, asked = _until_verdict(draw, others, attempts, stop(right.mean(0)))
    ends = np.cumsum([len(each) for each in sets.values()])[:-1]
    parts = [np.split(each, ends, axis=-1) for each in (prediction, rest, asked)]
    of_sets = [dict(zip(sets, part, strict=True)) for part in parts]
    of_own = [own.labels.cpu().numpy(), first, np.full(len(calibration), len(accuracy))]
    whole = [{CALIBRATION: one} | many for one, many in zip(of_own, of_sets, strict=True)]
    return Outcome(*whole, accuracy=accuracy, tries=tries)


@dataclass(frozen=True)
class _Draw:
    """Mutants by the number of the attempt, which together with the seed defines each."""

    classifier: Classifier
    operator: Operator
    seed: int

    def __call__(self, attempt: int) -> Changes:
        return self.operator(self.classifier.network, seed=derive(self.seed, "mutant", attempt))

    def groups(self, attempts: Sequence[int]) -> Iterator[tuple[list[int], list[Changes]]]:
        """Mutants that answer together, as many as ``GROUP`` and ``GROUP_BYTES`` allow."""
        numbers, changes, size = [], [], 0
        for attempt in attempts:
            changes.append(self(attempt))
            numbers.append(attempt)
            size += sum(each.numel() * each.element_size() for each in changes[-1].values())
            if len(changes) == GROUP or size >= GROUP_BYTES:
                yield numbers, changes
                numbers, changes, size = [], [], 0
        if changes:
            yield numbers, changes


def _changed(replay: Replay, changes: Sequence[Changes]) -> Tensor:
    return replay.answers(changes) != replay.labels


def _accepted(
    draw: _Draw, own: Replay, truth: Tensor, mutants: int, accept: float
) -> Iterator[_Accepted]:
    """Accepted mutants, group by group; no more are drawn than one by one would have been.

    A mutant that cannot reach the accuracy any more is not asked about the other images.
    """
    right = own.labels == truth
    needed = math.ceil(accept * int(right.sum()) - 1e-9)  # may round up past a whole number

    def lost(labels: Tensor) -> Tensor:
        done = labels.shape[1]
        return (labels == truth[:done]).sum(1) + len(truth) - done < needed

    found, attempt, most = 0, 0, TRIES * mutants
    while found < mutants and attempt < most:
        wanted = range(attempt, min(attempt + mutants - found, most))
        numbers, changes = next(draw.groups(wanted))
        attempt = numbers[-1] + 1
        labels = own.answers(changes, lost)
        hits = (labels == truth).sum(1).tolist()
        good = [i for i, count in enumerate(hits) if count >= needed]
        found += len(good)
        if good:
            yield _Accepted(
                [numbers[i] for i in good],
                [changes[i] for i in good],
                labels[good] != own.labels,
                [hits[i] / len(truth) for i in good],
            )


def _tries(groups: Sequence[_Accepted], mutants: int) -> int:
    """How many mutants were drawn: up to the last accepted, or all that may be."""
    attempts = [each for group in groups for each in group.attempts]
    return attempts[-1] + 1 if len(attempts) == mutants else TRIES * mutants


def _check(count: int, tries: int, mutants: int, accept: float) -> None:
    if count < min(2, mutants):
        raise TooFew(count, tries, accept)
    if count < mutants:
        print(f"only {count} of {tries} mutants accepted, {mutants} wanted", file=sys.stderr)


def _until_verdict(
    draw: _Draw, replay: Replay, attempts: Sequence[int], test: RatioTest
) -> tuple[np.ndarray, np.ndarray]:
    """Changes [M, N] and the number [N] of mutants asked, each image until its verdict."""
    running = Running(test, len(replay.labels))
    changed = np.zeros((len(attempts), len(replay.labels)), bool)
    done = 0
    for _, changes in draw.groups(attempts):
        asked = running.open
        if not len(asked):
            break
        answers = _changed(replay, changes).cpu().numpy()
        for line in answers:
            place = np.isin(asked, running.open)
            changed[done, running.open] = line[place]
            running.see(line[place])
            done += 1
        left = np.flatnonzero(np.isin(asked, running.open))
        if len(left) < len(asked):
            replay.keep(torch.from_numpy(left))
    return changed, running.asked
