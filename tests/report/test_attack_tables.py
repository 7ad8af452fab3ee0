"""Tables of the report about attacks without ε, and about detectors that the attack knows."""

import pandas as pd

from plumbline.data.image_sets import ImageSetKey
from plumbline.report.figures import attacks as figure
from plumbline.report.sections.attacks import attacks
from plumbline.report.sections.detection import adaptive
from plumbline.storage.tables import row


def bounded(attack, epsilon, rate):
    keys = {"dataset": "digits", "model": "lenet5", "attack": attack, "epsilon": epsilon}
    return [
        row("success_rate", rate, rate - 0.1, rate, 40, **keys),
        row("accuracy", 1 - rate, 0.0, 1.0, 50, **keys),
        row("noise_accuracy", 0.9, 0.8, 1.0, 50, **keys),
    ]


def least(attack, size):
    keys = {"dataset": "digits", "model": "lenet5", "attack": attack}
    return [
        row("success_rate", 0.75, 0.6, 0.9, 40, **keys),
        row("accuracy", 0.2, 0.1, 0.3, 50, **keys),
        row("median_l2", size, size - 0.1, size + 0.1, 30, **keys),
        row("median_linf", size / 10, size / 20, size / 5, 30, **keys),
    ]


def clean(attack):
    keys = {"dataset": "digits", "model": "lenet5", "attack": attack, "epsilon": 0.0}
    return [row("accuracy", 0.98, 0.9, 1.0, 50, **keys)]


def test_attacks_with_and_without_epsilon_have_a_table_each():
    rows = clean("pgd") + bounded("pgd", 0.1, 0.5) + bounded("pgd", 0.2, 0.8)
    table = pd.DataFrame(rows + least("deepfool", 1.25))
    first, second = attacks({"attacks": table}, "digits")
    assert [line[:3] for line in first.rows] == [
        ["LeNet-5", "PGD", "0.1"],
        ["LeNet-5", "PGD", "0.2"],
    ]
    (line,) = second.rows
    assert line[:2] == ["LeNet-5", "DeepFool"]
    assert line[3].startswith("1.25")
    assert line[-1] == "40"


def test_one_kind_alone_has_its_table_alone():
    smallest = pd.DataFrame(least("deepfool", 1.25))
    (table,) = attacks({"attacks": smallest}, "digits")
    assert table.rows[0][1] == "DeepFool"
    (table,) = attacks({"attacks": pd.DataFrame(bounded("pgd", 0.1, 0.5))}, "digits")
    assert table.rows[0][1] == "PGD"


def test_the_figure_draws_the_sizes_of_every_attack_without_epsilon():
    rows = clean("pgd") + bounded("pgd", 0.1, 0.5)
    rows += least("deepfool", 1.25) + least("carlini_wagner", 1.0)
    drawn = figure.draw(pd.DataFrame(rows))
    assert len(drawn.axes) == 4
    for ax, sizes in ((drawn.axes[2], [1.25, 1.0]), (drawn.axes[3], [0.125, 0.1])):
        assert [text.get_text() for text in ax.get_yticklabels()] == ["DeepFool", "Carlini-Wagner"]
        points = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
        assert points == sizes
        assert [text.get_text().strip() for text in ax.texts] == ["75%", "75%"]
    assert len(figure.draw(pd.DataFrame(least("deepfool", 1.25))).axes) == 2


def detection(name, score, value):
    keys = {"dataset": "digits", "model": "lenet5", "task": "adversarial"}
    keys |= ImageSetKey.parse(name, ["deepfool"]).columns() | {
        "positives": "successful",
        "score": score,
    }
    return row("auroc", value, value - 0.05, value + 0.05, 80, **keys)


def tables_of(rows, **methods):
    """Tables of detection and of attacks: the latter are their own modules, or as given."""
    found = pd.DataFrame(rows)
    attacks = found["attack"].unique()
    named = [{"dataset": "digits", "attack": a, "method": methods.get(a, a)} for a in attacks]
    return {"detection": found, "attacks": pd.DataFrame(named)}


def test_detectors_stand_under_pgd_and_under_the_attack_that_knows_them():
    lcr, msp = "label_change_rate.neuron_activation_inversion", "softmax.max_probability"
    rows = [
        detection("pgd_eps0.1", lcr, 0.8),
        detection("pgd_eps0.1", msp, 0.9),
        detection("pgd_adaptive_label_change_eps0.1", lcr, 0.6),
        detection("pgd_adaptive_label_change_eps0.1", msp, 0.85),
        detection("pgd_eps0.1", "softmax.entropy", 0.7),
        detection("fgsm_eps0.1", lcr, 0.7),
        detection("deepfool", lcr, 0.7),
        detection("renamed_eps0.1", lcr, 0.5),
        detection("renamed_eps0.1", msp, 0.3),
    ]
    (table,) = adaptive(tables_of(rows, renamed="pgd_adaptive_label_change"), "digits")
    assert table.head[3:] == ["PGD", "PGD against label change", "renamed"]
    assert [line[1] for line in table.rows] == ["0.1", "0.1"]
    assert [[cell[:4] for cell in line[3:]] for line in table.rows] == [
        ["0.80", "0.60", "0.50"],
        ["0.90", "0.85", "0.30"],
    ]


def test_without_an_attack_that_knows_a_detector_there_is_no_such_table():
    rows = [detection("pgd_eps0.1", "softmax.max_probability", 0.9)]
    assert adaptive(tables_of(rows), "digits") == []
    rows.append(detection("pgd_adaptive_eps0.1", "softmax.max_probability", 0.9))
    assert adaptive(tables_of(rows, pgd_adaptive="pgd"), "digits") == []  # the module tells
    assert adaptive({"detection": pd.DataFrame(rows)}, "digits") == []  # no attacks
