"""Attacks: inside the ball, inside [0, 1], equal to the formula, counted rightly."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from plumbline.attacks.success import adversarial_set, craft, predictions, success_curve
from plumbline.registry import ATTACKS

EPSILONS = (0.03, 0.1, 0.3)
BOUNDED = ["fgsm", "pgd"]


@pytest.fixture(scope="module")
def source(digits):
    return digits["test"].select(slice(60))


@pytest.fixture(scope="module")
def crafted(nets, source):
    def make(attack, model="lenet5", **options):
        pixels = craft(ATTACKS.load(attack), nets[model], source, EPSILONS, seed=1, **options)
        return {
            epsilon: adversarial_set(nets[model], source, each, attack, epsilon)
            for epsilon, each in zip(EPSILONS, pixels, strict=True)
        }

    return make


@pytest.mark.parametrize("attack", BOUNDED)
@pytest.mark.parametrize("model", ["lenet5", "alexnet", "resnet34"])
def test_every_set_is_inside_the_ball_and_the_pixel_range(crafted, source, attack, model):
    for epsilon, images in crafted(attack, model).items():
        assert np.abs(images.pixels - source.pixels).max() <= epsilon + 1e-6
        assert images.images.min() >= 0
        assert images.images.max() <= 1
        np.testing.assert_array_equal(images.index, source.index)


def test_fgsm_is_the_formula(lenet, crafted, source):
    pixels = torch.from_numpy(source.pixels).requires_grad_()
    F.cross_entropy(lenet(pixels), torch.from_numpy(source.labels), reduction="sum").backward()
    for epsilon, images in crafted("fgsm").items():
        expected = (pixels + epsilon * pixels.grad.sign()).clamp(0, 1).detach().numpy()
        np.testing.assert_allclose(images.images, expected, atol=1e-7)


def test_pgd_without_a_random_start_is_the_formula(lenet, crafted, source):
    images = crafted("pgd", steps=3, relative_step=0.5, random_start=False)[0.1]
    start = torch.from_numpy(source.pixels)
    now = start.clone()
    for _ in range(3):
        now.requires_grad_()
        loss = F.cross_entropy(lenet(now), torch.from_numpy(source.labels), reduction="sum")
        (gradient,) = torch.autograd.grad(loss, now)
        now = (now + 0.05 * gradient.sign()).clamp(start - 0.1, start + 0.1).clamp(0, 1).detach()
    np.testing.assert_allclose(images.images, now.numpy(), atol=1e-6)


def test_pgd_follows_its_seed_and_no_other(lenet, source, crafted):
    first = crafted("pgd")[0.1].images
    torch.manual_seed(99)
    np.testing.assert_array_equal(crafted("pgd")[0.1].images, first)
    other = craft(ATTACKS.load("pgd"), lenet, source, (0.1,), seed=2)[0]
    assert np.abs(other - first).max() > 0


def test_success_counts_only_sources_that_the_net_gets_right(lenet, crafted, source):
    images = crafted("pgd")[0.3]
    right = predictions(lenet, source.pixels) == source.labels
    wrong = predictions(lenet, images.pixels) != source.labels
    np.testing.assert_array_equal(images.extra["source_correct"], right)
    np.testing.assert_array_equal(images.extra["success"], right & wrong)


def test_the_curve_has_its_control_and_an_undefended_net_falls(lenet, crafted, source):
    sets = crafted("pgd")
    rows = success_curve(lenet, source, sets, seed=0, dataset="digits")
    value = {(each["metric"], each["epsilon"]): each for each in rows}
    for epsilon in EPSILONS:
        rate = value["success_rate", epsilon]
        assert rate["n"] == sets[epsilon].extra["source_correct"].sum()
        assert rate["low"] <= rate["value"] <= rate["high"]
        assert value["accuracy", epsilon]["value"] <= value["noise_accuracy", epsilon]["value"]
        assert value["mean_linf", epsilon]["value"] <= epsilon + 1e-6
    assert value["accuracy", 0.3]["value"] < 0.1
    rates = [value["success_rate", epsilon]["value"] for epsilon in EPSILONS]
    assert rates == sorted(rates)


def test_pgd_is_at_least_as_strong_as_fgsm(crafted):
    pgd, fgsm = crafted("pgd")[0.1], crafted("fgsm")[0.1]
    assert pgd.extra["success"].sum() >= fgsm.extra["success"].sum()


def test_a_set_outside_its_ball_is_refused(lenet, source):
    far = np.clip(source.pixels + np.float32(0.2), 0, 1)
    with pytest.raises(ValueError, match="more than epsilon"):
        adversarial_set(lenet, source, far, "fgsm", 0.1)
