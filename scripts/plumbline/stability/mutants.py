"""Mutants of a net, and how often they change its prediction for an image."""

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
from plumbline.stability.folding import Changes
from plumbline.stability.mutant_predictor import (
    MUTANT_BATCH,
    MUTANT_BATCH_BYTES,
    MutantPredictor,
)
from plumbline.stability.sequential import RatioTest, Running
from plumbline.storage.artefacts import ImageSet

TRIES = 5  # maximum number of mutants drawn per mutant to accept
CALIBRATION = "calibration"
Operator = Callable[..., Changes]
Rule = Callable[[np.ndarray], RatioTest]


@dataclass(frozen=True)
class Outcome:
    """Predictions of mutants compared with those of their net.

    By image set, calibration first: ``prediction`` [N], the net's label; ``changed`` [M, N] bool,
    whether an accepted mutant predicts another label; ``asked`` [N], the number of mutants
    evaluated on an image, from the first: all, unless a sequential test stopped early, after which
    ``changed`` is False.  ``accuracy`` [M] holds the accepted mutants' accuracies on calibration;
    ``tries`` is the number of mutants drawn.
    """

    prediction: dict[str, np.ndarray]
    changed: dict[str, np.ndarray]
    asked: dict[str, np.ndarray]
    accuracy: np.ndarray
    tries: int

    @property
    def mutants(self) -> int:
        """Number of accepted mutants."""
        return len(self.accuracy)

    def rate(self, name: str, mutants: int | None = None) -> np.ndarray:
        """Label change rate [N] of the images of a set, among the first ``mutants`` or all."""
        changes = self.changed[name][:mutants].sum(0)
        return changes / np.minimum(self.asked[name], mutants or self.mutants)


class TooFew(InputError):
    """Fewer than two of ``tries`` mutants were accepted."""

    def __init__(self, accepted: int, tries: int, share: float) -> None:
        super().__init__(
            f"only {accepted} of {tries} mutants keep {share:g} of the accuracy on calibration: "
            "lower the operator's rate or stability.mutation.accept"
        )
        self.accepted, self.tries = accepted, tries


@dataclass(frozen=True)
class _Accepted:
    """Accepted mutants, all or those of one batch.

    ``attempts`` are the numbers of the draws, ``changes`` the changed weights, ``changed`` [M, N]
    the changed labels of calibration images, and ``accuracy`` the accuracies on calibration.
    """

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
    """Draw mutants until ``mutants`` are accepted, and record which labels they change.

    A mutant is accepted if its accuracy on ``calibration`` is at least ``accept`` times that of
    ``classifier``.  A change is a label other than the net's, whether correct or not.  At most
    ``TRIES`` times ``mutants`` are drawn; if fewer, but at least two, are accepted, these are
    used.  ``stop`` makes a sequential test from the label change rates of the correctly classified
    calibration images; if given, mutants are evaluated on an image of ``sets`` only until its
    verdict.

    Wang et al. 2019, algorithm 1; study 004.  Raises :class:`TooFew` if fewer than two are
    accepted.
    """
    on_calibration = MutantPredictor(classifier, calibration.images)
    pixels = np.concatenate([images.pixels for images in sets.values()])
    on_sets = MutantPredictor(classifier, pixels)
    labels = on_sets.labels.cpu().numpy()
    truth = torch.from_numpy(calibration.labels).to(on_calibration.labels.device)
    draw = _Draw(classifier, operator, seed)
    batches = _accepted(draw, on_calibration, truth, mutants, accept)
    accepted, changed = _collect(batches, on_sets if stop is None else None, mutants)
    count, tries = len(accepted.attempts), _tries(accepted.attempts, mutants)
    _check(count, tries, mutants, accept)
    own_changed = accepted.changed.cpu().numpy()
    asked = np.full(len(labels), count)
    if stop is not None:
        right = own_changed[:, (on_calibration.labels == truth).cpu().numpy()]
        changed, asked = _until_verdict(draw, on_sets, accepted.attempts, stop(right.mean(0)))
    own = on_calibration.labels.cpu().numpy(), own_changed, np.full(len(calibration), count)
    by_set = _by_set(own, (labels, changed, asked), sets)
    return Outcome(by_set[0], by_set[1], by_set[2], np.array(accepted.accuracy), tries)


def _collect(
    batches: Iterator[_Accepted], on_sets: MutantPredictor | None, mutants: int
) -> tuple[_Accepted, np.ndarray]:
    """All accepted mutants, without their weights, and which labels they change, [M, N] bool.

    Without ``on_sets``, M is 0 and the changes are predicted later.
    """
    found: list[_Accepted] = []
    changed: list[Tensor] = []
    for batch in progress(batches, "accepted mutants", mutants, lambda each: len(each.attempts)):
        if on_sets is not None:
            changed.append(_changed(on_sets, batch.changes).cpu())
        batch.changes.clear()
        found.append(batch)
    accepted = _Accepted(
        [attempt for batch in found for attempt in batch.attempts],
        [],
        torch.cat([batch.changed for batch in found]) if found else torch.empty(0, 0),
        [accuracy for batch in found for accuracy in batch.accuracy],
    )
    return accepted, torch.cat(changed).numpy() if changed else np.empty((0, 0), bool)


def _by_set(
    calibration: tuple[np.ndarray, np.ndarray, np.ndarray],
    others: tuple[np.ndarray, np.ndarray, np.ndarray],
    sets: dict[str, ImageSet],
) -> list[dict[str, np.ndarray]]:
    """The arrays of ``calibration`` and of ``others``, the latter split along the last axis, by
    set."""
    ends = np.cumsum([len(images) for images in sets.values()])[:-1]
    return [
        {CALIBRATION: first} | dict(zip(sets, np.split(rest, ends, axis=-1), strict=True))
        for first, rest in zip(calibration, others, strict=True)
    ]


@dataclass(frozen=True)
class _Draw:
    """Mutants by the number of the attempt, which determines each together with the seed."""

    classifier: Classifier
    operator: Operator
    seed: int

    def __call__(self, attempt: int) -> Changes:
        return self.operator(self.classifier.network, seed=derive(self.seed, "mutant", attempt))

    def groups(self, attempts: Sequence[int]) -> Iterator[tuple[list[int], list[Changes]]]:
        """Batches of mutants, of at most ``MUTANT_BATCH`` and about ``MUTANT_BATCH_BYTES``."""
        numbers, changes, size = [], [], 0
        for attempt in attempts:
            changes.append(self(attempt))
            numbers.append(attempt)
            size += sum(each.numel() * each.element_size() for each in changes[-1].values())
            if len(changes) == MUTANT_BATCH or size >= MUTANT_BATCH_BYTES:
                yield numbers, changes
                numbers, changes, size = [], [], 0
        if changes:
            yield numbers, changes


def _changed(predictor: MutantPredictor, changes: Sequence[Changes]) -> Tensor:
    return predictor.predict(changes) != predictor.labels


def _accepted(
    draw: _Draw, predictor: MutantPredictor, truth: Tensor, mutants: int, accept: float
) -> Iterator[_Accepted]:
    """Accepted mutants, batch by batch; no more are drawn than if they were drawn one by one.

    Once a mutant can no longer reach the required accuracy, its remaining predictions are omitted.
    """
    right = predictor.labels == truth
    needed = math.ceil(accept * int(right.sum()) - 1e-9)  # may round up past a whole number

    def rejected(labels: Tensor) -> Tensor:
        done = labels.shape[1]
        return (labels == truth[:done]).sum(1) + len(truth) - done < needed

    found, attempt, most = 0, 0, TRIES * mutants
    while found < mutants and attempt < most:
        wanted = range(attempt, min(attempt + mutants - found, most))
        numbers, changes = next(draw.groups(wanted))
        attempt = numbers[-1] + 1
        labels = predictor.predict(changes, rejected)
        hits = (labels == truth).sum(1).tolist()
        good = [i for i, count in enumerate(hits) if count >= needed]
        found += len(good)
        if good:
            yield _Accepted(
                [numbers[i] for i in good],
                [changes[i] for i in good],
                labels[good] != predictor.labels,
                [hits[i] / len(truth) for i in good],
            )


def _tries(attempts: Sequence[int], mutants: int) -> int:
    """Number of mutants drawn: up to the last accepted one, or the maximum."""
    return attempts[-1] + 1 if len(attempts) == mutants else TRIES * mutants


def _check(count: int, tries: int, mutants: int, accept: float) -> None:
    if count < min(2, mutants):
        raise TooFew(count, tries, accept)
    if count < mutants:
        print(f"only {count} of {tries} mutants accepted, {mutants} wanted", file=sys.stderr)


def _until_verdict(
    draw: _Draw, predictor: MutantPredictor, attempts: Sequence[int], test: RatioTest
) -> tuple[np.ndarray, np.ndarray]:
    """Changes [M, N] and the number [N] of mutants evaluated, until the verdict on each image."""
    running = Running(test, len(predictor.labels))
    changed = np.zeros((len(attempts), len(predictor.labels)), bool)
    done = 0
    for _, changes in draw.groups(attempts):
        asked = running.open
        if not len(asked):
            break
        answers = _changed(predictor, changes).cpu().numpy()
        for line in answers:
            place = np.isin(asked, running.open)
            changed[done, running.open] = line[place]
            running.see(line[place])
            done += 1
        left = np.flatnonzero(np.isin(asked, running.open))
        if len(left) < len(asked):
            predictor.restrict(torch.from_numpy(left))
    return changed, running.asked
