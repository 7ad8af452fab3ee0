"""DeepLIFT: completeness, the paper's examples, anchors by hand, a second library."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from plumbline.attribution import deeplift as rules
from plumbline.attribution.activation_rules import MAX_POOL, Replacing, relus
from plumbline.attribution.methods import deeplift, gradient, integrated_gradients
from plumbline.attribution.modified_backward import fold_batchnorm
from plumbline.errors import InputError
from plumbline.registry import NETWORKS

MODELS = ["lenet5", "alexnet", "resnet34"]
COMPLETE = ["rescale", "reveal_cancel"]


def plain(network):
    """A net without normalisation, float64, for images of any size."""
    network = network.double().eval().requires_grad_(False)

    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def normalise(self, pixels):
            return pixels

        def forward(self, pixels):
            return network(pixels)

    return Plain()


def dense(weight, bias=None):
    """A dense layer with these numbers."""
    weight = torch.tensor(weight).double()
    layer = nn.Linear(weight.shape[1], weight.shape[0]).double()
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(torch.zeros(len(weight)) if bias is None else torch.tensor(bias))
    return layer


def explain(layers, values, **options):
    """Contributions [inputs] of one image, whose pixels are ``values``, to the first output."""
    net = plain(nn.Sequential(nn.Flatten(), *layers))
    image = torch.tensor(values).double().view(1, 1, 1, -1)
    relevance, gap = deeplift.attribute(net, image, torch.tensor([0]), seed=0, **options)
    assert options.get("rule") == "linear" or gap.abs().max() < 1e-12
    return relevance.flatten()


def numbers(*values):
    return torch.tensor(values).double()


def fires(images):
    """A small net whose branches are concatenated, pooled with overlap and by average."""

    class Fire(nn.Module):
        def __init__(self):
            super().__init__()
            self.squeeze, self.one = nn.Conv2d(4, 3, 1), nn.Conv2d(3, 4, 1)
            self.three = nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, hidden):
            hidden = F.relu(self.squeeze(hidden))
            return torch.cat([torch.relu(self.one(hidden)), self.three(hidden).relu_()], dim=1)

    torch.manual_seed(3)
    return plain(
        nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            nn.Conv2d(8, 10, 1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
    )


@pytest.mark.parametrize("rule", COMPLETE)
@pytest.mark.parametrize("baseline", [0.0, 0.37, -1.3])
@pytest.mark.parametrize("model", [*MODELS, "fires"])
def test_contributions_sum_to_the_difference_of_logits(model, baseline, rule, exact, images):
    net = fires(images) if model == "fires" else exact[model]
    target = net(images).argmax(1)
    relevance, gap = deeplift.attribute(net, images, target, seed=0, rule=rule, baseline=baseline)
    start = net(torch.full_like(images[:1], baseline))[0, target]
    demanded = net(images)[torch.arange(len(images)), target] - start
    torch.testing.assert_close(relevance.sum((1, 2, 3)), demanded, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(gap, relevance.sum((1, 2, 3)) - demanded, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", COMPLETE)
def test_contributions_from_a_random_reference_sum_too(rule, exact, images):
    """The pooling's maxima then differ between image and reference nearly everywhere."""
    net = exact["lenet5"]
    target = net(images).argmax(1)
    reference = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(1)).double()
    how = (images, reference, target)
    if rule == "rescale":
        relevance = rules.rescale(net, *how)
    else:
        relevance = rules.reveal_cancel(net, net.network, *how)
    demanded = (net(images) - net(reference))[torch.arange(len(images)), target]
    torch.testing.assert_close(relevance.sum((1, 2, 3)), demanded, rtol=0, atol=1e-10)


@pytest.mark.parametrize("values", [(7.0, 3.0), (3.0, 7.0), (5.0, 5.0)])
def test_reveal_cancel_shares_a_minimum_that_rescale_gives_to_one_input(values):
    """Section 3.5.3: o = min(i1, i2) = i1 - ReLU(i1 - i2), a soft AND, reference 0.

    Rescale, like the gradient, gives all to the smaller input.
    """
    layers = [dense([[1.0, 0.0], [1.0, -1.0]]), nn.ReLU(), dense([[1.0, -1.0]])]
    least = min(values)
    torch.testing.assert_close(
        explain(layers, values, rule="reveal_cancel"), numbers(least / 2, least / 2)
    )
    if values[0] != values[1]:
        smaller = numbers(*(least * (value == least) for value in values))
        torch.testing.assert_close(explain(layers, values, rule="rescale"), smaller)


def test_reveal_cancel_by_hand():
    """Weights 1, -2, -3, 4, bias 1, image -1, -1, 1, 1: the numbers of the authors' own test.

    Positive contributions 2 + 4, negative -1 - 3; the ReLU's input goes from 1 to 3.  dy+ is
    (6 + 6) / 2 - 3 / 2 = 4.5 of 6, dy- is -2.5 of -4.
    """
    layers = [dense([[1.0, -2.0, -3.0, 4.0]], [1.0]), nn.ReLU()]
    expected = numbers(-1 * 2.5 / 4, 2 * 4.5 / 6, -3 * 2.5 / 4, 4 * 4.5 / 6)
    found = explain(layers, (-1.0, -1.0, 1.0, 1.0), rule="reveal_cancel")
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("scale", "output"), [(1.0, 9 / 10), (2.0, 19 / 20)])
def test_rescale_by_hand(scale, output):
    """Weights 1 to 4, bias -1: the ReLU's input goes from -1 to 9 or 19, its output from 0."""
    layers = [dense([[1.0, 2.0, 3.0, 4.0]], [-1.0]), nn.ReLU()]
    expected = scale * output * numbers(1, 2, 3, 4)
    torch.testing.assert_close(explain(layers, [scale] * 4, rule="rescale"), expected)


def test_rescale_sees_a_saturated_sum_that_the_gradient_does_not():
    """Figure 1: y = 1 - ReLU(1 - i1 - i2) at (1, 1), where every derivative is zero."""
    layers = [dense([[-1.0, -1.0]], [1.0]), nn.ReLU(), dense([[-1.0]], [1.0])]
    torch.testing.assert_close(explain(layers, (1.0, 1.0), rule="rescale"), numbers(0.5, 0.5))
    assert torch.equal(explain(layers, (1.0, 1.0), rule="linear"), numbers(0, 0))


def test_rescale_is_the_gradient_where_nothing_differs():
    """Both ReLUs stay where the reference has them: one is active, one is not.

    Their inputs change by w dx of the first pixel less that of the second, which is zero.
    """
    layers = [dense([[1.0, -1.0], [1.0, -1.0]], [2.0, -2.0]), nn.ReLU(), dense([[1.0, 1.0]])]
    torch.testing.assert_close(explain(layers, (3.0, 3.0), rule="rescale"), numbers(3, -3))
    # Reveal-cancel: +3 and -3 on 2 give dy+ = (3 + 2) / 2 = 2.5; on -2, dy+ = (1 + 0) / 2.
    found = explain(layers, (3.0, 3.0), rule="reveal_cancel")
    torch.testing.assert_close(found, numbers(3, -3))


@pytest.mark.parametrize("rule", COMPLETE)
def test_pooling_gives_its_difference_to_one_input_by_hand(rule):
    """Reference 0.5 in all: the first window rises by 0.3, the second falls by 0.2."""
    net = plain(nn.Sequential(nn.MaxPool2d((1, 2)), nn.Flatten(), dense([[10.0, 1.0]])))
    image = numbers(0.8, 0.1, 0.2, 0.3).view(1, 1, 1, 4)
    relevance, _ = deeplift.attribute(
        net, image, torch.tensor([0]), seed=0, rule=rule, baseline=0.5
    )
    torch.testing.assert_close(relevance.flatten(), numbers(3, 0, 0, -0.2))


@pytest.mark.parametrize("rule", COMPLETE)
def test_a_fallen_maximum_is_charged_to_the_input_that_was_highest(rule):
    """Before 0.9 and 0.5, now 0.1 and 0.6: the window fell by 0.3, its first input by 0.8."""
    net = plain(nn.Sequential(nn.MaxPool2d((1, 2)), nn.Flatten()))
    image, start = (numbers(*each).view(1, 1, 1, 2) for each in ((0.1, 0.6), (0.9, 0.5)))
    target = torch.tensor([0])
    found = (
        rules.rescale(net, image, start, target)
        if rule == "rescale"
        else rules.reveal_cancel(net, net.network, image, start, target)
    )
    torch.testing.assert_close(found.flatten(), numbers(-0.3, 0))


def loop(network, image, reference):
    """Reveal-cancel of the first output of dense - ReLU - dense - ReLU - dense, by plain loops.

    Multipliers of the positive and negative part of each unit, from the top down.
    """
    first, _, second, _, last = network

    def relu(value):
        return value.clamp(min=0)

    def units(layer, change, start):
        found = []
        for weights, bias in zip(layer.weight, layer.bias, strict=True):
            adds = [w * c for w, c in zip(weights, change, strict=True)]
            up, down = sum(a for a in adds if a > 0), sum(a for a in adds if a < 0)
            z = bias + sum(w * s for w, s in zip(weights, start, strict=True))
            dy_up = (relu(z + up) - relu(z) + relu(z + up + down) - relu(z + down)) / 2
            dy_down = (relu(z + down) - relu(z) + relu(z + up + down) - relu(z + up)) / 2
            found.append((dy_up, dy_down, dy_up / up, dy_down / down, relu(z)))
        return found

    def below(layer, multipliers, change):
        return [
            sum(
                w[i] * (m_up if w[i] * change[i] > 0 else m_down)
                for w, (m_up, m_down) in zip(layer.weight, multipliers, strict=True)
            )
            for i in range(len(change))
        ]

    change = image - reference
    low = units(first, change, reference)
    low_change = [up + down for up, down, *_ in low]
    high = units(second, low_change, [start for *_, start in low])
    top = [
        (w * m_up, w * m_down)
        for w, (_, _, m_up, m_down, _) in zip(last.weight[0], high, strict=True)
    ]
    middle = below(second, top, low_change)
    under = [(m * m_up, m * m_down) for m, (_, _, m_up, m_down, _) in zip(middle, low, strict=True)]
    return torch.stack(below(first, under, change)) * change


def test_reveal_cancel_equals_plain_loops():
    torch.manual_seed(1)
    layers = [nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)]
    network = nn.Sequential(*layers).double()
    image = torch.rand(5).double()
    found = explain(layers, image.tolist(), rule="reveal_cancel", baseline=0.4)
    expected = loop(network, image, torch.full_like(image, 0.4))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_the_linear_rule_with_rescale_is_rescale(model, exact, images):
    """Both parts rescaled alike: positive and negative contributions need not be kept apart.

    The reference is noise, because in a uniform one rounding decides which of equal inputs of a
    max-pooling answers.
    """

    def rescaled(stack):
        start, up, down = rules._unstacked(stack)
        whole = torch.cat([start, start + up + down]).detach()
        after = F.relu(whole)
        slope = (whole > 0).double()
        ratio = rules._ratio(after - after[:1], whole - whole[:1], slope)[1:]
        return torch.cat([after[:1], up * ratio, down * ratio])

    net = exact[model]
    target = net(images).argmax(1)
    reference = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(4)).double()
    expected = rules.rescale(net, images, reference, target)
    scale = expected.abs().max().item()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "_reveal_cancel", rescaled)
        found = rules.reveal_cancel(net, fold_batchnorm(net.network), images, reference, target)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10 * scale)


@pytest.mark.parametrize("model", MODELS)
def test_the_linear_rule_alone_is_the_gradient(model, exact, images, target):
    relevance, gap = deeplift.attribute(
        exact[model], images, target, seed=0, rule="linear", baseline=0.3
    )
    expected, _ = gradient.attribute(exact[model], images, target, seed=0)
    torch.testing.assert_close(relevance, expected * (images - 0.3), rtol=0, atol=1e-12)
    assert gap.abs().max() > 0.1 * relevance.sum((1, 2, 3)).abs().max()


@pytest.mark.parametrize("rule", deeplift.RULES)
def test_all_rules_equal_integrated_gradients_on_a_linear_net(rule, linear, images, target):
    how = {"seed": 0, "baseline": 0.2}
    expected, _ = integrated_gradients.attribute(linear, images, target, steps=1, **how)
    relevance, gap = deeplift.attribute(linear, images, target, rule=rule, **how)
    torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-12)
    assert gap.abs().max() < 1e-12


class Copy(nn.Module):
    """Between two non-linear layers, so that captum's hooks are not on one tensor."""

    def forward(self, hidden):
        return hidden.clone()


def captum_rescale(net, images, start, target):
    captum = pytest.importorskip("captum.attr")
    with pytest.warns(UserWarning, match=r"forward, backward hooks"):
        return (
            captum.DeepLift(net).attribute(images.clone().requires_grad_(), start, target).detach()
        )


def own_rescale(net, images, start, target):
    """Each image from a reference of its own."""
    each = range(len(images))
    return torch.cat([rules.rescale(net, images[[i]], start[[i]], target[[i]]) for i in each])


@pytest.mark.parametrize("model", ["lenet5", "alexnet"])
def test_rescale_equals_captum_where_a_copy_parts_its_hooks(model, exact, images):
    """captum 0.9 is wrong where a ReLU stands before a pooling: see the next test.

    The reference is noise: where its maxima tie, as in a uniform one, captum takes the first
    and we the one that is highest in the image.
    """
    start = torch.rand(images.shape, generator=torch.Generator().manual_seed(2)).double()
    net = copy.deepcopy(exact[model])
    target = net(images).argmax(1)
    layers = {}
    for name, layer in net.network.named_children():
        layers[name] = nn.Sequential(layer, Copy()) if isinstance(layer, nn.ReLU) else layer
    net.network = type(net.network)(layers, net.network.last_block)
    expected = captum_rescale(net, images, start, target)
    relevance = own_rescale(exact[model], images, start, target)
    scale = expected.abs().max().item()
    torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-10 * scale)


def test_captum_is_not_complete_after_relu_and_pooling(exact, images):
    """captum 0.9's hooks of adjacent ReLU and max-pooling see one tensor; issue 1104 there."""
    net = exact["lenet5"]
    target, start = net(images).argmax(1), torch.rand_like(images)
    demanded = (net(images) - net(start))[torch.arange(len(images)), target]
    theirs = captum_rescale(copy.deepcopy(net), images, start, target)
    ours = own_rescale(net, images, start, target)
    assert (ours.sum((1, 2, 3)) - demanded).abs().max() < 1e-10
    assert (theirs.sum((1, 2, 3)) - demanded).abs().max() > 1e-3


def test_the_rescale_rule_changes_no_output(exact, images):
    stack = torch.cat([torch.full_like(images[:1], 0.3), images])
    for net in exact.values():
        with Replacing(relus(rules._rescaled) | dict.fromkeys(MAX_POOL, rules._rescaled_pool)):
            inside = net(stack)
        assert torch.equal(inside, net(stack))


@pytest.mark.parametrize("rule", COMPLETE)
def test_padded_shortcuts_and_fire_modules_keep_the_sum(rule):
    """ResNet-20 with option A and SqueezeNet, untrained."""
    torch.manual_seed(0)
    for model, size, width in (("resnet20", 16, {"width": 4}), ("squeezenet1_1", 33, {})):
        network = NETWORKS.load(model)(channels=3, size=size, classes=5, **width)
        for each in network.modules():
            if isinstance(each, nn.BatchNorm2d):
                nn.init.normal_(each.running_mean)
                nn.init.uniform_(each.running_var, 0.5, 2)
        net = plain(network)
        images = torch.rand(2, 3, size, size).double()
        _, gap = deeplift.attribute(
            net, images, net(images).argmax(1), seed=0, rule=rule, baseline=0.1
        )
        assert gap.abs().max() < 1e-10


def test_wrong_rules_and_nets_are_named(exact, images, target):
    with pytest.raises(InputError, match="did you mean 'reveal_cancel'"):
        deeplift.attribute(exact["lenet5"], images, target, seed=0, rule="reveal-cancel")
    net = plain(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.BatchNorm2d(2), nn.Flatten()))
    with pytest.raises(InputError, match="a convolution directly before every batch norm"):
        deeplift.attribute(net, images, target, seed=0, rule="reveal_cancel")
    _, gap = deeplift.attribute(net, images, target, seed=0, rule="rescale")
    assert gap.abs().max() < 1e-10
