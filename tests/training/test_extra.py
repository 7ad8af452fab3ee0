"""Further training images with soft targets: their loss, and that nothing else changes."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from plumbline.config.training import TrainingOptions
from plumbline.training import fit as training
from plumbline.training.fit import Extra, fit
from plumbline.training.losses import CrossEntropy

OPTIONS = TrainingOptions(
    epochs=3,
    batch=32,
    learning_rate=3e-3,
    augment="shift",
    normalise=True,
    network={"width": 4, "dense": 32},
)
CPU = torch.device("cpu")
NET = {"model": "lenet5", "options": OPTIONS, "seed": 5, "device": CPU}


@pytest.fixture(scope="module")
def few(digits):
    return digits["train"].select(slice(150)), digits["val"].select(slice(60))


@pytest.fixture(scope="module")
def noise():
    images = np.random.default_rng(0).random((40, 1, 28, 28), dtype=np.float32)
    return Extra(images, np.full((40, 10), 0.1, np.float32))


def assert_same(one, other):
    one, other = one.state_dict(), other.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_one_hot_target_has_the_loss_and_gradient_of_its_class():
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(20, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.arange(20) % 7
    objective = CrossEntropy()
    losses = [
        objective.mean_loss(outputs, each, 0)
        for each in (labels, F.one_hot(labels, 7).to(outputs.dtype))
    ]
    gradients = [torch.autograd.grad(loss, outputs)[0] for loss in losses]
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-12, atol=1e-12)


def test_a_uniform_target_has_its_gradient_at_p_minus_one_in_k():
    outputs = torch.randn(6, 4, generator=torch.Generator().manual_seed(1)).double()
    outputs.requires_grad_()
    loss = CrossEntropy().mean_loss(outputs, torch.full((6, 4), 0.25).double(), 0)
    (gradient,) = torch.autograd.grad(loss, outputs)
    torch.testing.assert_close(gradient, (torch.softmax(outputs, 1) - 0.25) / 6)
    divergence = (0.25 * (0.25 / torch.softmax(outputs, 1)).log()).sum(1).mean()
    torch.testing.assert_close(loss, divergence + np.log(4))  # KL from uniform, plus its entropy


def test_images_and_targets_are_joined_in_order(few, noise):
    pixels, targets = training._material(few[0], noise, CPU)
    assert pixels.dtype == torch.float32
    np.testing.assert_array_equal(pixels[:150], few[0].pixels)
    np.testing.assert_array_equal(pixels[150:], noise.images)
    assert (targets[:150].argmax(1).numpy() == few[0].labels).all()
    assert (targets[:150].sum(1) == 1).all()
    assert (targets[150:] == 0.1).all()
    levels = Extra((noise.images * 255).astype(np.uint8), noise.targets)
    assert training._material(few[0], levels, CPU).pixels.dtype == torch.uint8


def test_no_further_image_is_no_change_bit_for_bit(few, noise):
    plain, history = fit(*few, **NET)
    none, same = fit(*few, **NET, extra=Extra(noise.images[:0], noise.targets[:0]))
    assert_same(plain, none)
    assert history == same
    assert none.record == plain.record | {"extra": 0}


def test_a_net_learns_to_be_uncertain_of_their_kind_and_of_nothing_else(digits):
    """Inverted digits: those of the training set are put aside, those of val are judged."""
    train, val = digits["train"].select(slice(400)), digits["val"]
    inverted = Extra(255 - train.images[:100], np.full((100, 10), 0.1, np.float32))
    changed = {"epochs": 8, "augment": "none", "normalise": False}
    net = NET | {"options": OPTIONS.model_copy(update=changed)}
    nets = [fit(train, val, **net, extra=extra)[0] for extra in (None, inverted)]
    sets = torch.from_numpy(val.pixels), torch.from_numpy(1 - val.pixels)
    answers = [[torch.softmax(net(images), 1) for images in sets] for net in nets]
    plain, taught = (other.max(1).values.mean() for _, other in answers)
    assert taught < 0.2 < 0.4 < plain
    right = [(own.argmax(1).numpy() == val.labels).mean() for own, _ in answers]
    assert right[1] > right[0] - 0.1
    assert (nets[1].record["images"], nets[1].record["extra"]) == (400, 100)


def test_the_normalisation_is_that_of_the_training_set(few, noise):
    once = NET | {"options": OPTIONS.model_copy(update={"epochs": 1})}
    nets = [fit(*few, **once, extra=extra)[0] for extra in (None, noise)]
    assert torch.equal(nets[0].mean, nets[1].mean)
    assert torch.equal(nets[0].std, nets[1].std)


def test_a_killed_training_resumes_to_the_same_weights(few, noise, tmp_path, killed_fit):
    whole, history = fit(*few, **NET, extra=noise)
    killed_fit(*few, **NET, extra=noise, checkpoint=tmp_path / "checkpoint")
    resumed, again = fit(*few, **NET, extra=noise, checkpoint=tmp_path / "checkpoint")
    assert_same(whole, resumed)
    assert history == again
