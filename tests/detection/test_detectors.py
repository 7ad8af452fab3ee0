"""Detectors learn from calibration alone, and nothing is judged by what it has seen."""

import os
import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support import SCRIPTS

from plumbline.data.image_sets import COLUMNS, parse_all
from plumbline.detection import crossfit, features
from plumbline.detection.columns import CONTROL, KEY
from plumbline.detection.fitting import FEWEST_ERRORS, Method, score_all
from plumbline.detection.operating import at_threshold, equal_recalls, judge_detectors
from plumbline.registry import DETECTORS
from plumbline.storage.artefacts import Prediction, save_arrays, save_predictions

SIZES = {"calibration": 120, "test": 90, "ood_patches": 20, "pgd_eps0.1": 30}
KEYS = parse_all(SIZES)
BLOCKS = ("conv1", "dense1")
FAST = {
    "gradient_boosting": {"trees": 10},
    "mlp": {"steps": 100, "learning_rate": 0.005},
}


def method(name):
    fit = partial(DETECTORS.load(name), **FAST.get(name, {}))
    combine = "combine" if DETECTORS.defines(name, "combine") else None
    return Method(fit, partial(DETECTORS.load(name, combine), **FAST.get(name, {})))


METHODS = {name: method(name) for name in DETECTORS.names()}


def keys(name, count=None):
    start = 500 if name == "calibration" else 100
    return pd.MultiIndex.from_product([[name], start + np.arange(count or SIZES[name])], names=KEY)


@pytest.fixture(scope="module")
def material():
    """Conductances of which one tells of errors, label change rates of another kind of error,
    probabilities of which the first is lower where the net is wrong."""
    random = np.random.default_rng(0)
    parts = {"right": [], "softmax": [], "lcr": [], **{block: [] for block in BLOCKS}}
    for name, n in SIZES.items():
        kind = random.choice(3, n, p=[0.7, 0.15, 0.15])  # right, or wrong in two ways
        index = keys(name)
        parts["right"].append(pd.Series(kind == 0, index))
        noise = random.normal(size=(n, 6))
        noise[:, 0] += 4 * (kind == 1)
        parts["conv1"].append(pd.DataFrame(noise, index, [f"conv1.{i}" for i in range(6)]))
        more = pd.DataFrame(random.normal(size=(n, 3)), index, [f"dense1.{i}" for i in range(3)])
        parts["dense1"].append(more)
        rates = random.random((n, 2)) / 2 + (kind == 2)[:, None] / 3
        few = n if name in ("calibration", "test") else 10
        parts["lcr"].append(pd.DataFrame(rates, index, ["a", "b"]).iloc[:few])
        top = random.random(n) - 0.2 * (kind > 0)
        parts["softmax"].append(pd.DataFrame({"top1": top, "margin": top / 2}, index))
    tables = {name: pd.concat(each) for name, each in parts.items()}
    return {block: tables.pop(block) for block in BLOCKS}, tables


def scores_of(material, methods=METHODS, by_block=("logistic",), **other):
    blocks, tables = material
    tables = {**tables, **other}
    return score_all(
        tables.get("blocks", blocks),
        tables["lcr"],
        tables["softmax"],
        tables["right"],
        methods,
        by_block=by_block,
        folds=4,
        seed=3,
    )


@pytest.fixture(scope="module")
def scores(material):
    return scores_of(material)


def test_folds_share_the_errors_evenly():
    wrong = np.arange(103) % 9 == 0  # 12 of them
    fold = crossfit.split(wrong, 5, 0)
    assert set(np.bincount(fold)) == {20, 21}
    assert set(np.bincount(fold[wrong])) == {2, 3}
    np.testing.assert_array_equal(fold, crossfit.split(wrong, 5, 0))
    assert (fold != crossfit.split(wrong, 5, 1)).any()
    assert crossfit.split(np.arange(50) < 3, 5, 0).max() == 2  # no fold without an error


def remembers(features, wrong, *, seed):
    """A fit whose score is 1 for what it has learnt from and 0 for anything else."""
    seen = {line.tobytes() for line in features}
    return lambda others: np.array([float(line.tobytes() in seen) for line in others])


def plain(fit, n=40, wide=3):
    random = np.random.default_rng(1)
    wrong = np.arange(n) % 4 == 0
    rows = random.normal(size=(n, wide)).round(3)
    return crossfit.Plain(fit, rows, wrong, crossfit.split(wrong, 5, 0), 7)


def test_no_image_is_scored_by_what_has_seen_it():
    detector = plain(remembers)
    assert not crossfit.out_of_fold(detector).any()
    assert detector.without(frozenset())(detector.features).all()


def test_what_combines_learns_from_scores_that_are_out_of_fold_too():
    """Study 004's fault: its second net learnt from what the first said of its own lessons."""
    lessons = []

    def listens(features, wrong, *, seed):
        lessons.append((features, wrong))
        return lambda others: others[:, 0]

    base = plain(remembers)
    more = np.random.default_rng(2).normal(size=(40, 2))
    stacked = crossfit.Stacked(base, listens, np.column_stack([base.features, more]), 0)
    assert not crossfit.out_of_fold(stacked).any()
    assert len(lessons) == 5
    for learnt, wrong in lessons:
        assert learnt.shape == (32, 3)
        assert wrong.sum() == 8
        assert not learnt[:, 0].any()  # the base had seen none of the images it scored
        np.testing.assert_allclose(learnt[:, 1:].mean(0), 0, atol=1e-12)
    # Held-out images are scored by bases that saw neither their fold nor that of the lesson.
    assert {len(left) for left in base.known} == {1, 2}
    assert len(base.known) == 5 + 10
    assert stacked.without(frozenset())(stacked.features).all()


def test_scaling_knows_the_lessons_only():
    detector, moved = plain(method("logistic").fit), plain(method("logistic").fit)
    held = detector.fold == 2
    moved.features[held] += 100
    kept, other = (each.without(frozenset({2})) for each in (detector, moved))
    np.testing.assert_array_equal(kept(detector.features[~held]), other(detector.features[~held]))


@pytest.mark.parametrize("name", ["logistic", "mlp"])
def test_a_neuron_that_never_fires_in_calibration_decides_nothing_alone(name):
    rng = np.random.default_rng(5)
    wrong = rng.random(400) < 0.2
    telling = wrong + rng.normal(0, 0.5, 400)
    rounding = 3.0 + rng.normal(0, 1e-12, 400)  # constant, but for rounding errors
    rare = np.where(np.arange(400) == 7, 1e-9, 0.0)
    lessons = np.column_stack([telling, rounding, rare])
    score = crossfit.standardised(DETECTORS.load(name), lessons, wrong, 0)
    others = lessons[:100].copy()
    others[3, 1:] = 3.5, 1.0  # 5e11 and 2e10 standard deviations away
    found, bound = score(others), np.abs(score(lessons)).max()
    assert np.abs(found).max() < 5 * bound
    assert roc_auc_score(wrong[:100], found) > 0.85
    np.testing.assert_array_equal(np.delete(found, 3), np.delete(score(lessons[:100]), 3))


def test_logistic_regression_is_that_of_scikit_learn():
    detector = plain(method("logistic").fit)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000))
    pipeline.fit(detector.features, detector.wrong)
    expected = pipeline.decision_function(detector.features)
    ours = detector.without(frozenset())(detector.features)
    np.testing.assert_allclose(ours, expected, atol=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_noise_tells_nothing_out_of_fold(name):
    """In sample a detector on 60 features of noise looks good; out of fold it must not."""
    detector = plain(METHODS[name].fit, n=120, wide=60)
    learnt = detector.without(frozenset())(detector.features)
    assert roc_auc_score(detector.wrong, learnt) > 0.85
    assert abs(roc_auc_score(detector.wrong, crossfit.out_of_fold(detector)) - 0.5) < 0.15


def test_every_detector_finds_what_its_features_tell(material, scores):
    right = material[1]["right"]
    expected = {"conductance", "lcr", "softmax", "both", "all"}
    names = {f"{name}.{each}" for name in METHODS for each in expected}
    assert set(scores) == names | {f"logistic.conductance_{block}" for block in BLOCKS}
    found = {name: roc_auc_score(~right["test"], each["test"]) for name, each in scores.items()}
    for name in METHODS:
        # Each knows one of the two ways to be wrong; only together they know both.
        for one in ("conductance", "lcr"):
            assert 0.55 < found[f"{name}.{one}"] < 0.85, found
            assert found[f"{name}.both"] > found[f"{name}.{one}"] + 0.05, found
        assert found[f"{name}.all"] > found[f"{name}.softmax"] + 0.05, found
    assert found["logistic.conductance_conv1"] > 0.6 > found["logistic.conductance_dense1"]


def test_scores_are_there_where_the_features_are(material, scores):
    tables = material[1]
    lacking = scores.index.difference(tables["lcr"].index)
    assert len(lacking) == 10 + 20
    for name, each in scores.items():
        needs = name.split(".")[1] in ("lcr", "both", "all")
        assert each.loc[lacking].isna().all() == needs
        assert each.drop(lacking).notna().all()


def test_only_calibration_is_learnt_from(material, scores):
    """Other sets, and what the net answers there, move no score of the sets that stay."""
    blocks, tables = material

    def drop(table):
        return table[table.index.get_level_values("set") != "pgd_eps0.1"]

    left = {name: drop(each) for name, each in tables.items()}
    left["right"] = left["right"].where(left["right"].index.get_level_values(0) != "test", False)
    left["blocks"] = {name: drop(each) for name, each in blocks.items()}
    names = ("logistic", "gradient_boosting")
    again = scores_of(material, {name: METHODS[name] for name in names}, **left)
    pd.testing.assert_frame_equal(again, drop(scores)[list(again)])


def test_too_few_errors_are_not_learnt_from(material):
    right = material[1]["right"].copy()
    place = keys("calibration")
    right.loc[place] = np.arange(len(place)) >= FEWEST_ERRORS - 1
    none = scores_of(material, right=right)
    assert none.columns.empty
    control = -material[1]["softmax"]["top1"]
    (line,) = judge_detectors(none, control, right, KEYS, 0, model="x")
    assert (line["metric"], line["value"], line["n"]) == ("calibration_errors", 4, 120)
    right.iloc[FEWEST_ERRORS - 1] = False
    assert not scores_of(material, {"logistic": METHODS["logistic"]}, (), right=right).empty


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=30))
def test_equal_recalls_is_the_best_threshold_there_is(pairs):
    scores, wrong = np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs])
    if wrong.all() or not wrong.any():
        return

    def difference(threshold):
        return abs((scores[wrong] > threshold).mean() - (scores[~wrong] <= threshold).mean())

    every = np.concatenate([[scores.min() - 1], np.unique(scores) + 0.5])
    assert difference(equal_recalls(scores, wrong)) == pytest.approx(min(map(difference, every)))


def test_the_table_of_study_004():
    """Its confusion matrix on 100 classes gives its figures: right kept and refused, wrong
    accepted and caught."""
    wrong = np.repeat([False, False, True, True], [3814, 630, 61, 495])
    scores = np.repeat([0.0, 1.0, 0.0, 1.0], [3814, 630, 61, 495])
    rows = {row["metric"]: row for row in at_threshold(scores, wrong, 0.5)}
    published = {
        "recall_wrong": (0.8903, 556),
        "recall_right": (0.8582, 4444),
        "detection_accuracy": (0.8618, 5000),
        "coverage": (0.775, 5000),
        "accuracy_accepted": (0.984, 3875),
    }
    for metric, (value, n) in published.items():
        assert rows[metric]["value"] == pytest.approx(value, abs=5e-4)
        assert rows[metric]["low"] < value < rows[metric]["high"]
        assert rows[metric]["n"] == n


def test_figures_are_of_the_same_images_and_paired(material, scores):
    right, control = material[1]["right"], -material[1]["softmax"]["top1"]
    copies = scores.assign(**{"logistic.both": scores["logistic.lcr"]})
    rows = list(judge_detectors(copies, control, right, KEYS, 0, model="x"))
    assert rows[0]["value"] == (~right["calibration"]).sum()
    table = pd.DataFrame(rows)
    known = scores.dropna().index
    assert set(table.loc[table["set"] == "test", "model"]) == {"x"}

    def one(**where):
        found = table
        for name, value in where.items():
            found = found[found[name] == value]
        assert len(found) == 1, found
        return found.iloc[0]

    test = {"task": "misclassified", "set": "test"}
    own = {"detector": "gradient_boosting", "features": "lcr"}
    auroc = one(metric="auroc", **test, **own)
    wrong = ~right.loc[known]["test"]
    expected = roc_auc_score(wrong, scores.loc[known]["gradient_boosting.lcr"]["test"])
    assert auroc["value"] == pytest.approx(expected)
    assert auroc["low"] < auroc["value"] < auroc["high"]
    chance = roc_auc_score(wrong, control.loc[known]["test"])
    gain = one(metric="auroc_gain", **test, **own)
    assert gain["value"] == pytest.approx(expected - chance)
    family, _, name = CONTROL.partition(".")
    assert one(metric="auroc", detector=family, features=name, **test)["value"] == chance
    same = one(
        metric="auroc_difference", detector="logistic", features="both", against="lcr", **test
    )
    assert same["value"] == 0
    assert same["low"] == -same["high"] < 0  # never sure
    assert same["n_positive"] == wrong.sum()
    every = table[(table["metric"] == "auroc_difference") & (table["against"] == "softmax")]
    assert set(every["task"]) == {"misclassified", "ood", "adversarial"}
    threshold = one(metric="threshold", **own)["value"]
    caught = one(metric="recall_wrong", **test, **own)
    above = scores.loc[known]["gradient_boosting.lcr"]["test"] > threshold
    assert caught["value"] == pytest.approx(above[wrong].mean())
    assert caught["n"] == wrong.sum()


def test_softmax_features_do_not_know_the_class():
    random = np.random.default_rng(0)
    probs = random.dirichlet(np.ones(4), 6).astype(np.float32)[None]
    labels = probs[0].argmax(1)
    labels[2] = -1
    index = np.arange(6)
    one = {"test": Prediction("softmax", "test", probs, labels, index)}
    other = {"test": Prediction("softmax", "test", probs[:, :, ::-1], 3 - labels, index)}
    table = features.softmax_features(one)
    pd.testing.assert_frame_equal(table, features.softmax_features(other))
    np.testing.assert_allclose(table["top1"], probs[0].max(1))
    np.testing.assert_allclose(table["margin"], table["top1"] - table["top2"])
    entropy = -(probs[0] * np.log(probs[0])).sum(1)
    np.testing.assert_allclose(table["entropy"], entropy, rtol=1e-5)
    assert list(features.right(one)) == [True, True, False, True, True, True]


def test_script(material, tmp_path):
    """From files to files, the same bytes every time; few errors leave a table that says so."""
    blocks, tables = material
    arrays = {f"{name}.index": keys(name).get_level_values("index").to_numpy() for name in SIZES}
    for block, table in blocks.items():
        arrays |= {f"{name}/{block}": table.loc[name].to_numpy() for name in SIZES}
    save_arrays(tmp_path / "conductance", "Conductance", arrays, {"blocks": BLOCKS})
    predictions = []
    for name in SIZES:
        top = 0.5 + 0.3 * tables["softmax"].loc[name]["top1"].to_numpy()
        probs = np.stack([top, 1 - top], 1).astype(np.float32)[None]
        labels = np.where(tables["right"].loc[name], 0, 1)
        index = arrays[f"{name}.index"]
        predictions.append(Prediction("softmax", name, probs, labels, index))
    save_predictions(tmp_path / "softmax", predictions)
    rates = tables["lcr"]["a"].rename("label_change_rate").reset_index().assign(operator="a")
    rates.to_parquet(tmp_path / "a.parquet")
    command = [sys.executable, str(SCRIPTS / "fit_detectors.py"), "--dataset", "d", "--model", "m"]
    command += ["--methods", '{"logistic": {"penalty": 2.0}, "mlp": {"steps": 5}}']
    command += ["--predictions", "softmax", "--label-changes", "a.parquet"]
    command += ["--conductance", "conductance", "--out", "out.parquet", "--table", "out.csv"]
    command += ["--by-block", "logistic", "--folds", "3"]
    written = []
    for _ in range(2):
        environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
        subprocess.run(command, cwd=tmp_path, check=True, env=environment)
        written.append([(tmp_path / name).read_bytes() for name in ("out.parquet", "out.csv")])
    assert written[0] == written[1]
    found = pd.read_parquet(tmp_path / "out.parquet")
    names = ["conductance_conv1", "conductance_dense1", "conductance", "lcr", "softmax"]
    names = [f"logistic.{name}" for name in (*names, "both", "all")]
    assert list(found)[:15] == ["set", *COLUMNS, "index", *names]
    assert len(found) == sum(SIZES.values())
    table = pd.read_csv(tmp_path / "out.csv")
    assert list(table)[:14] == [
        *("dataset", "model", "detector", "features", "task", "set"),
        *COLUMNS,
        *("positives", "against"),
    ]
    assert not table.duplicated(list(table)[:15]).any()
