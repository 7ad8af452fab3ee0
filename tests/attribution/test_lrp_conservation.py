"""Where relevance stays on its way to the pixels."""

import copy

import pytest
import torch
from lrp_nets import fire_net, shortcut_net, without_biases
from torch import nn

from plumbline.attribution.conservation import ACCOUNTS, ALL, PIXELS, balances, conservation
from plumbline.attribution.methods import (
    deep_taylor,
    lrp_alpha_beta,
    lrp_composite,
    lrp_epsilon,
    lrp_gamma,
)

RULES = {
    "lrp_0": (lrp_epsilon, {"epsilon": 0.0}),
    "lrp_epsilon": (lrp_epsilon, {"epsilon": 0.1}),
    "lrp_gamma": (lrp_gamma, {"gamma": 0.25}),
    "lrp_alpha1_beta0": (lrp_alpha_beta, {"alpha": 1.0, "beta": 0.0}),
    "lrp_alpha2_beta1": (lrp_alpha_beta, {"alpha": 2.0, "beta": 1.0}),
    "lrp_composite": (lrp_composite, {}),
    "lrp_composite_box": (lrp_composite, {"input_rule": "box"}),
    "deep_taylor": (deep_taylor, {}),
}
CHAINS = ["lenet5", "alexnet", "fire"]
NETS = [*CHAINS, "resnet34", "shortcut"]


@pytest.fixture(scope="module")
def family(exact, images):
    """Nets of all kinds, with a normalisation that shifts; float64."""
    fire, shortcut = fire_net(exact["lenet5"]), shortcut_net(exact["lenet5"], images)
    family = {**copy.deepcopy(exact), "fire": fire, "shortcut": shortcut}
    for net in family.values():
        net.mean += 0.1
        net.std *= 0.8
    return family


def rules(name):
    module, options = RULES[name]
    return module.rules(**options)


def without_any_bias(net, images):
    """The net without biases, nor the shift that counts as one; images; what it takes them for."""
    net = without_biases(net)
    net.mean.zero_()
    return net, images, net(images).argmax(1)


@pytest.mark.parametrize("model", NETS)
@pytest.mark.parametrize("name", RULES)
def test_what_does_not_go_on_is_what_biases_and_stabilisers_keep(name, model, family, images):
    net, (module, options) = family[model], RULES[name]
    logits = net(images)
    target = logits.argmax(1)
    chain = balances(net, images, target, rules(name), batch=4)
    assert list(chain) == [*reversed(list(net.network._modules)), PIXELS]
    arrives = logits.amax(1)
    for balance in chain.values():
        torch.testing.assert_close(balance["arrives"], arrives, rtol=0, atol=1e-10)
        kept = balance["biases"] + balance["stabilisers"]
        arrives = balance["handed_on"]
        torch.testing.assert_close(balance["arrives"] - arrives, kept, rtol=0, atol=1e-10)
    relevance, gap = module.attribute(net, images, target, seed=0, **options)
    torch.testing.assert_close(relevance.sum((1, 2, 3)), arrives, rtol=0, atol=1e-10)
    torch.testing.assert_close(gap, arrives - logits.amax(1), rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("name", "model"),
    [(name, model) for name in ("lrp_0", "lrp_gamma") for model in NETS]
    + [(name, model) for name in ("lrp_alpha1_beta0", "deep_taylor") for model in CHAINS],
)
def test_without_biases_every_layer_conserves(name, model, family, images):
    for balance in balances(*without_any_bias(family[model], images), rules(name)).values():
        torch.testing.assert_close(balance["handed_on"], balance["arrives"], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["lrp_alpha1_beta0", "deep_taylor"])
def test_alpha_beta_loses_relevance_in_residual_nets_even_without_biases(name, family, images):
    """A summand below zero can have relevance but no positive contribution to share it among."""
    chain = balances(*without_any_bias(family["resnet34"], images), rules(name))
    lost = torch.stack([balance["stabilisers"] for balance in chain.values()])
    assert lost.abs().max() > 1e-3
    for part, balance in chain.items():
        assert balance["biases"].abs().max() < 1e-10
        if not part.startswith("layer"):
            assert balance["stabilisers"].abs().max() < 1e-10


def test_alpha_beta_loses_only_what_has_one_sign(family, images):
    """With alpha 2 a layer whose outputs have contributions of both signs conserves."""
    chain = balances(*without_any_bias(family["lenet5"], images), rules("lrp_alpha2_beta1"))
    for name in ("output", "dense1", "conv2"):
        balance = chain[name]
        torch.testing.assert_close(balance["handed_on"], balance["arrives"], rtol=1e-9, atol=0)


def test_accounts_by_hand(exact, images, target):
    """A net of one dense layer: z = w x + b, of which the bias keeps b, the stabiliser its own."""
    net = copy.deepcopy(exact["lenet5"])
    torch.manual_seed(0)
    dense = nn.Linear(28 * 28, 10).double().requires_grad_(False)
    net.network = type(net.network)({"flatten": nn.Flatten(), "dense": dense}, "flatten")
    z = net(images)
    own, bias = z.gather(1, target[:, None])[:, 0], dense.bias[target]
    share = own.abs() / (own.abs() + 0.5 * z.square().mean(1).sqrt())
    balance = balances(net, images, target, lrp_epsilon.rules(0.5))["dense"]
    torch.testing.assert_close(balance["arrives"], own)
    torch.testing.assert_close(balance["stabilisers"], own * (1 - share))
    torch.testing.assert_close(balance["biases"], share * bias)
    torch.testing.assert_close(balance["handed_on"], share * (own - bias))


def test_rows_are_means_over_images_of_layers_with_weights(family, images):
    net = family["resnet34"]
    target = net(images).argmax(1)
    keys = {"model": "resnet34", "method": "lrp_gamma"}
    table = conservation(net, images, target, lrp_gamma.rules(), seed=1, **keys)
    layers = [ALL, "fc", "layer4", "layer3", "layer2", "layer1", "conv1", PIXELS]
    assert [each["layer"] for each in table[:: len(ACCOUNTS)]] == layers
    assert [each["metric"] for each in table[: len(ACCOUNTS)]] == list(ACCOUNTS)
    chain = balances(net, images, target, lrp_gamma.rules())
    whole = {
        "arrives": chain["fc"]["arrives"],
        "handed_on": chain[PIXELS]["handed_on"],
        "biases": sum(each["biases"] for each in chain.values()),
        "stabilisers": sum(each["stabilisers"] for each in chain.values()),
    }
    lost = whole["biases"] + whole["stabilisers"]
    torch.testing.assert_close(whole["arrives"], whole["handed_on"] + lost)
    torch.testing.assert_close(whole["arrives"], net(images).gather(1, target[:, None])[:, 0])
    chain[ALL] = whole
    for each in table:
        mean = chain[each["layer"]][each["metric"]].mean().item()
        assert each["value"] == pytest.approx(mean, abs=1e-12)
        assert each["low"] <= each["value"] <= each["high"]
        assert each["n"] == 6
        assert each["method"] == "lrp_gamma"
    assert table == conservation(net, images, target, lrp_gamma.rules(), seed=1, **keys)
