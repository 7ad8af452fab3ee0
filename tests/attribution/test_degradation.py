"""The degradation test."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plumbline.attribution import degradation
from plumbline.statistics import wilson

SHARES = (0.0, 0.02, 0.2, 0.5, 1.0)


@pytest.fixture(scope="module")
def labels(digits):
    return torch.from_numpy(digits["test"].labels[:6])


@pytest.fixture(scope="module")
def relevance():
    return np.random.default_rng(0).standard_normal((6, 1, 28, 28)).astype(np.float32)


@pytest.fixture(scope="module")
def fills(digits):
    fills = degradation.fill_images(("0", "1", "mean"), digits["train"].pixels, "cpu")
    return {name: fill.double() for name, fill in fills.items()}


def slow_reference(net, image, label, relevance, share, mode, ranking, fill):
    """One image, pixel by pixel."""
    score = relevance.sum(0).ravel()
    order = sorted(range(len(score)), key=lambda p: score[p], reverse=ranking == "descending")
    count = int(share * len(score))
    goes = order[count:] if mode == "keep" else order[:count]
    changed = image.clone()
    for place in goes:
        row, column = divmod(place, 28)
        changed[:, row, column] = fill[:, row, column]
    return bool(net(changed[None]).argmax() == label)


def test_answers_equal_a_loop_over_images_and_pixels(exact, images, labels, relevance, fills):
    net = exact["lenet5"]
    rank = degradation.ranks(relevance, seed=1)
    found = degradation.answers(net, images, labels, rank, SHARES, fills, batch=7)
    assert len(found) == 2 * 2 * 3
    for (ranking, mode, name), right in found.items():
        expected = [
            [slow_reference(net, *each, share, mode, ranking, fills[name]) for share in SHARES]
            for each in zip(images, labels, relevance, strict=True)
        ]
        assert right.tolist() == expected


def test_all_kept_or_none_deleted_is_the_clean_image(exact, images, labels, relevance, fills):
    net = exact["lenet5"]
    clean = degradation.clean_answers(net, images, labels)
    rank = degradation.ranks(relevance, seed=1)
    found = degradation.answers(net, images, labels, rank, SHARES, fills)
    blank = {name: net(fill[None]).argmax() == labels for name, fill in fills.items()}
    for (_, mode, name), right in found.items():
        whole, nothing = (-1, 0) if mode == "keep" else (0, -1)
        assert (right[:, whole] == clean).all()
        assert (right[:, nothing] == blank[name].numpy()).all()


def test_hand_made_relevance_on_a_linear_net(linear):
    """Class 1 wins by its one pixel; keeping it keeps the answer, deleting it loses it."""
    output = linear.network.output
    before = output.weight.clone(), output.bias.clone()
    output.weight.zero_()
    output.bias.zero_()
    output.weight[1, 5 * 28 + 9] = 1.0
    output.bias[0] = 0.5
    images = torch.ones(2, 1, 28, 28).double()
    relevance = np.zeros((2, 1, 28, 28))
    relevance[:, 0, 5, 9] = 1.0
    one = (1 + 1e-9) / 784
    found = degradation.answers(
        linear,
        images,
        torch.tensor([1, 1]),
        degradation.ranks(relevance, 0),
        [one],
        {"0": torch.zeros(1, 28, 28).double()},
    )
    output.weight.copy_(before[0])
    output.bias.copy_(before[1])
    assert found["descending", "keep", "0"].all()
    assert not found["descending", "delete", "0"].any()
    assert not found["ascending", "keep", "0"].any()
    assert found["ascending", "delete", "0"].all()


def test_fills(digits):
    train = digits["train"].pixels
    fills = degradation.fill_images(("0", "0.25", "mean"), train, "cpu")
    np.testing.assert_allclose(fills["mean"], train.mean(0, dtype="float64"), atol=1e-7)
    assert (fills["0"] == 0).all()
    assert (fills["0.25"] == 0.25).all()
    assert all(fill.shape == (1, 28, 28) for fill in fills.values())


def test_a_fifth_of_mnist_is_the_156_pixels_of_the_study():
    assert degradation.counts([0.02, 0.2, 1.0], 784) == [15, 156, 784]


def test_ties_are_broken_at_random_by_seed():
    flat = np.zeros((200, 1, 3, 3))
    flat[:, 0, 1, 1] = 1
    one, again, other = (degradation.ranks(flat, seed) for seed in (0, 0, 1))
    assert (one == again).all()
    assert (one != other).any()
    assert (one[:, 4] == 0).all()
    rest = np.delete(one, 4, axis=1)
    np.testing.assert_allclose(rest.mean(0), 4.5, atol=0.6)  # uniform on 1..8, s.e. 0.16


def test_channels_are_summed_with_their_signs_and_replaced_together():
    relevance = np.zeros((1, 3, 1, 2))
    relevance[0, :, 0, 0] = [5, -4, -2]  # sums to -1
    rank = degradation.ranks(relevance, 0)
    assert rank.tolist() == [[1, 0]]
    kept = degradation.degrade(
        torch.ones(1, 3, 1, 2),
        torch.from_numpy(rank),
        torch.tensor([1]),
        "keep",
        torch.zeros(3, 1, 2),
    )
    assert kept[0, :, 0].tolist() == [[0, 1]] * 3


@settings(deadline=None, max_examples=50)
@given(
    relevance=arrays(
        np.float32, (2, 2, 4, 5), elements=st.sampled_from([-2.0, -0.5, 0.0, 0.0, 1.0, 3.0])
    ),
    share=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_exactly_k_pixels_are_kept_and_the_rankings_mirror_each_other(relevance, share, seed):
    rank = degradation.ranks(relevance, seed)
    assert (np.sort(rank, 1) == np.arange(20)).all()
    score = relevance.sum(1).reshape(2, 20)
    in_order = np.take_along_axis(score, rank.argsort(1), 1)
    assert (np.diff(in_order, axis=1) <= 0).all()
    (k,) = degradation.counts([share], 20)
    ones, zeros = torch.ones(2, 2, 4, 5), torch.zeros(2, 4, 5)
    descending = torch.from_numpy(rank)

    def left(rank, count, mode):
        return degradation.degrade(ones, rank, torch.full((2,), count), mode, zeros)

    kept = left(descending, k, "keep")
    assert (kept.sum((1, 2, 3)) == 2 * k).all()
    assert torch.equal(kept + left(descending, k, "delete"), ones)
    assert torch.equal(kept, left(19 - descending, 20 - k, "delete"))
    if k:
        fewer = left(descending, k - 1, "keep")
        assert (fewer <= kept).all()  # the pixels kept at a smaller share are among these


def test_rows_are_tidy(exact, images, labels, relevance, fills):
    rank = degradation.ranks(relevance, 0)
    found = degradation.answers(exact["lenet5"], images, labels, rank, SHARES, fills)
    clean = degradation.clean_answers(exact["lenet5"], images, labels)
    rows = degradation.rows(found, clean, SHARES, seed=0, dataset="digits", method="random")
    assert len(rows) == 1 + 12 * (len(SHARES) + 1)
    columns = ["dataset", "method", "ranking", "mode", "fill", "share"]
    assert list(rows[0]) == [*columns, "metric", "value", "low", "high", "n"]
    assert rows[0]["metric"] == "clean_accuracy"
    assert rows[0]["value"] == clean.mean()
    for row in rows:
        assert 0 <= row["low"] <= row["value"] + 1e-12
        assert row["value"] <= row["high"] + 1e-12 <= 1 + 1e-9
        assert row["n"] == 6
        key = row["ranking"], row["mode"], row["fill"]
        if row["metric"] == "accuracy":
            right = found[key][:, SHARES.index(row["share"])]
            assert row["value"] == right.mean()
            assert (row["low"], row["high"]) == wilson(int(right.sum()), 6)
        if row["metric"] == "area":
            assert row["share"] == ""
            assert row["value"] == pytest.approx(found[key].mean())
    assert rows == degradation.rows(found, clean, SHARES, 0, dataset="digits", method="random")
