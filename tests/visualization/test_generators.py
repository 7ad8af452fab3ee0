"""Generators: shapes, the same after any interruption, and what their samples are worth."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch import nn

from plumbline.config.visualization import GeneratorOptions
from plumbline.errors import ArtefactError, InputError
from plumbline.registry import GENERATORS
from plumbline.visualization import adversarial, samples
from plumbline.visualization.adversarial import fit
from plumbline.visualization.generator import Generator, Plan

NETWORK = {"gan": {"hidden": 32}, "dcgan": {"width": 4}}


def network(generator):
    """Options of a small generator."""
    return {"code": 16, **NETWORK.get(generator, {})}


def small(generator="gan", seed=4, **changes):
    """The arguments of ``fit`` for a small generator, with ``changes`` of its options."""
    options = {"epochs": 3, "batch": 32, "learning_rate": 1e-3, "momentum": 0.5}
    options = GeneratorOptions(**options | {"network": network(generator)} | changes)
    place = torch.device("cpu")
    return {"generator": generator, "options": options, "seed": seed, "device": place}


@pytest.fixture(scope="module")
def few(digits):
    return digits["train"].select(slice(100))


@pytest.mark.parametrize("name", GENERATORS.names())
@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32), (3, 64)])
def test_shapes_and_range(name, channels, size):
    pair = Plan(name, {"channels": channels, "size": size, **network(name)}).build()
    images = pair.generator(torch.randn(5, 16))
    assert images.shape == (5, channels, size, size)
    assert images.min() >= 0
    assert images.max() <= 1
    assert pair.discriminator(images).shape == (5, 1)


def test_the_gan_is_that_of_study_003():
    pair = Plan("gan", {"channels": 1, "size": 28}).build()
    widths = [
        (each.in_features, each.out_features)
        for each in pair.modules()
        if isinstance(each, nn.Linear)
    ]
    assert widths == [(100, 128), (128, 784), (784, 128), (128, 1)]


def test_the_dcgan_halves_its_side_and_doubles_its_channels():
    for size, widths in ((28, [64, 128]), (32, [64, 128, 256])):
        pair = Plan("dcgan", {"channels": 1, "size": size}).build()
        found = [e.out_channels for e in pair.discriminator if isinstance(e, nn.Conv2d)]
        assert found == widths
    with pytest.raises(InputError, match="a side of 30 pixels cannot be halved"):
        Plan("dcgan", {"channels": 1, "size": 30}).build()


@pytest.mark.parametrize("name", GENERATORS.names())
def test_a_killed_training_resumes_to_the_same_weights(few, tmp_path, monkeypatch, capsys, name):
    options = small(name)
    whole, history = fit(few, **options)
    again, repeated = fit(few, **options)
    real, calls = adversarial._epoch, []

    class Killed(Exception):
        pass

    def killed_in_the_last_epoch(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(adversarial, "_epoch", killed_in_the_last_epoch)
    with pytest.raises(Killed):
        fit(few, **options, checkpoint=tmp_path / "checkpoint")
    monkeypatch.setattr(adversarial, "_epoch", real)
    resumed, continued = fit(few, **options, checkpoint=tmp_path / "checkpoint")
    assert "starting again" not in capsys.readouterr().err
    assert history == repeated == continued
    for key, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key
        assert torch.equal(value, again.state_dict()[key]), key
    other, _ = fit(few, **small(name, seed=5))
    assert not torch.equal(other.net[0].weight, whole.net[0].weight)


def test_losses_of_the_first_step_are_those_of_the_paper(few):
    """With an untrained discriminator that always says 0 the losses are known."""
    plan = Plan("gan", {"channels": 1, "size": 28, "code": 16, "hidden": 32})
    pair = plan.build()
    nn.init.zeros_(pair.discriminator[-1].weight)
    nn.init.constant_(pair.discriminator[-1].bias, math.log(3))  # probability of real: 3 / 4
    optimizers = {name: torch.optim.SGD(pair.parameters(), lr=0.0) for name in adversarial.NETS}
    stream, images = torch.Generator().manual_seed(0), torch.from_numpy(few.pixels)
    found = adversarial._step(pair, optimizers, images, (0.9, 0.1), stream)
    real = -0.9 * math.log(0.75) - 0.1 * math.log(0.25)
    fake = -0.1 * math.log(0.75) - 0.9 * math.log(0.25)
    assert found["discriminator_loss"] == pytest.approx((real + fake) / 2, rel=1e-5)
    assert found["generator_loss"] == pytest.approx(-math.log(0.75), rel=1e-5)
    assert found["real_score"] == pytest.approx(0.75)
    assert found["fake_score"] == pytest.approx(0.75)


def test_a_trained_generator_is_nearer_to_the_data_than_an_untrained_one(digits):
    train = digits["train"]
    trained, history = fit(train, **small(network={}, epochs=30))
    start, _ = fit(train, **small(network={}, epochs=1, learning_rate=1e-9))
    near, far = (samples.nearest(g.sample(50, 0), train.images)[0].mean() for g in (trained, start))
    assert near < 0.8 * far
    assert [row["epoch"] for row in history] == list(range(30))


def test_faults_are_told(few, tmp_path):
    with pytest.raises(InputError, match="no training images for the generator gan"):
        fit(few.select(slice(0)), **small())
    with pytest.raises(InputError, match=r"the loss is nan in epoch \d+, step \d+"):
        fit(few, **small(learning_rate=1e30))
    kept, _ = fit(few, **small(epochs=1))
    kept.save(tmp_path / "generator")
    loaded = Generator.load(tmp_path / "generator")
    assert torch.equal(loaded.sample(3, 0), kept.sample(3, 0))
    assert (loaded.name, loaded.code, loaded.shape) == ("gan", 16, (1, 28, 28))
    Generator(Plan("gan", {**kept.plan.arguments, "code": 8}), kept.net, {}).save(
        tmp_path / "other"
    )
    with pytest.raises(ArtefactError, match="weights do not fit"):
        Generator.load(tmp_path / "other")


def test_nearest_equals_a_search_through_all_pairs(digits):
    wanted, pool = digits["test"].images[:20], digits["train"].images[:300]
    distance, place = samples.nearest(wanted, pool, batch=64)
    pairs = cdist(wanted.reshape(20, -1) / 255, pool.reshape(300, -1) / 255)
    np.testing.assert_allclose(distance, pairs.min(1), rtol=1e-3)
    assert (place == pairs.argmin(1)).all()


def test_copies_and_collapse_show_in_the_figures(digits, lenet):
    train, test = digits["train"], digits["test"]
    rng = np.random.default_rng(0)
    copies = train.images[rng.integers(len(train), size=60)]
    found = [samples.nearest(each, train.images)[0] for each in (copies, test.images)]
    rows = {(r["metric"], r["images"]): r for r in samples.distance_rows(*found, 0)}
    assert rows["copied_share", "samples"]["value"] == 1
    assert rows["copied_share", "test"]["value"] == pytest.approx(0.01, abs=0.005)
    assert rows["nearest_distance", "samples"]["value"] < 1e-2
    one = np.repeat(test.images[:1], 60, axis=0)
    rows = {
        (r["metric"], r["images"]): r
        for r in samples.class_rows(lenet, {"one": one, "test": test.images}, 0)
    }
    assert rows["class_entropy", "one"]["value"] == 0
    assert rows["class_entropy", "test"]["value"] > 0.97
    assert samples.entropy(np.array([1, 1, 1, 1])) == pytest.approx(1)
