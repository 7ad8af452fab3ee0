"""DeConvNet against a mirrored net made by hand; its partial form."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from plumbline.attribution.methods import deconvnet, deconvnet_partial
from plumbline.errors import InputError


def mirrored(net, images, upto):
    """Activations of LeNet-5 after ``upto`` poolings, and the mirrored net that leads back.

    Written out with transposed convolutions, max-unpooling with switches, and rectification.
    """
    network, switches, hidden = net.network, [], net.normalise(images)
    convolutions = [network.conv1, network.conv2][:upto]
    for convolution in convolutions:
        hidden = F.relu(convolution(hidden))
        size = hidden.shape
        hidden, places = F.max_pool2d(hidden, 2, return_indices=True)
        switches.append((places, size))

    def back(signal):
        for convolution, (places, size) in reversed(list(zip(convolutions, switches, strict=True))):
            signal = F.max_unpool2d(signal, places, 2, output_size=size[2:])
            signal = F.conv_transpose2d(F.relu(signal), convolution.weight, padding=2)
        return signal / net.std

    return hidden, back


def test_the_whole_net_is_the_mirrored_net(exact, images, target):
    net = exact["lenet5"]
    maps, back = mirrored(net, images, upto=2)
    signal = F.relu(net.network.output.weight[target]) @ net.network.dense1.weight
    expected = back(signal.view_as(maps))
    relevance, gap = deconvnet.attribute(net, images, target, seed=0)
    torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-12)
    assert gap.isnan().all()


@pytest.mark.parametrize(("layer", "upto"), [("pool1", 1), ("pool2", 2), ("", 2)])
@pytest.mark.parametrize("channel", [-1, 3])
def test_partial_is_the_mirrored_net_from_one_activation(layer, upto, channel, exact, images):
    net = exact["lenet5"]
    maps, back = mirrored(net, images, upto)
    alone = torch.zeros_like(maps)
    for image, own in enumerate(maps):
        chosen = int(own.amax((1, 2)).argmax()) if channel < 0 else channel
        place = divmod(int(own[chosen].argmax()), own.shape[2])
        alone[(image, chosen, *place)] = own[(chosen, *place)]
    relevance, gap = deconvnet_partial.attribute(
        net, images, torch.zeros(6).long(), seed=0, layer=layer, channel=channel
    )
    torch.testing.assert_close(relevance, back(alone), rtol=0, atol=1e-12)
    assert gap.isnan().all()


def test_partial_sees_no_more_than_the_filter_does(exact, images, target):
    """One position after conv1 - ReLU - pooling comes from 5 x 5 pixels."""
    relevance, _ = deconvnet_partial.attribute(
        exact["lenet5"], images, target, seed=0, layer="pool1"
    )
    for each in relevance[:, 0]:
        rows, columns = each.nonzero().unbind(1)
        assert 0 < len(rows) <= 25
        assert rows.max() - rows.min() <= 4
        assert columns.max() - columns.min() <= 4


@pytest.mark.parametrize("model", ["alexnet", "resnet34"])
def test_partial_works_on_the_other_nets(model, exact, images, target):
    relevance, _ = deconvnet_partial.attribute(exact[model], images, target, seed=0)
    assert relevance.isfinite().all()
    assert (relevance.abs().amax((1, 2, 3)) > 0).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "pool_1"}, "no layer 'pool_1'; did you mean 'pool1'"),
        ({"layer": "dense1"}, "'dense1' has no feature maps"),
        ({"channel": 20}, "channel must be below 20 in this layer, not 20"),
        ({"channel": -2}, "channel must be at least -1"),
    ],
)
def test_what_the_net_does_not_have_is_named(options, message, exact, images, target):
    with pytest.raises(InputError, match=message):
        deconvnet_partial.attribute(exact["lenet5"], images, target, seed=0, **options)


def test_a_filter_that_is_silent_leaves_an_empty_map(exact, images, target):
    net = exact["lenet5"]
    assert isinstance(net.network.pool1, nn.MaxPool2d)
    before = net.network.conv1.bias.clone()
    net.network.conv1.bias[0] = -1e3
    relevance, _ = deconvnet_partial.attribute(
        net, images, target, seed=0, layer="pool1", channel=0
    )
    net.network.conv1.bias.copy_(before)
    assert not relevance.any()
