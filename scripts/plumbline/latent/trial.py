"""What nets with and without further training images are worth, compared seed by seed.

Everything is resampled with the same draws for every net, so that differences are paired.
"""

from collections.abc import Iterator, Mapping
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
JUDGED = ("entropy", "max_probability")  # measures of uncertainty that judge a net
TEST, MAP = CLEAN.name, "map"
SHARES = ("accuracy", "auroc", "hole_share")  # of images, pairs and cells

Key = tuple[str, str, str]  # set, measure, metric
Samples = dict[Key, np.ndarray]  # [1 + resamples]: the estimate itself, then each resample's
Measures = Mapping[str, np.ndarray]
Who = tuple[str, int | str]  # arm and seed; an ensemble has one seed, the empty text
Probs = Mapping[str, np.ndarray]  # by set, [S, N, K]


@dataclass(frozen=True)
class Trial:
    """What every net is put to: images of test, of other sets, and the cells of a map.

    ``labels`` [N] are those of test, ``on_data`` [cells] says where the map has data.  ``counts``
    [1 + resamples, n] say for every set how often each of its members is drawn, in the first row
    once.
    """

    labels: np.ndarray
    on_data: np.ndarray
    counts: Mapping[str, np.ndarray]

    @property
    def others(self) -> list[str]:
        """Names of the sets that are neither test nor the map: images of another kind."""
        return [name for name in self.counts if name not in (TEST, MAP)]

    def size(self, key: Key) -> int:
        """How many images, or cells off the data, an estimate is of."""
        name, _, metric = key
        if name == MAP:
            return int((~self.on_data).sum())
        both = len(self.labels) if metric == "auroc" else 0
        return self.counts[name].shape[1] + both

    def positives(self, key: Key) -> int | None:
        """How many of them are not of test, if they are compared with those that are."""
        return self.counts[key[0]].shape[1] if key[2] == "auroc" else None

    def samples(self, probs: np.ndarray, measures: Mapping[str, Measures]) -> Samples:
        """All estimates of one net or ensemble, with their resamples.

        ``probs`` [N, K] are its probabilities on test, ``measures`` its uncertainty measures
        on every set and on the map.

        - ``accuracy``, ``nll`` (nats), ``brier``, ``ece`` on test;
        - ``auroc`` of each other set by each of ``JUDGED``: the chance that one of its images is
          more uncertain than one of test, a tie counting half;
        - ``hole_share`` by each of them: share of the cells off the data that are less uncertain
          than the median cell on the data.
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
    """A trial on test, whose ``labels`` [N] are given, other sets of ``sizes``, and a map."""
    all_sizes = {TEST: len(labels), **sizes, MAP: len(on_data)}
    counts = {
        name: with_whole(bootstrap_counts(n, derive(seed, name))) for name, n in all_sizes.items()
    }
    return Trial(labels, on_data, counts)


def by_estimator(said: Mapping[Who, Probs]) -> dict[str, dict[Who, Probs]]:
    """What single nets say, ``softmax``, and, of several seeds, each arm's nets as an ensemble."""
    found = {"softmax": dict(said)}
    arms = list(dict.fromkeys(arm for arm, _ in said))
    members = {arm: [probs for who, probs in said.items() if who[0] == arm] for arm in arms}
    if min(map(len, members.values())) > 1:
        found["ensemble"] = {
            (arm, ""): {name: np.concatenate([each[name] for each in own]) for name in own[0]}
            for arm, own in members.items()
        }
    return found


def table(
    judged: Trial, samples: Mapping[str, Mapping[Who, Samples]], **keys: Any
) -> Iterator[Row]:
    """All rows, by estimator: of each net and ensemble, then of the differences."""
    for estimator, found in samples.items():
        for (arm, seed), each in found.items():
            here = {"estimator": estimator, "arm": arm, "control": "", "seed": seed}
            yield from _own_rows(judged, each, **keys, **here)
    for estimator, found in samples.items():
        for arm, control in PAIRS:
            further = {**keys, "estimator": estimator, "seed": ""}
            yield from _difference_rows(judged, found, arm=arm, control=control, **further)


def extra_row(arm: str, in_hole: np.ndarray, **keys: Any) -> Row:
    """How many of an arm's further images come from holes, by ``in_hole`` [N]: where holes are
    most of what lies off the data, random images come from them, too."""
    found, n = int(in_hole.sum()), len(in_hole)
    here = {"estimator": "", "arm": arm, "control": "", "seed": "", "set": "extra"}
    share = found / n if n else float("nan")
    over = {"measure": "", "over": "images"}
    return row("share_in_holes", share, *wilson(found, n), n, **keys, **here, **over)


def _own_rows(judged: Trial, samples: Samples, **keys: Any) -> Iterator[Row]:
    """Estimates of one net or ensemble; intervals over images, or over cells of the map."""
    for key, each in samples.items():
        name, measure, metric = key
        size, estimate = judged.size(key), bootstrap_estimate(each)
        if metric == "accuracy":
            estimate = estimate[0], *wilson(round(estimate[0] * size), size)
        elif (found := judged.positives(key)) is not None:
            estimate = auroc_estimate(each, found, len(judged.labels))
        here = {**keys, **_columns(name), "measure": measure, "over": _over(name)}
        yield row(metric, *estimate, size, judged.positives(key), **here)


def _difference_rows(
    judged: Trial, samples: Mapping[Who, Samples], *, arm: str, control: str, **keys: Any
) -> Iterator[Row]:
    """Paired differences, ``arm`` minus ``control``, means over the seeds that both have.

    Each has an interval over images or cells (bootstrap of the mean over these seeds: it tells
    nothing of others) and, of several seeds, one over these (Student's; n counts seeds).
    """
    seeds = [seed for which, seed in samples if which == arm]
    for key in samples[arm, seeds[0]]:
        name, measure, metric = key
        gaps = np.stack([samples[arm, s][key] - samples[control, s][key] for s in seeds])
        gaps = gaps.round(12)  # what float64 leaves of equal estimates is no difference
        pooled = gaps.mean(0)
        estimates = {_over(name): (_difference(judged, key, pooled), judged.size(key))}
        if len(seeds) > 1:
            estimate = student_interval(gaps[:, 0])
            if metric in SHARES:
                estimate = widened(estimate, judged.size(key), DIFFERENCE)
            estimates["seeds"] = estimate, len(seeds)
        here = {**keys, "arm": arm, "control": control, **_columns(name), "measure": measure}
        for over, (estimate, n) in estimates.items():
            yield row(f"{metric}_difference", *estimate, n, **here, over=over)


def _difference(judged: Trial, key: Key, samples: np.ndarray) -> Estimate:
    if (found := judged.positives(key)) is not None:
        return ranked(samples, found, len(judged.labels), DIFFERENCE)
    return bootstrap_estimate(samples, judged.size(key) if key[2] in SHARES else None, DIFFERENCE)


def _columns(name: str) -> dict[str, Any]:
    """Columns of a set of images; the map is none."""
    return {"set": MAP} if name == MAP else ImageSetKey.parse(name).columns()


def _over(name: str) -> str:
    return "cells" if name == MAP else "images"
