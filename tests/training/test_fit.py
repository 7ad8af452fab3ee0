"""Training: the best epoch, the same result after any interruption, clear failures."""

import numpy as np
import pytest
import torch

from plumbline.errors import InputError
from plumbline.models.classifier import logits
from plumbline.training import fit as training
from plumbline.training.fit import fit

OPTIONS = {
    "model": "lenet5",
    "network": {"width": 4, "dense": 32},
    "epochs": 3,
    "batch": 32,
    "optimizer": "adam",
    "learning_rate": 3e-3,
    "weight_decay": 1e-4,
    "augment": "none",
    "normalise": True,
    "seed": 5,
    "device": torch.device("cpu"),
}


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
    first, history = fit(*few, **OPTIONS)
    again, repeated = fit(*few, **OPTIONS)
    other, _ = fit(*few, **{**OPTIONS, "seed": 6})
    assert_same(weights(first), weights(again))
    assert history == repeated
    assert not torch.equal(first.network.conv1.weight, other.network.conv1.weight)


@pytest.mark.parametrize("model", ["lenet5", "resnet34"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "adadelta"])
def test_a_killed_training_resumes_to_the_same_weights(
    few, tmp_path, killed_fit, capsys, model, optimizer
):
    network = {"lenet5": {"width": 4, "dense": 32}, "resnet34": {"width": 4}}[model]
    options = {**OPTIONS, "model": model, "network": network, "optimizer": optimizer}
    options["augment"] = "shift_flip"
    whole, history = fit(*few, **options)
    killed_fit(*few, **options, checkpoint=tmp_path / "checkpoint")
    resumed, continued = fit(*few, **options, checkpoint=tmp_path / "checkpoint")
    assert "begun anew" not in capsys.readouterr().err
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
    net, _ = fit(*few, **{**OPTIONS, "epochs": 5})
    assert net.record["best"]["epoch"] == 2
    assert_same(weights(net), seen[2])


def test_a_loss_that_is_not_finite_is_told_with_epoch_and_step(few):
    with pytest.raises(InputError, match=r"epoch \d+, step \d+: lower training.learning_rate"):
        fit(*few, **{**OPTIONS, "learning_rate": 1e30})


def test_normalisation_stands_inside_the_net(few):
    net, _ = fit(*few, **{**OPTIONS, "epochs": 1})
    pixels = few[0].pixels
    assert net.mean.item() == pytest.approx(pixels.mean(), abs=1e-6)
    assert net.std.item() == pytest.approx(pixels.std(), abs=1e-6)
    assert net.record["images"] == 200


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
    net, _ = fit(train, few[1], **{**OPTIONS, "model": "resnet34", "network": {"width": 4}})
    assert torch.isfinite(net.network.fc.weight).all()
