"""The workflow as a part of another one, elsewhere, on a net and images of one's own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from repository import fresh

pytestmark = pytest.mark.workflow
SNAKEFILE = """
configfile: "../plumbline/config/config.yaml"
configfile: "../plumbline/tiny.yaml"
configfile: "mine.yaml"


module plumbline:
    snakefile:
        "../plumbline/Snakefile"
    config:
        config


use rule * from plumbline


rule own:
    default_target: True
    input:
        "results/detection/mine/mynet.csv",
        "results/attribution/mine/mynet/degradation.csv",
    output:
        "own.txt",
    shell:
        "cat {input} > {output}"
"""
CONFIG = """
datasets: [mine]
models: [mynet]
data:
  sources:
    mine: {kind: npz, path: mine.npz, ood: [strange]}
    strange: {kind: image_folder, path: strange, size: 24, channels: 1}
training:
  models:
    mynet: {entry: "my_net.py:MyNet", epochs: 2, network: {width: 4}}
"""
NET = """
from torch import nn


class MyNet(nn.Module):
    def __init__(self, classes, width=6):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, width, 3, stride=2), nn.ReLU(), nn.Dropout(0.2))
        self.pool = nn.AdaptiveAvgPool2d(4)
        self.head = nn.Linear(16 * width, classes)

    def forward(self, pixels):
        return self.head(self.pool(self.features(pixels)).flatten(1))
"""


@pytest.fixture
def elsewhere(tmp_path):
    """A working folder that holds nothing of the repository, a copy of which is beside it."""
    from PIL import Image
    from sklearn.datasets import load_digits

    fresh(tmp_path / "plumbline", "tiny.yaml")
    folder = tmp_path / "work"
    folder.mkdir()
    bunch = load_digits()
    scans = (bunch.images[::6] * 15.9).astype(np.uint8).repeat(3, 1).repeat(3, 2)
    np.savez(folder / "mine.npz", x=scans, y=bunch.target[::6])
    (folder / "strange").mkdir()
    rng = np.random.default_rng(0)
    for number in range(60):  # no labels: out of distribution
        noise = rng.integers(256, size=(30, 40, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"strange/{number}.png")
    (folder / "my_net.py").write_text(NET)
    (folder / "mine.yaml").write_text(CONFIG)
    (folder / "Snakefile").write_text(SNAKEFILE)
    return folder


def snakemake(folder, *arguments, check=True):
    variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    variables.pop("PLUMBLINE_MIRROR", None)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
    output = done.stdout + done.stderr
    assert not check or done.returncode == 0, output[-5000:]
    return output


def test_as_a_module_of_another_workflow_from_another_folder(elsewhere):
    snakemake(elsewhere)
    assert "max_probability" in (elsewhere / "own.txt").read_text()
    assert "mc_dropout" in (elsewhere / "own.txt").read_text()  # the net has a dropout layer
    assert "Nothing to be done" in snakemake(elsewhere, "--dry-run")
    net = elsewhere / "my_net.py"
    net.write_text(net.read_text() + "\n# a comment\n")
    assert "Nothing to be done" in snakemake(elsewhere, "--dry-run")
    net.write_text(net.read_text().replace("nn.ReLU()", "nn.ELU()"))
    again = snakemake(elsewhere, "--dry-run")
    for rule in ("train", "attack", "predict", "explain", "mutate", "detect"):
        assert f"rule {rule}:" in again
    assert "rule fetch:" not in again
    page = snakemake(elsewhere, "--dry-run", "results/report/index.html")
    assert "rule build_report:" in page


def test_in_another_folder_without_a_snakefile_of_its_own(elsewhere):
    """`snakemake --snakefile …/Snakefile`: the configurations are those that are named."""
    (elsewhere / "Snakefile").unlink()
    configs = ["../plumbline/config/config.yaml", "../plumbline/tiny.yaml", "mine.yaml"]
    words = ["--snakefile", "../plumbline/Snakefile", "--configfile", *configs, "--"]
    snakemake(elsewhere, *words, "results/data/strange/test.safetensors")
    assert (elsewhere / "results/data/strange/test.safetensors").is_file()


def test_a_net_that_does_not_fit_the_images_is_told_in_a_line(elsewhere):
    net = elsewhere / "my_net.py"
    net.write_text(net.read_text().replace("nn.Conv2d(1,", "nn.Conv2d(3,"))
    target = "results/models/mine/mynet/seed0/classifier.safetensors"
    snakemake(elsewhere, target, check=False)
    (log,) = (elsewhere / "results/logs/train/mine/mynet").glob("seed0*")
    told = log.read_text()
    assert "my_net.py:MyNet does not take images of 1 x 24 x 24" in told
    assert "Traceback" not in told
