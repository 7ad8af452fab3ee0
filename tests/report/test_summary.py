"""Means over seeds, differences, and numbers as a reader sees them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from plumbline.data.image_sets import parse_all
from plumbline.report.summary import difference, estimate, number, over_seeds
from plumbline.report.wording import describe, words


def test_without_spread_over_images_the_interval_is_student_s():
    values = [0.91, 0.95, 0.93]
    mean, low, high = over_seeds("accuracy", [(v, v, v) for v in values])
    expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert mean == pytest.approx(np.mean(values))
    assert (low, high) == pytest.approx(expected)


def test_one_seed_keeps_its_interval_and_equal_seeds_do_too():
    figure = (0.9, 0.85, 0.93)
    assert over_seeds("accuracy", [figure]) == pytest.approx(figure)
    assert over_seeds("accuracy", [figure] * 4) == pytest.approx(figure)


def test_an_interval_stays_within_what_the_metric_can_be():
    _, low, high = over_seeds("accuracy", [(0.9, 0.9, 0.9), (1.0, 1.0, 1.0)])
    assert (low, high) == (pytest.approx(0.95 - 12.7062 * 0.05, abs=1e-4), 1.0)
    assert over_seeds("ece", [(0.0, 0.0, 0.0), (0.1, 0.1, 0.1)])[1] == 0.0
    assert over_seeds("temperature", [(1.0, 1.0, 1.0), (3.0, 3.0, 3.0)])[1] < 0


def test_a_difference_of_normal_means_has_its_exact_interval():
    value, low, high = difference((3.0, 3.0 - 0.3, 3.0 + 0.3), (1.0, 1.0 - 0.4, 1.0 + 0.4))
    assert (value, low, high) == pytest.approx((2.0, 1.5, 2.5))


interval = st.tuples(st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.5)).map(
    lambda t: (t[0], t[0] - t[1], t[0] + t[2])
)


@settings(deadline=None, max_examples=200)
@given(interval, interval)
def test_a_difference_turns_round_with_its_parts(first, second):
    value, low, high = difference(first, second)
    back = difference(second, first)
    assert back == pytest.approx((-value, -high, -low))
    assert low <= value <= high


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9354, "0.935"),
        (-0.25, "−0.250"),
        (0.00512, "0.0051"),
        (0.0, "0.000"),
        (12.345, "12.3"),
        (1797.0, "1797"),
        (math.nan, "–"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        ((0.935, 0.91, 0.9604), "0.935 [0.910, 0.960]"),
        ((0.0004, 0.00031, 0.0005), "0.00040 [0.00031, 0.00050]"),
        ((-0.0005, -0.04, 0.03), "−0.001 [−0.040, 0.030]"),
        ((0.5, math.nan, math.nan), "0.500"),
        ((math.nan, math.nan, math.nan), "–"),
        ((1.0, 1.0, 1.0), "1.000"),
    ],
)
def test_estimates(figure, text):
    assert estimate(*figure) == text


@settings(deadline=None, max_examples=200)
@given(st.floats(0.001, 0.9), st.floats(1e-5, 0.05))
def test_an_estimate_shows_that_its_interval_is_wide(value, half):
    text = estimate(value, value - half, value + half)
    low, high = text[text.index("[") + 1 : -1].replace("−", "-").split(", ")
    assert float(low) < float(high)


def test_names_are_written_in_the_field_s_own_terms():
    assert words("lenet5") == "LeNet-5"
    assert words("lrp_gamma") == "LRP-γ"
    assert words("lrp_mine") == "LRP mine"
    assert words("deeplift_reveal_cancel") == "DeepLIFT reveal-cancel"
    assert words("neuron_activation_inversion") == "neuron activation inversion"
    keys = parse_all(["test", "pgd_eps0.3", "ood_patches", "deepfool", "rotation_30"], ["deepfool"])
    described = ["test", "PGD, ε = 0.3", "patches", "DeepFool", "rotation 30"]
    assert [describe(key) for key in keys.values()] == described
