"""Attacks that look for the smallest perturbation, against closed forms and each other."""

import numpy as np
import pytest
import torch
from torch import nn

from plumbline.attacks.methods import hop_skip_jump
from plumbline.attacks.success import adversarial_set, craft, predictions, rows_of
from plumbline.models.classifier import logits
from plumbline.registry import ATTACKS

OPTIONS = {
    "carlini_wagner": {
        "steps": 80,
        "search_steps": 5,
        "step_size": 0.05,
        "initial_const": 0.3,
    },
    "hop_skip_jump": {"steps": 6, "evaluations": 40},
}
MINIMAL = [name for name in ATTACKS.names() if not ATTACKS.takes(name, "epsilons")]


@pytest.fixture(scope="module")
def source(digits):
    return digits["test"].select(slice(20))


@pytest.fixture(scope="module")
def made(nets, source):
    found = {}

    def make(attack, model="lenet5"):
        if (attack, model) not in found:
            pixels = craft(
                ATTACKS.load(attack), nets[model], source, [], seed=1, **OPTIONS.get(attack, {})
            )
            found[attack, model] = adversarial_set(nets[model], source, pixels[0], attack, None)
        return found[attack, model]

    return make


def sizes(images, source):
    return np.sqrt(((images.pixels - source.pixels) ** 2).sum((1, 2, 3)))


class Linear(nn.Module):
    """A linear classifier of two classes with what the attacks ask of a Classifier."""

    def __init__(self, channels, size):
        super().__init__()
        self.mean = torch.zeros(1, channels, 1, 1)
        generator = torch.Generator().manual_seed(4)
        self.dense = nn.Linear(channels * size * size, 2)
        weight = torch.randn(self.dense.weight.shape, generator=generator)
        bias = -0.5 * weight.sum(1)  # so that grey lies on the boundary
        self.dense.weight.data, self.dense.bias.data = weight, bias

    def forward(self, pixels):
        return self.dense(pixels.flatten(1))


@pytest.fixture(scope="module")
def linear():
    """The classifier, grey images far from 0 and 1, their labels, distances to the boundary."""
    classifier = Linear(1, 6)
    generator = torch.Generator().manual_seed(5)
    pixels = 0.5 + 0.02 * torch.randn(40, 1, 6, 6, generator=generator)
    answers_ = classifier(pixels)
    difference = classifier.dense.weight[1] - classifier.dense.weight[0]
    distance = (answers_[:, 1] - answers_[:, 0]).abs() / difference.norm()
    return classifier.requires_grad_(False), pixels, answers_.argmax(1), distance.detach()


def test_deepfool_is_the_distance_to_the_hyperplane(linear):
    classifier, pixels, labels, distance = linear
    found = ATTACKS.load("deepfool")(classifier, pixels, labels, seed=0, overshoot=0.0)
    length = (found - pixels).flatten(1).norm(dim=1)
    # foolbox adds 1e-4 to every step so that it does not end on the boundary itself.
    torch.testing.assert_close(length, distance + 1e-4, rtol=1e-4, atol=2e-5)
    further = ATTACKS.load("deepfool")(classifier, pixels, labels, seed=0, overshoot=0.5)
    length = (further - pixels).flatten(1).norm(dim=1)
    torch.testing.assert_close(length, 1.5 * (distance + 1e-4), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize(
    ("attack", "options", "most"),
    [
        ("carlini_wagner", {"steps": 300, "search_steps": 6, "initial_const": 1.0}, 1.05),
        ("hop_skip_jump", {"steps": 25, "evaluations": 100}, 1.3),
    ],
)
def test_others_come_near_the_hyperplane_and_never_below(linear, attack, options, most):
    classifier, pixels, labels, distance = linear
    found = ATTACKS.load(attack)(classifier, pixels, labels, seed=0, **options)
    ratio = (found - pixels).flatten(1).norm(dim=1) / distance
    assert ratio.min() > 1 - 1e-3
    assert ratio.median() < most


@pytest.mark.parametrize(
    ("attack", "model"),
    [
        *((attack, "lenet5") for attack in OPTIONS),
        ("deepfool", "alexnet"),
        ("deepfool", "resnet34"),
    ],
)
def test_sets_are_images_and_keep_what_is_not_attacked(made, nets, source, attack, model):
    images = made(attack, model)
    assert images.images.min() >= 0
    assert images.images.max() <= 1
    np.testing.assert_array_equal(images.index, source.index)
    wrong_before = predictions(nets[model], source.pixels) != source.labels
    np.testing.assert_array_equal(images.pixels[wrong_before], source.pixels[wrong_before])
    right = images.extra["source_correct"]
    np.testing.assert_array_equal(right, ~wrong_before)
    if model == "lenet5":  # the other nets of the fixtures have hardly learnt
        assert images.extra["success"].sum() >= 0.9 * right.sum()
    assert not images.extra["success"][~right].any()


def test_carlini_wagner_finds_no_larger_perturbation_than_deepfool_on_most(made, lenet, source):
    some, options = (
        source.select(slice(12)),
        {"steps": 200, "search_steps": 6, "step_size": 0.02, "initial_const": 1.0},
    )
    pixels = craft(ATTACKS.load("carlini_wagner"), lenet, some, [], seed=1, **options)[0]
    ours = adversarial_set(lenet, some, pixels, "carlini_wagner", None)
    theirs = made("deepfool").select(slice(12))
    both = theirs.extra["success"] & ours.extra["success"]
    ratio = (sizes(ours, some) / sizes(theirs, some))[both]
    # This net is nearly linear, where DeepFool is exact: little is left to win.
    assert (ratio <= 1.0).mean() > 0.6
    assert both.sum() >= 8


def test_decisions_alone_cost_a_larger_perturbation_than_gradients(made, source):
    blind, seeing = made("hop_skip_jump"), made("carlini_wagner")
    both = blind.extra["success"] & seeing.extra["success"]
    assert np.median(sizes(blind, source)[both]) > np.median(sizes(seeing, source)[both])


@pytest.mark.parametrize("attack", MINIMAL)
def test_the_same_seed_gives_the_same_bytes(made, lenet, source, attack):
    first = made(attack).pixels
    torch.manual_seed(99)
    again = craft(ATTACKS.load(attack), lenet, source, [], seed=1, **OPTIONS.get(attack, {}))[0]
    np.testing.assert_array_equal(again, first)


def test_carlini_wagner_leaves_the_confidence_between_the_logits(lenet, source, made):
    options = OPTIONS["carlini_wagner"] | {"confidence": 3.0}
    pixels = craft(ATTACKS.load("carlini_wagner"), lenet, source, [], seed=1, **options)[0]
    sure = adversarial_set(lenet, source, pixels, "carlini_wagner", None)
    which = sure.extra["success"]
    scores = logits(lenet, sure.pixels[which])
    truth = torch.from_numpy(source.labels[which])[:, None]
    others = scores.scatter(1, truth, -torch.inf).max(1).values
    assert (others - scores.gather(1, truth)[:, 0]).min() > 3 - 1e-3
    plain = made("carlini_wagner")
    both = which & plain.extra["success"]
    assert np.median(sizes(sure, source)[both]) > np.median(sizes(plain, source)[both])


def test_hop_skip_jump_starts_at_the_nearest_image_with_another_answer(lenet, source):
    pixels, labels = torch.from_numpy(source.pixels), torch.from_numpy(source.labels)
    starts = hop_skip_jump._starts(lenet, pixels, labels)
    said = logits(lenet, pixels).argmax(1)
    for image, label, start in zip(pixels, labels, starts, strict=True):
        others = pixels[said != label]
        nearest = others[(others - image).flatten(1).norm(dim=1).argmin()]
        torch.testing.assert_close(start, nearest)


def test_hop_skip_jump_without_another_answer_leaves_the_images_as_they_are(lenet, source):
    same = source.select(source.labels == source.labels[0])
    right = predictions(lenet, same.pixels) == same.labels
    same = same.select(right)
    (pixels,) = craft(ATTACKS.load("hop_skip_jump"), lenet, same, [], seed=1)
    np.testing.assert_array_equal(pixels, same.pixels)


def test_hop_skip_jump_does_not_depend_on_the_size_of_the_batch(linear):
    classifier, pixels, labels, distance = (
        each[:12] if torch.is_tensor(each) else each for each in linear
    )
    options = {"steps": 8, "evaluations": 60}
    attack = ATTACKS.load("hop_skip_jump")
    alone = attack(classifier, pixels, labels, seed=0, batch=4, **options)
    together = attack(classifier, pixels, labels, seed=0, batch=12, **options)
    ratios = [(each - pixels).flatten(1).norm(dim=1) / distance for each in (alone, together)]
    assert abs(ratios[0].median() - ratios[1].median()) < 0.15


def test_rows_count_and_measure_the_successful(made, lenet, source):
    images = made("deepfool")
    rows = rows_of(lenet, source, {None: images}, seed=0, attack="deepfool")
    value = {each["metric"]: each for each in rows}
    success = images.extra["success"]
    assert value["success_rate"]["n"] == images.extra["source_correct"].sum()
    assert value["success_rate"]["value"] == success.sum() / images.extra["source_correct"].sum()
    assert value["accuracy"]["n"] == len(source)
    change = (images.pixels - source.pixels)[success]
    expected = {
        "median_l2": np.median(np.linalg.norm(change.reshape(len(change), -1), axis=1)),
        "median_linf": np.median(np.abs(change).max((1, 2, 3))),
    }
    for metric, size in expected.items():
        assert value[metric]["value"] == pytest.approx(size)
        assert value[metric]["low"] <= size <= value[metric]["high"]
        assert value[metric]["n"] == success.sum()
    assert all("epsilon" not in each for each in rows)


def test_rows_of_an_attack_that_never_succeeds_have_no_size(lenet, source):
    images = adversarial_set(lenet, source, source.pixels, "deepfool", None)
    rows = rows_of(lenet, source, {None: images}, seed=0)
    value = {each["metric"]: each for each in rows}
    assert value["success_rate"]["value"] == 0
    assert np.isnan(value["median_l2"]["value"])
    assert value["median_l2"]["n"] == 0
