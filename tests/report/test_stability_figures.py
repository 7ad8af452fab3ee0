"""Figures and tables of the stage stability show what its tables say."""

import pytest
from fake_results import DATASET, EPSILONS, MODELS, OPERATORS

from plumbline.report.figures import stability_mutants, stability_rates, stability_sequential
from plumbline.report.sections.stability import stability
from plumbline.storage.tables import read_frame

KINDS = ["test, right", "test, wrong", "patches", "FGSM, ε = 0.3", "PGD, ε = 0.3"]
KINDS += ["PGD against label change, ε = 0.3", "DeepFool"]


@pytest.fixture(scope="module")
def table(fake):
    places = [fake / f"stability/{DATASET}/{model}" for model in MODELS]
    return read_frame([place / f"{name}.csv" for place in places for name in OPERATORS])


def lines(axes):
    return {each.get_label(): each.lines[0].get_xydata() for each in axes.containers}


def value(rows, **keys):
    for key, wanted in keys.items():
        rows = rows[rows[key] == wanted]
    (found,) = rows["value"]
    return found


def test_the_largest_epsilon_of_each_attack_is_drawn(table):
    labels = [style["label"] for style in stability_rates.drawn(table).values()]
    assert labels == KINDS
    assert f"{max(EPSILONS):g}" == "0.3"


def test_rates_have_a_panel_for_each_net_and_operator(table):
    figure = stability_rates.draw(table)
    assert len(figure.axes) == len(MODELS) * len(OPERATORS)
    drawn = lines(figure.axes[0])
    assert list(drawn) == KINDS
    for x, y in drawn["FGSM, ε = 0.3"]:
        where = {"set": "fgsm_eps0.3", "answers": "wrong", "metric": "label_change_rate", "rate": x}
        assert y == value(table, model="lenet5", operator=OPERATORS[0], **where)
    assert drawn["test, right"][:, 0].tolist() == [0.01, 0.03, 0.05]


def test_an_operator_that_a_net_does_not_have_leaves_its_panel_empty(table):
    part = table[(table["model"] != "alexnet") | (table["operator"] != OPERATORS[1])]
    figure = stability_rates.draw(part)
    assert [ax.axison for ax in figure.axes] == [True, True, True, False]


def test_detection_by_number_of_mutants(table):
    drawn = lines(stability_mutants.draw(table).axes[0])
    assert list(drawn) == KINDS[1:]  # right test images are what they are told from
    for x, y in drawn["patches"]:
        where = {"set": "ood_patches", "metric": "auroc", "mutants": x}
        assert y == value(table, model="lenet5", operator=OPERATORS[0], **where)


def test_bars_of_verdicts_are_of_the_threshold_from_the_mean(table):
    axes = stability_sequential.draw(table).axes[0]
    suspicious = axes.containers[0].patches
    where = {"set": "test", "threshold": "mean", "metric": "suspicious"}
    where |= {"model": "lenet5", "operator": OPERATORS[0]}
    for bar, answers in zip(suspicious, ("right", "wrong"), strict=False):
        assert bar.get_width() == value(table, answers=answers, **where)
    needed = value(table, answers="right", **{**where, "metric": "mutants_needed"})
    assert axes.texts[0].get_text() == f"{needed:.0f}"
    assert [text.get_text() for text in axes.get_yticklabels()] == KINDS


def test_tables(table):
    rates, tests = stability({"stability": table}, DATASET)
    assert rates.head[4:] == KINDS
    assert len(rates.rows) == len(MODELS) * len(OPERATORS) * 3
    assert all(len(line) == len(rates.head) for line in rates.rows)
    assert len(tests.rows) == len(MODELS) * len(OPERATORS) * 2 * len(KINDS)
    assert all(len(line) == len(tests.head) for line in tests.rows)
    assert tests.rows[0][:4] == ["LeNet-5", "neuron activation inversion", "mean: 0.04", KINDS[0]]
