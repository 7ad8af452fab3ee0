"""Each rule of LRP, written out with the matrix of the layer."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from plumbline.attribution import lrp
from plumbline.attribution.methods.lrp_transposed import transposed
from plumbline.attribution.modified_backward import modified
from plumbline.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")  # it may cost a copy
LAYERS = {
    "linear": lambda bias: nn.Linear(2 * 5 * 5, 7, bias=bias),
    "conv": lambda bias: nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=bias),
    "same": lambda bias: nn.Conv2d(2, 4, 4, padding="same", bias=bias),
    "groups": lambda bias: nn.Conv2d(2, 4, (3, 2), groups=2, dilation=(1, 2), bias=bias),
}
LOW, HIGH = -1.5, 2.5  # of the inputs, for z^B


@pytest.fixture(params=[f"{kind} {bias}" for kind in LAYERS for bias in ("bias", "no bias")])
def case(request):
    """A layer, signed inputs, and relevance of its outputs; float64."""
    kind, bias = request.param.split(" ", 1)
    torch.manual_seed(3)
    layer = LAYERS[kind](bias == "bias").double().requires_grad_(False)
    inputs = torch.rand(3, 2, 5, 5).double() * (HIGH - LOW) + LOW
    if kind == "linear":
        inputs = inputs.flatten(1)
    return layer, inputs, torch.randn(layer(inputs).shape).double()


def handed_on(layer, inputs, relevance, rule):
    """Relevance of the inputs, by the engine; by z^B it is the gradient itself."""
    signed = lrp.Signed(layer)
    leaf = inputs.clone().requires_grad_()
    with modified(
        nn.Sequential(layer), {type(layer): lambda _, x, z: lrp.weighted(rule(signed, x, z))}
    ):
        outputs = layer(leaf)
    (multiplier,) = torch.autograd.grad(outputs, leaf, relevance / outputs.detach())
    return multiplier, multiplier * inputs


def matrix(layer, inputs):
    """Weights [outputs, inputs] and biases [outputs] of a layer, from what it makes of ones."""
    shape = inputs.shape[1:]
    ones = torch.eye(shape.numel()).double().view(-1, *shape)
    bias = layer(torch.zeros_like(inputs[:1])).flatten()
    return (layer(ones).flatten(1) - bias).T, bias


def by_matrix(layer, inputs, relevance, shares):
    """R_i = sum_j share_ij R_j, with ``shares`` of contributions [N, J, I], biases, outputs."""
    weights, bias = matrix(layer, inputs)
    flat = inputs.flatten(1)
    share = shares(flat[:, None] * weights, bias.expand(len(flat), -1), layer(inputs).flatten(1))
    return (share * relevance.flatten(1)[:, :, None]).sum(1).view_as(inputs)


@pytest.mark.parametrize("value", [0.0, 0.25])
def test_epsilon(case, value):
    def shares(contributions, bias, z):
        stabiliser = value * z.square().mean(1, keepdim=True).sqrt()
        return contributions / (z + z.sign() * stabiliser)[:, :, None]

    expected = by_matrix(*case, shares)
    torch.testing.assert_close(handed_on(*case, lrp.epsilon(value))[1], expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("value", [0.0, 0.25, 10.0])
def test_gamma(case, value):
    def shares(contributions, bias, z):
        favoured = contributions * z.sign()[:, :, None] > 0
        raised = contributions * torch.where(favoured, 1 + value, 1.0)
        raised_bias = bias * torch.where(bias * z > 0, 1 + value, 1.0)
        return raised / (raised.sum(2) + raised_bias)[:, :, None]

    expected = by_matrix(*case, shares)
    torch.testing.assert_close(handed_on(*case, lrp.gamma(value))[1], expected, rtol=1e-9, atol=0)


def test_gamma_for_inputs_that_are_not_negative_is_the_rule_of_the_overview(case):
    layer, inputs, relevance = case
    inputs = inputs.abs()
    z = layer(inputs)
    relevance = relevance * (z > 0)  # as after a ReLU
    raised = [w + 0.25 * w.clamp(min=0) for w in matrix(layer, inputs)]
    above = inputs.flatten(1)[:, None] * raised[0]
    share = above / (above.sum(2) + raised[1])[:, :, None]
    expected = (share * relevance.flatten(1)[:, :, None]).sum(1).view_as(inputs)
    found = handed_on(layer, inputs, relevance, lrp.gamma(0.25))[1]
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.0), (2.0, 1.0), (1.5, 0.5)])
def test_alpha_beta(case, alpha, beta):
    def shares(contributions, bias, z):
        up, down = contributions.clamp(min=0), contributions.clamp(max=0)
        ups, downs = up.sum(2) + bias.clamp(min=0), down.sum(2) + bias.clamp(max=0)
        share = alpha * up / ups[:, :, None], -beta * down / downs[:, :, None]
        return sum(each.nan_to_num(nan=0.0) for each in share)  # no contributions: 0 / 0

    expected = by_matrix(*case, shares)
    found = handed_on(*case, lrp.alpha_beta(alpha, beta))[1]
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-15)


def test_box(case):
    layer, inputs, relevance = case
    weights, _ = matrix(layer, inputs)
    least = LOW * weights.clamp(min=0) + HIGH * weights.clamp(max=0)
    z = inputs.flatten(1)[:, None] * weights - least
    share = z / z.sum(2)[:, :, None]
    expected = (share * relevance.flatten(1)[:, :, None]).sum(1).view_as(inputs)
    bounds = (torch.full_like(inputs[:1], bound) for bound in (LOW, HIGH))
    found = handed_on(layer, inputs, relevance, lrp.box(*bounds))[0]
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-15)
    total = relevance.flatten(1).sum(1)  # biases get nothing: all arrives at the pixels
    torch.testing.assert_close(found.flatten(1).sum(1), total, rtol=1e-9, atol=0)


def test_a_part_without_contributions_is_not_handed_on():
    """Output 0 has positive contributions only, output 1 negative ones only, output 2 none."""
    layer = nn.Linear(2, 3, bias=False).double().requires_grad_(False)
    layer.weight.copy_(torch.tensor([[1.0, 3.0], [-1.0, -1.0], [0.0, 0.0]]))
    signed, inputs = lrp.Signed(layer), torch.ones(1, 2).double()
    for (alpha, beta), expected in {
        (1.0, 0.0): [[0.25, 0.75], [0.0, 0.0], [0.0, 0.0]],
        (2.0, 1.0): [[0.5, 1.5], [-0.5, -0.5], [0.0, 0.0]],
    }.items():
        leaf = inputs.clone().requires_grad_()
        surrogate = lrp.weighted(lrp.alpha_beta(alpha, beta)(signed, leaf, layer(inputs)))
        for output, share in enumerate(expected):
            multiplier = torch.zeros(1, 3).double()
            multiplier[0, output] = 1 / (layer(inputs)[0, output] or 1)
            (found,) = torch.autograd.grad(surrogate, leaf, multiplier, retain_graph=True)
            torch.testing.assert_close(found[0], torch.tensor(share).double())


@settings(deadline=None, max_examples=40)
@given(
    values=st.lists(st.floats(-1e3, 1e3, width=32), min_size=4, max_size=4),
    scale=st.sampled_from([1e-38, 1e-20, 1.0]),
)
def test_no_rule_makes_infinities(values, scale):
    layer = nn.Linear(2, 2).requires_grad_(False)
    layer.weight.copy_(torch.tensor(values).view(2, 2) * scale)
    layer.bias.copy_(torch.tensor(values[:2]))
    signed = lrp.Signed(layer)
    for inputs in ([[1.0, 0.0]], [[-1.0, 1e-30]], [[0.0, 0.0]]):
        leaf = torch.tensor(inputs).requires_grad_()
        bounds = torch.full((1, 2), -1.0), torch.full((1, 2), 1.0)
        for rule in (
            lrp.epsilon(0.0),
            lrp.epsilon(0.1),
            lrp.gamma(0.25),
            lrp.alpha_beta(2.0, 1.0),
            lrp.box(*bounds),
        ):
            (found,) = torch.autograd.grad(
                lrp.weighted(rule(signed, leaf, layer(leaf))).sum(), leaf
            )
            assert found.isfinite().all()


def test_transposed_layers_are_adjoint(case):
    layer, inputs, relevance = case
    bias = layer(torch.zeros_like(inputs))
    there = ((layer(inputs) - bias) * relevance).sum()
    back = transposed(layer, relevance, inputs.shape)
    assert back.shape == inputs.shape
    torch.testing.assert_close((inputs * back).sum(), there)


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (0.5, -0.5), (2.0, 0.0)])
def test_alpha_minus_beta_must_be_one(alpha, beta):
    with pytest.raises(InputError, match="alpha - beta must be 1"):
        lrp.alpha_beta(alpha, beta)


def test_an_unknown_rule_of_the_pixels_is_named():
    with pytest.raises(InputError, match="no 'bocks'; did you mean 'box'"):
        lrp.Rules(lambda place, layers: lrp.epsilon(0.0), "bocks")
