"""Mutation operators change what they say, as much as they say, and nothing else."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from torch import nn

from plumbline.errors import InputError
from plumbline.registry import OPERATORS
from plumbline.stability.layers import following_norms


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(96, 14)
    )


def trained_norm(net):
    """Batch normalisation with statistics and weights as after training."""
    norm = net[1]
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    norm.weight.data.normal_()
    norm.bias.data.normal_()
    return norm


@pytest.mark.parametrize("name", OPERATORS.names())
def test_the_seed_alone_defines_a_mutant_and_the_net_is_untouched(name, lenet):
    before = {key: value.clone() for key, value in lenet.network.state_dict().items()}
    mutate = OPERATORS.load(name)
    first = mutate(lenet.network, seed=3)
    torch.rand(5)  # the global generator must not matter
    again, other = mutate(lenet.network, seed=3), mutate(lenet.network, seed=4)
    assert first.keys() == again.keys()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert first.keys() != other.keys() or any(not torch.equal(first[k], other[k]) for k in first)
    after = lenet.network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("name", OPERATORS.names())
@pytest.mark.parametrize("rate", [0.0, -0.1, 1.5])
def test_impossible_rates_are_refused(name, rate):
    with pytest.raises(InputError, match="rate"):
        OPERATORS.load(name)(small_net(), seed=0, rate=rate)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**40), st.floats(1e-6, 1))
def test_inversion_flips_a_share_of_whole_neurons(seed, rate):
    net = small_net()
    changes = OPERATORS.load("neuron_activation_inversion")(net, seed=seed, rate=rate)
    flipped = 0
    for name, layer in (("0", net[0]), ("4", net[4])):
        assert (f"{name}.weight" in changes) == (f"{name}.bias" in changes)
        if f"{name}.weight" not in changes:
            continue
        weight, bias = changes[f"{name}.weight"], changes[f"{name}.bias"]
        signs = torch.tanh(1e9 * bias / layer.bias)
        assert set(signs.tolist()) == {-1.0} or set(signs.tolist()) == {-1.0, 1.0}
        shape = (-1,) + (1,) * (weight.ndim - 1)
        assert torch.equal(weight, layer.weight * signs.reshape(shape))
        flipped += int((signs < 0).sum())
    assert set(changes) <= {"0.weight", "0.bias", "4.weight", "4.bias"}
    assert flipped == max(1, round(rate * 20))


def test_all_neurons_inverted_negate_the_output_of_a_single_layer():
    layer = nn.Linear(5, 3)
    changes = OPERATORS.load("neuron_activation_inversion")(layer, seed=0, rate=1.0)
    x = torch.randn(4, 5)
    changed = {name.lstrip("."): value for name, value in changes.items()}
    assert torch.equal(torch.func.functional_call(layer, changed, (x,)), -layer(x))


def test_before_batch_normalisation_inversion_is_shifted_as_documented():
    norm = trained_norm(small_net().eval())
    sign = torch.tensor([-1.0, 1, -1, 1, 1, -1]).reshape(1, -1, 1, 1)
    z = torch.randn(2, 6, 4, 4)
    scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).reshape(1, -1, 1, 1)
    mean, bias = norm.running_mean.reshape(1, -1, 1, 1), norm.bias.reshape(1, -1, 1, 1)
    inverted = bias + sign * scale * (z - mean)
    shift = (sign - 1) * scale * mean  # -2 g m / s where the sign is turned
    torch.testing.assert_close(norm(sign * z), inverted + shift)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**40), st.floats(1e-6, 1))
def test_fuzzing_replaces_a_share_of_the_weights(seed, rate):
    net = small_net()
    changes = OPERATORS.load("gaussian_fuzzing")(net, seed=seed, rate=rate)
    state = net.state_dict()
    assert set(changes) <= {"0.weight", "4.weight"}
    total = sum(state[name].numel() for name in ("0.weight", "4.weight"))
    replaced = sum(int((changes[name] != state[name]).sum()) for name in changes)
    assert replaced == max(1, round(rate * total))


def test_fuzzed_weights_follow_their_layers_distribution():
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(200, 100), nn.Linear(100, 90))
    net[0].weight.data.uniform_(2.0, 3.0)
    changes = OPERATORS.load("gaussian_fuzzing")(net, seed=5, rate=0.5)
    for name, layer in (("0", net[0]), ("1", net[1])):
        old = layer.weight.detach().numpy()
        new = changes[f"{name}.weight"].numpy()
        drawn = new[new != old].astype(np.float64)
        assert kstest((drawn - old.mean()) / old.std(), "norm").pvalue > 1e-3


def test_after_batch_normalisation_inversion_negates_the_normalised_output():
    net = small_net().eval()
    norm = trained_norm(net)
    changes = OPERATORS.load("neuron_activation_inversion")(
        net, seed=0, rate=1.0, after_normalisation=True
    )
    assert set(changes) == {"1.weight", "1.bias", "4.weight", "4.bias"}
    z = torch.randn(2, 6, 4, 4)
    changed = {key.removeprefix("1."): changes[key] for key in ("1.weight", "1.bias")}
    assert torch.equal(torch.func.functional_call(norm, changed, (z,)), -norm(z))
    # The same seed chooses the same neurons, and without normalisation nothing differs.
    before, after = (
        OPERATORS.load("neuron_activation_inversion")(
            net, seed=5, rate=0.4, after_normalisation=which
        )
        for which in (False, True)
    )
    assert torch.equal(before["4.weight"], after["4.weight"])
    filters = (before["0.weight"] != net[0].weight).flatten(1).any(1)
    assert torch.equal(filters, after["1.weight"] != norm.weight)


def test_every_convolution_of_the_resnets_is_followed_by_its_normalisation(nets):
    network = nets["resnet34"].network
    found = following_norms(network)
    convolutions = [n for n, each in network.named_modules() if isinstance(each, nn.Conv2d)]
    assert list(found) == convolutions
    assert len(set(found.values())) == len(convolutions)
    assert found["layer2.0.conv2"] == "layer2.0.bn2"
    assert found["layer2.0.downsample.0"] == "layer2.0.downsample.1"
    assert following_norms(nets["lenet5"].network) == {}


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**40), st.floats(1e-6, 1))
def test_shuffling_permutes_the_weights_inside_a_share_of_the_neurons(seed, rate):
    net = small_net()
    changes = OPERATORS.load("weight_shuffling")(net, seed=seed, rate=rate)
    assert set(changes) <= {"0.weight", "4.weight"}  # no bias
    moved = 0
    for name, value in changes.items():
        old, new = net.state_dict()[name].flatten(1), value.flatten(1)
        assert torch.equal(old.sort(1).values, new.sort(1).values)
        moved += int((old != new).any(1).sum())
    assert moved == max(1, round(rate * 20))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**40), st.floats(0.08, 1))
def test_switching_moves_whole_neurons_in_layers_of_ten_or_more(seed, rate):
    net = small_net()
    changes = OPERATORS.load("neuron_switch")(net, seed=seed, rate=rate)
    assert set(changes) == {"4.weight", "4.bias"}  # the convolution has six filters
    old = torch.cat([net[4].weight, net[4].bias[:, None]], 1).detach()
    new = torch.cat([changes["4.weight"], changes["4.bias"][:, None]], 1)
    places = [(old == line).all(1).nonzero().item() for line in new]
    assert sorted(places) == list(range(14))
    exact = rate * 14
    wanted = int(exact) if exact > 2 else -int(-exact // 1)
    assert sum(place != i for i, place in enumerate(places)) == wanted


def test_switching_refuses_a_rate_that_leaves_every_layer_with_one_neuron():
    with pytest.raises(InputError, match="two neurons"):
        OPERATORS.load("neuron_switch")(small_net(), seed=0, rate=0.05)


@pytest.mark.parametrize("name", OPERATORS.names())
def test_layers_can_be_chosen(name, lenet):
    mutate, dense = OPERATORS.load(name), {"dense1", "output"}
    changes = mutate(lenet.network, seed=1, rate=0.5, layers="dense")
    assert {each.partition(".")[0] for each in changes} <= dense
    changes = mutate(lenet.network, seed=1, rate=0.5, layers="convolutional")
    assert {each.partition(".")[0] for each in changes} <= {"conv1", "conv2"}
    with pytest.raises(InputError, match="layers"):
        mutate(lenet.network, seed=1, layers="last")
