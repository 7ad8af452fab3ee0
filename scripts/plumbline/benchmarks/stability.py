"""Speed of mutant evaluation relative to loading and running mutants one by one, as in the studies.

Times are for the label changes of all mutants on all images, including the original net: the
minimum over rounds in which both implementations alternate, on untrained nets and noise, in one
thread.  Mutants are sampled before; the baseline reads them from memory and uses the best batch
size.  The ratios are, lower is better:

- mutants of the dense layers only;
- mutants of any layer, for each operator.

Finally the peak memory of a process that samples, accepts and evaluates many mutants is printed.
"""

import copy
import multiprocessing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from plumbline.benchmarks.attribution import quickest, row
from plumbline.errors import InputError
from plumbline.models.classifier import Architecture, Classifier, logits
from plumbline.registry import OPERATORS
from plumbline.runtime.torch_setup import setup
from plumbline.stability.folding import Changes
from plumbline.stability.mutant_predictor import MUTANT_BATCH, MutantPredictor
from plumbline.stability.mutants import label_changes
from plumbline.storage.artefacts import ImageSet

DENSE, ANY, NEVER_SLOWER = 0.1, 0.8, 1.0  # goals
INVERSION = "neuron_activation_inversion"
MEMORY = 3.0  # GiB
TIMES = ("lenet", "lenet5", "resnet20")
BATCHES = (32, 64, 128, 256)


@dataclass(frozen=True)
class Sizes:
    """Numbers of mutants and images for each net and the memory test, and duration."""

    mutants: int = 100
    images: int = 1000
    large: tuple[int, int] = (16, 128)  # for ResNet-20, and for LeNet-5 with four times the mutants
    many: int = 500
    rounds: int = 1
    seconds: float = 1.0  # further rounds until this time is over


def measure(device: str, sizes: Sizes) -> None:
    """Print all results."""
    place = setup(device)
    with threadpool_limits(1):  # for libraries that ignore the thread number of torch
        print(f"label changes by mutants, {place}")
        print(" ratio  goal         this        over   of", flush=True)
        for model in TIMES:
            count, images = (sizes.mutants, sizes.images) if model == "lenet" else sizes.large
            count *= 4 if model == "lenet5" else 1
            contests(untrained(model, place), count, noise(model, images), sizes)
    if place.type == "cpu":
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peak = pool.apply(peak_memory, (sizes.many, sizes.images))
        what = f"GiB at most, {sizes.many} mutants of lenet5 on {sizes.images} images"
        print(f"{peak:6.2f}  ≤ {MEMORY:.2f}  {what}", flush=True)


def untrained(model: str, device: torch.device) -> Classifier:
    """A net with random weights and with statistics of its normalization from some images."""
    colour = model.startswith("resnet")
    built = {"channels": 3 if colour else 1, "size": 32 if colour else 28, "classes": 10}
    torch.manual_seed(0)
    channels = built["channels"]
    names = tuple("0123456789")
    net = Classifier(Architecture(model, built), names, torch.zeros(channels), torch.ones(channels))
    with torch.no_grad():
        net.train()(torch.rand(32, channels, built["size"], built["size"]))
    return net.to(device).eval().requires_grad_(False)


def noise(model: str, images: int) -> np.ndarray:
    """Random images in the shape of the architecture, [N, C, H, W] in [0, 1]."""
    shape = (3, 32, 32) if model.startswith("resnet") else (1, 28, 28)
    return np.random.default_rng(0).random((images, *shape), np.float32)


def contests(net: Classifier, mutants: int, pixels: np.ndarray, sizes: Sizes) -> None:
    """Print the ratios of one net, for its dense layers and for all layers, by operator."""
    name = net.architecture.name
    rate = 0.01 if name == "resnet20" else 0.03
    goal = NEVER_SLOWER if name == "resnet20" else ANY
    forwards = {batch: partial(logits, net, pixels, batch) for batch in BATCHES}
    taken = quickest(forwards, 2, 0)
    batch = min(taken, key=taken.__getitem__)
    for layers, operators in (("dense", OPERATORS.names()), ("all", OPERATORS.names())):
        for operator in operators:
            draw = partial(OPERATORS.load(operator), rate=rate, layers=layers)
            try:
                drawn = [draw(net.network, seed=seed) for seed in range(mutants)]
            except InputError:  # no layer has two neurons to swap
                continue
            aim = DENSE if layers == "dense" else goal
            works = {
                "ours": partial(together, net, pixels, drawn),
                "plain": partial(one_by_one, net, pixels, drawn, batch),
            }
            if not torch.equal(works["ours"](), works["plain"]()):
                raise InputError(f"{name}, {operator}: the two implementations differ in a label")
            least = quickest(works, sizes.rounds, sizes.seconds)
            where = "dense layers" if layers == "dense" else "any layer"
            what = f"{name}, {where}, {operator}: {mutants} mutants, {len(pixels)} images"
            row(least["ours"], least["plain"], what, aim)


def together(net: Classifier, pixels: np.ndarray, mutants: list[Changes]) -> Tensor:
    """Label changes [M, N] by our implementation, including the setup of the original net."""
    predictor = MutantPredictor(net, pixels)
    groups = [mutants[i : i + MUTANT_BATCH] for i in range(0, len(mutants), MUTANT_BATCH)]
    return torch.cat([predictor.predict(group) != predictor.labels for group in groups]).cpu()


@torch.no_grad()
def one_by_one(net: Classifier, pixels: np.ndarray, mutants: list[Changes], batch: int) -> Tensor:
    """Label changes [M, N], with each mutant loaded into a copy of the net."""
    mutant, changed = copy.deepcopy(net), []
    labels = logits(net, pixels, batch).argmax(1)
    own = net.network.state_dict()
    for changes in mutants:
        mutant.network.load_state_dict(own | changes)
        changed.append(logits(mutant, pixels, batch).argmax(1) != labels)
    return torch.stack(changed)


def peak_memory(mutants: int, images: int) -> float:
    """Peak memory of this process in GiB after evaluating so many mutants of a LeNet-5."""
    import resource

    setup("cpu")
    net = untrained("lenet5", torch.device("cpu"))
    pixels = noise("lenet5", images)
    labels = logits(net, pixels).argmax(1).numpy()
    known: dict[str, Any] = {"labels": labels, "index": np.arange(images)}
    sets = {name: ImageSet(name, pixels, **known) for name in ("calibration", "test")}
    operator = partial(OPERATORS.load(INVERSION), rate=0.03)
    calibration, test = (each.select(slice(images // 10)) for each in sets.values())
    label_changes(net, operator, calibration, {"test": test}, mutants=mutants, accept=0.0, seed=0)
    MutantPredictor(net, pixels).predict(
        [operator(net.network, seed=seed) for seed in range(MUTANT_BATCH)]
    )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
