"""Cross-fitting: every image of calibration is scored by a detector that has not seen it.

A detector is known by the folds that it was fitted without.  So the one that combines the
scores of another learns from scores that are out of fold, too, and is itself judged on folds
that neither of the two has seen.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from plumbline.runtime.seeding import derive

Scorer = Callable[[np.ndarray], np.ndarray]
Folds = frozenset[int]

FAR = 10  # standard deviations
ROUNDING = 1e-6  # of the largest value


class Fit(Protocol):
    """Learns from features [N, D] and what is wrong [N] bool; returns what scores features."""

    def __call__(self, features: np.ndarray, wrong: np.ndarray, *, seed: int) -> Scorer: ...


class Detector(Protocol):
    """What :func:`out_of_fold` asks of a detector."""

    @property
    def features(self) -> np.ndarray: ...

    @property
    def fold(self) -> np.ndarray: ...

    def without(self, left: Folds) -> Scorer:
        """What was fitted on the images whose fold is not among ``left``."""


def split(wrong: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Number of the fold [N] of each image: wrong and right ones are spread evenly.

    As many folds as ``folds``, or as there are wrong ones, if they are fewer.
    """
    random, fold = np.random.default_rng(seed), np.empty(len(wrong), int)
    start = 0
    for which in (np.flatnonzero(wrong), np.flatnonzero(~wrong)):
        places = random.permutation(which)
        fold[places] = (start + np.arange(len(places))) % min(folds, int(wrong.sum()))
        start += len(places)
    return fold


@dataclass
class Plain:
    """A detector on ``features`` [N, D], which are standardised by what it is fitted on."""

    fit: Fit
    features: np.ndarray
    wrong: np.ndarray
    fold: np.ndarray
    seed: int
    known: dict[Folds, Scorer] = field(default_factory=dict)

    def without(self, left: Folds) -> Scorer:
        if left not in self.known:
            seen = ~np.isin(self.fold, list(left))
            seed = derive(self.seed, *sorted(left))
            self.known[left] = standardised(self.fit, self.features[seen], self.wrong[seen], seed)
        return self.known[left]


@dataclass
class Stacked:
    """A detector on the score of ``base`` and further ``features``.

    ``features`` [N, D + E] are those D of ``base`` and then E more.
    """

    base: Plain
    fit: Fit
    features: np.ndarray
    seed: int

    @property
    def fold(self) -> np.ndarray:
        """That of ``base``: what one has not seen, the other must not have seen either."""
        return self.base.fold

    def without(self, left: Folds) -> Scorer:
        below, more = np.split(self.features, [self.base.features.shape[1]], axis=1)
        score, seen = np.full(len(self.fold), np.nan), ~np.isin(self.fold, list(left))
        for each in np.unique(self.fold[seen]):
            here = self.fold == each
            score[here] = self.base.without(left | {int(each)})(below[here])
        joined = np.column_stack([score, more])[seen]
        seed = derive(self.seed, *sorted(left))
        combine = standardised(self.fit, joined, self.base.wrong[seen], seed)
        base, width = self.base.without(left), below.shape[1]

        def scorer(features: np.ndarray) -> np.ndarray:
            return combine(np.column_stack([base(features[:, :width]), features[:, width:]]))

        return scorer


def out_of_fold(detector: Detector) -> np.ndarray:
    """Score [N] of each image by the detector that was fitted without the image's fold."""
    scores = np.empty(len(detector.fold))
    for each in np.unique(detector.fold):
        here = detector.fold == each
        scores[here] = detector.without(frozenset({int(each)}))(detector.features[here])
    return scores


def standardised(fit: Fit, features: np.ndarray, wrong: np.ndarray, seed: int) -> Scorer:
    """Fit on features of mean 0 and standard deviation 1, and scale others alike.

    A feature that is the same for all images, but for rounding errors, stays at its distance from
    that value.  No image is taken to lie further away than ``FAR``, or than those fitted on: a
    neuron that hardly ever fires would else decide alone on the one image where it does.
    """
    mean, spread = features.mean(0), features.std(0)
    spread[spread <= ROUNDING * np.abs(features).max(0)] = 1
    lessons = (features - mean) / spread
    low, high = np.minimum(lessons.min(0), -FAR), np.maximum(lessons.max(0), FAR)
    score = fit(lessons, wrong, seed=seed)
    return lambda others: score(((others - mean) / spread).clip(low, high))
