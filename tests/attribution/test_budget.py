"""Batch sizes from a budget of memory, and the count of network evaluations."""

import subprocess
import sys

import pytest
import torch
from support import SCRIPTS

from plumbline.attribution.budget import activation_bytes, batch_size
from plumbline.models.counting import count_evaluations
from plumbline.registry import ATTRIBUTIONS

PEAK = """
import sys, torch
from plumbline.attribution.budget import batch_size
from plumbline.registry import ATTRIBUTIONS
from plumbline.models.classifier import Architecture, Classifier

torch.set_num_threads(1)
name, budget = sys.argv[1], int(sys.argv[2])
arguments = {"channels": 3, "size": 64, "classes": 10, "width": 16, "dense": 32}
net = Classifier(Architecture("lenet5", arguments), ("",) * 10, torch.zeros(3), torch.ones(3))
net = net.eval().requires_grad_(False)
pixels, target = torch.rand(150, 3, 64, 64), torch.zeros(150, dtype=torch.long)
explain = ATTRIBUTIONS.load(name)
explain(net, pixels[:2], target[:2], seed=0, batch=1)  # what is needed once
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the highest mark is the present from here on
def memory(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if key in line) << 10
before = memory("VmRSS")
batch = batch_size(net, pixels, budget)
explain(net, pixels, target, seed=0, batch=batch)
print(batch, memory("VmHWM") - before)
"""


def outputs(net, image):
    """Bytes of all layers' outputs, by walking down the chain."""
    hidden, total = net.normalise(image), image.numel() * image.element_size()
    for layer in net.network:
        hidden = layer(hidden)
        total += hidden.numel() * hidden.element_size()
    return total


@pytest.mark.parametrize("model", ["lenet5", "alexnet"])
def test_activations_are_those_of_every_layer(model, nets, exact, digits):
    pixels = torch.from_numpy(digits["test"].pixels[:1])
    assert activation_bytes(nets[model], pixels) == outputs(nets[model], pixels)
    assert activation_bytes(exact[model], pixels.double()) == 2 * outputs(nets[model], pixels)
    assert not any(layer._forward_hooks for layer in nets[model].modules())


def test_the_batch_follows_the_budget_between_one_and_256(lenet, digits):
    pixels = torch.from_numpy(digits["test"].pixels[:3])
    each = activation_bytes(lenet, pixels[:1])
    assert batch_size(lenet, pixels, 0) == 1
    assert batch_size(lenet, pixels, 1 << 40) == 256
    for batch in (2, 77, 255):
        assert batch_size(lenet, pixels, 4 * each * batch) == batch
        assert batch_size(lenet, pixels, 4 * each * batch - 1) == batch - 1
        assert batch_size(lenet, pixels, each * batch, gradients=False) == batch


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from Linux's /proc")
@pytest.mark.parametrize("name", ["gradient", "lrp_gamma"])
def test_the_peak_of_memory_keeps_to_the_budget(name):
    """150 images that would need some 400 MB at once; 50 MB are given."""
    budget = 50 << 20
    command = [sys.executable, "-c", PEAK, name, str(budget)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SCRIPTS)}
    )
    batch, peak = map(int, done.stdout.split())
    assert 1 < batch < 75
    assert budget / 8 < peak < 1.5 * budget


@pytest.mark.parametrize(
    ("name", "options", "each", "with_gradients"),
    [
        ("gradient", {}, 1, 1),
        ("occlusion", {"block": 14, "stride": 14}, 5, 0),
        ("kernel_shap", {"samples": 20}, 22, 0),
        ("lime", {"samples": 21}, 21, 0),
        ("smoothgrad", {"samples": 3}, 3, 3),
        ("lrp_epsilon", {}, 1, 1),
        ("random", {}, 0, 0),
    ],
)
@pytest.mark.parametrize("batch", [4, 256])
def test_evaluations_are_counted_whatever_the_batch(
    name, options, each, with_gradients, batch, lenet, images, target
):
    pixels = images.float()
    with count_evaluations(lenet.network) as evaluations:
        ATTRIBUTIONS.load(name)(lenet, pixels, target, seed=0, batch=batch, **options)
    assert evaluations.images == each * len(pixels)
    assert evaluations.with_gradients == with_gradients * len(pixels)
