"""Speed of attributions relative to other libraries and to the network evaluations alone.

Times are per image: the minimum over rounds in which all implementations alternate, on the same net
and images, in one thread.  The ratios are, lower is better:

- ours over another library, used as in its tutorials;
- ours over the limit: the time of the network evaluations of a method, in batches of the best size,
  including the backward pass for gradients.

In addition, the errors of KernelSHAP, ours and others, relative to Shapley values from many
permutations are printed.
"""

import copy
import importlib.util
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from plumbline.attribution.backward import pixel_gradient
from plumbline.attribution.budget import batch_size
from plumbline.attribution.superpixels import superpixels
from plumbline.benchmarks.contests import (
    Contest,
    Sizes,
    gradient_contests,
    perturbation_contests,
)
from plumbline.benchmarks.rivals import CELLS
from plumbline.benchmarks.shapley import relative_error, shapley
from plumbline.config.attribution import AttributionSection
from plumbline.metrics.evaluations import Evaluations
from plumbline.models.classifier import Classifier, logits
from plumbline.models.counting import count_evaluations
from plumbline.registry import ATTRIBUTIONS
from plumbline.runtime.torch_setup import setup
from plumbline.storage.artefacts import ImageSet

K = TypeVar("K")
LIBRARIES = ("captum", "zennit", "shap", "lime")
BATCHES = (16, 32, 64, 128, 256)  # candidates for the best size for one evaluation
LIMIT = 1.3  # goal for methods that only evaluate the net and its gradient
OURS = "plumbline"
SHARES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.2, 0.15)  # of the number of samples, for KernelSHAP


def measure(classifier: str | None, images: str | None, device: str, sizes: Sizes) -> None:
    """Print all results; without file names, for a LeNet-5 that is trained here on digits."""
    place = setup(device)
    torch.set_deterministic_debug_mode("default")  # other libraries do not comply with it
    if classifier is None or images is None:
        net, shown = small(place)
    else:
        net, shown = Classifier.load(classifier, place), ImageSet.load(images)
    pixels = torch.from_numpy(shown.select(slice(sizes.images)).pixels).to(place)
    target = logits(net, pixels).argmax(1).to(place)
    with threadpool_limits(1):  # for libraries that ignore the thread number of torch
        Bench(net, pixels, target, sizes).run()


def small(device: torch.device) -> tuple[Classifier, ImageSet]:
    """A LeNet-5 with the original widths, trained for two epochs on digits, and its test images."""
    from plumbline.config.training import TrainingOptions
    from plumbline.data.manifest import Manifest
    from plumbline.data.obtain import Places
    from plumbline.data.pool import Wanted, make_sets
    from plumbline.data.sources import digits
    from plumbline.training.fit import fit

    files = digits.obtain(Places(Path())).files
    pool = digits.read(Manifest("digits", "digits", files), Wanted(None, None, seed=0))
    shares = {"val": 0.1, "calibration": 0.1, "test": 0.2}
    sets = make_sets(
        pool, "digits", size=28, channels=1, images=None, shares=shares, seed=0, provenance={}
    )
    options = TrainingOptions(epochs=2, network={"width": 6, "dense": 84})
    net, _ = fit(sets["train"], sets["val"], model="lenet5", options=options, seed=0, device=device)
    return net, sets["test"]


class Bench:
    """Runs and prints comparisons on one net and its images."""

    def __init__(self, net: Classifier, pixels: Tensor, target: Tensor, sizes: Sizes) -> None:
        self.net, self.pixels, self.target, self.sizes = net, pixels, target, sizes
        memory = AttributionSection().memory_mb << 20
        self.batch = batch_size(net, pixels, memory)
        self.evaluations = self._best_evaluations()

    def run(self) -> None:
        """Run all comparisons."""
        n, *shape = self.pixels.shape
        size, name = " x ".join(map(str, shape)), self.net.architecture.name
        where = f"{self.pixels.device}, in batches of {self.batch}"
        print(f"explanations by {name} of up to {n} images of {size}, {where}")
        for library in LIBRARIES:
            if importlib.util.find_spec(library) is None:
                print(f"{library} is not installed: its methods are omitted")
        print(" ratio  goal         this        over   of", flush=True)
        hidden = perturbation_contests(self.sizes, shape[-1])
        for contest in [*gradient_contests(self.sizes), *hidden]:
            self.hold(contest)

    def hold(self, contest: Contest) -> None:
        """Print one comparison: a line for each other library, and one for the limit."""
        given = self.pixels[: contest.images], self.target[: contest.images]
        images = len(given[0])
        works = self.ready(contest, given)
        with count_evaluations(self.net.network) as evaluations:
            works[OURS]()
        least = quickest(works | self.evaluations, self.sizes.rounds, self.sizes.seconds)
        each = {name: least[name] / images for name in works}
        for library in list(works)[1:]:
            goal = contest.goals.get(library, 1.0)
            row(each[OURS], each[library], f"{contest.method} / {library}", goal)
        limit, made = self.limit(least, evaluations, images)
        row(each[OURS], limit, f"{contest.method} / {made}", LIMIT if contest.plain else None)
        if contest.method == "kernel_shap":
            self.errors(contest, works, given)

    def ready(self, contest: Contest, given: tuple[Tensor, Tensor]) -> dict[str, Callable]:
        """Our method and those of installed libraries that do not fail; each is called once."""
        works = {OURS: self.ours(contest.method, given, contest.options)}
        for library, rival in contest.rivals.items():
            if importlib.util.find_spec(library) is None:
                continue
            work = partial(rival, copy.deepcopy(self.net), *given)
            try:
                work()
            except Exception as error:  # libraries raise various errors for unsupported nets
                print(f"{'':30}fails   {contest.method} / {library}: {error}"[:140])
            else:
                works[library] = work
        return works

    def ours(self, method: str, given: tuple[Tensor, Tensor], options: dict) -> Callable:
        """Our method with its arguments bound."""
        explain = partial(ATTRIBUTIONS.load(method), seed=0, batch=self.batch)
        return partial(explain, self.net, *given, **options)

    def limit(
        self, least: dict[str, float], evaluations: Evaluations, images: int
    ) -> tuple[float, str]:
        """Seconds per image of the ``evaluations`` alone, and their description."""
        gradients = evaluations.with_gradients / images
        others = evaluations.images / images - gradients
        seconds = sum(
            count * least[name] / len(work.args[1])
            for count, (name, work) in zip(
                (gradients, others), self.evaluations.items(), strict=True
            )
        )
        return seconds, f"{gradients:.3g} gradients and {others:.3g} evaluations of the net"

    def errors(
        self,
        contest: Contest,
        works: dict[str, Callable],
        given: tuple[Tensor, Tensor],
    ) -> None:
        """Print errors of KernelSHAP, and its time with the fewest samples of equal error."""
        labels, count = superpixels(given[0], "grid", CELLS, 0.0)
        permutations = self.sizes.permutations
        long = shapley(self.net, *given, labels, count, permutations, self.batch)
        found = {}
        for share in SHARES:
            samples = int(share * self.sizes.samples)
            work = self.ours(contest.method, given, {"samples": samples})
            found[samples] = work, relative_error(per_superpixel(work()[0], labels, count), long)
        print(" error of kernel_shap to Shapley values from many permutations")
        for samples, (_, error) in found.items():
            print(f"{error:6.3f}  {OURS}, {samples} samples")
        for library in list(works)[1:]:
            bound = relative_error(works[library](), long)
            print(f"{bound:6.3f}  {library}, {self.sizes.samples} samples", flush=True)
            enough = [samples for samples, (_, error) in found.items() if error <= bound]
            if enough:
                both = {OURS: found[min(enough)][0], library: works[library]}
                least = quickest(both, self.sizes.rounds, self.sizes.seconds)
                ours, theirs = (least[name] / len(labels) for name in both)
                what = f"{contest.method}, {min(enough)} samples / {library}, no greater error"
                row(ours, theirs, what, contest.goals[library])

    def _best_evaluations(self) -> dict[str, partial[Tensor]]:
        """One gradient and one evaluation of the net, in batches of the best size."""
        sizes = [each for each in BATCHES if each <= self.batch] or [self.batch]
        best = {}
        for name, work in {"gradient": pixel_gradient, "evaluation": evaluate}.items():
            works = {}
            for size in sizes:
                where = torch.arange(size, device=self.pixels.device) % len(self.pixels)
                works[size] = partial(work, self.net, self.pixels[where], self.target[where])
            least = quickest(works, self.sizes.rounds, self.sizes.seconds)
            best[name] = works[min(sizes, key=lambda size: least[size] / size)]
        return best


def per_superpixel(relevance: Tensor, labels: Tensor, count: int) -> Tensor:
    """Sum of ``relevance`` [N, C, H, W] in each of ``count`` superpixels, [N, D] float64."""
    each = relevance.double().sum(1).flatten(1)
    return each.new_zeros(len(each), count).scatter_add(1, labels.flatten(1), each)


@torch.no_grad()
def evaluate(net: Classifier, pixels: Tensor, target: Tensor) -> Tensor:
    """Logits of one batch."""
    return net(pixels)


def row(seconds: float, reference: float, what: str, goal: float | None) -> None:
    """Print a ratio, its goal, and the two times in milliseconds."""
    aim = "" if goal is None else f"≤ {goal:.2f}"
    print(
        f"{seconds / reference:6.2f}  {aim:6}  {seconds * 1e3:8.3f} ms {reference * 1e3:8.3f} ms"
        f"   {what}",
        flush=True,
    )


def quickest(works: Mapping[K, Callable], rounds: int, seconds: float) -> dict[K, float]:
    """Minimum time of each function in ``works``, which alternate in varying order.

    There are ``rounds`` at least, and more as long as ``seconds`` are not over.  It is the
    time of the processor, so that others who use the machine count little; with an accelerator,
    that of the clock.
    """
    accelerated = torch.cuda.is_available()
    clock = time.perf_counter if accelerated else time.process_time
    least, begun, done = dict.fromkeys(works, float("inf")), clock(), 0
    order = list(works)
    while done < rounds or clock() - begun < seconds:
        order = [*order[1::2], *order[::2]]  # vary the order, because of caches
        for name in order:
            start = clock()
            works[name]()
            if accelerated:
                torch.cuda.synchronize()
            least[name] = min(least[name], clock() - start)
        done += 1
    return least
