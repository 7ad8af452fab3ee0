"""Nets of the user's own: taken apart into layers, verified by their answers, refused clearly."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from support import SCRIPTS

from plumbline.config.schema import load
from plumbline.errors import InputError
from plumbline.models.classifier import Architecture, Classifier, Network, logits
from plumbline.models.own_nets import take_apart
from plumbline.registry import ESTIMATORS, NETWORKS
from plumbline.training.imported_weights import classifier_with, read_weights
from plumbline.workflow.code_hash import code_hash

MIRROR = os.environ.get("PLUMBLINE_MIRROR")
NETS = '''
import torch
from torch import nn
from torch.nn import functional as F


class Plain(nn.Sequential):
    def __init__(self, classes, width=4):
        super().__init__(nn.Conv2d(1, width, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(classes))
        self(torch.zeros(1, 1, 8, 8))


class Usual(nn.Module):
    """Children in their order, a flattening in between: as in torchvision."""

    def __init__(self, channels, classes, width=4):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Linear(4 * width, classes))

    def forward(self, pixels):
        return self.classifier(torch.flatten(self.pool(self.features(pixels)), 1))


class Calling(nn.Module):
    """It calls functions between its children, and one child twice; a weight of its own."""

    def __init__(self, classes):
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.act = nn.ReLU()
        self.scale = nn.Parameter(torch.linspace(0.5, 2, 4).reshape(1, 4, 1, 1))
        self.dense = nn.Linear(64, classes)

    def forward(self, pixels):
        hidden = self.act(self.one(pixels))
        hidden = hidden + self.scale * self.act(self.two(hidden))
        hidden = F.dropout(F.max_pool2d(hidden, 2), 0.3, self.training)
        hidden = F.relu(hidden)
        return self.dense(hidden.view(hidden.size(0), -1))


class Knot(nn.Module):
    """Its way depends on what it sees."""

    def __init__(self, classes):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.dropout = nn.Dropout(0.5)
        self.dense = nn.Linear(4, classes)

    def forward(self, pixels):
        hidden = F.relu(self.conv(pixels))
        if hidden.max() < 0:
            return self.dense(hidden.sum((2, 3)))
        return self.dense(self.dropout(hidden.mean((2, 3))))


class Twofold(Calling):
    """Another way in training."""

    def forward(self, pixels):
        pixels = pixels.flip(3) if self.training else pixels
        return super().forward(pixels)


class Repeating(Calling):
    """The same weights in two places."""

    def forward(self, pixels):
        return super().forward(self.one(pixels).mean(1, keepdim=True))


def made(size, classes):
    net = Usual(1, classes)
    net.last_block = "features.0"
    return net


def no_module(classes):
    return 3


def fails():
    raise RuntimeError("I do not want to")
'''
SHAPE = {"channels": 1, "size": 8, "classes": 3}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "nets.py"
    path.write_text(NETS)
    return path


def network(file, name, **more):
    torch.manual_seed(3)
    return Network(*take_apart(f"{file}:{name}", **SHAPE | more)).eval()


@pytest.mark.parametrize(
    ("name", "layers", "last"),
    [
        ("Plain", ["0", "1", "2", "3"], "1"),
        (
            "Usual",
            [
                *("features_0", "features_1", "features_2", "pool"),
                *("classifier_0", "classifier_1"),
            ],
            "pool",
        ),
        (
            "Calling",
            ["one", "act_1", "two", "max_pool2d_3", "dropout_4", "relu_5", "view_6", "dense"],
            "relu_5",
        ),
        ("Knot", ["net"], None),
        ("Twofold", ["net"], None),
        ("Repeating", ["net"], None),
        ("made", None, "features_0"),
    ],
)
def test_it_answers_as_the_net_itself_layer_by_layer(file, name, layers, last):
    ours = network(file, name)
    scope = {}
    exec(NETS, scope)
    torch.manual_seed(3)
    arguments = {"Usual": (1, 3), "made": (8, 3)}.get(name, (3,))
    theirs = scope[name](*arguments).eval()
    pixels = torch.rand(5, 1, 8, 8)
    torch.testing.assert_close(ours(pixels), theirs(pixels))
    assert ours.last_block == last
    if layers:
        assert [each for each in ours._modules if not each.endswith("_flatten")] == layers


def test_features_and_what_follows_them_make_the_whole(file):
    classifier = Classifier(
        Architecture("mine", SHAPE, entry=f"{file}:Usual"),
        tuple("abc"),
        torch.zeros(1),
        torch.ones(1),
    ).eval()
    pixels = torch.rand(4, 1, 8, 8)
    features = classifier.features(pixels)
    assert features.shape == (4, 4, 2, 2)
    torch.testing.assert_close(classifier.classify(features), classifier(pixels))
    torch.testing.assert_close(classifier.head(classifier.trunk(pixels)), classifier(pixels))


def test_a_dropout_that_is_a_function_is_a_layer_that_training_and_mc_dropout_use(file):
    net = network(file, "Calling")
    assert isinstance(net.dropout_4, torch.nn.Dropout)
    assert net.dropout_4.p == 0.3
    assert isinstance(net.view_6, torch.nn.Flatten)
    pixels = torch.rand(2, 1, 8, 8)
    assert torch.equal(net(pixels), net(pixels))
    assert not torch.equal(net.train()(pixels), net(pixels))


def test_a_net_that_cannot_be_split_says_where_to_list_it(file):
    with pytest.raises(InputError, match="list it in uncertainty"):
        _ = network(file, "Knot").features_end


def test_last_block_must_be_a_layer_of_maps(tmp_path):
    text = NETS.replace('net.last_block = "features.0"', 'net.last_block = "feature"')
    (tmp_path / "nets.py").write_text(text)
    with pytest.raises(InputError, match=r"last_block names no layer .*did you mean 'features"):
        network(tmp_path / "nets.py", "made")


def test_weights_by_their_own_names_fit_and_the_file_comes_back(file, tmp_path):
    for model, name, arguments in (
        ("mine", "Usual", (1, 3)),
        ("calling", "Calling", (3,)),
        ("knot", "Knot", (3,)),
    ):
        scope = {}
        exec(NETS, scope)
        theirs = scope[name](*arguments).eval()
        torch.save(theirs.state_dict(), tmp_path / "weights.pt")
        save_file(theirs.state_dict(), tmp_path / "weights.safetensors")
        pixels = np.random.default_rng(0).random((6, 1, 8, 8), np.float32)
        expected = theirs((torch.from_numpy(pixels) - 0.2) / 0.5)
        for path in ("weights.pt", "weights.safetensors"):
            weights = read_weights(tmp_path / path)
            net = classifier_with(
                weights,
                Architecture(model, SHAPE, entry=f"{file}:{name}"),
                tuple("abc"),
                (0.2,),
                (0.5,),
            )
            net.save(tmp_path / "net.safetensors")
            again = Classifier.load(tmp_path / "net.safetensors")
            torch.testing.assert_close(logits(again, pixels), expected)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("Plain", {"channels": 3}, "does not accept images of 3 x 8 x 8: .*channels"),
        ("Plain", {"size": 9}, "does not accept images of 1 x 9 x 9"),
        ("Usual", {"width": 0}, "cannot be built|does not accept"),
        ("Usual", {"depth": 3}, "cannot be built: .*depth"),
        ("no_module", {}, "returns a int, not a torch.nn.Module"),
        ("fails", {}, "cannot be built: I do not want to"),
        ("Missing", {}, "has no class or function Missing"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(file, name, shape, message):
    with pytest.raises(InputError, match=message) as caught:
        take_apart(f"{file}:{name}", **SHAPE | shape)
    assert "\n" not in str(caught.value)


def test_another_number_of_classes_is_refused(tmp_path):
    (tmp_path / "ten.py").write_text(
        "from torch import nn\nimport torch\ndef ten():\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))\n"
    )
    with pytest.raises(InputError, match=r"returns \(2, 10\) for 2 images of 3 classes"):
        take_apart(f"{tmp_path}/ten.py:ten", **SHAPE)


def configuration(tmp_path, entry, **more):
    np.savez(tmp_path / "mine.npz", x=np.zeros((9, 8, 8), np.uint8), y=np.arange(9) % 3)
    source = {"kind": "npz", "path": str(tmp_path / "mine.npz")}
    return {
        "datasets": ["mine"],
        "models": ["mine"],
        "data": {"sources": {"mine": source}},
        "training": {"seeds": 1, "models": {"mine": {"entry": entry, "network": {"width": 6}}}},
        "latent": {"corpora": []},
        "uncertainty": {"estimators": {"softmax": {}, "mc_dropout": {}}},
        **more,
    }


def test_the_configuration_makes_it_a_net_as_all_others(file, tmp_path):
    config = load(configuration(tmp_path, f"{file}:Usual"))
    assert "mine" in config.networks.names()
    assert "mine" not in NETWORKS.names()
    assert config.training_options("mine", "mine").network == {"width": 6}
    assert config.estimators("mine", "mine") == ["softmax", "mc_dropout"]


def test_without_a_dropout_layer_there_is_no_mc_dropout_and_a_reason(tmp_path):
    (tmp_path / "bare.py").write_text("from torch import nn\nclass Net(nn.Sequential): pass\n")
    config = load(configuration(tmp_path, f"{tmp_path}/bare.py:Net"))
    assert config.estimators("mine", "mine") == ["softmax"]
    assert config.networks.unmet(ESTIMATORS, "mc_dropout", "mine") == "no dropout layer"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("missing.py:Net", "training.models: mine.entry: no file missing.py"),
        ("net.txt", "training.models: mine.entry: must be file.py:Name, not 'net.txt'"),
        ("{}/broken.py:Net", r"broken.py: not Python: .* \(line 1\)"),
    ],
)
def test_a_bad_entry_stops_before_any_job(tmp_path, entry, message):
    (tmp_path / "broken.py").write_text("class Net(:\n")
    with pytest.raises(InputError, match=message):
        load(configuration(tmp_path, entry.format(tmp_path)))


def test_a_name_of_ours_is_not_taken(file, tmp_path):
    with pytest.raises(InputError, match="lenet5 is a net of models/architectures already"):
        NETWORKS.joined({"lenet5": f"{file}:Plain"}).check_own()


def test_the_hash_of_the_code_follows_the_file_and_what_stands_beside_it(tmp_path):
    hashes = []
    for width, where in ((3, "a"), (3, "b"), (4, "c")):
        folder = tmp_path / where
        folder.mkdir()
        (folder / "parts.py").write_text(f"WIDTH = {width}\n")
        (folder / "net.py").write_text("from parts import WIDTH\nclass Net: pass\n")
        networks = NETWORKS.joined({"mine": f"{folder}/net.py:Net"})
        hashes.append(code_hash(SCRIPTS, "train.py", networks.file("mine")))
    assert hashes[0] == hashes[1]  # a moved folder changes nothing
    assert hashes[0] != hashes[2]
    assert hashes[0] != code_hash(SCRIPTS, "train.py")


@pytest.mark.skipif(not MIRROR, reason="needs a mirror with weights, PLUMBLINE_MIRROR")
def test_torchvision_s_squeezenet_with_given_weights_is_ours(tmp_path):
    (tmp_path / "squeeze.py").write_text(
        "from plumbline.runtime.torchvision_import import import_torchvision\n"
        "def net():\n    return import_torchvision().models.squeezenet1_1()\n"
    )
    entries = {"theirs": f"{tmp_path}/squeeze.py:net", "squeezenet1_1": None}
    (weights,) = Path(MIRROR).rglob("squeezenet1_1*")
    shape, classes = {"channels": 3, "size": 64, "classes": 1000}, tuple(map(str, range(1000)))
    pixels = np.random.default_rng(0).random((2, 3, 64, 64), np.float32)
    answers = [
        logits(
            classifier_with(
                read_weights(weights), Architecture(name, shape, entry=entry), classes, None, None
            ),
            pixels,
        )
        for name, entry in entries.items()
    ]
    torch.testing.assert_close(*answers)


@pytest.mark.skipif(not MIRROR, reason="needs a mirror with weights, PLUMBLINE_MIRROR")
def test_the_published_resnet20_is_taken_apart_into_the_same_blocks(tmp_path):
    """Its code calls functions between its children and in its blocks."""
    (tmp_path / "residual.py").write_text(RESNET20)
    entries = {"theirs": f"{tmp_path}/residual.py:ResNet", "resnet20": None}
    (weights,) = Path(MIRROR).rglob("resnet20*")
    shape, classes = {"channels": 3, "size": 32, "classes": 10}, tuple("0123456789")
    pixels = np.random.default_rng(0).random((4, 3, 32, 32), np.float32)
    nets = [
        classifier_with(
            read_weights(weights), Architecture(name, shape, entry=entry), classes, None, None
        )
        for name, entry in entries.items()
    ]
    kept = [f"layer{stage}_{block}" for stage in (1, 2, 3) for block in range(3)]
    assert [name for name in nets[0].network._modules if "layer" in name] == kept
    torch.testing.assert_close(*(logits(net, pixels) for net in nets), rtol=1e-4, atol=1e-4)
    features = (net.features(torch.from_numpy(pixels)) for net in nets)
    torch.testing.assert_close(*features, rtol=1e-4, atol=1e-4)


RESNET20 = """
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.grow = (after - before) // 2

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.grow:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.grow, self.grow))
        return F.relu(out + x)


class ResNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*(Block(16, 16, 1) for _ in range(3)))
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.linear = nn.Linear(64, classes)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        return self.linear(F.avg_pool2d(out, out.size(3)).flatten(1))
"""
