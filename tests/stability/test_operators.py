"""Mutation operators change what they say, as much as they say, and nothing else."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from torch import nn

from plumbline.errors import InputError
from plumbline.methods import OPERATORS


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(96, 14)
    )


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
    net = small_net().eval()
    norm = net[1]
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    norm.weight.data.normal_()
    norm.bias.data.normal_()
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
