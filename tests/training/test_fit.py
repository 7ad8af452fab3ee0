"""Training: the best epoch, the same result after any interruption, clear failures."""

import numpy as np
import pytest
import torch

from plumbline.config.training import TrainingOptions
from plumbline.errors import InputError
from plumbline.models.classifier import logits
from plumbline.training import fit as training
from plumbline.training.fit import fit

LENET = {"width": 4, "dense": 32}


def net(model="lenet5", seed=5, **changes):
    """The arguments of ``fit`` for one net, with ``changes`` of its options."""
    options = {"epochs": 3, "batch": 32, "learning_rate": 3e-3, "weight_decay": 1e-4}
    options |= {"normalise": True, "network": LENET} | changes
    options = TrainingOptions(**options)
    return {"model": model, "options": options, "seed": seed, "device": torch.device("cpu")}


@pytest.fixture(scope="module")
def few(digits):
    return digits["train"].select(slice(200)), digits["val"].select(slice(100))


def weights(classifier):
    return {name: value.clone() for name, value in classifier.state_dict().items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


def test_digits_are_learned(lenet, digits):
    test = digits["test"]
    right = logits(lenet, test.images).argmax(1).numpy() == test.labels
    assert right.mean() > 0.85


def test_the_same_seed_gives_the_same_net_and_another_seed_another(few):
    first, history = fit(*few, **net())
    again, repeated = fit(*few, **net())
    other, _ = fit(*few, **net(seed=6))
    assert_same(weights(first), weights(again))
    assert history == repeated
    assert not torch.equal(first.network.conv1.weight, other.network.conv1.weight)


@pytest.mark.parametrize("model", ["lenet5", "resnet34"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "adadelta"])
def test_a_killed_training_resumes_to_the_same_weights(
    few, tmp_path, killed_fit, capsys, model, optimizer
):
    network = {"lenet5": LENET, "resnet34": {"width": 4}}[model]
    options = net(model, network=network, optimizer=optimizer, augment="shift_flip")
    whole, history = fit(*few, **options)
    killed_fit(*few, **options, checkpoint=tmp_path / "checkpoint")
    resumed, continued = fit(*few, **options, checkpoint=tmp_path / "checkpoint")
    assert "starting again" not in capsys.readouterr().err
    assert_same(weights(whole), weights(resumed))
    assert continued == history


def test_the_best_epoch_on_val_is_kept(few, monkeypatch):
    scores = iter([(0.5, 1.0), (0.9, 0.8), (0.9, 0.7), (0.9, 0.7), (0.2, 0.1)])
    seen = []

    def score(classifier, *_):
        seen.append(weights(classifier))
        accuracy, nll = next(scores)
        return {"val_nll": nll, "val_accuracy": accuracy}

    monkeypatch.setattr(training, "_score", score)
    trained, _ = fit(*few, **net(epochs=5))
    assert trained.record["best"]["epoch"] == 2
    assert_same(weights(trained), seen[2])


def test_a_loss_that_is_not_finite_is_told_with_epoch_and_step(few):
    with pytest.raises(InputError, match=r"epoch \d+, step \d+: lower training.learning_rate"):
        fit(*few, **net(learning_rate=1e30))


def test_normalisation_stands_inside_the_net(few):
    trained, _ = fit(*few, **net(epochs=1))
    pixels = few[0].pixels
    assert trained.mean.item() == pytest.approx(pixels.mean(), abs=1e-6)
    assert trained.std.item() == pytest.approx(pixels.std(), abs=1e-6)
    assert trained.record["images"] == 200


def test_shifts_move_the_image_and_lose_nothing_but_its_border():
    image = torch.zeros(1, 1, 20, 20)
    image[0, 0, 8:12, 8:12] = torch.rand(4, 4)
    torch.manual_seed(0)
    moved = training._augment(image.repeat(64, 1, 1, 1), "shift")
    np.testing.assert_allclose(moved.sum((1, 2, 3)), image.sum(), rtol=1e-5)
    assert len({each.numpy().tobytes() for each in moved}) > 10
    reach = [
        (
            abs(each.argmax().item() // 20 - image.argmax().item() // 20),
            abs(each.argmax().item() % 20 - image.argmax().item() % 20),
        )
        for each in moved
    ]
    assert max(max(pair) for pair in reach) == 2
    assert torch.equal(training._augment(image, "none"), image)


def test_half_of_the_images_are_mirrored():
    row = torch.arange(10.0).reshape(1, 1, 1, 10).repeat(400, 1, 10, 1)
    torch.manual_seed(0)
    moved = training._augment(row, "shift_flip")[:, 0, 5, 2:8]
    falling = (moved.diff(dim=1) < 0).all(1)
    rising = (moved.diff(dim=1) > 0).all(1)
    assert (falling | rising).all()
    assert 150 < falling.sum() < 250


def test_a_last_batch_of_one_image_does_not_stop_batch_normalisation(few):
    train = few[0].select(slice(33))
    trained, _ = fit(train, few[1], **net("resnet34", network={"width": 4}))
    assert torch.isfinite(trained.network.fc.weight).all()
