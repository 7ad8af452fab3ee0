"""CAM and Grad-CAM: their identity, the logit, captum, and by hand."""

import pytest
import torch
from torch import nn

from plumbline.attribution.maps import enlarged, on_channels
from plumbline.attribution.methods import cam, grad_cam
from plumbline.errors import InputError
from plumbline.models.classifier import Architecture, Classifier
from plumbline.registry import ATTRIBUTIONS, NETWORKS

SIZE = 16  # the last block of ResNet-20 then has 4 x 4 positions


@pytest.fixture(scope="module")
def gap_head():
    """A ResNet-20 for 16 x 16 colour images, untrained, float64."""
    torch.manual_seed(0)
    arguments = {"channels": 3, "size": SIZE, "classes": 5, "width": 4}
    classes = tuple("abcde")
    net = Classifier(
        Architecture("resnet20", arguments), classes, torch.zeros(3) + 0.5, torch.ones(3)
    )
    for each in net.modules():
        if isinstance(each, nn.BatchNorm2d):
            nn.init.uniform_(each.running_var, 0.5, 2)
    return net.double().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def colour():
    return torch.rand(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)).double()


@pytest.fixture(scope="module")
def classes():
    return torch.tensor([0, 4, 2, 2])


def test_cam_is_grad_cam_up_to_the_number_of_positions(gap_head, colour, classes):
    """Selvaraju et al. 2017, section 3.1: the mean gradient is w_k over the positions, 16."""
    found, _ = grad_cam.attribute(gap_head, colour, classes, seed=0, relu=False)
    expected, _ = cam.attribute(gap_head, colour, classes, seed=0)
    torch.testing.assert_close(16 * found, expected, rtol=0, atol=1e-12)
    assert expected.std((2, 3)).min() > 1e-6


def test_cam_is_grad_cam_on_resnet34(exact, images):
    """At 28 x 28 its last block is one position: the factor is one and the map uniform."""
    net = exact["resnet34"]
    target = net(images).argmax(1)
    expected, _ = cam.attribute(net, images, target, seed=0)
    found, _ = grad_cam.attribute(net, images, target, seed=0, relu=False)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    for each in (expected, found):
        assert torch.equal(each.amax((1, 2, 3)), each.amin((1, 2, 3)))


def test_the_mean_of_the_class_map_and_the_bias_make_the_logit(gap_head, colour, classes):
    """Zhou et al. 2016, eq. 2, before the map is enlarged: by a loop over units."""
    features, dense = gap_head.features(colour), gap_head.network.linear
    for image, target in enumerate(classes):
        weighted = sum(w * f for w, f in zip(dense.weight[target], features[image], strict=True))
        logit = gap_head(colour[[image]])[0, target]
        torch.testing.assert_close(weighted.mean() + dense.bias[target], logit)
        relevance, _ = cam.attribute(gap_head, colour[[image]], classes[[image]], seed=0)
        drawn = enlarged(weighted[None], colour[[image]])
        torch.testing.assert_close(relevance.sum(1), drawn, rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Input Tensor 0 did not")
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize(
    ("model", "layer"),
    [("lenet5", ""), ("lenet5", "relu1"), ("alexnet", ""), ("resnet34", "layer2")],
)
def test_grad_cam_equals_captum(model, layer, relu, exact, images):
    captum = pytest.importorskip("captum.attr")
    net = exact[model]
    target = net(images).argmax(1)
    block = getattr(net.network, layer or net.network.last_block)
    expected = captum.LayerGradCam(net, block).attribute(images, target, relu_attributions=relu)
    expected = captum.LayerAttribution.interpolate(expected, (28, 28), "bilinear")
    relevance, gap = grad_cam.attribute(net, images, target, seed=0, layer=layer, relu=relu)
    torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-10)
    assert gap.isnan().all()


def test_grad_cam_before_a_layer_that_works_in_place(gap_head, colour, classes):
    """bn1 stands before an in-place ReLU: the weighted maps are those before it."""
    relevance, _ = grad_cam.attribute(gap_head, colour, classes, seed=0, layer="bn1", relu=False)
    maps = gap_head.network.part(gap_head.normalise(colour), stop=2).requires_grad_()
    logit = gap_head.network.part(maps.clone(), start=2)[torch.arange(4), classes]
    (slope,) = torch.autograd.grad(logit.sum(), maps)
    weighted = (maps.detach() * slope.mean((2, 3), keepdim=True)).sum(1)
    torch.testing.assert_close(relevance.sum(1), weighted, rtol=0, atol=1e-12)


def test_maps_are_enlarged_and_shared_by_hand():
    pixels = torch.zeros(1, 3, 1, 4)
    drawn = enlarged(torch.tensor([[[0.0, 1.0]]]), pixels)
    torch.testing.assert_close(drawn, torch.tensor([[[0.0, 0.25, 0.75, 1.0]]]))
    single = enlarged(torch.rand(9, 1, 1), torch.zeros(9, 3, 227, 227)).flatten(1)
    assert torch.equal(single.amax(1), single.amin(1))
    shared = on_channels(drawn, pixels)
    assert shared.shape == pixels.shape
    torch.testing.assert_close(shared.sum(1), drawn)


def test_layers_that_do_not_exist_and_nets_without_the_head_are_named(exact, images, target):
    for layer, message in (("pol2", "did you mean 'pool2'"), ("output", "no feature maps")):
        with pytest.raises(InputError, match=message):
            grad_cam.attribute(exact["lenet5"], images, target, seed=0, layer=layer)
    assert "global average pooling" in NETWORKS.unmet(ATTRIBUTIONS, "cam", "lenet5")
    assert NETWORKS.unmet(ATTRIBUTIONS, "cam", "resnet34") == ""
    assert NETWORKS.unmet(ATTRIBUTIONS, "grad_cam", "lenet5") == ""
