"""Comparison of nets trained with and without extra images, seed by seed.

All nets share the same resamples, so that differences are paired.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from plumbline.data.image_sets import TEST as CLEAN
from plumbline.data.image_sets import ImageSetKey
from plumbline.latent.maps import MAPPED, hole_shares, uncertain
from plumbline.metrics import classification
from plumbline.metrics.intervals import (
    DIFFERENCE,
    Estimate,
    auroc_estimate,
    bootstrap_counts,
    bootstrap_estimate,
    ranked,
    student_interval,
    widened,
    wilson,
    with_whole,
)
from plumbline.metrics.ranking import measure as rank
from plumbline.runtime.seeding import derive
from plumbline.storage.tables import Row, row

PAIRS = (("holes", "random"), ("holes", "none"), ("random", "none"))
JUDGED = ("entropy", "max_probability")  # measures of uncertainty by which nets are compared
TEST, MAP = CLEAN.name, "map"
SHARES = ("accuracy", "auroc", "hole_share")  # metrics that are shares of images, pairs, cells

Key = tuple[str, str, str]  # set, measure, metric
Samples = dict[Key, np.ndarray]  # [1 + resamples]: the estimate itself, then each resample's
Measures = Mapping[str, np.ndarray]
Who = tuple[str, int | str]  # arm and seed; the seed of an ensemble is the empty string
Probs = Mapping[str, np.ndarray]  # by set, [S, N, K]


@dataclass(frozen=True)
class Trial:
    """The data on which all nets are evaluated: test images, other image sets, cells of a map.

    ``labels`` [N] are those of the test images; ``on_data`` [cells] marks the cells on the data.
    ``counts`` [1 + resamples, n] gives for every set how often each member is drawn; the first
    row is all ones.
    """

    labels: np.ndarray
    on_data: np.ndarray
    counts: Mapping[str, np.ndarray]

    @property
    def others(self) -> list[str]:
        """Names of the image sets other than test and the map."""
        return [name for name in self.counts if name not in (TEST, MAP)]

    def size(self, key: Key) -> int:
        """Number of images, or of cells off the data, that an estimate is based on."""
        name, _, metric = key
        if name == MAP:
            return int((~self.on_data).sum())
        both = len(self.labels) if metric == "auroc" else 0
        return self.counts[name].shape[1] + both

    def positives(self, key: Key) -> int | None:
        """Number of images of the other set, if they are compared with those of test."""
        return self.counts[key[0]].shape[1] if key[2] == "auroc" else None

    def samples(self, probs: np.ndarray, measures: Mapping[str, Measures]) -> Samples:
        """All estimates of one net or ensemble, with their resamples.

        ``probs`` [N, K] are its probabilities on test, ``measures`` its uncertainty measures
        on every set and on the map.

        - ``accuracy``, ``nll`` (nats), ``brier``, ``ece`` on test;
        - ``auroc`` of each other set for each of ``JUDGED``: the probability that one of its
          images is more uncertain than one of test, a tie counting one half;
        - ``hole_share`` for each of ``JUDGED``: share of the cells off the data that are less
          uncertain than the median cell on the data.
        """
        metrics = classification.resampled(probs, self.labels, self.counts[TEST])
        found = {(TEST, "", name): samples for name, samples in metrics.items()}
        for name in JUDGED:
            known = {of: uncertain(each[name], MAPPED[name]) for of, each in measures.items()}
            for other in self.others:
                counts = np.concatenate([self.counts[TEST], self.counts[other]], 1)
                positive = np.arange(counts.shape[1]) >= len(self.labels)
                scores = np.concatenate([known[TEST], known[other]])
                found[other, name, "auroc"] = rank(scores, positive, counts)["auroc"]
            found[MAP, name, "hole_share"] = hole_shares(known[MAP], self.on_data, self.counts[MAP])
        return found


def trial(labels: np.ndarray, sizes: Mapping[str, int], on_data: np.ndarray, seed: int) -> Trial:
    """A trial with test ``labels`` [N], other sets of the given ``sizes``, and a map."""
    all_sizes = {TEST: len(labels), **sizes, MAP: len(on_data)}
    counts = {
        name: with_whole(bootstrap_counts(n, derive(seed, name))) for name, n in all_sizes.items()
    }
    return Trial(labels, on_data, counts)


def by_estimator(predictions: Mapping[Who, Probs]) -> dict[str, dict[Who, Probs]]:
    """Predictions of single nets (``softmax``) and, with several seeds, of each arm's ensemble."""
    estimators = {"softmax": dict(predictions)}
    arms = list(dict.fromkeys(arm for arm, _ in predictions))
    members = {arm: [probs for who, probs in predictions.items() if who[0] == arm] for arm in arms}
    if min(map(len, members.values())) > 1:
        estimators["ensemble"] = {
            (arm, ""): {name: np.concatenate([each[name] for each in own]) for name in own[0]}
            for arm, own in members.items()
        }
    return estimators


def all_samples(
    judged: Trial,
    predictions: Mapping[Who, Probs],
    mean: Callable[[np.ndarray], np.ndarray],
    measure: Callable[[np.ndarray], Measures],
) -> dict[str, dict[Who, Samples]]:
    """:meth:`Trial.samples` of each net and of each arm's ensemble, by estimator.

    ``mean`` averages probabilities [S, N, K] over the draws, ``measure`` gives their measures of
    uncertainty.
    """
    return {
        estimator: {
            who: judged.samples(
                mean(probs[TEST]), {name: measure(each) for name, each in probs.items()}
            )
            for who, probs in by_net.items()
        }
        for estimator, by_net in by_estimator(predictions).items()
    }


def table(
    judged: Trial, samples: Mapping[str, Mapping[Who, Samples]], **keys: Any
) -> Iterator[Row]:
    """All rows: for each estimator those of each net or ensemble, then those of differences."""
    for estimator, by_net in samples.items():
        for (arm, seed), net_samples in by_net.items():
            key_columns = {"estimator": estimator, "arm": arm, "control": "", "seed": seed}
            yield from _own_rows(judged, net_samples, **keys, **key_columns)
    for estimator, by_net in samples.items():
        for arm, control in PAIRS:
            further = {**keys, "estimator": estimator, "seed": ""}
            yield from _difference_rows(judged, by_net, arm=arm, control=control, **further)


def extra_row(arm: str, in_hole: np.ndarray, **keys: Any) -> Row:
    """Share of an arm's extra images that come from holes, given ``in_hole`` [N] bool.  If holes
    make up most of the region off the data, so do random images."""
    count, n = int(in_hole.sum()), len(in_hole)
    key_columns = {"estimator": "", "arm": arm, "control": "", "seed": "", "set": "extra"}
    share = count / n if n else float("nan")
    over = {"measure": "", "over": "images"}
    return row("share_in_holes", share, *wilson(count, n), n, **keys, **key_columns, **over)


def _own_rows(judged: Trial, samples: Samples, **keys: Any) -> Iterator[Row]:
    """Rows of one net or ensemble, with intervals over images or over cells of the map."""
    for key, values in samples.items():
        name, measure, metric = key
        size, estimate = judged.size(key), bootstrap_estimate(values)
        if metric == "accuracy":
            estimate = estimate[0], *wilson(round(estimate[0] * size), size)
        elif (found := judged.positives(key)) is not None:
            estimate = auroc_estimate(values, found, len(judged.labels))
        key_columns = {**keys, **_columns(name), "measure": measure, "over": _over(name)}
        yield row(metric, *estimate, size, judged.positives(key), **key_columns)


def _difference_rows(
    judged: Trial, samples: Mapping[Who, Samples], *, arm: str, control: str, **keys: Any
) -> Iterator[Row]:
    """Paired differences, ``arm`` minus ``control``, averaged over the training seeds.

    Each has a bootstrap interval over images or cells, for these particular seeds, and, with
    several seeds, Student's interval over the seeds, whose n is the number of seeds.
    """
    seeds = [seed for which, seed in samples if which == arm]
    for key in samples[arm, seeds[0]]:
        name, measure, metric = key
        gaps = np.stack([samples[arm, s][key] - samples[control, s][key] for s in seeds])
        gaps = gaps.round(12)  # removes rounding differences of equal estimates
        pooled = gaps.mean(0)
        estimates = {_over(name): (_difference(judged, key, pooled), judged.size(key))}
        if len(seeds) > 1:
            estimate = student_interval(gaps[:, 0])
            if metric in SHARES:
                estimate = widened(estimate, judged.size(key), DIFFERENCE)
            estimates["seeds"] = estimate, len(seeds)
        key_columns = {**keys, "arm": arm, "control": control, **_columns(name), "measure": measure}
        for over, (estimate, n) in estimates.items():
            yield row(f"{metric}_difference", *estimate, n, **key_columns, over=over)


def _difference(judged: Trial, key: Key, samples: np.ndarray) -> Estimate:
    if (found := judged.positives(key)) is not None:
        return ranked(samples, found, len(judged.labels), DIFFERENCE)
    return bootstrap_estimate(samples, judged.size(key) if key[2] in SHARES else None, DIFFERENCE)


def _columns(name: str) -> dict[str, Any]:
    """Columns of a set of images; the map is none."""
    return {"set": MAP} if name == MAP else ImageSetKey.parse(name).columns()


def _over(name: str) -> str:
    return "cells" if name == MAP else "images"
