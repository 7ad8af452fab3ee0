"""Ranks, their tests and the table of all scores."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare, rankdata, t

from plumbline.data.image_sets import parse_all
from plumbline.detection import leaderboard
from plumbline.detection.columns import CONTROL
from plumbline.detection.leaderboard import BLOCK
from plumbline.storage.tables import row

# Demšar 2006, table 5: critical values at 5 % for 2 to 10 classifiers.
NEMENYI = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
BONFERRONI_DUNN = [1.960, 2.241, 2.394, 2.498, 2.576, 2.638, 2.690, 2.724, 2.773]


@pytest.mark.parametrize("count", range(2, 11))
def test_critical_values_are_demsars(count):
    unit = np.sqrt(count * (count + 1) / (6 * 30))
    pairs = leaderboard.critical_difference(count, 30) / unit
    control = leaderboard.difference_to_control(count, 30) / unit
    assert pairs == pytest.approx(NEMENYI[count - 2], abs=1e-3)
    # Demšar's 2.724 for nine is a slip: the normal quantile at 0.05 / 16 is 2.734.
    wanted = 2.734 if count == 9 else BONFERRONI_DUNN[count - 2]
    assert control == pytest.approx(wanted, abs=1e-3)


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 8), st.integers(2, 15), st.sampled_from([3, 10**6]), st.integers(0, 10**6))
def test_friedman_equals_scipy(scores, blocks, levels, seed):
    values = np.random.default_rng(seed).integers(0, levels, (blocks, scores)).astype(float)
    statistic, p = leaderboard.friedman(rankdata(values, axis=1))
    if (values == values[:, :1]).all():
        assert (statistic, p) == (0, 1)
    else:
        theirs = friedmanchisquare(*values.T)
        assert statistic == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9)
        assert p == pytest.approx(theirs.pvalue, rel=1e-9)


TASKS = [
    ("misclassified", "test", "all"),
    ("ood", "ood_patches", "all"),
    *(
        ("adversarial", f"pgd_eps{size}", which)
        for size in (0.05, 0.2)
        for which in ("all", "successful")
    ),
    *(("adversarial", "deepfool", which) for which in ("all", "successful")),
]
KEYS = parse_all([images for _, images, _ in TASKS], ["deepfool"])
GAINS = {CONTROL: 0.0, "energy": 0.02, "worse": -0.1, "tied": 0.02}


def detection(datasets=("digits",), nets=("lenet5", "alexnet"), gains=GAINS):
    """A table as compare_scores.py writes it, every score with the same gain everywhere."""
    rows = []
    for dataset in datasets:
        for net in nets:
            for task, images, positives in TASKS:
                keys = {"dataset": dataset, "model": net, "task": task}
                keys |= KEYS[images].columns() | {
                    "positives": positives,
                    "distance": "far" if task == "ood" else "",
                }
                for score, gain in gains.items():
                    own = {**keys, "score": score, "evaluations": 1.0}
                    rows.append(row("auroc", 0.9 + gain, 0.8, 1.0, 50, 20, **own))
                    if score != CONTROL:
                        ends = gain - 0.01, gain + 0.01
                        rows.append(row("auroc_gain", gain, *ends, 50, 20, **own))
    return pd.DataFrame(rows)


def singles(replicates=None, **how):
    return leaderboard.single_nets(detection(**how), replicates or {})


def test_blocks_do_not_repeat_each_other():
    blocks = set(leaderboard.ranked_blocks(singles()).index)
    assert blocks == {
        ("digits", net, *task)
        for net in ("lenet5", "alexnet")
        for task in (
            ("misclassified", "test", "all"),
            ("ood", "ood_patches", "all"),
            ("adversarial", "pgd_eps0.2", "successful"),
            ("adversarial", "deepfool", "successful"),
        )
    }


def test_the_best_has_rank_1_and_ties_share():
    found = leaderboard.order(leaderboard.ranked_blocks(singles()))
    ranks = dict(zip(found.scores, found.ranks.mean(0), strict=True))
    assert ranks == {"energy": 1.5, "tied": 1.5, CONTROL: 3, "worse": 4}
    assert found.left_out == ()


def test_a_score_that_a_net_lacks_is_not_ranked_but_named():
    table = singles()
    table = table[(table["score"] != "worse") | (table["model"] == "lenet5")]
    rows = pd.DataFrame(leaderboard.rows(table, 0))
    ranks = rows[rows["metric"] == "mean_rank"].set_index("score")
    assert list(ranks.index) == ["energy", "tied", CONTROL, "worse"]
    assert np.isnan(ranks.loc["worse", "value"])
    assert ranks["n"].to_dict() == {"energy": 8, "tied": 8, CONTROL: 8, "worse": 4}


def test_a_block_with_too_few_images_for_a_score_is_left_out():
    table = singles()
    bad = (table["model"] == "lenet5") & (table["task"] == "ood") & (table["score"] == "worse")
    table.loc[bad, ["low", "high"]] = np.nan
    blocks = leaderboard.ranked_blocks(table)
    assert ("digits", "lenet5", "ood", "ood_patches", "all") not in set(blocks.index)
    assert len(blocks) == 7
    assert blocks.notna().all().all()


def test_several_datasets_are_also_ranked_together():
    rows = pd.DataFrame(leaderboard.rows(singles(datasets=("digits", "mnist")), 0))
    counts = rows[rows["metric"] == "friedman"].set_index("dataset")["n"].to_dict()
    assert counts == {"digits": 8, "mnist": 8, "all": 16}


def test_too_little_gives_no_order():
    assert list(leaderboard.rows(singles(gains={CONTROL: 0.0}), 0)) == []


def test_script(tmp_path, run_script):
    parts = []
    for net in ("lenet5", "alexnet"):
        parts.append(tmp_path / f"{net}.csv")
        detection(nets=(net,)).to_csv(parts[-1], index=False)
    run_script(
        "compare_scores.py", "ranks", "--tables", *parts, "--out", tmp_path / "leaderboard.csv"
    )
    table = pd.read_csv(tmp_path / "leaderboard.csv")
    assert {*BLOCK, "model", "nets"} < set(table.columns)
    assert len(table) == 2 * len(TASKS) * (2 * len(GAINS) - 1) + len(GAINS) + 4
    first = table[table["metric"] == "mean_rank"].iloc[0]
    assert (first["score"], first["value"], first["n"]) == ("energy", 1.5, 8)


REPLICATES = {"lenet5_b": "lenet5", "lenet5_c": "lenet5"}
NETS = ("lenet5", "lenet5_b", "lenet5_c")


def joined(table):
    """Rows over nets, by score and metric, of misclassified images."""
    found = pd.DataFrame(leaderboard.over_nets(table))
    return found[found["task"] == "misclassified"].set_index(["score", "metric"])


def test_identical_replicates_keep_the_interval_over_images():
    found = joined(singles(REPLICATES, nets=NETS))
    assert set(found["model"]) == {"lenet5"}
    assert set(found["nets"]) == {3}
    assert found.loc[("worse", "auroc"), ["value", "low", "high"]].tolist() == pytest.approx(
        [0.8, 0.8, 1.0]
    )
    assert found.loc[("worse", "auroc_gain"), ["value", "low", "high"]].tolist() == pytest.approx(
        [-0.1, -0.11, -0.09]
    )


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-0.05, 0.05), min_size=3, max_size=3))
def test_variance_between_replicates_widens_it_by_students_interval(planted):
    table = singles(REPLICATES, nets=NETS)
    rise = table["model"].map(dict(zip(NETS, planted, strict=True)))
    gain = table["metric"] == "auroc_gain"
    table.loc[gain, ["value", "low", "high"]] = table.loc[gain, ["value", "low", "high"]].add(
        rise[gain], axis=0
    )
    found = joined(table).loc[("energy", "auroc_gain")]
    between = t.ppf(0.975, 2) * np.std(planted, ddof=1) / np.sqrt(3)
    half = np.hypot(between, 0.01)
    assert found["value"] == pytest.approx(0.02 + np.mean(planted))
    assert found["value"] - found["low"] == pytest.approx(half)
    assert found["high"] - found["value"] == pytest.approx(half)


def test_figures_stay_what_they_can_be_and_the_fewest_images_count():
    table = singles(REPLICATES, nets=NETS)
    one = table["model"] == "lenet5_c"
    table.loc[one & (table["metric"] == "auroc"), ["value", "low", "high"]] = 0.02
    table.loc[one & (table["metric"] == "auroc_gain"), ["value", "low", "high"]] = -0.9
    table.loc[one, ["n", "n_positive"]] = 17, 11
    found = joined(table)
    assert set(found["n"]) == {17}
    assert set(found["n_positive"]) == {11}
    ends = found.groupby(level="metric").agg({"low": "min", "high": "max"})
    assert ends.loc["auroc"].tolist() == [0, 1]
    assert ends.loc["auroc_gain", "low"] == -1


def test_a_net_without_the_figure_does_not_count():
    table = singles(REPLICATES, nets=NETS)
    table.loc[table["model"] == "lenet5_b", ["low", "high"]] = np.nan  # too few images
    assert set(joined(table)["nets"]) == {2}
    table.loc[table["model"] == "lenet5_c", ["value", "low", "high"]] = np.nan
    assert list(leaderboard.over_nets(table)) == []
    assert list(leaderboard.over_nets(singles(nets=NETS))) == []  # no replicates, but three nets


def test_replicates_are_averaged_within_their_block():
    table = singles(REPLICATES, nets=(*NETS, "alexnet"))
    alone = singles()
    # One replicate alone would put the worst first; the mean of the three does not.
    odd = (table["model"] == "lenet5_b") & (table["score"] == "worse")
    table.loc[odd & (table["metric"] == "auroc_gain"), "value"] = 0.2
    blocks = leaderboard.ranked_blocks(table)
    assert list(blocks.index) == list(leaderboard.ranked_blocks(alone).index)
    of_lenet = blocks.xs("lenet5", level="architecture")
    assert of_lenet["worse"].tolist() == pytest.approx([(0.2 - 0.1 - 0.1) / 3] * 4)
    assert leaderboard.order(blocks).ranks.shape == (8, 4)


def test_a_score_that_a_replicate_lacks_is_not_ranked():
    table = singles(REPLICATES, nets=(*NETS, "alexnet"))
    table = table[(table["score"] != "worse") | (table["model"] != "lenet5_b")]
    found = leaderboard.order(leaderboard.ranked_blocks(table))
    assert found.left_out == ("worse",)


def test_script_joins_replicates(tmp_path, run_script):
    parts = []
    for net in NETS:
        parts.append(tmp_path / f"{net}.csv")
        detection(nets=(net,)).to_csv(parts[-1], index=False)
    more = ("--replicates", json.dumps(REPLICATES))
    run_script(
        "compare_scores.py",
        "ranks",
        "--tables",
        *parts,
        *more,
        "--out",
        tmp_path / "leaderboard.csv",
    )
    table = pd.read_csv(tmp_path / "leaderboard.csv")
    each = len(TASKS) * (2 * len(GAINS) - 1)
    assert table["nets"].value_counts().to_dict() == {1: 3 * each, 3: each}
    assert table.loc[table["metric"] == "friedman", "n"].tolist() == [4]
