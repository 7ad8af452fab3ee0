"""Tables of label changes: rates, detection by number of mutants, sequential tests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from plumbline.config.stability import SequentialOptions
from plumbline.data.image_sets import TEST, ImageSetKey, columns_of
from plumbline.metrics.intervals import (
    DIFFERENCE,
    FEWEST,
    Estimate,
    auroc_estimate,
    bootstrap_counts,
    mean_interval,
    ranked,
    widened,
    wilson,
    with_whole,
)
from plumbline.metrics.ranking import measure, resample
from plumbline.runtime.seeding import derive
from plumbline.stability.mutants import CALIBRATION, Outcome
from plumbline.stability.sequential import (
    NORMAL,
    OPEN,
    SUSPICIOUS,
    RatioTest,
    Running,
    around,
    mean_threshold,
    quantile_threshold,
    run,
)
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.tables import Row, row

COUNTS = (10, 20, 50, 100, 200, 500)
VERDICTS = {SUSPICIOUS: "suspicious", OPEN: "undecided", NORMAL: "normal"}
Sets = Mapping[ImageSetKey, ImageSet]


def per_image(outcome: Outcome, sets: Sets, test: RatioTest, **keys: str | float) -> dict:
    """Columns of the table of images.

    They include the label change rate p with its standard error sqrt(p (1 - p) / m) over the m
    mutants evaluated, and the ``verdict`` of a sequential test with the number of mutants that it
    needed, ``mutants_needed``.
    """
    names = [key.name for key in sets]
    rate, mutants, prediction = (
        np.concatenate(each)
        for each in zip(
            *((outcome.rate(n), outcome.asked[n], outcome.prediction[n]) for n in names),
            strict=True,
        )
    )
    tests = [_test(outcome, name, test) for name in names]
    return {
        **columns_of(sets, [len(each) for each in sets.values()]),
        "index": np.concatenate([each.index for each in sets.values()]),
        "label": np.concatenate([each.labels for each in sets.values()]),
        **{key: np.repeat(value, len(rate)) for key, value in keys.items()},
        "prediction": prediction,
        "label_change_rate": rate,
        "standard_error": np.sqrt(rate * (1 - rate) / mutants),
        "mutants": mutants,
        "verdict": np.array([VERDICTS[v] for each in tests for v in each.verdict.tolist()]),
        "mutants_needed": np.concatenate([each.asked for each in tests]),
    }


def summary(outcome: Outcome, sets: Sets, seed: int, **keys: str | float) -> list[Row]:
    """Rows of one rate: label change rates, rejected mutants, detection with all mutants.

    ``label_change_rate`` by set, also separately for correctly and wrongly classified images
    (column ``answers``; n is the number of images; no interval with fewer than ``FEWEST``);
    ``rejection_rate`` (n is the number of mutants drawn), ``mutant_accuracy`` (n is the number of
    mutants), and ``auroc`` as in :func:`detection`.
    """
    further = detection(outcome, sets, seed, outcome.mutants, **keys)
    keys = {**keys, "mutants": outcome.mutants}
    rows = []
    for key, answers, which in _parts(outcome, sets):
        rates, where = outcome.rate(key.name)[which], {**key.columns(), "answers": answers}
        estimate = widened(_mean(rates, derive(seed, "images", key.name, answers)), len(rates))
        rows.append(row("label_change_rate", *estimate, len(rates), **keys, **where))
    rows.append(rejection(outcome.tries - outcome.mutants, outcome.tries, **keys))
    where = {**ImageSetKey(CALIBRATION).columns(), "answers": "all"}
    estimate = mean_interval(outcome.accuracy, derive(seed, "accuracy"))
    rows.append(row("mutant_accuracy", *estimate, outcome.mutants, **keys, **where))
    return rows + further


def rejection(rejected: int, tries: int, **keys: str | float) -> Row:
    """``rejection_rate``: the share of drawn mutants that were not accurate enough."""
    where = {**ImageSetKey(CALIBRATION).columns(), "answers": "all"}
    estimate = (rejected / tries, *wilson(rejected, tries))
    return row("rejection_rate", *estimate, tries, **keys, **where)


def by_number(outcome: Outcome, sets: Sets, seed: int, **keys: str | float) -> list[Row]:
    """``auroc`` rows for the first 10, 20, 50, ... mutants, fewer than all.

    With them ``auroc_difference``, the AUROC with more mutants, up to all, minus that with the
    smallest number (column ``against``), on the same images and resamples.
    """
    counts = [*(count for count in COUNTS if count < outcome.mutants), outcome.mutants]
    rows, first = [], counts[0]
    for task in _tasks(outcome, sets, seed) if first < outcome.mutants else ():
        samples = {count: task.samples(outcome, count) for count in counts}
        for count, each in samples.items():
            if count < outcome.mutants:
                rows.append(task.row("auroc", auroc_estimate(each, *task.sizes), count, **keys))
            if count > first:
                estimate = ranked(each - samples[first], *task.sizes, DIFFERENCE)
                here = {**keys, "against": first}
                rows.append(task.row("auroc_difference", estimate, count, **here))
    return rows


def detection(
    outcome: Outcome, sets: Sets, seed: int, mutants: int, **keys: str | float
) -> list[Row]:
    """``auroc`` of the label change rate among the first ``mutants``, by set (n: images).

    Negatives are the correctly classified test images.  Positives are the misclassified test
    images, the misclassified adversarial images whose source is classified correctly (resampled
    together with the source), and all out-of-distribution images.
    """
    return [
        task.row(
            "auroc", auroc_estimate(task.samples(outcome, mutants), *task.sizes), mutants, **keys
        )
        for task in _tasks(outcome, sets, seed)
    ]


@dataclass(frozen=True)
class _Task:
    """Detection of the positives of an image set among test images; masks [N] bool of both sets."""

    key: ImageSetKey
    found: np.ndarray
    right: np.ndarray
    items: np.ndarray | None
    seed: int

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers of positives and negatives."""
        return int(self.found.sum()), int(self.right.sum())

    def samples(self, outcome: Outcome, mutants: int) -> np.ndarray:
        """AUROC of the images, then of each resample, NaN without positives or negatives."""
        if not all(self.sizes):
            return np.full(1, np.nan)
        parts = [(TEST.name, self.right), (self.key.name, self.found)]
        scores = [outcome.rate(name, mutants)[which] for name, which in parts]
        positive = np.repeat([False, True], [len(each) for each in scores])
        draws = with_whole(resample(positive, self.seed, self.items))
        return measure(np.concatenate(scores), positive, draws)["auroc"]

    def row(self, metric: str, estimate: Estimate, mutants: int, **keys: str | float) -> Row:
        found, rest = self.sizes
        where = {**self.key.columns(), "answers": "wrong"}
        keys = {"against": "", **keys, "mutants": mutants, **where}
        return row(metric, *estimate, found + rest, found, **keys)


def _tasks(outcome: Outcome, sets: Sets, seed: int) -> Iterator[_Task]:
    right = outcome.prediction[TEST.name] == sets[TEST].labels
    for key, images in sets.items():
        if key.kind == CALIBRATION:
            continue
        found, items = _positive(outcome, sets, key, right), None
        if key.made_from_test:  # drawn together with their sources
            items = np.concatenate([sets[TEST].index[right], images.index[found]])
        yield _Task(key, found, right, items, derive(seed, "auroc", key.name))


def _positive(outcome: Outcome, sets: Sets, key: ImageSetKey, right: np.ndarray) -> np.ndarray:
    """Whether each image of a set is a positive, one that a detector should find."""
    images = sets[key]
    if key.kind == "out_of_distribution":
        return np.ones(len(images), bool)
    sources = sets[TEST].index[right]
    wrong = outcome.prediction[key.name] != images.labels
    return wrong if key == TEST else wrong & np.isin(images.index, sources)


def _parts(outcome: Outcome, sets: Sets) -> Iterator[tuple[ImageSetKey, str, np.ndarray]]:
    """Set, ``answers`` and mask of images: all and, if they have classes, right and wrong ones."""
    for key, images in sets.items():
        yield key, "all", np.ones(len(images), bool)
        if key.kind != "out_of_distribution":
            right = outcome.prediction[key.name] == images.labels
            for answers, which in (("right", right), ("wrong", ~right)):
                if which.any():
                    yield key, answers, which


def tests(
    outcome: Outcome, calibration: ImageSet, options: SequentialOptions
) -> dict[str, RatioTest]:
    """Sequential tests with thresholds from the correctly classified calibration images.

    ``mean``: the upper end of the interval of their mean label change rate, as in Wang et al. 2019;
    ``quantile``: the rate exceeded by only the share ``options.false_alarms`` of them.
    """
    right = outcome.prediction[CALIBRATION] == calibration.labels
    return make_tests(outcome.rate(CALIBRATION)[right], outcome.mutants, options)


def make_tests(rates: np.ndarray, mutants: int, options: SequentialOptions) -> dict[str, RatioTest]:
    """The tests, given the label change rates [N] of normal images."""
    thresholds = {
        "mean": mean_threshold(rates, options.level),
        "quantile": quantile_threshold(rates, options.false_alarms),
    }
    how = {"sigma": options.sigma, "alpha": options.alpha, "beta": options.beta}
    return {
        name: around(threshold, **how, mutants=mutants) for name, threshold in thresholds.items()
    }


def sequential(
    outcome: Outcome, sets: Sets, name: str, test: RatioTest, seed: int, **keys: str | float
) -> list[Row]:
    """Rows of the sequential test with the threshold called ``name``.

    ``threshold`` itself; by set and ``answers`` the shares ``suspicious``, ``normal`` and
    ``undecided`` (after all mutants) and the mean of ``mutants_needed`` (n: images); for every
    set with positives ``balanced_accuracy``, the mean of the share of positives called suspicious
    and the share of correctly classified test images not called suspicious.
    """
    keys = {**keys, "mutants": outcome.mutants, "threshold": name}
    nothing, middle = float("nan"), (test.low + test.high) / 2
    where = {**ImageSetKey(CALIBRATION).columns(), "answers": "right"}
    rows = [row("threshold", middle, nothing, nothing, 1, **keys, **where)]
    done = {key: _test(outcome, key.name, test) for key in sets}
    for key, answers, which in _parts(outcome, sets):
        where = {**key.columns(), "answers": answers}
        rows += _verdicts(done[key], which, derive(seed, name, key.name, answers), keys | where)
    right = outcome.prediction[TEST.name] == sets[TEST].labels
    quiet = done[TEST].verdict[right] != SUSPICIOUS
    for key in sets:
        if key.kind == CALIBRATION:
            continue
        found = done[key].verdict[_positive(outcome, sets, key, right)] == SUSPICIOUS
        estimate = _balanced(quiet, found, derive(seed, "balanced", name, key.name))
        sizes = len(quiet) + len(found), len(found)
        where = {**key.columns(), "answers": "wrong"}
        rows.append(row("balanced_accuracy", *estimate, *sizes, **keys, **where))
    return rows


def _test(outcome: Outcome, name: str, test: RatioTest) -> Running:
    """The test of a set's images on the mutants that were evaluated."""
    return run(outcome.changed[name], test)


def _verdicts(done: Running, which: np.ndarray, seed: int, keys: Row) -> list[Row]:
    n = int(which.sum())
    rows = []
    for verdict, metric in VERDICTS.items():
        count = int((done.verdict[which] == verdict).sum())
        rows.append(row(metric, count / n, *wilson(count, n), n, **keys))
    return [*rows, row("mutants_needed", *_mean(done.asked[which], seed), n, **keys)]


def _mean(values: np.ndarray, seed: int) -> Estimate:
    """Mean over images; without an interval if there are fewer than ``FEWEST``."""
    if len(values) < FEWEST:
        return float(values.mean()), float("nan"), float("nan")
    return mean_interval(values, seed)


def _balanced(quiet: np.ndarray, found: np.ndarray, seed: int) -> Estimate:
    if not min(len(quiet), len(found)):
        return (float("nan"),) * 3
    samples = [
        with_whole(bootstrap_counts(len(each), derive(seed, i))) @ each / len(each)
        for i, each in enumerate((quiet, found))
    ]
    return ranked((samples[0] + samples[1]) / 2, len(found), len(quiet))
