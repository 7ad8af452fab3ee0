"""Seeds, files, tables, statistics, command lines."""

import argparse
import shlex

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from plumbline.config.training import TrainingOptions
from plumbline.errors import InputError
from plumbline.metrics.intervals import bootstrap_counts, mean_interval, wilson
from plumbline.runtime import cli
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive
from plumbline.storage.files import atomic, write_text
from plumbline.storage.tables import row, write_csv


def test_seeds_differ_by_every_name_and_never_change():
    seeds = {derive(0), derive(1), derive(0, "a"), derive(0, "b"), derive(0, "a", 1)}
    assert len(seeds) == 5
    assert derive(0, "train", "digits", "lenet5", 0) == 162718126493860
    assert all(0 <= seed < 2**48 for seed in seeds)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "x.txt"
    write_text(path, "old")

    def fail():
        with atomic(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["x.txt"]


@given(n=st.integers(1, 500), share=st.floats(0, 1))
def test_wilson_is_scipys(n, share):
    k = round(share * n)
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson(k, n), expected, atol=1e-9)


def test_wilson_of_nothing_is_everything():
    assert wilson(0, 0) == (0.0, 1.0)


def test_bootstrap_counts_draw_n_with_replacement():
    counts = bootstrap_counts(50, seed=1, resamples=20)
    assert counts.shape == (20, 50)
    assert (counts.sum(1) == 50).all()
    bootstrap_counts.cache_clear()
    assert (counts == bootstrap_counts(50, seed=1, resamples=20)).all()


def test_bootstrap_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        _, low, high = mean_interval(rng.exponential(size=80), seed=trial)
        hits += low <= 1 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_bootstrap_interval_is_scipys():
    values = np.random.default_rng(3).normal(size=60)
    _, low, high = mean_interval(values, seed=0)
    expected = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert low == pytest.approx(expected.low, abs=0.03)
    assert high == pytest.approx(expected.high, abs=0.03)


def test_tables_are_written_one_way(tmp_path):
    rows = [
        row("auroc", 0.123456789, float("nan"), 1.0, 3, dataset="digits"),
        row("auroc", 1.0, 0.0, 1.0, 4, dataset="digits", model="lenet5"),
    ]
    write_csv(tmp_path / "t.csv", rows)
    assert (tmp_path / "t.csv").read_text() == (
        "dataset,model,metric,value,low,high,n\n"
        "digits,,auroc,0.123457,,1,3\n"
        "digits,lenet5,auroc,1,0,1,4\n"
    )
    with pytest.raises(ValueError, match="without rows"):
        write_csv(tmp_path / "t.csv", [])


@settings(deadline=None)
@given(
    epochs=st.integers(1, 99),
    rate=st.floats(1e-6, 1e3),
    normalise=st.booleans(),
    width=st.integers(1, 99),
)
def test_flags_are_the_inverse_of_the_options(epochs, rate, normalise, width):
    options = TrainingOptions(
        epochs=epochs, learning_rate=rate, normalise=normalise, network={"width": width}
    )
    parser = argparse.ArgumentParser()
    cli.add_options(parser, TrainingOptions)
    line = shlex.split(cli.flags(options.model_dump()))
    assert cli.read_options(parser.parse_args(line), TrainingOptions) == options


def test_flags_do_not_depend_on_the_order_of_keys_and_see_swapped_values():
    assert cli.flags({"a": 1, "b": 2}) == cli.flags({"b": 2, "a": 1}) == "--a 1 --b 2"
    assert cli.flags({"a": 2, "b": 1}) != cli.flags({"a": 1, "b": 2})
    assert cli.flags({"a": None, "c": [0.1, 0.2], "d": "x y"}) == "--c 0.1 0.2 --d 'x y'"


def test_a_wrong_option_names_the_flag():
    parser = argparse.ArgumentParser()
    cli.add_options(parser, TrainingOptions)
    with pytest.raises(InputError, match="--learning-rate"):
        cli.read_options(parser.parse_args(["--learning-rate", "-1"]), TrainingOptions)


def test_progress_yields_everything_and_reports_the_end(capsys):
    assert list(progress(range(3), "mutants")) == [0, 1, 2]
    assert "mutants: 3 of 3" in capsys.readouterr().err


def test_progress_of_an_inner_loop_is_silent(capsys):
    for _ in progress(range(2), "outer"):
        assert list(progress(range(3), "inner")) == [0, 1, 2]
    assert "inner" not in capsys.readouterr().err
    for _ in progress(range(2), "left early"):
        break
    assert list(progress(range(3), "next")) == [0, 1, 2]
    assert "next: 3 of 3" in capsys.readouterr().err
