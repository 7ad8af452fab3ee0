"""Holes: planted regions are found, ranked and shown by their most certain cell."""

import numpy as np
import pytest

from plumbline.latent import holes as stage
from plumbline.latent.holes import (
    all_regions,
    data_distances,
    holes,
    nearest,
    regions,
    representative_cells,
    shown,
    table,
)
from plumbline.latent.maps import estimates

RNG = np.random.default_rng(0)


def test_holes_are_what_hole_share_counts():
    values, distance = RNG.normal(size=(2, 400))
    on_data = RNG.random(400) < 0.3
    for certain in (False, True):
        found = holes(values, on_data, high_is_certain=certain)
        share = estimates(values, distance, on_data, 0, high_is_certain=certain)["hole_share"][0]
        assert found[~on_data].mean() == share
        assert not found[on_data].any()
    assert not holes(values, np.zeros(400, bool), high_is_certain=False).any()


PLANTED = np.array(
    [
        [1, 1, 0, 2, 2],
        [1, 1, 0, 2, 2],
        [0, 0, 0, 2, 0],
        [3, 0, 0, 0, 4],
        [0, 3, 0, 4, 4],
    ]
)


def test_planted_regions_are_ranked_by_area_and_touch_by_sides_only():
    uncertainty = np.arange(25.0)[::-1].reshape(5, 5)  # surest at the end
    found = regions(PLANTED > 0, np.zeros((5, 5), int), uncertainty)
    expected = np.select([k == PLANTED for k in (1, 2, 4)], [2, 1, 3])
    expected[3, 0], expected[4, 1] = 4, 5  # they meet at a corner
    assert (found.number == expected).all()
    assert found.area.tolist() == [5, 4, 3, 1, 1]
    assert found.cell.tolist() == [13, 6, 24, 15, 21]


def test_a_region_has_one_class():
    prediction = np.zeros((5, 5), int)
    prediction[0] = 7
    found = regions(PLANTED > 0, prediction, np.zeros((5, 5)))
    assert (found.number[0] != found.number[1])[PLANTED[0] > 0].all()
    for number in range(1, found.number.max() + 1):
        assert len(set(prediction[found.number == number])) == 1


def test_no_hole_is_no_region():
    found = regions(np.zeros((4, 4), bool), np.zeros((4, 4), int), np.zeros((4, 4)))
    assert (found.number == 0).all()
    assert len(found.cell) == len(found.area) == 0
    assert representative_cells({"a.entropy": found}).tolist() == []


def test_only_the_largest_regions_are_described(monkeypatch):
    monkeypatch.setattr(stage, "DESCRIBED", 2)
    found = regions(PLANTED > 0, np.zeros((5, 5), int), np.zeros((5, 5)))
    assert found.area.tolist() == [5, 4]
    assert found.number.max() == 5  # all are numbered


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_nearest_images_equal_a_search_through_all_pairs(monkeypatch, dtype):
    monkeypatch.setattr(stage, "CHUNK", 13)
    data = RNG.integers(0, 256, (40, 1, 5, 5)).astype(np.uint8)
    pixels = data.astype(np.float32) / 255
    images = RNG.random((6, 1, 5, 5)).astype(np.float32)
    order, distance = nearest(images, data if dtype == np.uint8 else pixels, 4)
    slow = np.sqrt(((images[:, None].astype(float) - pixels[None]) ** 2).sum((2, 3, 4)))
    np.testing.assert_array_equal(order, np.argsort(slow, 1)[:, :4])
    np.testing.assert_allclose(distance, np.sort(slow, 1)[:, :4], rtol=1e-6)
    own, away = nearest(pixels[:3], data, 1)
    assert own[:, 0].tolist() == [0, 1, 2]
    np.testing.assert_allclose(away, 0, atol=1e-6)


def test_distances_of_data_leave_out_the_image_itself():
    data = RNG.integers(0, 256, (30, 1, 3, 3)).astype(np.uint8)
    pixels = data.reshape(30, -1) / 255
    pairs = np.linalg.norm(pixels[:, None] - pixels[None], axis=2)
    np.fill_diagonal(pairs, np.inf)
    found = data_distances(data, seed=3)
    np.testing.assert_allclose(np.sort(found), np.sort(pairs.min(1)), rtol=1e-6)


def planted_map(points=9):
    """One hole for class 1 far away, one for class 0 beside the data; certain means 0.1."""
    axis = np.linspace(-4, 4, points)
    entropy = np.ones((points, points))
    on_data = np.zeros((points, points), bool)
    on_data[3:6, 3:6] = True
    entropy[on_data] = 0.5
    entropy[0, :4], entropy[0, 1] = 0.2, 0.1
    entropy[8, 7:] = 0.2
    prediction = np.zeros((points, points), int)
    prediction[0] = 1
    arrays = {"linear.axis": axis, "linear.on_data": on_data}
    parts = {
        "entropy": entropy,
        "mutual_information": entropy,
        "max_probability": 1 - entropy / 2,
        "prediction": prediction,
    }
    return arrays | {f"linear.softmax.{name}": values for name, values in parts.items()}


def test_a_planted_map_has_its_rows():
    arrays = planted_map()
    found = all_regions(arrays, ["softmax"])
    assert set(found) == {f"softmax.{m}" for m in stage.MAPPED}
    for each in found.values():
        assert each.area.tolist() == [4, 2]
        assert each.cell.tolist() == [1, 9 * 8 + 7]
    cells = representative_cells(found)
    assert cells.tolist() == [1, 79]
    train = np.full((10, 1, 2, 2), 10, np.uint8)
    images = np.stack([np.ones((1, 2, 2)), np.full((1, 2, 2), 10 / 255)]).astype(np.float32)
    parts = shown(arrays, found, cells, images, train)
    own = parts["softmax.entropy"]
    assert own["code"].tolist() == [[-3, -4], [3, 4]]  # first dimension first
    assert own["class"].tolist() == [1, 0]
    np.testing.assert_allclose(own["probability"], [0.95, 0.9])
    np.testing.assert_allclose(own["nearest_distance"][:, 0], [2 * 245 / 255, 0], atol=1e-6)
    data = np.full(10, 0.5)
    rows = list(table(arrays, found, parts, data, ("zero", "one"), 0, model="lenet5"))
    by = {
        (r["region"], r["class"], r["metric"]): r["value"]
        for r in rows
        if r["measure"] == "max_probability"
    }
    off = 81 - 9
    assert by[1, "one", "region_share"] == 4 / off
    assert by[1, "one", "novelty"] == pytest.approx(2 * 245 / 255 / 0.5)
    assert by["", "all", "class_hole_share"] == pytest.approx(6 / off)
    assert by["", "zero", "class_hole_share"] == pytest.approx(2 / off)
    assert by["", "one", "unseen_hole_share"] == pytest.approx(4 / off)
    assert by["", "zero", "unseen_hole_share"] == 0  # the training set has this image


def test_no_image_has_no_nearest():
    order, distance = nearest(np.empty((0, 1, 2, 2), np.float32), np.zeros((9, 1, 2, 2)), 3)
    assert order.shape == distance.shape == (0, 3)
