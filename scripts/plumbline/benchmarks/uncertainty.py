"""Speed of uncertainty estimators relative to direct implementations.

Times are for all images: the minimum over rounds in which both implementations alternate, on the
same net and images, in one thread.  The ratios are, lower is better:

- MC dropout with the layers before the first dropout layer computed once, over full passes; for the
  LeNet-5 of study 000, with dropout before the large dense layer, and with dropout only after it;
- all members of an ensemble at once, by ``torch.func.stack_module_state`` and ``vmap``, over a loop
  over members: with weights stacked in advance, and with the time for stacking included.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from plumbline.benchmarks.attribution import quickest, row
from plumbline.models.classifier import Architecture, Classifier, batches, logits
from plumbline.runtime.seeding import derive
from plumbline.runtime.torch_setup import setup
from plumbline.storage.artefacts import ImageSet
from plumbline.uncertainty.estimators import mc_dropout

TRUNK_ONCE = 1 / 7  # goal if there is dropout only between dense layers


@dataclass(frozen=True)
class Sizes:
    """Numbers of images, passes and members, and duration of the measurement."""

    images: int = 64
    samples: int = 100
    members: tuple[int, ...] = (3, 5, 10)
    batches: tuple[int, ...] = (1, 16, 256)
    rounds: int = 3
    seconds: float = 1.0  # further rounds until this time is over


def measure(classifier: str | None, images: str | None, device: str, sizes: Sizes) -> None:
    """Print all results; without file names, for an untrained LeNet-5 and noise."""
    place = setup(device)
    net = Classifier.load(classifier, place) if classifier else untrained(place)
    pixels = torch.rand(sizes.images, 1, 28, 28)
    if images:
        pixels = torch.from_numpy(ImageSet.load(images).select(slice(sizes.images)).pixels)
    with threadpool_limits(1):  # for libraries that ignore the thread number of torch
        size = " x ".join(map(str, pixels.shape[1:]))
        print(f"uncertainty of {net.architecture.name} on images of {size}, {place}")
        print(" ratio  goal         this        over   of", flush=True)
        passes(net, pixels, sizes)
        if not classifier:
            passes(untrained(place, dropout_features=0.0), pixels, sizes, TRUNK_ONCE)
        for members in sizes.members:
            nets = [copy.deepcopy(net) for _ in range(members)]
            for batch in sizes.batches:
                ensembles(nets, pixels[torch.arange(batch) % len(pixels)].to(place), sizes)


def untrained(device: torch.device, **network: float) -> Classifier:
    """LeNet-5 in the size of study 000, with these options."""
    architecture = Architecture("lenet5", {"channels": 1, "size": 28, "classes": 10, **network})
    names = tuple("0123456789")
    net = Classifier(architecture, names, torch.zeros(1), torch.ones(1))
    return net.to(device).eval().requires_grad_(False)


def passes(net: Classifier, pixels: Tensor, sizes: Sizes, goal: float | None = None) -> None:
    """Print the ratio of MC dropout to full passes."""
    how: dict[str, Any] = {"seed": 0, "batch": 256, "samples": sizes.samples}
    works = {
        "ours": partial(mc_dropout.predict, [net], pixels, **how),
        "plain": partial(full_passes, net, pixels, **how),
    }
    least = quickest(works, sizes.rounds, sizes.seconds)
    first = list(net.network._modules)[net.network.first_dropout]
    what = f"mc_dropout from {first} on, {sizes.samples} passes of {len(pixels)} / full passes"
    row(least["ours"], least["plain"], what, goal)


@torch.no_grad()
def full_passes(net: Classifier, pixels: Tensor, *, seed: int, batch: int, samples: int) -> Tensor:
    """Class probabilities of MC dropout by full passes, [samples, N, K] on the CPU."""
    net = copy.deepcopy(net).eval()
    for layer in net.modules():
        if isinstance(layer, nn.Dropout):
            layer.train()
    probs = []
    for number in range(samples):
        torch.manual_seed(derive(seed, number))
        answers = [net(each) for each in batches(pixels, batch, net.mean.device)]
        probs.append(torch.softmax(torch.cat(answers), -1).cpu())
    return torch.stack(probs)


def ensembles(nets: list[Classifier], pixels: Tensor, sizes: Sizes) -> None:
    """Print the ratio of all members at once to a loop over members, on one batch."""
    stacked = together(nets)
    works: dict[str, Callable] = {
        "loop": partial(one_by_one, nets, pixels),
        "vmap": partial(stacked, pixels),
        "stacking and vmap": lambda: together(nets)(pixels),
    }
    least = quickest(works, sizes.rounds, sizes.seconds)
    for name in list(works)[1:]:
        what = f"ensemble of {len(nets)} on a batch of {len(pixels)}, {name} / loop"
        row(least[name], least["loop"], what, None)


def one_by_one(nets: list[Classifier], pixels: Tensor) -> Tensor:
    """Logits of each net, [M, N, K]."""
    return torch.stack([logits(each, pixels, len(pixels)) for each in nets])


def together(nets: list[Classifier]) -> Callable[[Tensor], Tensor]:
    """A function from pixels to the logits of all nets at once, [M, N, K]."""
    weights, buffers = stack_module_state(nets)
    shape = copy.deepcopy(nets[0]).to("meta")

    def one(weights: dict[str, Tensor], buffers: dict[str, Tensor], pixels: Tensor) -> Tensor:
        return functional_call(shape, (weights, buffers), (pixels,))

    run = vmap(one, (0, 0, None))
    return torch.no_grad()(lambda pixels: run(weights, buffers, pixels).cpu())
