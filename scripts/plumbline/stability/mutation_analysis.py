"""One operator at its main rate and at further rates: mutants, estimates, sequential tests."""

import sys
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import numpy as np

from plumbline.config.stability import MutantOptions
from plumbline.data.image_sets import ImageSetKey
from plumbline.errors import InputError
from plumbline.models.classifier import Classifier
from plumbline.runtime.seeding import derive
from plumbline.stability import estimates
from plumbline.stability.layers import NoMutant
from plumbline.stability.mutants import (
    CALIBRATION,
    TRIES,
    Operator,
    Outcome,
    TooFew,
    label_changes,
)
from plumbline.stability.sequential import RatioTest
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.tables import Row

MAIN, FURTHER = "main", "further"
HALVINGS = 6  # maximum number of times that a main rate is halved if it is too high for a net
Outcomes = dict[float, Outcome]


class MutationAnalysis:
    """The mutants of one net by one ``operator``, at a main rate and at further rates.

    ``sets`` holds all image sets, calibration first; further rates are evaluated on the sets in
    ``further_sets``.
    """

    def __init__(
        self,
        classifier: Classifier,
        operator: Operator,
        calibration: ImageSet,
        sets: estimates.Sets,
        further_sets: Collection[str],
        options: MutantOptions,
        seed: int,
    ) -> None:
        self._classifier, self._operator = classifier, operator
        self._options, self._seed = options, seed
        self.sets = {ImageSetKey(CALIBRATION): calibration, **sets}
        self._rejected: dict[float, tuple[int, int]] = {}  # accepted and tries by rate
        self._further_sets = {
            key.name: each for key, each in sets.items() if key.name in further_sets
        }

    def run(self, given: dict[str, Any], further: list[float]) -> Outcomes:
        """Outcomes by rate: the main rate of the options ``given`` first, then ``further`` rates.

        A rate has no outcome if fewer than two mutants are accurate enough, or if the operator
        makes none; all possible draws then count as rejected.  The main rate is halved in that
        case, at most ``HALVINGS`` times, because deep nets tolerate only low rates.  Then
        :class:`TooFew` is raised, or :class:`NoMutant` once the operator has nothing to change.
        """
        outcomes = dict([self._main(given)])
        for rate in further:
            if rate in outcomes or rate in self._rejected:  # the main one came there
                continue
            try:
                outcomes[rate] = self._at(rate, given, self._options.further_mutants, main=False)
            except TooFew as error:
                self._reject(rate, error, error.accepted, error.tries)
            except NoMutant as error:
                self._reject(rate, error, 0, TRIES * self._options.further_mutants)
        return outcomes

    def _main(self, given: dict[str, Any]) -> tuple[float, Outcome]:
        """The main rate, halved until enough mutants are accepted, and its outcome."""
        for rate in (given["rate"] / 2**times for times in range(HALVINGS)):
            try:
                return rate, self._at(rate, given, self._options.mutants, main=True)
            except TooFew as error:
                self._reject(rate, error, error.accepted, error.tries)
        rate = given["rate"] / 2**HALVINGS
        return rate, self._at(rate, given, self._options.mutants, main=True)

    def _reject(self, rate: float, error: InputError, accepted: int, tries: int) -> None:
        self._rejected[rate] = accepted, tries
        print(f"rate {rate:g}: {error}", file=sys.stderr)

    def _at(self, rate: float, given: dict[str, Any], mutants: int, main: bool) -> Outcome:
        options = self._options
        return label_changes(
            self._classifier,
            partial(self._operator, **given | {"rate": rate}),
            self.sets[ImageSetKey(CALIBRATION)],
            self._asked(main),
            mutants=mutants,
            accept=options.accept,
            seed=self._seed if main else derive(self._seed, f"{rate:g}"),
            stop=None if options.stop_early == "never" else self._stop(mutants),
        )

    def _asked(self, main: bool) -> dict[str, ImageSet]:
        """The image sets, except calibration, for mutants of the main or of a further rate."""
        if not main:
            return self._further_sets
        return {key.name: each for key, each in self.sets.items() if key.kind != CALIBRATION}

    def _stop(self, mutants: int) -> Callable[[np.ndarray], RatioTest]:
        """A function that makes the early-stopping test from the rates on calibration."""
        options = self._options

        def rule(rates: np.ndarray) -> RatioTest:
            return estimates.make_tests(rates, mutants, options.sequential)[options.stop_early]

        return rule

    def _tests(self, outcome: Outcome) -> dict[str, RatioTest]:
        """The tests to report: all or, with early stopping, the one that was used for it."""
        options = self._options
        found = estimates.tests(outcome, self.sets[ImageSetKey(CALIBRATION)], options.sequential)
        early = options.stop_early
        return found if early == "never" else {early: found[early]}

    def rows(self, outcomes: Outcomes, **keys: str) -> list[Row]:
        """Rows of the table for each rate, and for the main rate by number of mutants and test."""
        rows, role = [], MAIN
        for rate, outcome in outcomes.items():
            here: dict[str, str | float] = {**keys, "rate": rate, "role": role}
            seed = derive(self._seed, "figures", f"{rate:g}")
            sets = {k: images for k, images in self.sets.items() if k.name in outcome.changed}
            rows += estimates.summary(outcome, sets, seed, **here)
            if role == MAIN:
                rows += estimates.by_number(outcome, self.sets, seed, **here)
                for name, test in self._tests(outcome).items():
                    rows += estimates.sequential(outcome, self.sets, name, test, seed, **here)
            role = FURTHER
        for rate, (accepted, tries) in self._rejected.items():
            here = {**keys, "rate": rate, "role": FURTHER, "mutants": accepted}
            rows.append(estimates.rejection(tries - accepted, tries, **here))
        return rows

    def images(self, outcomes: Outcomes, operator: str) -> dict[str, Any]:
        """Columns of the table of images, at the main rate."""
        rate, outcome = next(iter(outcomes.items()))
        test = next(iter(self._tests(outcome).values()))
        return estimates.per_image(outcome, self.sets, test, operator=operator, rate=rate)
