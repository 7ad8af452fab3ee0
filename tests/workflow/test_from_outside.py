"""The workflow as a part of another one, elsewhere, on a net and images of one's own: the blocks of
docs/ are run as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image
from repository import fresh
from support import ROOT

from plumbline.runtime.snakemake_records import all_records

pytestmark = pytest.mark.workflow
MIRROR = os.environ.get("PLUMBLINE_MIRROR")


def block(kind, within):
    """The block of code in docs/ of a kind that has the text ``within``."""
    text = "".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))
    )
    blocks = re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)
    (found,) = (each for each in blocks if within in each)
    return found.replace("/where/", "../")


MINE = 'configfile: "mine.yaml"\n'
SMALL = 'configfile: "../plumbline/tiny.yaml"\nconfigfile: "sizes.yaml"\n'
PROFILE = block("sh", "--workflow-profile /where/").split()[1:]
OWN = """

rule own:
    default_target: True
    input:
        "results/detection/mine/mynet.csv",
        "results/attribution/mine/mynet/degradation.csv",
        "results/report/index.html",
    output:
        "own.txt",
    shell:
        "cat {input[0]} {input[1]} > {output}"
"""
SIZES = """
latent:
  corpora: [in_distribution]
  attack: fgsm
  estimators: [mc_dropout, ensemble]
  vae: {epochs: 2, seeds: 1}
  grid: {points: 5}
  interpolation: {pairs: 4, steps: 3}
training: {seeds: 2}
uncertainty: {estimators: {ensemble: {members: 2}}}
visualization: {starts: 1, methods: {class_visualization: {steps: 2}}}
data: {sources: {strange: {broken: skip}}}
"""
CONFIG = block("yaml", "my_net.py:MyNet")
SIZE, MEAN, STD = 32, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # as in that block
NET = """
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        out[:, : x.shape[1]] += x[:, :, ::2, ::2]
        return F.relu(out)


class MyNet(nn.Module):
    def __init__(self, classes, width=6):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, stride=4, padding=1)
        self.layer1 = Block(width, 2 * width)
        self.layer2 = Block(2 * width, 4 * width)
        self.dropout = nn.Dropout(0.2)
        self.linear = nn.Linear(4 * width, classes)

    def forward(self, x):
        out = self.layer2(self.layer1(F.relu(self.conv1(x))))
        out = F.avg_pool2d(out, out.size(3))
        return self.linear(self.dropout(out.view(out.size(0), -1)))
"""


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A folder of one's own: a net with its weights, images with classes, and others without."""
    from sklearn.datasets import load_digits

    folder = tmp_path_factory.mktemp("mine")
    bunch = load_digits()
    scans, labels = (bunch.images[::6] * 15.9).astype(np.uint8), bunch.target[::6]
    scans = scans.repeat(SIZE // 8, 1).repeat(SIZE // 8, 2)[..., None].repeat(3, 3)
    np.savez(folder / "mine.npz", x=scans, y=labels)
    for number, (scan, label) in enumerate(zip(scans, labels, strict=True)):
        (folder / f"classes/{label}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(scan).save(folder / f"classes/{label}/{number}.png")
    (folder / "strange").mkdir()
    rng = np.random.default_rng(0)
    for number in range(60):  # no labels: out of distribution
        noise = rng.integers(256, size=(SIZE + 6, SIZE + 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"strange/{number}.png")
    (folder / "strange/damaged.png").write_bytes(b"no image")
    (folder / "my_net.py").write_text(NET)
    torch.save(trained(scans, labels), folder / "mine.pt")
    (folder / "mine.yaml").write_text(CONFIG)
    (folder / "sizes.yaml").write_text(SIZES)
    snakefile = block("python", "module plumbline:").replace(MINE, SMALL + MINE)
    (folder / "Snakefile").write_text(snakefile + OWN)
    return folder


@pytest.fixture
def elsewhere(mine, tmp_path):
    """A copy of it that holds nothing of the repository, a copy of which is beside it."""
    fresh(tmp_path / "plumbline", "tiny.yaml")
    return shutil.copytree(mine, tmp_path / "work")


def trained(scans, labels):
    """A state dict of the net, trained elsewhere."""
    scope = {}
    exec(NET, scope)
    torch.manual_seed(0)
    net = scope["MyNet"](10, width=32)
    mean, std = (torch.tensor(each)[:, None, None] for each in (MEAN, STD))
    pixels = (torch.from_numpy(scans).movedim(3, 1) / 255 - mean) / std
    optimizer = torch.optim.Adam(net.parameters(), 0.003)
    for batch in torch.arange(len(labels)).repeat(5).split(60):
        optimizer.zero_grad()
        answers = net(pixels[batch])
        torch.nn.functional.cross_entropy(answers, torch.from_numpy(labels)[batch]).backward()
        optimizer.step()
    return net.state_dict()


def snakemake(folder, *arguments, check=True, mirror=None):
    variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    variables.pop("PLUMBLINE_MIRROR", None)
    variables |= {"PLUMBLINE_MIRROR": mirror} if mirror else {}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
    output = done.stdout + done.stderr
    assert not check or done.returncode == 0, output[-5000:]
    return output


def missing(page):
    """The entries that the page lists as omitted, each with its reason."""
    table = page.partition("Omitted entries</caption>")
    found = []
    while table[1]:
        body, _, page = table[2].partition("</table>")
        found += re.findall(r'<th scope="row">([^<]*)</th><td>([^<]*)</td></tr>', body)
        table = page.partition("Omitted entries</caption>")
    return dict(found)


def test_as_a_module_of_another_workflow_from_another_folder(elsewhere):
    snakemake(elsewhere, *PROFILE)
    for record in all_records(elsewhere):
        assert set(record.checksums) == set(record.inputs), record.output
    assert "damaged.png" in (elsewhere / "results/logs/prepare/strange.log").read_text()
    assert "max_probability" in (elsewhere / "own.txt").read_text()
    assert "mc_dropout" in (elsewhere / "own.txt").read_text()  # the net has a dropout layer
    page = (elsewhere / "results/report/index.html").read_text()
    assert "This stage is not in this configuration." not in page
    assert missing(page) == {"deep ensemble": "only 1 net with given weights"}
    conductance = (elsewhere / "results/stability/mine/mynet/conductance.csv").read_text()
    assert "layer1" in conductance  # the net was taken apart into its blocks
    assert "layer2" in conductance
    assert "Nothing to be done" in snakemake(elsewhere, *PROFILE, "--dry-run")
    net = elsewhere / "my_net.py"
    net.write_text(net.read_text() + "\n# a comment\n")
    assert "Nothing to be done" in snakemake(elsewhere, *PROFILE, "--dry-run")
    net.write_text(net.read_text().replace("self.dropout(out", "self.dropout(1 * out"))
    again = snakemake(elsewhere, *PROFILE, "--dry-run")
    for rule in ("import_weights", "attack", "explain", "mutate", "compare_scores", "build_report"):
        assert f"rule {rule}:" in again
    assert "rule fetch:" not in again


def test_photographs_in_a_folder_by_class_without_a_snakefile_beside_them(elsewhere):
    """`snakemake --snakefile …/Snakefile`: the configurations are those that are named."""
    (elsewhere / "Snakefile").unlink()
    own = f"kind: image_folder, path: classes, size: {SIZE}, channels: 3"
    (elsewhere / "more.yaml").write_text(f"data: {{sources: {{mine: {{{own}}}}}}}\n")
    table = "results/models/mine/mynet/evaluation.csv"
    snakemake(elsewhere, *without("more.yaml"), table)
    assert accuracy(elsewhere / table) > 0.9  # of images that the net has seen


def accuracy(table):
    """Share of test images that the net of an evaluation classifies rightly."""
    rows = pd.read_csv(table).query("metric == 'accuracy' and scaling == 'raw' and split == 'test'")
    (found,) = rows.loc[rows["class"] == "all", "value"]
    return found


def without(*configs):
    """Arguments of a run in a folder that has no Snakefile."""
    theirs = ["config/config.yaml", "tiny.yaml"]
    configs = [*(f"../plumbline/{each}" for each in theirs), "sizes.yaml", "mine.yaml", *configs]
    return ["--snakefile", "../plumbline/Snakefile", "--configfile", *configs, "--"]


CLASSIFIER = "results/models/mine/mynet/given/0/classifier.safetensors"


UNFIT = {  # what is written in the net in place of what, and what is said of it
    "grey": ("nn.Conv2d(3,", "nn.Conv2d(1,", "grey.py:MyNet does not accept images of 3 x 32 x 32"),
    "nine": ("4 * width, classes", "4 * width, 9", "returns (2, 9) for 2 images of 10 classes"),
    "bare": ("4 * width, classes", "4 * width, classes, False", "linear.bias is unexpected"),
}


def test_nets_that_do_not_fit_are_told_in_a_line(elsewhere):
    config = yaml.safe_load(CONFIG)
    models, (weights,) = config["training"]["models"], config["training"]["weights"].values()
    for name, (old, new, _) in UNFIT.items():
        assert NET.count(old) == 1
        (elsewhere / f"{name}.py").write_text(NET.replace(old, new))
        models[name] = models["mynet"] | {"entry": f"{name}.py:MyNet"}
        weights[name] = weights["mynet"]
    config["models"] += UNFIT
    (elsewhere / "mine.yaml").write_text(yaml.safe_dump(config))
    nets = (CLASSIFIER.replace("mynet", name) for name in UNFIT)
    snakemake(elsewhere, *without(), *nets, check=False)
    for name, (_, _, message) in UNFIT.items():
        told = (elsewhere / f"results/logs/import_weights/mine/{name}.log").read_text()
        assert message in told
        assert "Traceback" not in told


def test_images_without_classes_are_refused_but_as_foreign_ones(elsewhere):
    refused = (
        (
            "datasets: [strange]\ntraining: {weights: null}\n",
            "Configuration: datasets: the images of strange have no classes",
        ),
        (
            "data: {sources: {mine: {splits: {calibration: 0.5, val: 0.3, test: 0.3}}}}\n",
            "Configuration: data.sources.mine.splits: val, calibration and test add up to 1.1",
        ),
    )
    for text, message in refused:
        (elsewhere / "more.yaml").write_text(text)
        told = snakemake(elsewhere, *without("more.yaml"), CLASSIFIER, check=False)
        assert message in told
        assert "Traceback" not in told


RESNET20 = {
    "net": """
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, before, after, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.more = (after - before) // 2

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.more:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.more, self.more))
        out += x
        return F.relu(out)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(Block(16, 16), Block(16, 16), Block(16, 16))
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32), Block(32, 32))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64), Block(64, 64))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        out = F.avg_pool2d(out, out.size()[3])
        return self.linear(out.view(out.size(0), -1))
""",
    "mine": "{kind: npz, path: cifar10_subset.npz, splits_of: test, images: 600, ood: [strange]}",
    "size": 32,
    "weights": "weights/resnet20_cifar10.safetensors",
    "missing": {"MC dropout": "no dropout layer", "deep ensemble": "only 1 net with given weights"},
    "accuracy": 0.85,  # the authors' is 0.917; of 240 images
}
SQUEEZENET = {
    "net": """
from torchvision.models import squeezenet1_1 as Net

TRAITS = ("dropout",)
""",
    "mine": (
        "{kind: image_folder, path: imagenet95/images, labels: imagenet95/val.txt, "
        "classes: imagenet95/synset_words.txt, size: 128, channels: 3, ood: [strange]}"
    ),
    "size": 128,
    "weights": "weights/squeezenet1_1_imagenet.safetensors",
    "missing": {"deep ensemble": "only 1 net with given weights"},
    "accuracy": 0.15,  # of 19 photographs at half the size that it was trained on
}


@pytest.mark.skipif(not MIRROR, reason="needs a mirror with weights, PLUMBLINE_MIRROR")
@pytest.mark.parametrize("given", [RESNET20, SQUEEZENET], ids=["resnet20", "squeezenet1_1"])
def test_a_given_net_as_one_s_own_goes_through_every_stage(elsewhere, given):
    text = CONFIG.replace("{kind: npz, path: mine.npz, ood: [strange]}", given["mine"])
    text = text.replace(f"size: {SIZE}", f"size: {given['size']}")
    text = text.replace(", network: {width: 32}", "").replace("mine.pt", given["weights"])
    (elsewhere / "mine.yaml").write_text(text.replace("my_net.py:MyNet", "my_net.py:Net"))
    (elsewhere / "my_net.py").write_text(given["net"])
    snakemake(elsewhere, mirror=MIRROR)
    page = (elsewhere / "results/report/index.html").read_text()
    assert given["missing"].items() <= missing(page).items()
    assert accuracy(elsewhere / "results/tables/training.csv") > given["accuracy"]
