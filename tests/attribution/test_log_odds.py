"""The log-odds test, and what a temperature does to a map."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plumbline.attribution import log_odds
from plumbline.attribution.methods import gradient_x_input, intensity, random
from plumbline.metrics.intervals import RESAMPLES
from plumbline.registry import ATTRIBUTIONS
from plumbline.storage.artefacts import ImageSet

PAIR = (3, 5)


@pytest.fixture(scope="module")
def margin_net(linear):
    """Logit 3 minus logit 5 is a known weight for each pixel."""
    net = copy.deepcopy(linear)
    weight = torch.zeros(28, 28, dtype=torch.float64)
    weight[0, :4] = torch.tensor([4.0, 3.0, -5.0, 1.0], dtype=torch.float64)
    net.network.output.weight.zero_()
    net.network.output.bias.zero_()
    net.network.output.weight[3] = weight.flatten() / 2
    net.network.output.weight[5] = -weight.flatten() / 2
    return net


def test_the_fall_is_the_sum_of_what_is_erased_in_a_linear_net(margin_net):
    """Two of four pixels may go, 4 and 3; the pixel of -5 never does."""
    white = torch.ones(2, 1, 28, 28).double()
    for share, fall, erased in ((2 / 784, 7, 2), (1 / 784, 4, 1), (1.0, 8, 3), (0.0, 0, 0)):
        found = log_odds.changes(
            gradient_x_input.attribute,
            margin_net,
            {3: white},
            [PAIR],
            share=share,
            seed=0,
            batch=1,
        )
        np.testing.assert_allclose(found[PAIR].fall, fall)
        assert found[PAIR].erased.tolist() == [erased] * 2


def test_a_fifth_of_mnist_is_the_157_pixels_of_the_paper():
    difference = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0)) + 0.1
    changed, count = log_odds.erase(torch.ones(1, 1, 28, 28), difference, 0.2, seed=0)
    assert count.tolist() == [157]
    assert (changed == 0).sum() == 157


@settings(deadline=None, max_examples=50)
@given(
    arrays(np.float64, (2, 1, 3, 4), elements=st.sampled_from([-1.0, 0.0, 0.5, 0.5, 2.0])),
    st.floats(0, 1),
    st.integers(0, 9),
)
def test_only_the_highest_pixels_above_zero_go_in_all_channels(values, share, seed):
    difference = torch.from_numpy(values)
    changed, count = log_odds.erase(torch.ones(2, 3, 3, 4), difference, share, seed)
    gone = changed == 0
    assert torch.equal(gone.all(1), gone.any(1))
    for lost, own, number in zip(gone[:, 0], values[:, 0], count, strict=True):
        assert lost.sum() == number == min((own > 0).sum(), round(share * 12))
        if number:
            left = own[~lost.numpy()]
            assert own[lost.numpy()].min() >= max(left.max(initial=0), 1e-9)


def test_a_control_that_is_blind_to_the_class_ranks_by_its_own_map(lenet, digits):
    pixels = torch.from_numpy(digits["test"].pixels[:5])
    how = {"share": 0.1, "seed": 4, "batch": 64}
    for method, relevance in (
        (intensity, pixels),
        (random, random.attribute(lenet, pixels, pixels[:, 0, 0, 0], seed=4)[0]),
    ):
        found = log_odds.changes(method.attribute, lenet, {8: pixels}, [(8, 3)], **how)[8, 3]
        changed, count = log_odds.erase(pixels, relevance, 0.1, seed=4)
        with torch.no_grad():
            before, after = lenet(pixels), lenet(changed)
        fall = (before[:, 8] - before[:, 3]) - (after[:, 8] - after[:, 3])
        np.testing.assert_allclose(found.fall, fall, atol=1e-5)
        assert found.erased.tolist() == count.tolist()
        assert (count > 50).all()


def test_each_class_is_explained_once_and_the_pairs_agree_with_one_alone(exact, images):
    calls = []

    def counted(classifier, pixels, target, **how):
        calls.append(int(target[0]))
        return gradient_x_input.attribute(classifier, pixels, target, **how)

    how = {"share": 0.2, "seed": 0, "batch": 4}
    both = log_odds.changes(
        counted, exact["lenet5"], {8: images, 4: images[:2]}, [(8, 3), (8, 6), (4, 3)], **how
    )
    assert calls == [8, 3, 6, 4, 3]
    alone = log_odds.changes(counted, exact["lenet5"], {8: images}, [(8, 6)], **how)
    np.testing.assert_array_equal(both[8, 6].fall, alone[8, 6].fall)


def test_pairs_by_class_name_and_the_first_images_of_a_class():
    images = ImageSet(
        name="pets",
        images=np.zeros((5, 1, 2, 2), np.uint8),
        labels=np.array([2, 0, 2, 2, 0]),
        index=np.arange(5),
        classes=("cat", "dog", "eel"),
    )
    wanted = [("cat", "eel"), ("eel", "dog"), ("dog", "cat"), ("8", "3"), ("cat", "3")]
    pairs = log_odds.known_pairs(wanted, images)
    assert pairs == [(0, 2), (2, 1)]  # no image of a dog, no classes 8 and 3
    places = log_odds.first_of_class(images.labels, pairs, 2)
    assert {key: value.tolist() for key, value in places.items()} == {0: [1, 4], 2: [0, 2]}


DIVIDED = ["gradient_x_input", "deeplift", "lrp_epsilon", "occlusion", "integrated_gradients"]


@pytest.mark.parametrize("net", ["lenet5", "resnet34"])
@pytest.mark.parametrize("method", DIVIDED)
def test_a_temperature_cannot_change_a_normalised_map(exact, images, net, method):
    """Study 003 shows two pictures that differ; divided logits cannot be why."""
    how = {"seed": 0, "batch": 64}
    attribute = ATTRIBUTIONS.load(method)
    change = log_odds.temperature_change(attribute, exact[net], images[:2], **how)
    assert change.shape == (2,)
    assert (change < 1e-12).all()


@pytest.mark.parametrize("net", ["lenet5", "alexnet", "resnet34"])
def test_a_tempered_net_divides_its_logits(exact, images, net):
    with torch.no_grad():
        for temperature in (2.0, 0.87):
            divided = log_odds.tempered(exact[net], temperature)(images)
            torch.testing.assert_close(divided * temperature, exact[net](images))


def test_the_figure_sees_a_map_that_does_change(exact, images):
    def probability(classifier, pixels, target, *, seed, batch):
        pixels = pixels.clone().requires_grad_()
        chosen = classifier(pixels).softmax(1).gather(1, target[:, None]).sum()
        (gradient,) = torch.autograd.grad(chosen + pixels.square().sum(), pixels)
        return gradient, target

    change = log_odds.temperature_change(probability, exact["lenet5"], images, seed=0, batch=64)
    assert (change > 0.001).all()


def naive_quantile(values, level, seed):
    rng = np.random.default_rng(seed)
    drawn = [values[rng.integers(len(values), size=len(values))] for _ in range(RESAMPLES)]
    samples = [np.quantile(each, level, method="inverted_cdf") for each in drawn]
    value = np.quantile(values, level, method="inverted_cdf")
    return value, *np.quantile(samples, [0.025, 0.975])


def test_rows_have_paired_gains_and_quartiles(exact, images):
    from plumbline.metrics.intervals import mean_interval
    from plumbline.runtime.seeding import derive

    methods = {"gradient_x_input": gradient_x_input, "intensity": intensity, "random": random}
    how = {"share": 0.2, "seed": 0, "batch": 64}
    found = {
        name: log_odds.changes(
            method.attribute, exact["lenet5"], {0: images, 1: images[:4]}, [(0, 2), (1, 2)], **how
        )
        for name, method in methods.items()
    }
    classes = ("zero", "one", "two")
    temperatures = {"intensity": np.zeros(6)}
    rows = log_odds.rows(found, temperatures, classes, 7, dataset="digits", model="lenet5")
    table = {
        (row["method"], row["pair"], row["metric"], row["control"]): (
            row["value"],
            row["low"],
            row["high"],
            row["n"],
        )
        for row in rows
    }
    assert len(table) == len(rows) == 3 * 2 * (5 + 2) + 1
    assert list(rows[0])[:5] == list(log_odds.KEYS)
    one, other = found["gradient_x_input"][1, 2].fall, found["intensity"][1, 2].fall
    seed = derive(7, "one->two")
    assert table["gradient_x_input", "one->two", "log_odds_gain", "intensity"] == (
        *mean_interval(one - other, seed),
        4,
    )
    for name, level in log_odds.QUARTILES.items():
        expected = naive_quantile(one, level, seed)
        assert table["gradient_x_input", "one->two", name, ""] == pytest.approx((*expected, 4))
    assert table["intensity", "", "temperature_map_change", ""] == (0, 0, 0, 6)
