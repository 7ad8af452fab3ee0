"""The table of a visualization: its rows against known answers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from plumbline.errors import ArtefactError, InputError
from plumbline.storage.artefacts import ImageSet
from plumbline.visualization import evidence
from plumbline.visualization.evidence import TargetProbabilities

LABELS = np.array([2, 2, 5, 5])
FOUND = TargetProbabilities(
    LABELS,
    np.array([1.0, 0.8, 0.99, 0.1]),
    np.array([0.5, 0.7, 0.1, 0.1]),
    np.array([True, True, False, False]),
)
KEYS = {"dataset": "d", "model": "m", "visualization": "v"}


def table(found=FOUND, against=None, **more):
    rows = evidence.rows({"made": found, **more}, against or {}, tuple("0123456789"), 0, **KEYS)
    return {(r["images"], r["against"], r["class"], r["metric"]): r for r in rows}


def test_targets_are_the_first_ten_classes_of_test_or_those_named():
    classes = tuple(f"c{i}" for i in range(12))
    every, few = np.arange(12).repeat(3)[::-1], np.array([4, -1, 11, 4, 2])
    assert evidence.targets(classes, [], 2, every).tolist() == [i // 2 for i in range(20)]
    assert evidence.targets(classes, [], 1, few).tolist() == [2, 4, 11]
    assert evidence.targets(classes, ["c11", "c3"], 3, few).tolist() == [11] * 3 + [3] * 3
    with pytest.raises(InputError, match=r"'c12' is not a class .* c2, c1, c11, "):
        evidence.targets(classes, ["c12"], 1, few)


def test_equal_starts_count_once():
    start, made = np.zeros((4, 1, 2, 2), np.float32), np.zeros((4, 1, 2, 2), np.float32)
    assert evidence.distinct(LABELS, start, made).tolist() == [0, 2]
    made[1] = 1
    start[3] = 1
    assert evidence.distinct(LABELS, start, made).tolist() == [0, 1, 2, 3]


def test_means_and_shares_by_class_and_of_all():
    rows = table()
    assert rows["made", "", "2", "probability"]["value"] == pytest.approx(0.9)
    assert rows["made", "", "5", "second_probability"]["value"] == pytest.approx(0.1)
    assert rows["made", "", "all", "probability"]["value"] == pytest.approx(0.7225)
    assert rows["made", "", "all", "sure"]["value"] == 0.5
    assert rows["made", "", "all", "second_recognition"]["value"] == 0.5
    assert rows["made", "", "2", "probability"]["n"] == 2
    assert rows["made", "", "all", "probability"]["n"] == 4
    for each in rows.values():
        assert each["low"] <= each["value"] <= each["high"]


def test_without_a_second_net_its_rows_are_left_out():
    rows = table(replace(FOUND, second=None, recognised=None), {"start": FOUND})
    assert {metric for *_, metric in rows} == {"probability", "sure", "probability_difference"}


def test_differences_are_paired():
    """Every image gains 0.1, so the interval has no width though the images differ."""
    other = replace(FOUND, probability=FOUND.probability - 0.1, second=FOUND.second + 0.05)
    rows = table(against={"start": other, "plain": other})
    for name in ("start", "plain"):
        row = rows["made", name, "all", "probability_difference"]
        assert (row["value"], row["low"], row["high"]) == pytest.approx((0.1, 0.1, 0.1))
        row = rows["made", name, "all", "second_probability_difference"]
        assert row["value"] == pytest.approx(-0.05)
    with pytest.raises(ArtefactError, match="images of different classes"):
        table(against={"plain": replace(FOUND, labels=LABELS[::-1])})


def test_answers_are_those_of_the_nets_and_are_kept(digits, nets):
    images = digits["test"].select(slice(30))
    first, second = nets["lenet5"], nets["alexnet"]
    found = evidence.target_probabilities(first, second, images.images, images.labels)
    said = first(torch.from_numpy(images.pixels)).softmax(1).numpy()
    np.testing.assert_allclose(found.probability, said[range(30), images.labels], atol=1e-5)
    others = second(torch.from_numpy(images.pixels)).argmax(1).numpy()
    assert (found.recognised == (others == images.labels)).all()
    kept = evidence.keep("entry", images.pixels, found, first, second)
    again = evidence.recall(kept)
    for name in ("labels", "probability", "second", "recognised"):
        assert (getattr(again, name) == getattr(found, name)).all()
    assert kept.provenance == {"net": "lenet5", "second net": "alexnet"}
    assert [kept.index[kept.labels == 3].tolist()] == [list(range((images.labels == 3).sum()))]
    alone = evidence.target_probabilities(first, None, images.images, images.labels)
    assert evidence.recall(evidence.keep("entry", images.pixels, alone, first, None)).second is None


def test_classes_are_pictured_that_both_sets_have():
    test, train = (
        ImageSet("d", np.zeros((len(labels), 1, 2, 2), np.uint8), np.array(labels), np.arange(3))
        for labels in ([2, 1, -1], [3, 1, -1])
    )
    assert evidence.pictured("am_mean", test, train).tolist() == [1]
    assert evidence.pictured("am_noise", test, None).tolist() == [1, 2]
    with pytest.raises(InputError, match=r"visualization\.methods\.am_mean: no class has images"):
        evidence.pictured("am_mean", test, train.select(np.array([0])))
