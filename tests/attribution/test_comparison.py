"""All methods of a net side by side: curves, areas, paired gains."""

import numpy as np
import pytest

from plumbline.attribution import comparison
from plumbline.attribution.degradation_result import DegradationResult
from plumbline.errors import ArtefactError
from plumbline.metrics.intervals import RESAMPLES, mean_interval, mean_intervals, wilson
from plumbline.runtime.seeding import derive
from plumbline.storage.tables import ESTIMATE

SHARES, FILLS = (0.1, 0.2, 0.5), ("0", "mean")


def made_up(method, n, seed):
    rng = np.random.default_rng(seed)
    shape = 2, 2, len(FILLS), n, len(SHARES)
    return DegradationResult(
        dataset="digits",
        model="lenet5",
        method=method,
        fills=FILLS,
        shares=SHARES,
        right=rng.random(shape) < 0.6,
        drop=rng.normal(2, 1, shape).astype(np.float32),
        clean=rng.random(n) < 0.9,
        total_variation=rng.random(n),
        sparsity=rng.random(n),
        index=np.arange(100, 100 + n),
    )


@pytest.fixture(scope="module")
def found():
    sizes = {"gradient": 40, "lime": 15, "random": 40, "intensity": 30}
    return [made_up(name, n, seed) for seed, (name, n) in enumerate(sizes.items())]


@pytest.fixture(scope="module")
def rows(found):
    return comparison.rows(found, seed=5)


def pick(rows, **where):
    (row,) = [row for row in rows if all(row[name] == value for name, value in where.items())]
    return row


def naive(differences, seed):
    """The paired bootstrap, image by image and resample by resample."""
    rng, means = np.random.default_rng(seed), []
    for _ in range(RESAMPLES):
        drawn = rng.integers(len(differences), size=len(differences))
        means.append(sum(float(differences[place]) for place in drawn) / len(differences))
    return np.mean(differences), *np.quantile(means, [0.025, 0.975])


def test_gains_equal_a_naive_paired_bootstrap_on_the_method_s_own_images(found, rows):
    _, lime, random, _ = found
    where = {"method": "lime", "control": "random", "ranking": "descending", "fill": "mean"}
    for mode, sign in (("keep", 1), ("delete", -1)):
        place = 0, ("keep", "delete").index(mode), 1
        difference = lime.right[place].astype(int) - random.right[place][:15]
        fall = lime.drop[place].astype(float) - random.drop[place][:15]
        for metric, share, values in (
            ("accuracy_gain", 0.2, sign * difference[:, 1]),
            ("area_gain", "", sign * difference.mean(1)),
            ("log_odds_area_gain", "", -sign * fall.mean(1)),
        ):
            row = pick(rows, **where, mode=mode, metric=metric, share=share)
            figure = [row[name] for name in ("value", "low", "high")]
            np.testing.assert_allclose(figure, naive(values, derive(5, 15)), atol=1e-12)
            assert row["n"] == 15


def test_a_gain_is_positive_for_the_better_ranking_whether_kept_or_deleted():
    """One image of four, one share: what is found keeps the answer, what is deleted loses it."""
    perfect, useless = made_up("gradient", 4, 0), made_up("random", 4, 1)
    for each, right, drop in ((perfect, (1, 0), (0, 9)), (useless, (0, 1), (9, 0))):
        for mode in (0, 1):
            each.right[:, mode] = right[mode]
            each.drop[:, mode] = drop[mode]
    rows = comparison.rows([perfect, useless], 0)
    gains = [row for row in rows if row["metric"].endswith("_gain")]
    assert {(row["method"], row["control"]) for row in gains} == {("gradient", "random")}
    assert {row["mode"] for row in gains} == {"keep", "delete"}
    for row in gains:
        assert row["value"] == row["low"] == row["high"] == (9 if "log" in row["metric"] else 1)


def test_a_gain_that_no_image_shows_is_not_certain():
    """Both rank alike: none of 30 images differs, so that up to 11 % of all images may."""
    one, other = made_up("gradient", 30, 0), made_up("random", 30, 0)
    gains = [row for row in comparison.rows([one, other], 0) if row["control"] == "random"]
    for row in gains:
        end = 0 if row["metric"] == "log_odds_area_gain" else wilson(0, 30)[1]
        assert (row["value"], row["low"], row["high"]) == (0, -end, end)
    assert 0.11 < wilson(0, 30)[1] < 0.12


def test_curves_areas_and_map_measures(found, rows):
    gradient, lime, *_ = found
    for own in (gradient, lime):
        n = len(own.index)
        clean = pick(rows, method=own.method, metric="clean_accuracy")
        assert clean["value"] == own.clean.mean()
        for f, fill in enumerate(FILLS):
            place = 1, 0, f
            where = {"method": own.method, "ranking": "ascending", "mode": "keep", "fill": fill}
            right = own.right[place]
            row = pick(rows, **where, metric="accuracy", share=0.5)
            assert row["value"] == right[:, 2].mean()
            assert (row["low"], row["high"]) == wilson(int(right[:, 2].sum()), n)
            area = pick(rows, **where, metric="area")
            assert area["value"] == pytest.approx(right.mean())
            over = pick(rows, **where, metric="log_odds_area")
            assert over["value"] == pytest.approx(own.drop[place].mean(dtype=float))
        for measure in ("total_variation", "sparsity"):
            row = pick(rows, method=own.method, metric=measure)
            figure = row["value"], row["low"], row["high"]
            expected = mean_interval(getattr(own, measure), derive(5, n))
            np.testing.assert_allclose(figure, expected, rtol=1e-12)
    noise = pick(rows, method="lime", metric="total_variation_difference", control="gradient")
    difference = lime.total_variation - gradient.total_variation[:15]
    figure = noise["value"], noise["low"], noise["high"]
    np.testing.assert_allclose(figure, naive(difference, derive(5, 15)), atol=1e-12)


def test_rows_are_tidy_and_each_stands_there_once(found, rows):
    assert all(list(row) == [*comparison.KEYS, *ESTIMATE] for row in rows)
    keys = [tuple(row[name] for name in (*comparison.KEYS, "metric")) for row in rows]
    assert len(set(keys)) == len(keys)
    per_method = 1 + 8 * (3 + 2) + 2
    gains, differences = 2 * 2 * (3 + 2), 2
    expected = 4 * per_method + (3 + 2 + 2 + 2) * gains + 3 * differences
    assert len(rows) == expected
    for row in rows:
        assert row["low"] <= row["value"] + 1e-12
        assert row["value"] <= row["high"] + 1e-12
    assert rows == comparison.rows(found, 5)


def test_without_controls_there_are_no_gains():
    rows = comparison.rows([made_up("lime", 6, 0)], 0)
    assert {row["control"] for row in rows} == {""}


def test_methods_that_saw_other_images_or_shares_are_refused(found):
    other = made_up("random", 40, 9)
    other.index[3] = 7
    with pytest.raises(
        ArtefactError, match="gradient and random differ in fills, shares or images"
    ):
        comparison.rows([found[0], other], 0)


def test_intervals_of_columns_are_those_of_each_alone():
    values = np.random.default_rng(0).normal(size=(23, 5))
    together = np.stack(mean_intervals(values, 3), axis=1)
    alone = [mean_interval(column, 3) for column in values.T]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


def test_a_result_is_read_as_it_was_written(found, tmp_path):
    for name in ("one", "two"):
        found[1].save(tmp_path / name)
    read = DegradationResult.load(tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (read.dataset, read.model, read.method) == ("digits", "lenet5", "lime")
    assert (read.fills, read.shares) == (FILLS, SHARES)
    for name in ("right", "drop", "clean", "total_variation", "sparsity", "index"):
        np.testing.assert_array_equal(getattr(read, name), getattr(found[1], name))


def test_arrays_of_the_wrong_shape_are_rejected(found):
    from dataclasses import replace

    with pytest.raises(ValueError, match=r"right must be \(2, 2, 2, 15, 3\)"):
        replace(found[1], right=found[1].right[:1])
    with pytest.raises(ValueError, match="differ in length"):
        replace(found[1], clean=found[1].clean[:3])
