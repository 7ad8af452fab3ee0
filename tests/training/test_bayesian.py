"""Bayes by backprop: its divergence, its draws, and posteriors that are known."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

from plumbline.config.training import TrainingOptions
from plumbline.models.bayesian import (
    BayesConv2d,
    BayesLinear,
    bayesian_layers,
    divergence_from_prior,
    drawn_weights,
    make_bayesian,
)
from plumbline.models.classifier import Architecture, Classifier, logits
from plumbline.training.fit import fit
from plumbline.training.losses import Bayesian, trained_for

OPTIONS = {
    "model": "lenet5",
    "options": TrainingOptions(epochs=3, learning_rate=3e-3, network={"width": 4, "dense": 16}),
    "seed": 0,
    "device": torch.device("cpu"),
    "objective": Bayesian(prior_scale=1.0, initial_scale=0.02),
}


def random_net():
    """A small net of all kinds of layers whose means and deviations are all different."""
    torch.manual_seed(0)
    layers = nn.Conv2d(2, 4, 3, padding="same"), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 3, bias=False)
    network = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.5), nn.Linear(48, 5)).double()
    make_bayesian(network, 0.3)
    for name, value in network.named_parameters():
        if name.endswith("rho"):
            nn.init.uniform_(value, -3, 1)
    return network


def test_divergence_is_torchs_for_every_layer_and_the_sum_of_them():
    network, found = random_net(), []
    prior = Normal(*torch.tensor([0.0, 0.7], dtype=torch.float64))
    for layer in bayesian_layers(network):
        both = [Normal(*each) for each in layer.posterior().values()]
        expected = sum(kl_divergence(one, prior).sum() for one in both)
        found.append(divergence_from_prior(layer, 0.7))
        torch.testing.assert_close(found[-1], expected, rtol=1e-12, atol=0)
    assert len(found) == 3
    torch.testing.assert_close(divergence_from_prior(network, 0.7), sum(found))


def test_divergence_is_the_mean_log_ratio_of_the_densities():
    torch.manual_seed(1)
    layer = nn.Linear(3, 2).double()
    network = nn.Sequential(layer)
    make_bayesian(network, 0.4)
    ratios = torch.zeros(20_000, dtype=torch.float64)
    for part, (mean, deviation) in layer.posterior().items():
        drawn = Normal(mean, deviation).sample(ratios.shape)
        ratio = Normal(mean, deviation).log_prob(drawn) - Normal(0.0, 0.7).log_prob(drawn)
        assert part in ("weight", "bias")
        ratios += ratio.flatten(1).sum(1).detach()
    four = 4 * ratios.std() / len(ratios) ** 0.5
    assert abs(divergence_from_prior(network, 0.7) - ratios.mean()) < four
    # Means of 0 and the prior's own deviation: nothing is known, nothing is paid.
    nothing = nn.Sequential(nn.Linear(3, 2))
    make_bayesian(nothing, 0.7)
    nn.init.zeros_(nothing[0].weight)
    nn.init.zeros_(nothing[0].bias)
    assert abs(divergence_from_prior(nothing, 0.7)) < 1e-5


def test_the_losses_of_an_epoch_add_up_to_the_negative_evidence_lower_bound():
    """Study 001's fault: every batch paid for the whole divergence."""
    network, images = random_net().eval(), 30
    generator = torch.Generator().manual_seed(2)
    outputs = torch.randn(images, 5, generator=generator).double()
    labels = torch.randint(0, 5, (images,), generator=generator)
    objective = Bayesian(0.7, 0.3)
    total = sum(
        len(part)
        * (objective.mean_loss(outputs[part], labels[part], 0) + objective.penalty(network, images))
        for part in torch.arange(images).split(8)
    )
    bound = F.cross_entropy(outputs, labels, reduction="sum") + divergence_from_prior(network, 0.7)
    torch.testing.assert_close(total, bound)


def test_training_draws_dense_outputs_with_the_moments_of_drawn_weights():
    network = random_net()
    layer = network[-1].train()
    hidden = torch.rand(1, 48, generator=torch.Generator().manual_seed(3)).double()
    torch.manual_seed(4)
    with torch.no_grad():
        local = layer(hidden.expand(20_000, -1))
        drawn = []
        for seed in range(2000):
            with drawn_weights(layer, seed):
                drawn.append(layer(hidden))
        drawn = torch.cat(drawn)
        (weight, weight_scale), (bias, bias_scale) = layer.posterior().values()
        mean = F.linear(hidden, weight, bias)[0]
        variance = F.linear(hidden.square(), weight_scale.square(), bias_scale.square())[0]
    for samples in (local, drawn):
        n = len(samples)
        assert ((samples.mean(0) - mean).abs() < 4.5 * (variance / n).sqrt()).all()
        assert ((samples.var(0) / variance - 1).abs() < 4.5 * math.sqrt(2 / n)).all()


def test_training_draws_one_kernel_for_the_whole_batch():
    layer = random_net()[0].train()
    pixels = torch.rand(1, 2, 6, 6).double().expand(3, -1, -1, -1)
    first, again = layer(pixels), layer(pixels)
    torch.testing.assert_close(first[0], first[2], rtol=0, atol=1e-12)
    assert not torch.equal(first, again)
    first.sum().backward()
    assert layer.weight_rho.grad.abs().sum() > 0


def test_gradients_are_finite_where_nothing_is_random():
    network = nn.Sequential(nn.Linear(3, 2, bias=False))
    make_bayesian(network, 0.1)
    network.train()(torch.zeros(4, 3)).sum().backward()
    assert all(each.grad.isfinite().all() for each in network.parameters())


@pytest.mark.parametrize(
    ("model", "network"),
    [
        ("lenet5", {"width": 4, "dense": 16}),
        ("mlp", {"dense": 16}),
        ("resnet34", {"width": 4}),
    ],
)
def test_the_means_are_the_ordinary_net_and_dropout_is_gone(model, network):
    arguments = {"channels": 1, "size": 28, "classes": 10, **network}
    nets = []
    for scale in (None, 0.05):
        torch.manual_seed(0)
        nets.append(Architecture(model, arguments, scale).build().eval())
    pixels = torch.rand(2, 1, 28, 28)
    assert torch.equal(nets[0](pixels), nets[1](pixels))
    kinds = {type(each) for each in nets[1].modules()}
    assert not kinds & {nn.Dropout, nn.Linear, nn.Conv2d}
    for layer in bayesian_layers(nets[1]):
        assert isinstance(layer, BayesLinear | BayesConv2d)
        for _, deviation in layer.posterior().values():
            torch.testing.assert_close(deviation, torch.full_like(deviation, 0.05))
    parameters = sum(each.numel() for each in nets[0].parameters())
    normed = sum(
        each.numel()
        for module in nets[0].modules()
        if isinstance(module, nn.BatchNorm2d)
        for each in module.parameters()
    )
    assert sum(each.numel() for each in nets[1].parameters()) == 2 * parameters - normed


def test_drawn_weights_follow_from_their_seed_and_go_away():
    network = random_net().eval()
    pixels = torch.rand(3, 2, 6, 6).double()
    plain = network(pixels)
    state = torch.get_rng_state()
    answers = []
    for seed in (0, 1, 0):
        with drawn_weights(network, seed):
            answers.append(network(pixels))
            torch.testing.assert_close(network(pixels[:1]), network(pixels)[:1])
    assert torch.equal(answers[0], answers[2])
    assert not torch.allclose(answers[0], answers[1])
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(RuntimeError), drawn_weights(network, 0):
        raise RuntimeError
    assert torch.equal(network(pixels), plain)


def test_a_posterior_that_is_known_is_found():
    """Linear regression with known noise: with orthogonal columns the posterior factorises."""
    rows, noise, prior = 40, 0.5, 0.8
    stream = np.random.default_rng(0)
    columns = np.column_stack([np.ones(rows), stream.normal(size=(rows, 4))])
    orthogonal = np.linalg.qr(columns)[0] * np.sqrt(rows) * np.array([1, 1, 0.5, 0.3, 0.1])
    design = orthogonal * np.sign(orthogonal[0, 0])  # the first column is 1, the bias
    answers = design @ stream.normal(0, prior, 5) + stream.normal(0, noise, rows)
    precision = 1 / prior**2 + (design**2).sum(0) / noise**2
    mean, variance = design.T @ answers / noise**2 / precision, 1 / precision

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 1)).double()
    make_bayesian(network, 0.1)
    inputs = torch.from_numpy(design[:, 1:]).repeat(50, 1)  # many draws in every step
    wanted = torch.from_numpy(answers).repeat(50)[:, None]
    steps, count = torch.optim.Adam(network.parameters(), lr=0.05), 500
    for step in range(count):
        steps.param_groups[0]["lr"] = 0.05 * (1 + math.cos(math.pi * step / count)) / 2
        loss = ((network.train()(inputs) - wanted) / noise).square().mean() / 2
        loss = loss + divergence_from_prior(network, prior) / rows
        steps.zero_grad()
        loss.backward()
        steps.step()

    (weight, weight_scale), (bias, bias_scale) = network[0].posterior().values()
    found = torch.cat([bias, weight[0]]).detach().numpy()
    scale = torch.cat([bias_scale, weight_scale[0]]).detach().numpy()
    assert (np.abs(found - mean) < 0.04 * np.sqrt(variance)).all()
    np.testing.assert_allclose(scale, np.sqrt(variance), rtol=0.03)

    fresh = stream.normal(size=(6, 4))
    draws = []
    for seed in range(1500):
        with torch.no_grad(), drawn_weights(network, seed):
            draws.append(network(torch.from_numpy(fresh))[:, 0].numpy())
    draws, whole = np.array(draws), np.column_stack([np.ones(6), fresh])
    exact = (whole**2) @ variance
    assert (np.abs(draws.mean(0) - whole @ mean) < 4.5 * np.sqrt(exact / len(draws))).all()
    assert (np.abs(draws.var(0) / exact - 1) < 4.5 * np.sqrt(2 / len(draws)) + 0.03).all()


@pytest.fixture(scope="module")
def few(digits):
    return digits["train"].select(slice(200)), digits["val"].select(slice(100))


def test_a_bayesian_net_is_trained_kept_and_read(few, tmp_path):
    net, history = fit(*few, **OPTIONS)
    assert list(history[0]) == ["epoch", "train_loss", "val_nll", "val_accuracy"]
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    net.save(tmp_path / "net")
    read = Classifier.load(tmp_path / "net")
    assert trained_for(read.record) == OPTIONS["objective"]
    images = few[1].images
    assert torch.equal(logits(read, images), logits(net, images))
    nll = F.cross_entropy(logits(read, images), torch.from_numpy(few[1].labels)).item()
    assert nll == pytest.approx(read.record["best"]["val_nll"])  # of the means
    with drawn_weights(read, 0):
        drawn = logits(read, images)
    with drawn_weights(net, 0):
        assert torch.equal(drawn, logits(net, images))
    assert not torch.equal(drawn, logits(net, images))


def test_a_killed_bayesian_training_resumes_to_the_same_weights(few, tmp_path, killed_fit):
    whole, history = fit(*few, **OPTIONS)
    killed_fit(*few, **OPTIONS, checkpoint=tmp_path / "checkpoint")
    resumed, continued = fit(*few, **OPTIONS, checkpoint=tmp_path / "checkpoint")
    assert continued == history
    both = whole.state_dict(), resumed.state_dict()
    assert all(torch.equal(both[0][name], both[1][name]) for name in both[0])
