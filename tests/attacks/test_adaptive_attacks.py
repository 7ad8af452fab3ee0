"""Attacks that know the detector: inside the ball, deterministic, and the detector is deceived."""

from functools import partial

import numpy as np
import pytest
import torch

from plumbline.attacks.adaptive_attack import best_wrong
from plumbline.attacks.success import adversarial_set, craft
from plumbline.models.classifier import logits
from plumbline.registry import ATTACKS, OPERATORS

EPSILONS = (0.1,)
STEPS = {"steps": 20, "relative_step": 0.1}
LABEL_CHANGE, MAX_PROBABILITY = "pgd_adaptive_label_change", "pgd_adaptive_max_probability"


@pytest.fixture(scope="module")
def source(digits):
    return digits["test"].select(slice(30))


@pytest.fixture(scope="module")
def mutate():
    return partial(OPERATORS.load("neuron_activation_inversion"), rate=0.03)


@pytest.fixture(scope="module")
def made(lenet, source, mutate):
    found = {}

    def make(attack):
        if attack not in found:
            more = {"mutate": mutate, "mutants": 4} if attack == LABEL_CHANGE else {}
            pixels = craft(ATTACKS.load(attack), lenet, source, EPSILONS, seed=1, **STEPS, **more)
            found[attack] = {
                epsilon: adversarial_set(lenet, source, each, attack, epsilon)
                for epsilon, each in zip(EPSILONS, pixels, strict=True)
            }
        return found[attack]

    return make


def label_change_rate(classifier, pixels, mutate, mutants=40):
    """Share of mutants that the attack has never seen with another answer than the net's."""
    pixels = torch.from_numpy(pixels)
    own, changed = classifier(pixels).argmax(1), torch.zeros(len(pixels))
    for seed in range(mutants):
        changes = mutate(classifier.network, seed=seed)
        hidden = classifier.normalise(pixels)
        changed += torch.func.functional_call(classifier.network, changes, hidden).argmax(1) != own
    return (changed / mutants).numpy()


@pytest.mark.parametrize("attack", [LABEL_CHANGE, MAX_PROBABILITY])
def test_every_set_is_inside_the_ball_and_the_pixel_range(made, source, attack):
    for epsilon, images in made(attack).items():
        assert np.abs(images.pixels - source.pixels).max() <= epsilon + 1e-6
        assert images.images.min() >= 0
        assert images.images.max() <= 1


@pytest.mark.parametrize("attack", [LABEL_CHANGE, MAX_PROBABILITY])
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
    made, lenet, source, mutate, attack
):
    more = {"mutate": mutate, "mutants": 4} if attack == LABEL_CHANGE else {}
    torch.manual_seed(99)
    perturb = partial(ATTACKS.load(attack), **STEPS, **more)
    again, other = (craft(perturb, lenet, source, EPSILONS[:1], seed=s)[0] for s in (1, 2))
    first = made(attack)[EPSILONS[0]].pixels
    np.testing.assert_array_equal(again, first)
    assert np.abs(other - first).max() > 0


@pytest.mark.parametrize("attack", [LABEL_CHANGE, MAX_PROBABILITY])
def test_it_still_succeeds_nearly_as_often_as_pgd(made, attack):
    for epsilon in EPSILONS:
        plain = made("pgd")[epsilon].extra["success"].sum()
        assert made(attack)[epsilon].extra["success"].sum() >= 0.85 * plain


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_mutants_that_it_never_saw_agree_more_than_under_pgd(made, lenet, source, mutate, epsilon):
    plain, adaptive = made("pgd")[epsilon], made(LABEL_CHANGE)[epsilon]
    both = plain.extra["success"] & adaptive.extra["success"]
    rates = [label_change_rate(lenet, each.pixels[both], mutate) for each in (plain, adaptive)]
    assert rates[1].mean() < rates[0].mean()


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_the_wrong_answer_is_surer_than_under_pgd(made, lenet, epsilon):
    plain, adaptive = made("pgd")[epsilon], made(MAX_PROBABILITY)[epsilon]
    both = plain.extra["success"] & adaptive.extra["success"]
    sure = [logits(lenet, each.pixels[both]).softmax(1).max(1).values for each in (plain, adaptive)]
    assert sure[1].mean() > sure[0].mean()


def test_best_wrong_is_the_highest_class_but_the_label():
    scores = torch.tensor([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [5.0, 7.0, 6.0]])
    found = best_wrong(scores, torch.tensor([0, 0, 1]))
    assert found.tolist() == [[1], [2], [2]]


def test_the_gradient_of_one_step_is_that_of_the_log_odds(lenet, source):
    """One step from a known start moves every pixel by the sign of d log(p / (1 - p))."""
    pixels, labels = torch.from_numpy(source.pixels), torch.from_numpy(source.labels)
    perturb = partial(ATTACKS.load(MAX_PROBABILITY), seed=3, relative_step=0.5)
    (start,) = perturb(lenet, pixels, labels, (0.1,), steps=0)
    (moved,) = perturb(lenet, pixels, labels, (0.1,), steps=1)
    now = start.clone().requires_grad_()
    probability = lenet(now).softmax(1)
    target = best_wrong(probability, labels)
    p = probability.gather(1, target)
    (gradient,) = torch.autograd.grad((p / (1 - p)).log().sum(), now)
    expected = (start + 0.05 * gradient.sign()).clamp(pixels - 0.1, pixels + 0.1).clamp(0, 1)
    same = (moved - expected).abs() < 1e-6
    assert same.float().mean() > 0.999  # a sign may differ where the gradient rounds to 0
