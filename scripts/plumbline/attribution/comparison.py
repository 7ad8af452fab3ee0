"""The degradation test of all methods of one net: curves, areas, and gains over the controls.

**How to read it.**  ``accuracy`` and ``area``, the mean of the curve over the shares, are
better *high* where the top of the ranking is kept and *low* where it is deleted.  The area
over the curve of the log-odds, ``log_odds_area``, the mean drop over the shares in nats, is
the other way round: *low* is better where the top is kept.  A ``gain`` has the sign that makes
it good: it is positive where the method ranks better than the control, whatever the mode, and
is taken image by image on the images that both ranked.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from plumbline.attribution.answers import MODES, RANKINGS, Answers
from plumbline.errors import ArtefactError
from plumbline.metrics.intervals import mean_intervals, wilson
from plumbline.runtime.seeding import derive
from plumbline.storage.tables import Row, row

CONTROLS = ("random", "intensity")  # rankings that need no explanation
RIVALS = ("lime", "kernel_shap")  # methods that study 001 holds against LRP
REFERENCE = "gradient"  # what the noise of other maps is compared with
KEYS = ("dataset", "model", "method", "control", "ranking", "mode", "fill", "share")
GOOD = {"keep": 1, "delete": -1}  # the sign of a difference of accuracies that is a gain
PerImage = tuple[str, dict[str, Any], np.ndarray]


def rows(found: Sequence[Answers], seed: int) -> list[Row]:
    """Tidy rows of all methods of one dataset and net, in their order.

    For each method: ``clean_accuracy``; ``accuracy`` for each ranking, mode, fill and share;
    ``area`` and ``log_odds_area`` for each curve; ``total_variation`` and ``sparsity`` of its
    maps.  Against each of ``CONTROLS`` and ``RIVALS``, for the descending ranking:
    ``accuracy_gain`` at each share, ``area_gain``, ``log_odds_area_gain``.  Against
    ``REFERENCE``: ``total_variation_difference`` and ``sparsity_difference``, the method minus
    the reference.
    The column ``control`` says against what.  A control that was not tested has no rows.

    Intervals: Wilson's for accuracies, else a bootstrap over images, the same resamples for all
    estimates of as many images.  Where no image tells a method from the control, a bootstrap
    would be certain: a gain in accuracy then is as uncertain as the share of images that could
    differ, of which none in n was seen.
    """
    by_name = {each.method: each for each in found}
    table: list[Row] = []
    for own in found:
        others = [name for name in CONTROLS + RIVALS if name in by_name and name != own.method]
        table += _accuracies(own)
        table += _means(own, [*_own_values(own)], seed)
        for name in others:
            table += _means(own, [*_gains(own, by_name[name])], seed)
        if REFERENCE in by_name and own.method != REFERENCE:
            table += _means(own, [*_differences(own, by_name[REFERENCE])], seed)
    return table


def _keys(own: Answers, **keys: Any) -> dict[str, Any]:
    given = {"dataset": own.dataset, "model": own.model, "method": own.method, **keys}
    return {name: given.get(name, "") for name in KEYS}


def _accuracies(own: Answers) -> Iterator[Row]:
    yield _accuracy("clean_accuracy", own.clean, _keys(own))
    for where, place in _curves(own):
        for share, right in zip(own.shares, own.right[place].T, strict=True):
            yield _accuracy("accuracy", right, _keys(own, **where, share=share))


def _accuracy(metric: str, right: np.ndarray, keys: dict[str, Any]) -> Row:
    n = len(right)
    return row(metric, float(right.mean()), *wilson(int(right.sum()), n), n, **keys)


def _curves(own: Answers) -> Iterator[tuple[dict[str, str], tuple[int, int, int]]]:
    """Every curve: its keys, and its place in the arrays."""
    for r, ranking in enumerate(RANKINGS):
        for m, mode in enumerate(MODES):
            for f, fill in enumerate(own.fills):
                yield {"ranking": ranking, "mode": mode, "fill": fill}, (r, m, f)


def _own_values(own: Answers) -> Iterator[PerImage]:
    for where, place in _curves(own):
        yield "area", where, own.right[place].mean(1)
        yield "log_odds_area", where, own.drop[place].mean(1, dtype=np.float64)
    yield "total_variation", {}, own.total_variation
    yield "sparsity", {}, own.sparsity


def _gains(own: Answers, control: Answers) -> Iterator[PerImage]:
    n = _common(own, control)
    for where, place in _curves(own):
        if where["ranking"] != RANKINGS[0]:
            continue
        sign, keys = GOOD[where["mode"]], {**where, "control": control.method}
        gain = sign * (own.right[place][:n].astype(float) - control.right[place][:n])
        for share, each in zip(own.shares, gain.T, strict=True):
            yield "accuracy_gain", {**keys, "share": share}, each
        yield "area_gain", keys, gain.mean(1)
        drop = own.drop[place][:n].astype(float) - control.drop[place][:n]
        yield "log_odds_area_gain", keys, -sign * drop.mean(1)


def _differences(own: Answers, reference: Answers) -> Iterator[PerImage]:
    n, keys = _common(own, reference), {"control": reference.method}
    for measure in ("total_variation", "sparsity"):
        difference = getattr(own, measure)[:n] - getattr(reference, measure)[:n]
        yield f"{measure}_difference", keys, difference


def _common(own: Answers, other: Answers) -> int:
    """How many images, from the first, both methods ranked."""
    n = min(len(own.index), len(other.index))
    same = (own.fills, own.shares) == (other.fills, other.shares)
    if not (same and (own.index[:n] == other.index[:n]).all()):
        raise ArtefactError(f"{own.method} and {other.method}: not the same test or images")
    return n


def _means(own: Answers, measured: Sequence[PerImage], seed: int) -> list[Row]:
    """A row for each of ``measured``: the mean over its images, with its interval."""
    values = np.stack([each for _, _, each in measured], axis=1)
    n = len(values)
    mean, low, high = mean_intervals(values, derive(seed, n))
    shares = np.array([metric in ("accuracy_gain", "area_gain") for metric, *_ in measured])
    unseen = shares & ~values.any(0)
    low[unseen], high[unseen] = -wilson(0, n)[1], wilson(0, n)[1]
    return [
        row(metric, float(mean[i]), float(low[i]), float(high[i]), n, **_keys(own, **where))
        for i, (metric, where, _) in enumerate(measured)
    ]
