"""The tables of an operator say what its mutants did, and all of it is kept."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from plumbline.config.stability import MutantOptions
from plumbline.data.image_sets import COLUMNS, ImageSetKey
from plumbline.metrics.intervals import FEWEST
from plumbline.registry import OPERATORS
from plumbline.stability import label_changes
from plumbline.stability.layers import NoMutant
from plumbline.stability.mutants import TooFew
from plumbline.stability.mutation_analysis import MutationAnalysis
from plumbline.stability.sequential import SUSPICIOUS, run

OPTIONS = {"mutants": 25, "further_mutants": 4, "accept": 0.6}


@pytest.fixture(scope="module")
def sets(digits):
    test = digits["test"].select(slice(40))
    noise = np.random.default_rng(0).integers(0, 256, (20, 1, 28, 28), dtype=np.uint8)
    unlabelled = np.full(20, -1)
    return {
        "test": test,
        "ood_noise": type(test)("noise", noise, unlabelled, np.arange(20)),
        "fgsm_eps0.1": type(test)("fgsm", 255 - test.images, test.labels, test.index),
    }


@pytest.fixture(scope="module")
def analysed(lenet, digits, sets):
    operator = OPERATORS.load("neuron_activation_inversion")
    calibration = digits["calibration"].select(slice(50))
    analysis = MutationAnalysis(
        lenet, operator, calibration, typed(sets), ["test"], MutantOptions(**OPTIONS), 3
    )
    outcomes = analysis.run({"rate": 0.1}, [0.02, 1.0])
    return analysis, outcomes, analysis.rows(outcomes, model="x")


def typed(sets):
    return {ImageSetKey.parse(name): images for name, images in sets.items()}


def find(rows, **keys):
    return [each for each in rows if all(each.get(key) == value for key, value in keys.items())]


def test_rates_are_tried_on_the_sets_that_are_named(analysed, sets):
    _, outcomes, rows = analysed
    assert list(outcomes) == [0.1, 0.02]  # at 1.0 no mutant is accurate enough
    assert outcomes[0.1].mutants == 25
    assert outcomes[0.02].mutants == 4
    assert list(outcomes[0.1].changed) == ["calibration", *sets]
    assert list(outcomes[0.02].changed) == ["calibration", "test"]
    (rejected,) = find(rows, metric="rejection_rate", rate=1.0)
    assert (rejected["value"], rejected["n"], rejected["role"]) == (1.0, 20, "further")
    for each in rows:
        known = each["low"] == each["low"]
        assert not known or each["low"] <= each["value"] <= each["high"]


def test_label_change_rates_by_answer(analysed, sets):
    _, outcomes, rows = analysed
    test = sets["test"]
    rate = outcomes[0.1].changed["test"].mean(0)
    right = outcomes[0.1].prediction["test"] == test.labels
    for answers, which in (("all", right | True), ("right", right), ("wrong", ~right)):
        where = {"set": "test", "answers": answers, "role": "main"}
        (found,) = find(rows, metric="label_change_rate", **where)
        assert found["value"] == pytest.approx(rate[which].mean())
        assert found["n"] == which.sum()


def test_auroc_by_number_of_mutants(analysed, sets):
    _, outcomes, rows = analysed
    outcome, images = outcomes[0.1], sets["fgsm_eps0.1"]
    right = outcome.prediction["test"] == sets["test"].labels
    deceived = (outcome.prediction["fgsm_eps0.1"] != images.labels) & right
    found = find(rows, metric="auroc", set="fgsm_eps0.1", role="main")
    assert sorted(each["mutants"] for each in found) == [10, 20, 25]
    for each in found:
        k = each["mutants"]
        normal = outcome.changed["test"][:k, right].mean(0)
        scores = [*normal, *outcome.changed["fgsm_eps0.1"][:k, deceived].mean(0)]
        truth = np.arange(len(scores)) >= len(normal)
        assert each["value"] == pytest.approx(roc_auc_score(truth, scores))


def test_what_more_mutants_add_is_paired(analysed, sets):
    """The 25 hold the 10, and both are asked about the same images: less moves with the images
    than as if they were independent."""
    _, outcomes, rows = analysed
    here = {"set": "ood_noise", "role": "main"}
    aurocs = {each["mutants"]: each for each in find(rows, metric="auroc", **here)}
    found = find(rows, metric="auroc_difference", against=10, **here)
    assert [each["mutants"] for each in found] == [20, 25]
    right = int((outcomes[0.1].prediction["test"] == sets["test"].labels).sum())
    for each in found:
        pair = aurocs[each["mutants"]], aurocs[10]
        assert each["value"] == pytest.approx(pair[0]["value"] - pair[1]["value"])
        assert (each["n_positive"], each["n"]) == (
            len(sets["ood_noise"]),
            right + each["n_positive"],
        )
        assert each["high"] - each["low"] < np.hypot(*(a["high"] - a["low"] for a in pair))


def test_few_images_have_a_rate_but_no_interval(analysed, sets):
    _, _, rows = analysed
    for each in find(rows, metric="label_change_rate"):
        known = not np.isnan([each["low"], each["high"]]).any()
        assert known == (each["n"] >= FEWEST)
        assert not known or each["low"] < each["high"]


@pytest.mark.parametrize("name", ["mean", "quantile"])
def test_sequential_rows(analysed, sets, name):
    analysis, outcomes, rows = analysed
    outcome, test = outcomes[0.1], analysis._tests(outcomes[0.1])[name]
    done = run(outcome.changed["test"], test)
    right = outcome.prediction["test"] == sets["test"].labels
    where = {"set": "test", "answers": "right", "threshold": name}
    (suspicious,) = find(rows, metric="suspicious", **where)
    assert suspicious["value"] == pytest.approx((done.verdict[right] == SUSPICIOUS).mean())
    (needed,) = find(rows, metric="mutants_needed", **where)
    assert needed["value"] == pytest.approx(done.asked[right].mean())
    shares = [find(rows, metric=m, **where)[0]["value"] for m in ("normal", "undecided")]
    assert sum(shares) + suspicious["value"] == pytest.approx(1)
    (balanced,) = find(rows, metric="balanced_accuracy", set="ood_noise", threshold=name)
    noise = run(outcome.changed["ood_noise"], test).verdict == SUSPICIOUS
    assert balanced["value"] == pytest.approx((noise.mean() + 1 - suspicious["value"]) / 2)


def test_table_of_images(analysed, sets):
    analysis, outcomes, _ = analysed
    columns = analysis.images(outcomes, "inversion")
    assert list(columns) == [
        *("set", *COLUMNS, "index", "label", "operator", "rate", "prediction"),
        *("label_change_rate", "standard_error", "mutants", "verdict", "mutants_needed"),
    ]
    assert {len(each) for each in columns.values()} == {50 + 40 + 20 + 40}
    p = columns["label_change_rate"]
    np.testing.assert_allclose(columns["standard_error"] ** 2 * 25, p * (1 - p), atol=1e-15)
    assert set(columns["verdict"]) <= {"suspicious", "normal", "undecided"}
    assert columns["mutants_needed"].min() >= 1


def test_all_changes_are_kept(analysed, sets, tmp_path):
    analysis, outcomes, _ = analysed
    indices = {key.name: each.index for key, each in analysis.sets.items()}
    label_changes.save(tmp_path / "changes.safetensors", outcomes, indices)
    found = label_changes.load(tmp_path / "changes.safetensors")
    assert list(found) == [0.1, 0.02]
    for rate, outcome in outcomes.items():
        assert list(found[rate]) == list(outcome.changed)
        for name, changes in found[rate].items():
            np.testing.assert_array_equal(changes.changed, outcome.changed[name])
            np.testing.assert_array_equal(changes.asked, outcome.asked[name])
            np.testing.assert_array_equal(changes.prediction, outcome.prediction[name])
            np.testing.assert_array_equal(changes.index, indices[name])


def test_stopping_early_reports_the_test_that_stopped(lenet, digits, sets):
    operator = OPERATORS.load("neuron_activation_inversion")
    calibration = digits["calibration"].select(slice(50))
    options = MutantOptions(**OPTIONS, stop_early="quantile", sequential={"sigma": 0.5})
    analysis = MutationAnalysis(lenet, operator, calibration, typed(sets), [], options, 3)
    outcomes = analysis.run({"rate": 0.1}, [])
    rows = analysis.rows(outcomes, model="x")
    assert {each["threshold"] for each in rows if "threshold" in each} == {"quantile"}
    asked = outcomes[0.1].asked["ood_noise"]
    (needed,) = find(rows, metric="mutants_needed", set="ood_noise", answers="all")
    assert needed["value"] == pytest.approx(asked.mean())
    assert asked.min() < 25


def test_a_main_rate_that_is_too_much_is_halved_until_the_net_bears_it(lenet, digits, sets, capsys):
    operator = OPERATORS.load("neuron_activation_inversion")
    calibration = digits["calibration"].select(slice(50))
    options = MutantOptions(**OPTIONS)
    analysis = MutationAnalysis(lenet, operator, calibration, typed(sets), ["test"], options, 3)
    outcomes = analysis.run({"rate": 1.0}, [0.5, 0.01])
    main, further = outcomes
    assert main in {0.5**times for times in range(1, 7)}
    assert further == 0.01
    too_much = [2 * main * 2**times for times in range(int(np.log2(0.5 / main)) + 1)]
    assert f"rate {2 * main:g}: " in capsys.readouterr().err
    rows = analysis.rows(outcomes)
    rejected = [each for each in find(rows, metric="rejection_rate") if each["mutants"] < 2]
    assert sorted(each["rate"] for each in rejected) == sorted(too_much)
    assert {each["role"] for each in rejected} == {"further"}
    assert {each["rate"] for each in rows if each["role"] == "main"} == {main}
    alone = MutationAnalysis(lenet, operator, calibration, typed(sets), [], options, 3).run(
        {"rate": main}, []
    )
    np.testing.assert_array_equal(alone[main].changed["test"], outcomes[main].changed["test"])


def test_no_part_of_a_main_rate_that_a_net_bears_is_an_error(lenet, digits, sets):
    calibration = digits["calibration"].select(slice(50))

    def ruin(network, *, seed, rate):
        return {name: torch.zeros_like(each) for name, each in network.state_dict().items()}

    analysis = MutationAnalysis(
        lenet, ruin, calibration, typed(sets), [], MutantOptions(mutants=2), 3
    )
    with pytest.raises(TooFew, match=r"0 of 10 mutants keep 0\.9"):
        analysis.run({"rate": 1.0}, [])


def test_a_further_rate_without_a_mutant_is_one_of_rejections(lenet, digits, sets, capsys):
    operator = OPERATORS.load("neuron_switch")
    calibration = digits["calibration"].select(slice(50))
    analysis = MutationAnalysis(
        lenet, operator, calibration, typed(sets), ["test"], MutantOptions(**OPTIONS), 3
    )
    outcomes = analysis.run({"rate": 0.1}, [1e-4])
    assert list(outcomes) == [0.1]
    assert "rate 0.0001: no layer has two neurons to switch" in capsys.readouterr().err
    (rejected,) = find(analysis.rows(outcomes), metric="rejection_rate", rate=1e-4)
    assert (rejected["value"], rejected["n"], rejected["role"]) == (1.0, 20, "further")
    assert rejected["mutants"] == 0
    with pytest.raises(NoMutant, match=r"at the rate 0\.0001"):
        analysis.run({"rate": 1e-4}, [])
