"""LRP beside two other libraries, on whole nets."""

import copy

import pytest
import torch
from lrp_nets import fire_net, shortcut_net, without_biases
from torch import nn

from plumbline.attribution.methods import (
    deep_taylor,
    gradient_x_input,
    lrp_alpha_beta,
    lrp_composite,
    lrp_epsilon,
    lrp_gamma,
    lrp_transposed,
)
from plumbline.attribution.modified_backward import fold_batchnorm
from plumbline.models.residual import BasicBlock
from plumbline.runtime.torchvision_import import import_torchvision

NETS = ["lenet5", "alexnet", "resnet34", "fire", "shortcut"]
TINY = 1e-12  # zennit adds a stabiliser to every denominator


@pytest.fixture(scope="module")
def family(exact, images):
    """The trained nets, and small random ones of the other two kinds, float64."""
    fire, shortcut = fire_net(exact["lenet5"]), shortcut_net(exact["lenet5"], images)
    return exact | {"fire": fire, "shortcut": shortcut}


@pytest.fixture
def zennit():
    import_torchvision()
    return pytest.importorskip("zennit")


def zennit_rules(name):
    from zennit import rules
    from zennit.core import Stabilizer

    return {
        "epsilon": lambda: rules.Epsilon(Stabilizer(epsilon=0.1, norm_scale=True)),
        "gamma": lambda: rules.Gamma(0.25, stabilizer=TINY),
        "alpha 1": lambda: rules.ZPlus(stabilizer=TINY),
        "alpha 2": lambda: rules.AlphaBeta(2, 1, stabilizer=TINY),
    }[name]()


def residual_sums():
    """zennit's canonizer of torchvision's blocks, for ours, which have the same parts."""
    from zennit.layer import Sum
    from zennit.torchvision import ResNetBasicBlockCanonizer

    class Canonizer(ResNetBasicBlockCanonizer):
        @classmethod
        def _attribute_map(cls, name, module):
            if isinstance(module, BasicBlock):
                return {"forward": cls.forward.__get__(module), "canonizer_sum": Sum()}
            return None

    return Canonizer()


def by_zennit(net, images, target, rule_of, first=None):
    """Relevance of the normalised pixels by zennit; ``first`` is the rule of the first layer.

    It gets the folded net, because its own folding forgets the batch norm's epsilon, and the
    canonizer without which it does not see residual sums.
    """
    from zennit.attribution import Gradient
    from zennit.composites import NameMapComposite
    from zennit.layer import Sum
    from zennit.rules import Norm

    network = fold_batchnorm(net.network)
    names = [n for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    rules = {name: rule_of(i, len(names)) for i, name in enumerate(names, start=1)}
    rules[names[0]] = first or rules[names[0]]
    shares = [n for n, m in network.named_modules() if isinstance(m, nn.AdaptiveAvgPool2d)]
    handles = residual_sums().apply(network)
    shares += [n for n, m in network.named_modules() if isinstance(m, Sum)]
    pairs = [([name], rule) for name, rule in rules.items()]
    composite = NameMapComposite([*pairs, (shares, Norm(stabilizer=TINY))])
    with Gradient(network, composite) as attributor:
        chosen = nn.functional.one_hot(target, 10)
        _, relevance = attributor(net.normalise(images), lambda logits: logits * chosen)
    for handle in handles:
        handle.remove()
    return relevance


def same(found, expected, tolerance=1e-8):
    scale = expected.abs().amax((1, 2, 3), keepdim=True)
    torch.testing.assert_close(found / scale, expected / scale, rtol=0, atol=tolerance)


@pytest.mark.parametrize("model", NETS)
@pytest.mark.parametrize(
    ("rule", "module", "options"),
    [
        ("epsilon", lrp_epsilon, {"epsilon": 0.1}),
        ("gamma", lrp_gamma, {"gamma": 0.25}),
        ("alpha 1", lrp_alpha_beta, {"alpha": 1.0, "beta": 0.0}),
        ("alpha 2", lrp_alpha_beta, {"alpha": 2.0, "beta": 1.0}),
    ],
)
def test_rules_equal_zennit(model, rule, module, options, family, images, zennit):
    net = family[model]
    target = net(images).argmax(1)
    relevance, _ = module.attribute(net, images, target, seed=0, **options)
    same(relevance, by_zennit(net, images, target, lambda place, layers: zennit_rules(rule)))


@pytest.mark.parametrize("model", NETS)
@pytest.mark.parametrize("input_rule", ["same", "box"])
def test_composite_equals_zennit(model, input_rule, family, images, zennit):
    def rule_of(place, layers):
        share = place / layers
        near = "epsilon" if share > 0.3 else "alpha 1"
        return zennit.rules.Epsilon(epsilon=0.0) if share > 0.6 else zennit_rules(near)

    net = family[model]
    target = net(images).argmax(1)
    first = zennit.rules.ZBox(0.0, 1.0, stabilizer=TINY) if input_rule == "box" else None
    relevance, _ = lrp_composite.attribute(net, images, target, seed=0, input_rule=input_rule)
    same(relevance, by_zennit(net, images, target, rule_of, first))


@pytest.mark.parametrize("model", NETS)
def test_deep_taylor_equals_zennit_with_a_normalisation(model, family, images, zennit):
    net = copy.deepcopy(family[model])
    net.mean += 0.3
    net.std *= 0.5
    target = net(images).argmax(1)
    low, high = (net.normalise(torch.full_like(images[:1], bound)) for bound in (0.0, 1.0))
    first = zennit.rules.ZBox(low, high, stabilizer=TINY)
    relevance, _ = deep_taylor.attribute(net, images, target, seed=0)
    expected = by_zennit(net, images, target, lambda *_: zennit_rules("alpha 1"), first)
    same(relevance, expected)


@pytest.mark.parametrize("model", NETS)
def test_lrp_zero_is_gradient_x_input_and_lrp_through_transposed_layers(model, family, images):
    net = family[model]
    target = net(images).argmax(1)
    expected, _ = gradient_x_input.attribute(net, images, target, seed=0)
    zero, _ = lrp_epsilon.attribute(net, images, target, seed=0, epsilon=0.0)
    transposed, _ = lrp_transposed.attribute(net, images, target, seed=0, stabiliser=0.0)
    stabilised, _ = lrp_transposed.attribute(net, images, target, seed=0, stabiliser=1e-7)
    same(zero, expected, 1e-12)
    same(transposed, expected, 1e-12)
    same(stabilised, expected, 1e-2)
    assert not torch.equal(stabilised, transposed)


@pytest.mark.parametrize(
    ("rule", "module", "options"),
    [
        ("EpsilonRule", lrp_epsilon, {"epsilon": 0.0}),
        ("GammaRule", lrp_gamma, {"gamma": 0.25}),
        ("Alpha1_Beta0_Rule", lrp_alpha_beta, {"alpha": 1.0, "beta": 0.0}),
    ],
)
@pytest.mark.parametrize("model", ["lenet5", "alexnet"])
def test_captum_agrees_without_biases_and_differs_with_them(
    rule, module, options, model, exact, images
):
    """Captum leaves biases as they are: gamma does not raise them, alpha 1 keeps negative ones.

    Its epsilon is absolute, so only LRP-0 is the same.  It is no oracle for residual nets:
    it does not see their sums.
    """
    captum = pytest.importorskip("captum.attr")
    rules = pytest.importorskip("captum.attr._utils.lrp_rules")

    def difference(net):
        target = net(images).argmax(1)
        copied = FunctionalFlatten(copy.deepcopy(net.network))
        for layer in copied.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear | nn.MaxPool2d):
                weighted = not isinstance(layer, nn.MaxPool2d)
                layer.rule = getattr(rules, rule)() if weighted else rules.EpsilonRule()
                layer.rule.STABILITY_FACTOR = TINY
        leaf = images.clone().requires_grad_()
        expected = captum.LRP(copied).attribute(leaf, target=target).detach()
        relevance, _ = module.attribute(net, images, target, seed=0, **options)
        return ((relevance - expected).abs().max() / expected.abs().max()).item()

    assert difference(without_biases(exact[model])) < 1e-6
    assert (difference(exact[model]) < 1e-6) == (rule == "EpsilonRule")


class FunctionalFlatten(nn.Module):
    """A chain whose layer of flattening is a call of a function: captum has no rule for it."""

    def __init__(self, network):
        super().__init__()
        layers, place = list(network), list(network._modules).index("flatten")
        self.before, self.after = (
            nn.Sequential(*layers[:place]),
            nn.Sequential(*layers[place + 1 :]),
        )

    def forward(self, hidden):
        return self.after(self.before(hidden).flatten(1))
