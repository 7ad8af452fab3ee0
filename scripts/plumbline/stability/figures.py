"""Tables of the label changes: rates, detection by number of mutants, sequential tests."""

from collections.abc import Iterator

import numpy as np

from plumbline.artefacts import ImageSet
from plumbline.config.stability import SequentialOptions
from plumbline.ranking import measure, resample
from plumbline.seeding import derive
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
from plumbline.statistics import bootstrap_counts, interval, mean_interval, wilson
from plumbline.tables import Row, row

COUNTS = (10, 20, 50, 100, 200, 500)
FEWEST = 2  # images on either side below which there is no figure
TEST = "test"
VERDICTS = {SUSPICIOUS: "suspicious", OPEN: "undecided", NORMAL: "normal"}
Sets = dict[str, ImageSet]


def per_image(outcome: Outcome, sets: Sets, test: RatioTest, **keys: str | float) -> dict:
    """Columns of the table of images.

    Among them are the label change rate p with its error sqrt(p (1 - p) / m) over the m mutants
    that were asked, and the ``verdict`` of a sequential test with the number of mutants that it
    took, ``mutants_needed``.
    """
    names = list(sets)
    rate, mutants, prediction = (
        np.concatenate(each)
        for each in zip(
            *((outcome.rate(n), outcome.asked[n], outcome.prediction[n]) for n in names),
            strict=True,
        )
    )
    tests = [_test(outcome, name, test) for name in names]
    return {
        "set": np.repeat(names, [len(each) for each in sets.values()]),
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

    ``label_change_rate`` by set, and apart for the images that the net gets right and wrong
    (column ``answers``; n of images); ``rejection_rate`` (n of mutants drawn) and
    ``mutant_accuracy`` (n of mutants), and ``auroc`` as in :func:`detection`.
    """
    further = detection(outcome, sets, seed, outcome.mutants, **keys)
    keys = {**keys, "mutants": outcome.mutants}
    rows = []
    for name, answers, which in _parts(outcome, sets):
        rates, where = outcome.rate(name)[which], {"set": name, "answers": answers}
        figure = mean_interval(rates, derive(seed, "images", name, answers))
        rows.append(row("label_change_rate", *figure, len(rates), **keys, **where))
    rows.append(rejection(outcome.tries - outcome.mutants, outcome.tries, **keys))
    where = {"set": CALIBRATION, "answers": "all"}
    figure = mean_interval(outcome.accuracy, derive(seed, "accuracy"))
    rows.append(row("mutant_accuracy", *figure, outcome.mutants, **keys, **where))
    return rows + further


def rejection(rejected: int, tries: int, **keys: str | float) -> Row:
    """``rejection_rate``: the share of the mutants drawn that were not accurate enough."""
    where = {"set": CALIBRATION, "answers": "all"}
    figure = (rejected / tries, *wilson(rejected, tries))
    return row("rejection_rate", *figure, tries, **keys, **where)


def by_number(outcome: Outcome, sets: Sets, seed: int, **keys: str | float) -> list[Row]:
    """``auroc`` rows with fewer mutants than there are: the first 10, 20, 50, ..."""
    counts = [count for count in COUNTS if count < outcome.mutants]
    return [each for count in counts for each in detection(outcome, sets, seed, count, **keys)]


def detection(
    outcome: Outcome, sets: Sets, seed: int, mutants: int, **keys: str | float
) -> list[Row]:
    """``auroc`` of the label change rate among the first ``mutants``, by set (n of images).

    Negatives are the test images that the net gets right.  Positives are those that it gets
    wrong, the adversarial images that it gets wrong while it gets their source right, and all
    out-of-distribution images.
    """
    right = outcome.prediction[TEST] == sets[TEST].labels
    normal = outcome.rate(TEST, mutants)[right]
    keys, rows = {**keys, "mutants": mutants}, []
    for name in sets:
        if name == CALIBRATION:
            continue
        found = outcome.rate(name, mutants)[_positive(outcome, sets, name, right)]
        scores = np.concatenate([normal, found])
        positive = np.arange(len(scores)) >= len(normal)
        figure = _auroc(scores, positive, derive(seed, "auroc", name))
        rows.append(row("auroc", *figure, len(scores), **keys, set=name, answers="wrong"))
    return rows


def _auroc(scores: np.ndarray, positive: np.ndarray, seed: int) -> tuple[float, float, float]:
    if min(positive.sum(), (~positive).sum()) < FEWEST:
        return (float("nan"),) * 3
    counts = resample(positive, seed)
    counts = np.concatenate([np.ones((1, len(scores)), counts.dtype), counts])
    samples = measure(scores, positive, counts)["auroc"]
    return samples[0], *interval(samples[1:])


def _positive(outcome: Outcome, sets: Sets, name: str, right: np.ndarray) -> np.ndarray:
    """Whether each image of a set is one that a detector should find."""
    images = sets[name]
    if name.startswith("ood_"):
        return np.ones(len(images), bool)
    sources = sets[TEST].index[right]
    wrong = outcome.prediction[name] != images.labels
    return wrong if name == TEST else wrong & np.isin(images.index, sources)


def _parts(outcome: Outcome, sets: Sets) -> Iterator[tuple[str, str, np.ndarray]]:
    """Set, answers and which images: all, and where there are classes the right and the wrong."""
    for name, images in sets.items():
        yield name, "all", np.ones(len(images), bool)
        if not name.startswith("ood_"):
            right = outcome.prediction[name] == images.labels
            for answers, which in (("right", right), ("wrong", ~right)):
                if which.any():
                    yield name, answers, which


def tests(
    outcome: Outcome, calibration: ImageSet, options: SequentialOptions
) -> dict[str, RatioTest]:
    """Sequential tests whose thresholds come from the calibration images that the net gets right.

    ``mean``: the upper end of the interval of their mean label change rate, as Wang et al. 2019;
    ``quantile``: the rate that only the share ``options.false_alarms`` of them exceeds.
    """
    right = outcome.prediction[CALIBRATION] == calibration.labels
    return make_tests(outcome.rate(CALIBRATION)[right], outcome.mutants, options)


def make_tests(rates: np.ndarray, mutants: int, options: SequentialOptions) -> dict[str, RatioTest]:
    """The tests from the label change rates [N] of normal images."""
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
    """Rows of the sequential test whose threshold is called ``name``.

    ``threshold`` itself; by set and answers the shares ``suspicious``, ``normal`` and
    ``undecided`` (after all mutants) and the mean of ``mutants_needed`` (n of images); for
    every set with something to find the mean of the share of it that is found and of the share
    of right test images that is not, ``balanced_accuracy``.
    """
    keys = {**keys, "mutants": outcome.mutants, "threshold": name}
    nothing, middle = float("nan"), (test.low + test.high) / 2
    where = {"set": CALIBRATION, "answers": "right"}
    rows = [row("threshold", middle, nothing, nothing, 1, **keys, **where)]
    done = {each: _test(outcome, each, test) for each in sets}
    for each, answers, which in _parts(outcome, sets):
        where = {"set": each, "answers": answers}
        rows += _verdicts(done[each], which, derive(seed, name, each, answers), keys | where)
    right = outcome.prediction[TEST] == sets[TEST].labels
    quiet = done[TEST].verdict[right] != SUSPICIOUS
    for each in sets:
        if each == CALIBRATION:
            continue
        found = done[each].verdict[_positive(outcome, sets, each, right)] == SUSPICIOUS
        figure = _balanced(quiet, found, derive(seed, "balanced", name, each))
        n = len(quiet) + len(found)
        rows.append(row("balanced_accuracy", *figure, n, **keys, set=each, answers="wrong"))
    return rows


def _test(outcome: Outcome, name: str, test: RatioTest) -> Running:
    """The test of a set's images; where it stopped early, on the mutants that were asked."""
    return run(outcome.changed[name], test)


def _verdicts(done: Running, which: np.ndarray, seed: int, keys: Row) -> list[Row]:
    n = int(which.sum())
    rows = []
    for verdict, metric in VERDICTS.items():
        count = int((done.verdict[which] == verdict).sum())
        rows.append(row(metric, count / n, *wilson(count, n), n, **keys))
    return [*rows, row("mutants_needed", *mean_interval(done.asked[which], seed), n, **keys)]


def _balanced(quiet: np.ndarray, found: np.ndarray, seed: int) -> tuple[float, float, float]:
    if min(len(quiet), len(found)) < FEWEST:
        return (float("nan"),) * 3
    samples = [
        bootstrap_counts(len(each), derive(seed, i)) @ each / len(each)
        for i, each in enumerate((quiet, found))
    ]
    return float((quiet.mean() + found.mean()) / 2), *interval((samples[0] + samples[1]) / 2)
