"""The right images are compared: tasks, orientation of scores, controls, small numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from plumbline.data.image_sets import COLUMNS, parse_all
from plumbline.detection import columns as scores_of
from plumbline.detection.columns import CONTROL, MEASURES
from plumbline.detection.tasks import COMPARED, draw, judge, tasks
from plumbline.errors import InputError
from plumbline.metrics.intervals import FEWEST, wilson

ESTIMATORS = ("softmax", "ensemble")
SIZES = {"calibration": 80, "test": 60, "ood_patches": 25, "fgsm_eps0.1": 40, "pgd_eps0.1": 40}
KEYS = parse_all(SIZES)
OPERATOR = "gaussian_fuzzing"


def images_of(name):
    """Index of the images of a set; attacks take the first of test."""
    start = {"calibration": 500, "ood_patches": 0}.get(name, 100)
    return np.arange(start, start + SIZES[name])


@pytest.fixture
def uncertainty():
    """A table as the uncertainty stage writes it: nets that know when they are wrong."""
    random = np.random.default_rng(0)
    parts = []
    for name in SIZES:
        index = images_of(name)
        share = {"calibration": 0.2, "test": 0.2, "pgd_eps0.1": 1.0}.get(name, 0.5)
        right = random.random(len(index)) >= share
        label = random.integers(0, 10, len(index))
        if name == "ood_patches":
            right[:], label[:] = False, -1
        for estimator in ESTIMATORS:
            doubt = random.random(len(index)) + ~right
            part = pd.DataFrame({**KEYS[name].columns(), "index": index, "label": label})
            part["estimator"], part["correct"] = estimator, right
            part["prediction"] = np.where(right, label, (label + 1) % 10)
            for measure in MEASURES:
                part[measure] = -doubt if measure == "max_probability" else doubt
            parts.append(part)
    return pd.concat(parts, ignore_index=True).sample(frac=1, random_state=0)


@pytest.fixture
def label_changes():
    """Label change rates of the first 30 images of each set."""
    random = np.random.default_rng(1)
    parts = [
        pd.DataFrame({**KEYS[name].columns(), "index": images_of(name)[:30], "operator": OPERATOR})
        for name in SIZES
    ]
    table = pd.concat(parts[:-1], ignore_index=True)
    return table.assign(label_change_rate=random.integers(0, 101, len(table)) / 100, mutants=100)


@pytest.fixture
def table(uncertainty, label_changes):
    return scores_of.join(
        scores_of.uncertainty_scores(uncertainty),
        scores_of.label_change_scores([label_changes]),
    )


def task(uncertainty, name, of, positives="all"):
    found = [
        each
        for each in tasks(scores_of.correct(uncertainty), KEYS)
        if (each.name, each.set, each.positives) == (name, of, positives)
    ]
    assert len(found) == 1
    return found[0]


def figures(rows, score):
    return {each["metric"]: each for each in rows if each["score"] == score}


def test_tasks_are_complete(uncertainty):
    names = {
        (each.name, each.set, each.positives)
        for each in tasks(scores_of.correct(uncertainty), KEYS)
    }
    assert names == {
        ("misclassified", "test", "all"),
        ("ood", "ood_patches", "all"),
        ("adversarial", "fgsm_eps0.1", "all"),
        ("adversarial", "fgsm_eps0.1", "successful"),
        ("adversarial", "pgd_eps0.1", "all"),
        ("adversarial", "pgd_eps0.1", "successful"),
    }


def test_misclassified_takes_the_single_nets_errors_for_every_score(uncertainty, table):
    single = uncertainty[(uncertainty.set == "test") & (uncertainty.estimator == "softmax")]
    wrong = single.set_index("index")["correct"].map(lambda right: not right)
    rows = judge(task(uncertainty, "misclassified", "test"), table, 0)
    for estimator in ESTIMATORS:
        own = uncertainty[(uncertainty.set == "test") & (uncertainty.estimator == estimator)]
        own = own.set_index("index").loc[wrong.index]
        found = figures(rows, f"{estimator}.entropy")["auroc"]
        assert found["value"] == pytest.approx(roc_auc_score(wrong, own["entropy"]))
        assert found["n"] == 60
        # The maximum probability is negated, so here it says the same as the entropy.
        assert figures(rows, f"{estimator}.max_probability")["auroc"]["value"] == found["value"]


def test_adversarial_compares_images_with_their_sources_the_net_knew(uncertainty):
    right = scores_of.correct(uncertainty)
    known = [i for i in images_of("fgsm_eps0.1") if right["test"][i]]
    fooled = [i for i in known if not right["fgsm_eps0.1"][i]]
    assert 0 < len(fooled) < len(known) < 40
    for positives, expected in (("all", known), ("successful", fooled)):
        each = task(uncertainty, "adversarial", "fgsm_eps0.1", positives)
        keys = each.keys.to_frame(index=False)
        assert list(keys["index"][each.positive]) == expected
        assert set(keys["set"][each.positive]) == {"fgsm_eps0.1"}
        assert list(keys["index"][~each.positive]) == known
        assert set(keys["set"][~each.positive]) == {"test"}


def test_ood_compares_all_of_test_with_all_of_the_other_set(uncertainty, table):
    each = task(uncertainty, "ood", "ood_patches")
    assert (each.positive.sum(), (~each.positive).sum()) == (25, 60)
    assert figures(judge(each, table, 0), CONTROL)["prevalence"]["value"] == 25 / 85


def test_scores_of_fewer_images_meet_the_control_on_the_same_images(uncertainty, table):
    each = task(uncertainty, "misclassified", "test")
    rows = figures(judge(each, table, 0), f"label_change_rate.{OPERATOR}")
    first = table.loc["test"].loc[images_of("test")[:30]]
    wrong = ~scores_of.correct(uncertainty)["test"].loc[first.index]
    score, control = (
        roc_auc_score(wrong, first[name]) for name in (f"label_change_rate.{OPERATOR}", CONTROL)
    )
    assert rows["auroc"]["n"] == rows["auroc_gain"]["n"] == 30
    assert rows["auroc"]["value"] == pytest.approx(score)
    assert rows["auroc_gain"]["value"] == pytest.approx(score - control)


def test_the_gain_is_paired(uncertainty, table):
    """A copy of the control gains nothing in every resample, which is not to be sure of it; the
    control has no gain."""
    table = table.assign(copy=table[CONTROL])
    rows = judge(task(uncertainty, "ood", "ood_patches"), table, 0)
    gain = figures(rows, "copy")["auroc_gain"]
    reach = wilson(0, 25)[1]
    assert (gain["value"], gain["low"], gain["high"]) == (0, -reach, reach)
    assert "auroc_gain" not in figures(rows, CONTROL)


def test_two_scores_that_a_study_compares_differ_in_pairs(uncertainty, table):
    first, second = "ensemble.entropy", "ensemble.mutual_information"
    assert (first, second) in COMPARED
    each = task(uncertainty, "ood", "ood_patches")
    noise = np.random.default_rng(0).normal(0, table[first].std(), len(table))
    rows = judge(each, table.assign(**{second: table[first] + noise}), 0)
    (row,) = (row for row in rows if row["against"])
    assert (row["score"], row["against"]) == (first, second)
    aurocs = [figures(rows, name)["auroc"] for name in (first, second)]
    assert row["value"] == pytest.approx(aurocs[0]["value"] - aurocs[1]["value"])
    assert row["low"] < row["value"] < row["high"]
    same = table.assign(**{second: table[first]})
    (row,) = (row for row in judge(each, same, 0) if row["against"])
    assert (row["value"], row["n"], row["n_positive"]) == (0, 85, 25)
    assert row["low"] == -row["high"] == -wilson(0, 25)[1]


def test_intervals_hold_their_value_and_depend_on_the_seed_alone(uncertainty, table):
    each = task(uncertainty, "ood", "ood_patches")
    costs = dict.fromkeys(table, 1.0)
    rows, again, other = (judge(each, table, seed, costs, model="x") for seed in (0, 0, 1))
    assert rows == again != other
    for row in rows:
        assert row["low"] <= row["value"] <= row["high"], row
        assert row["model"] == "x"


def test_an_interval_holds_its_value_also_where_a_score_ranks_backwards(uncertainty):
    """Without widening, an AUPR near the smallest that there can be lies below all resamples."""
    right = scores_of.correct(uncertainty)
    task = next(each for each in tasks(right, KEYS) if each.set == "ood_patches")
    table = pd.DataFrame({CONTROL: -task.positive.astype(float)}, index=task.keys)
    table[CONTROL] += np.linspace(0, 0.5, len(table))
    for each in judge(task, table, 0):
        assert each["low"] <= each["value"] <= each["high"], each["metric"]


@pytest.mark.parametrize("wrong", [0, 1, FEWEST - 1, FEWEST])
def test_of_few_positives_there_is_a_value_and_of_enough_an_interval(uncertainty, table, wrong):
    few = uncertainty.copy()
    test = few["set"] == "test"
    few.loc[test, "correct"] = few.loc[test, "index"] >= 100 + wrong
    rows = judge(task(few, "misclassified", "test"), table, 0)
    for metric in ("auroc", "aupr", "fpr95", "aurc", "auroc_gain"):
        row = figures(rows, "ensemble.entropy")[metric]
        assert np.isnan(row["value"]) == (wrong == 0)
        assert (np.isnan([row["low"], row["high"]]) == (wrong < FEWEST)).all()
        assert (row["n"], row["n_positive"]) == (60, wrong)
    assert figures(rows, "ensemble.entropy")["prevalence"]["value"] == wrong / 60


def test_adversarial_images_are_drawn_with_their_sources(uncertainty):
    """A score that rises by the same from every source to its image loses nothing by the draw of
    sources: drawn apart from them, images would move the AUROC more."""
    each = task(uncertainty, "adversarial", "pgd_eps0.1")
    samples = draw(each, 0).measure(each.items + 0.5 * each.positive)["auroc"]
    apart = draw(replace(each, name="ood"), 0).measure(each.items + 0.5 * each.positive)["auroc"]
    assert samples[0] == apart[0]
    assert samples[1:].std() < apart[1:].std() / 5
    few = each.only(np.arange(len(each.positive)) % 3 > 0)
    assert draw(few, 0).found == few.positive.sum() < each.positive.sum()
    assert draw(each.only(~each.positive), 0) is None


def test_scores_that_are_no_numbers_are_named(uncertainty, label_changes):
    uncertainty.loc[uncertainty["index"] == 110, "entropy"] = np.nan
    with pytest.raises(InputError, match="image 110 of set"):
        scores_of.uncertainty_scores(uncertainty)
    label_changes.loc[3, "label_change_rate"] = np.nan
    with pytest.raises(InputError, match="image 503 of set calibration"):
        scores_of.label_change_scores([label_changes])


def test_the_control_must_be_there(uncertainty):
    table = scores_of.uncertainty_scores(uncertainty)
    with pytest.raises(InputError, match=r"softmax\.max_probability"):
        scores_of.join(table.drop(columns=CONTROL))


def test_what_does_not_vary_is_no_score(uncertainty):
    single = uncertainty["estimator"] == "softmax"
    table = uncertainty.assign(vacuity=np.where(single, np.nan, uncertainty["entropy"]))
    table.loc[single, ["mutual_information", "variance"]] = 0.0
    table.loc[single, "expected_entropy"] = table.loc[single, "entropy"]
    found = set(scores_of.uncertainty_scores(table))
    assert found == {
        *("softmax.entropy", "softmax.max_probability", "ensemble.vacuity"),
        *(f"ensemble.{measure}" for measure in MEASURES),
    }


def test_cost_is_counted_in_network_evaluations():
    names = ["ensemble.variance", "label_change_rate.shuffle", "energy", "mlp.softmax"]
    names += ["mlp.lcr", "mlp.conductance_layer1", "logistic.conductance", "mlp.both", "mlp.all"]
    mutants = {"shuffle": 50, "fuzz": 20}
    found = scores_of.evaluations(names, {"ensemble": 5}, mutants, 10, {"energy": 2.5})
    # A gradient counts 3, and the net's own answer 1.
    assert list(found.values()) == [5, 51, 2.5, 1, 71, 31, 31, 101, 101]


def test_near_and_far(uncertainty):
    right = scores_of.correct(uncertainty)
    for near, distance in (([], "far"), (["patches"], "near")):
        found = {each.set: each.distance for each in tasks(right, KEYS, near)}
        assert found["ood_patches"] == distance
        assert found["test"] == found["fgsm_eps0.1"] == ""


def test_script(uncertainty, label_changes, tmp_path):
    """The script reads what the stages write and needs no torch."""
    import os
    import subprocess
    import sys
    from pathlib import Path

    import plumbline

    script = Path(plumbline.__file__).parents[1] / "compare_scores.py"
    uncertainty.to_parquet(tmp_path / "scores.parquet")
    label_changes.to_parquet(tmp_path / "operator.parquet")
    detectors = (
        uncertainty[["set", *COLUMNS, "index"]].drop_duplicates().assign(**{"logistic.lcr": 0.5})
    )
    detectors.to_parquet(tmp_path / "detectors.parquet")
    (tmp_path / "torch.py").write_text("raise ImportError('torch is not needed here')")
    energy = label_changes[["set", "index"]].assign(score=0.5, evaluations=1.0)
    energy.to_parquet(tmp_path / "energy.parquet")
    command = [sys.executable, str(script), "tasks", "--uncertainty", "scores.parquet"]
    command += ["--scores", "energy.parquet", "--passes", '{"softmax": 1, "ensemble": 3}']
    command += ["--near", "patches", "--steps", "10"]
    command += ["--label-changes", "operator.parquet", "--detectors", "detectors.parquet"]
    command += ["--dataset", "d", "--model", "m", "--out", "out.csv"]
    tables = []
    for _ in range(2):
        subprocess.run(
            command, cwd=tmp_path, check=True, env={**os.environ, "PYTHONPATH": str(tmp_path)}
        )
        tables.append((tmp_path / "out.csv").read_bytes())
    assert tables[0] == tables[1]
    table = pd.read_csv(tmp_path / "out.csv")
    assert list(table.columns) == [
        *(
            "dataset",
            "model",
            "task",
            "distance",
            "set",
            *COLUMNS,
            "positives",
            "score",
            "against",
            "evaluations",
        ),
        *("metric", "value", "low", "high", "n", "n_positive"),
    ]
    assert set(table.loc[table["task"] == "ood", "distance"]) == {"near"}
    costs = table.groupby("score")["evaluations"].unique().explode()
    assert costs["ensemble.entropy"] == 3
    assert costs[f"label_change_rate.{OPERATOR}"] == costs["logistic.lcr"] == 101
    assert set(table["score"]) == {
        *(f"{estimator}.{measure}" for estimator in ESTIMATORS for measure in MEASURES),
        f"label_change_rate.{OPERATOR}",
        "logistic.lcr",
        "energy",
    }
