"""Mean and spread of attributions over random passes."""

import argparse
import copy
import functools

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from plumbline.attribution.spread import FixedMask, spread, with_masks
from plumbline.attribution.steadiness import NORMAL_MEDIAN, Spread, measures, rows, signal_to_noise
from plumbline.errors import ArtefactError, InputError
from plumbline.models.classifier import Network
from plumbline.registry import ATTRIBUTIONS
from plumbline.runtime.seeding import derive
from plumbline.storage.artefacts import ImageSet

METHODS = ["gradient_x_input", "lrp_epsilon", "integrated_gradients", "occlusion", "smoothgrad"]
SMALL = {
    "integrated_gradients": {"steps": 3},
    "occlusion": {"block": 7, "stride": 7},
    "smoothgrad": {"samples": 3},
}


def method(name):
    return functools.partial(ATTRIBUTIONS.load(name), **SMALL.get(name, {}))


def run(name, net, images, target, source="dropout", samples=4, level=0.1, **more):
    how = {"source": source, "samples": samples, "level": level, "seed": 5} | more
    return spread(method(name), net, images, target, **how)


def without_dropout(net, rate=0.0):
    copied = copy.deepcopy(net)
    for layer in copied.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = rate
    return copied


@pytest.mark.parametrize("source", ["dropout", "noise"])
@pytest.mark.parametrize("name", METHODS)
def test_where_nothing_is_random_the_deviation_is_0_and_the_mean_is_the_map(
    name, source, exact, images, target
):
    net = without_dropout(exact["lenet5"])
    mean, deviation = run(name, net, images, target, source, level=0.0)
    relevance, _ = method(name)(net, images, target, seed=derive(5, "method"))
    torch.testing.assert_close(mean, relevance, rtol=0, atol=1e-12)
    assert deviation.max() < 1e-12


@pytest.mark.parametrize("model", ["lenet5", "alexnet", "resnet34"])
def test_passes_are_those_of_the_net_with_masks_put_in_by_hand(model, exact, images, target):
    net = exact[model]
    maps = []
    for number in range(2):
        by_hand = copy.deepcopy(net)
        handles = []
        for name, layer in by_hand.network.named_modules():
            if isinstance(layer, nn.Dropout):
                stream = np.random.default_rng(derive(5, number, name))

                def drop(layer, inputs, output, stream=stream):
                    drawn = torch.from_numpy(stream.random(tuple(output.shape[1:])))
                    return output * (drawn >= layer.p) / (1 - layer.p)

                handles.append(layer.register_forward_hook(drop))
        leaf = images.clone().requires_grad_()
        logit = by_hand(leaf).gather(1, target[:, None]).sum()
        (gradient,) = torch.autograd.grad(logit, leaf)
        maps.append(gradient * images)
        assert len(handles) == 2
    mean, deviation = run("gradient_x_input", net, images, target, samples=2)
    stacked = torch.stack(maps)
    torch.testing.assert_close(mean, stacked.mean(0), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(deviation, stacked.std(0), rtol=1e-6, atol=1e-10)
    assert deviation.max() > 1e-3


@pytest.fixture
def thinned(linear):
    """One linear layer behind dropout of the pixels, float64."""
    net = copy.deepcopy(linear)
    layers = {
        "dropout": nn.Dropout(0.3),
        "flatten": nn.Flatten(),
        "output": linear.network.output,
    }
    net.network = Network(layers, last_block="dropout").eval()
    return net


def test_the_spread_of_gradient_x_input_on_a_linear_net_is_the_closed_form(thinned, images, target):
    # Relevance w x m / (1 - p), m Bernoulli: mean w x, variance (w x)^2 p / (1 - p).
    samples, rate = 4000, 0.3
    exact = images * thinned.network.output.weight[target].view_as(images)
    mean, deviation = run("gradient_x_input", thinned, images, target, samples=samples)
    closed = exact.abs() * (rate / (1 - rate)) ** 0.5
    four = 4 * closed / samples**0.5
    assert ((mean - exact).abs() <= four + 1e-12).double().mean() > 0.999
    keep = closed > 1e-6
    torch.testing.assert_close(deviation[keep], closed[keep], rtol=0.08, atol=0)


def test_the_spread_under_noise_on_a_linear_net_is_the_closed_form(linear, images, target):
    # The gradient is fixed, so relevance w (x + s z) varies by |w| s, s = level times the range.
    samples, level = 1500, 0.2
    weight = linear.network.output.weight[target].view_as(images)
    mean, deviation = run(
        "gradient_x_input", linear, images, target, "noise", samples=samples, level=level
    )
    size = level * (images.amax((1, 2, 3)) - images.amin((1, 2, 3)))
    closed = weight.abs() * size[:, None, None, None]
    assert ((mean - weight * images).abs() <= 4 * closed / samples**0.5).double().mean() > 0.999
    torch.testing.assert_close(deviation, closed, rtol=0.1, atol=1e-12)


@pytest.mark.parametrize("source", ["dropout", "noise"])
def test_seed_decides_and_batches_and_later_images_do_not_matter(source, exact, images, target):
    net = exact["lenet5"]
    once = run("lrp_epsilon", net, images, target, source)
    again = run("lrp_epsilon", net, images, target, source)
    assert all(torch.equal(one, other) for one, other in zip(once, again, strict=True))
    other = run("lrp_epsilon", net, images, target, source, seed=6)
    assert not torch.equal(once[0], other[0])
    for few in (
        run("lrp_epsilon", net, images, target, source, batch=4),
        run("lrp_epsilon", net, images[:2], target[:2], source),
    ):
        for one, part in zip(once, few, strict=True):
            torch.testing.assert_close(one[: len(part)], part, rtol=0, atol=1e-9)


def test_the_net_is_left_alone_and_its_batch_norms_are_folded(exact, images, target):
    net = exact["resnet34"]
    before = {name: value.clone() for name, value in net.state_dict().items()}
    run("lrp_epsilon", net, images, target, samples=2)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert sum(isinstance(layer, nn.Dropout) for layer in net.modules()) == 2
    assert not any(layer.training or layer._forward_pre_hooks for layer in net.modules())


def test_masks_keep_their_share_and_its_expectation():
    for rate in (0.0, 0.3, 1.0):
        layer = FixedMask(rate, torch.Size([200, 200]))
        layer.draw(np.random.default_rng(0))
        assert (layer.mask > 0).float().mean().item() == pytest.approx(1 - rate, abs=0.01)
        if rate < 1:
            assert layer.mask.mean().item() == pytest.approx(1, abs=0.02)
    hidden = torch.rand(3, 200, 200)
    layer.train()
    assert torch.equal(layer(hidden), hidden * layer.mask)


def test_a_net_without_dropout_and_a_single_pass_are_refused(linear, images, target):
    with pytest.raises(InputError, match="no dropout layer"):
        with_masks(linear, images)
    with pytest.raises(InputError, match="samples must be at least 2"):
        run("gradient", linear, images, target, "noise", samples=1)


def planted(mean, deviation, relevance=None):
    mean, deviation = (np.array(each, dtype=float)[:, None, None, :] for each in (mean, deviation))
    n = len(mean)
    return Spread(
        name="planted",
        source="noise",
        samples=16,
        level=0.1,
        relevance=mean if relevance is None else np.array(relevance)[:, None, None, :],
        mean=mean,
        deviation=deviation,
        target=np.zeros(n, int),
        probability=np.ones(n),
        uncertainty=np.full(n, np.nan),
        index=np.arange(n),
    )


def test_measures_of_planted_maps():
    found = planted(
        [[0, 3, -1, 2], [0, 0, 0, 0], [1, 2, 3, 4]],
        [[0, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]],
        [[0, 3, -1, 2.0], [0, 0, 0, 0], [4, 3, 2, 1]],
    )
    ratio = signal_to_noise(found)[0, 0, 0]
    assert np.isnan(ratio[0])
    assert ratio[1:].tolist() == [3, 1, np.inf]
    values = measures(found)
    assert values["signal_to_noise"].tolist() == [3, 0, 2.5]
    assert values["steady_share"] == pytest.approx([5 / 6, 0, 0.7])
    assert values["rank_correlation"] == pytest.approx([1, 0, -1])
    assert "uncertainty" not in values


def test_rows_have_the_chance_level_and_paired_differences():
    found, reference = (
        planted([[4.0, 4], [6, 6]], np.ones((2, 2))),
        planted([[1.0, 1], [3, 3]], np.ones((2, 2))),
    )
    table = pd.DataFrame(rows(found, 0, reference, spread="a")).set_index("metric")
    assert table.loc["signal_to_noise", "value"] == 5
    gain = table.loc["signal_to_noise_gain"]
    assert (gain["value"], gain["low"], gain["high"], gain["n"]) == (3, 3, 3, 2)
    drawn = np.random.default_rng(0).standard_normal((16, 20_000))
    ratio = np.median(np.abs(drawn.mean(0)) / drawn.std(0, ddof=1))
    chance = table.loc["chance_signal_to_noise", "value"]
    assert chance == NORMAL_MEDIAN / 4
    assert chance == pytest.approx(ratio, rel=0.03)


def test_the_program_writes_maps_and_table_and_compares_with_a_reference(digits, lenet, tmp_path):
    from plumbline.programs.check_attributions import spread as program

    lenet.save(tmp_path / "net")
    digits["test"].select(slice(20)).save(tmp_path / "test")

    def main(name, count=3, **more):
        given = {
            "name": name,
            "method": "lrp",
            "module": "lrp_epsilon",
            "set": {"epsilon": 0.1},
            "source": "dropout",
            "samples": 3,
            "level": 0.1,
            "classifier": tmp_path / "net",
            "images": tmp_path / "test",
            "count": count,
            "reference": [],
            "memory_mb": 64,
            "dataset": "digits",
            "model": "lenet5",
            "objective": "cross_entropy",
            "out": tmp_path / name,
            "table": tmp_path / f"{name}.csv",
            "seed": 1,
            "device": "cpu",
            "threads": 1,
        }
        program.main(argparse.Namespace(**(given | more)))
        return (tmp_path / name).read_bytes(), (tmp_path / f"{name}.csv").read_bytes()

    assert main("first") == main("first")
    found = Spread.load(tmp_path / "first")
    images = ImageSet.load(tmp_path / "test")
    assert found.index.tolist() == images.index[:3].tolist()
    assert found.mean.shape == (3, 1, 28, 28)
    assert (found.deviation > 0).any()
    main("second", reference=[tmp_path / "first"])
    table = pd.read_csv(tmp_path / "second.csv")
    gains = table[table["metric"].str.endswith("_gain")]
    assert len(gains) == 3
    assert (gains["value"] == 0).all()
    assert table.loc[table["metric"] == "accuracy", "n"].item() == 20
    with pytest.raises(ArtefactError, match="explains other images"):
        main("third", count=2, reference=[tmp_path / "first"])
