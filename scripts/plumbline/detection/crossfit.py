"""Cross-fitting: every calibration image is scored by a detector that was fitted without it.

A detector is identified by the folds that were left out of its fit.  A stacked detector, which
combines the score of another one, is therefore also fitted on out-of-fold scores, and evaluated
on folds that were left out of both fits.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from plumbline.runtime.seeding import derive

Scorer = Callable[[np.ndarray], np.ndarray]
Folds = frozenset[int]

FAR = 10  # limit of standardised features, in standard deviations
ROUNDING = 1e-6  # relative to the largest value


class Fit(Protocol):
    """Fits features [N, D] to errors ``wrong`` [N] bool, and returns a scorer of features."""

    def __call__(self, features: np.ndarray, wrong: np.ndarray, *, seed: int) -> Scorer: ...


class Detector(Protocol):
    """The interface of a detector that :func:`out_of_fold` needs."""

    @property
    def features(self) -> np.ndarray: ...

    @property
    def fold(self) -> np.ndarray: ...

    def without(self, left: Folds) -> Scorer:
        """The scorer fitted on the images whose fold is not in ``left``."""


def split(wrong: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Fold number of each image, [N]; wrong and correct predictions are distributed evenly.

    There are ``folds`` folds, or as many as wrong predictions if these are fewer.
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
    """A detector on ``features`` [N, D], which are standardised on the images of each fit."""

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
    """A detector on the score of ``base`` and additional features.

    ``features`` [N, D + E] are the D features of ``base``, followed by E more.
    """

    base: Plain
    fit: Fit
    features: np.ndarray
    seed: int

    @property
    def fold(self) -> np.ndarray:
        """The folds of ``base``: both must leave out the same images."""
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
    """Score [N] of each image by the detector that was fitted without the fold of the image."""
    scores = np.empty(len(detector.fold))
    for each in np.unique(detector.fold):
        here = detector.fold == each
        scores[here] = detector.without(frozenset({int(each)}))(detector.features[here])
    return scores


def standardised(fit: Fit, features: np.ndarray, wrong: np.ndarray, seed: int) -> Scorer:
    """Fit on features standardised to mean 0 and standard deviation 1, and scale others alike.

    Features that are constant up to rounding are only centred.  Other images are clipped to
    ``FAR``, or to the range of the fitted images: otherwise a neuron that is almost never active
    would decide alone on the one image for which it is.
    """
    mean, spread = features.mean(0), features.std(0)
    spread[spread <= ROUNDING * np.abs(features).max(0)] = 1
    lessons = (features - mean) / spread
    low, high = np.minimum(lessons.min(0), -FAR), np.maximum(lessons.max(0), FAR)
    score = fit(lessons, wrong, seed=seed)
    return lambda others: score(((others - mean) / spread).clip(low, high))
