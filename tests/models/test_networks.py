"""The architectures: shapes, split points, and torchvision's ResNet-34."""

import os
import subprocess
import sys

import pytest
import torch
from support import SCRIPTS

from plumbline.errors import InputError
from plumbline.models.cifar_resnet import PaddedShortcut
from plumbline.models.classifier import Architecture, Classifier, batches, logits
from plumbline.registry import NETWORKS
from plumbline.runtime.torchvision_import import import_torchvision
from plumbline.training import imported_weights

SIZES = {
    "lenet": (12, 28, 32),
    "lenet5": (4, 28, 32),
    "mlp": (4, 28),
    "alexnet": (8, 28, 32),
    "resnet20": (7, 28, 32),
    "resnet34": (28, 32),
    "resnet56": (7, 32),
    "squeezenet1_1": (17, 28, 64),
}
WITH_DROPOUT = [name for name in NETWORKS.names() if "dropout" in NETWORKS.traits(name)]
CONVOLUTIONAL = [name for name in NETWORKS.names() if name != "mlp"]
SMALL = {
    "mlp": {"dense": 16},
    "lenet5": {"dense": 16},
    "alexnet": {"dense": 16},
    "resnet34": {"width": 4},
}


def make(name, channels=1, size=28, classes=10, **more):
    torch.manual_seed(0)
    arguments = {"channels": channels, "size": size, "classes": classes, **more}
    architecture = Architecture(name, arguments)
    names = tuple(map(str, range(classes)))
    mean, std = torch.full((channels,), 0.3), torch.full((channels,), 0.4)
    return Classifier(architecture, names, mean, std).eval()


@pytest.mark.parametrize("name", NETWORKS.names())
@pytest.mark.parametrize("channels", [1, 3])
def test_any_number_of_channels_and_classes_and_any_size(name, channels):
    for size in SIZES.get(name, (28, 32)):
        net = make(name, channels, size, classes=7)
        assert net(torch.rand(2, channels, size, size)).shape == (2, 7)


@pytest.mark.parametrize("name", NETWORKS.names())
def test_the_parts_make_the_whole(name):
    net, pixels = make(name), torch.rand(3, 1, 28, 28)
    whole = net(pixels)
    torch.testing.assert_close(net.head(net.trunk(pixels)), whole, rtol=0, atol=0)
    if name not in CONVOLUTIONAL:
        return
    torch.testing.assert_close(net.classify(net.features(pixels)), whole, rtol=0, atol=0)
    assert net.features(pixels).ndim == 4


def test_a_net_without_convolution_says_that_it_cannot_be_explained():
    with pytest.raises(
        InputError, match=r"no convolution, so it cannot be explained: list it in uncert"
    ):
        make("mlp").features(torch.rand(1, 1, 28, 28))


def test_traits_are_what_the_nets_have():
    for name in NETWORKS.names():
        net, traits = make(name).network, NETWORKS.traits(name)
        dropout = any(isinstance(module, torch.nn.Dropout) for module in net.modules())
        assert dropout == ("dropout" in traits), name
        if name not in CONVOLUTIONAL:
            continue
        after = [type(layer) for layer in list(net)[net.features_end :]]
        head = [torch.nn.AdaptiveAvgPool2d, torch.nn.Flatten, torch.nn.Linear]
        assert ([each for each in after if each != torch.nn.Dropout] == head) == (
            "gap_head" in traits
        ), name


@pytest.mark.parametrize("name", WITH_DROPOUT)
def test_dropout_stands_in_the_head_only(name):
    net = make(name).train()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    pixels = torch.rand(8, 1, 28, 28)
    assert torch.equal(net.trunk(pixels), net.trunk(pixels))
    assert not torch.equal(net.head(net.trunk(pixels)), net.head(net.trunk(pixels)))


def test_resnet34_is_torchvisions():
    reference = import_torchvision().models.resnet34(num_classes=10).eval()
    reference.to(memory_format=torch.channels_last)
    net = make("resnet34", channels=3, size=64)
    net.network.load_state_dict(reference.state_dict())
    pixels = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(net(pixels), reference((pixels - 0.3) / 0.4), rtol=0, atol=0)


def test_residual_nets_start_without_torchvision():
    """It loads torch's compiler: more than a second of every job."""
    code = (
        "import sys; from plumbline.registry import NETWORKS as nets; "
        "[nets.load(net)(channels=1, size=28, classes=10) for net in ('resnet20', 'resnet34')]; "
        "print({'torchvision', 'torch._dynamo'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert done.stdout.decode().strip() == "set()", done.stderr.decode()


def test_squeezenet_is_torchvisions():
    reference = import_torchvision().models.squeezenet1_1(num_classes=10).eval()
    reference.to(memory_format=torch.channels_last)
    weights = reference.state_dict()
    net = make("squeezenet1_1", channels=3, size=64)
    imported_weights.check(
        imported_weights.rename(weights, net.network), net.network, "squeezenet1_1"
    )
    net.network.load_state_dict(imported_weights.rename(weights, net.network))
    pixels = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(net(pixels), reference((pixels - 0.3) / 0.4), rtol=0, atol=0)


@pytest.mark.parametrize(("name", "blocks"), [("resnet20", 3), ("resnet56", 9)])
def test_cifar_resnets_are_those_of_the_paper(name, blocks):
    """He et al. 2016, section 4.2: 6n + 2 layers with weights, 0.27 and 0.85 million of them."""
    net = make(name, channels=3, size=32)
    layers = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(layers) == 6 * blocks + 2
    count = sum(p.numel() for p in net.parameters())
    assert round(count / 1e6, 2) == {3: 0.27, 9: 0.85}[blocks]
    assert net.features(torch.rand(1, 3, 32, 32)).shape == (1, 64, 8, 8)
    names = [key for key in net.network.state_dict() if not key.endswith("tracked")]
    assert names[0] == "conv1.weight"
    assert names[-1] == "linear.bias"
    assert f"layer3.{blocks - 1}.bn2.running_var" in names
    assert not any("shortcut" in key or "downsample" in key for key in names)


def test_option_a_takes_every_second_pixel_and_pads_channels_with_zeros():
    hidden = torch.rand(2, 4, 6, 7)
    out = PaddedShortcut(4, 8)(hidden)
    assert out.shape == (2, 8, 3, 4)
    assert torch.equal(out[:, 2:6], hidden[:, :, ::2, ::2])
    assert not out[:, :2].any()
    assert not out[:, 6:].any()


def test_the_study_s_sizes_are_the_defaults():
    count = {name: sum(p.numel() for p in make(name).parameters()) for name in NETWORKS.names()}
    # By hand from the layers of study 000: weights plus biases of each.
    assert count["lenet5"] == (25 * 20 + 20) + (500 * 50 + 50) + (2450 * 500 + 500) + 5010
    assert count["mlp"] == (784 * 1024 + 1024) + 10250
    assert count["alexnet"] == (
        (25 * 20 + 20)
        + (25 * 20 * 40 + 40)
        + (9 * 40 * 80 + 80)
        + (9 * 80 * 80 + 80)
        + (9 * 80 * 40 + 40)
        + (360 * 4096 + 4096)
        + (4096 * 4096 + 4096)
        + 40970
    )


@pytest.mark.parametrize("name", NETWORKS.names())
def test_a_classifier_is_read_as_it_was_saved(name, tmp_path):
    net = make(name, **SMALL.get(name, {}))
    net.record = {"epochs": 3}
    net.save(tmp_path / "net")
    read = Classifier.load(tmp_path / "net")
    pixels = torch.rand(4, 1, 28, 28)
    assert torch.equal(read(pixels), net(pixels))
    assert (read.record, read.classes) == (net.record, net.classes)
    assert not read.training
    assert not any(p.requires_grad for p in read.parameters())


def test_batches_of_bytes_and_of_floats_give_the_same_logits():
    net = make("lenet5")
    images = torch.randint(0, 256, (7, 1, 28, 28), dtype=torch.uint8)
    whole = logits(net, images, batch=7)
    torch.testing.assert_close(logits(net, images.float() / 255, batch=7), whole, rtol=0, atol=0)
    torch.testing.assert_close(logits(net, images, batch=3), whole)
    assert [len(b) for b in batches(images, 3, torch.device("cpu"))] == [3, 3, 1]


def test_images_of_another_size_are_refused_in_plain_words():
    with pytest.raises(InputError, match="1 x 16 x 16 given to a net for 1 x 28 x 28"):
        make("lenet5")(torch.rand(2, 1, 16, 16))


def test_lenet_is_that_of_wang():
    net = NETWORKS.load("lenet")(channels=1, size=28, classes=10)
    assert sum(each.numel() for each in net.parameters()) == 61_706
    assert net.part(torch.rand(2, 1, 28, 28), stop=net.features_end).shape == (2, 16, 5, 5)
    assert net(torch.rand(2, 1, 28, 28)).shape == (2, 10)
