"""The degradation test."""

import copy
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plumbline.attribution import degradation
from plumbline.attribution.degradation_result import MODES, RANKINGS

SHARES = (0.0, 0.02, 0.2, 0.5, 1.0)


@pytest.fixture(scope="module")
def labels(digits):
    return torch.from_numpy(digits["test"].labels[:6])


@pytest.fixture(scope="module")
def relevance():
    return np.random.default_rng(0).standard_normal((6, 1, 28, 28)).astype(np.float32)


@pytest.fixture(scope="module")
def fills(digits):
    return degradation.fillings(("0", "1", "mean", "blur"), digits["train"].pixels, "cpu")


def slow_reference(net, image, label, target, relevance, share, mode, ranking, fill):
    """One image, pixel by pixel: is the answer right, and the log-odds of the target."""
    score = relevance.sum(0).ravel()
    order = sorted(range(len(score)), key=lambda p: score[p], reverse=ranking == "descending")
    count = int(share * len(score))
    goes = order[count:] if mode == "keep" else order[:count]
    changed, filled = image.clone(), fill(image[None]).expand(1, -1, -1, -1)[0]
    for place in goes:
        row, column = divmod(place, 28)
        changed[:, row, column] = filled[:, row, column]
    logits = net(changed[None])[0]
    p = logits.softmax(0)[target]
    return bool(logits.argmax() == label), float((p / (1 - p)).log())


def test_predictions_equal_a_loop_over_images_and_pixels(
    exact, images, labels, target, relevance, fills
):
    net = exact["lenet5"]
    rank = degradation.ranks(relevance, seed=1)
    right, drop = degradation.degraded_predictions(
        net, images, labels, target, rank, SHARES, fills, batch=7
    )
    assert right.shape == drop.shape == (2, 2, 4, 6, len(SHARES))
    before = [
        slow_reference(net, *each, 1.0, "keep", "descending", fills["0"])[1]
        for each in zip(images, labels, target, relevance, strict=True)
    ]
    for place in product(range(2), range(2), range(4)):
        how = MODES[place[1]], RANKINGS[place[0]], list(fills.values())[place[2]]
        expected = [
            [slow_reference(net, *each, share, *how) for share in SHARES]
            for each in zip(images, labels, target, relevance, strict=True)
        ]
        expected = np.array(expected)
        assert (right[place] == expected[..., 0]).all()
        np.testing.assert_allclose(
            drop[place], np.array(before)[:, None] - expected[..., 1], rtol=1e-8, atol=1e-8
        )


def test_predictions_do_not_depend_on_the_batch(exact, images, labels, target, relevance, fills):
    rank = degradation.ranks(relevance, seed=1)
    one, other = (
        degradation.degraded_predictions(
            exact["lenet5"], images, labels, target, rank, SHARES, fills, batch
        )
        for batch in (1, 64)
    )
    assert (one[0] == other[0]).all()
    np.testing.assert_allclose(one[1], other[1], atol=1e-10)


def test_all_kept_or_none_deleted_is_the_clean_image(
    exact, images, labels, target, relevance, fills
):
    net = exact["lenet5"]
    clean, _ = degradation.clean_predictions(net, images, labels, target)
    rank = degradation.ranks(relevance, seed=1)
    right, drop = degradation.degraded_predictions(net, images, labels, target, rank, SHARES, fills)
    for f, fill in enumerate(fills.values()):
        blank = (net(fill(images).expand_as(images)).argmax(1) == labels).numpy()
        for mode, (whole, nothing) in enumerate(((-1, 0), (0, -1))):
            assert (right[:, mode, f, :, whole] == clean.numpy()).all()
            assert (right[:, mode, f, :, nothing] == blank).all()
            np.testing.assert_allclose(drop[:, mode, f, :, whole], 0, atol=1e-10)


def test_hand_made_relevance_on_a_linear_net(linear):
    """Class 1 wins by its one pixel; keeping it keeps the answer, deleting it loses it."""
    net = copy.deepcopy(linear)
    output = net.network.output
    output.weight.zero_()
    output.bias.fill_(-torch.inf)
    output.bias[:2] = torch.tensor([0.5, 0.0])
    output.weight[1, 5 * 28 + 9] = 2.0
    images = torch.ones(2, 1, 28, 28).double()
    relevance = np.zeros((2, 1, 28, 28))
    relevance[:, 0, 5, 9] = 1.0
    one, ones = (1 + 1e-9) / 784, torch.tensor([1, 1])
    black = degradation.fillings(["0"], images.numpy(), "cpu")
    rank = degradation.ranks(relevance, 0)
    right, drop = degradation.degraded_predictions(net, images, ones, ones, rank, [one], black)
    keep, delete, (descending, ascending) = 0, 1, (0, 1)
    assert right[descending, keep].all()
    assert not right[descending, delete].any()
    assert not right[ascending, keep].any()
    assert right[ascending, delete].all()
    # Of two classes the log-odds are the difference of the logits: 1.5 with the pixel, else -0.5.
    np.testing.assert_allclose(drop[descending, delete], 2)
    np.testing.assert_allclose(drop[ascending, delete], 0)


def test_fills_are_values_the_mean_image_and_the_blurred_image(digits, fills):
    train = digits["train"].pixels
    pixels = torch.from_numpy(digits["test"].pixels[:3])
    np.testing.assert_allclose(fills["mean"](pixels), train.mean(0, dtype="float64"), atol=1e-7)
    assert (fills["1"](pixels) == 1).all()
    assert (degradation.fillings(["0.25"], train, "cpu")["0.25"](pixels) == 0.25).all()
    assert fills["blur"](pixels).shape == pixels.shape
    assert all(fill(pixels.double()).dtype == torch.float64 for fill in fills.values())


def test_blur_is_a_gaussian_of_a_fifth_of_the_side_that_counts_what_is_inside():
    from scipy.ndimage import gaussian_filter

    images = np.random.default_rng(0).random((2, 3, 12, 20))
    sigma = (0, 0, 0.2 * 12, 0.2 * 20)
    inside = gaussian_filter(np.ones_like(images), sigma, mode="constant", truncate=12)
    wanted = gaussian_filter(images, sigma, mode="constant", truncate=12) / inside
    found = degradation.blur(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    even = torch.full((1, 1, 28, 28), 0.3)
    torch.testing.assert_close(degradation.blur(even), even)


def test_log_odds_of_a_class_are_those_of_its_probability():
    logits = torch.randn(50, 7, generator=torch.Generator().manual_seed(0)).double() * 3
    target = torch.arange(50) % 7
    p = logits.softmax(1).gather(1, target[:, None])[:, 0]
    torch.testing.assert_close(degradation.log_odds(logits, target), (p / (1 - p)).log())
    sure = torch.tensor([[200.0, 0.0]])  # 1 - p is 0 in float32
    assert degradation.log_odds(sure, torch.tensor([0])) == 200


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
