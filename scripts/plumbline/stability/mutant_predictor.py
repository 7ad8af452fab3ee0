"""Labels that many mutants of one net give to the same images, computed with shared work."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from plumbline.models.classifier import Classifier, batches
from plumbline.stability.folding import Changes, Folded
from plumbline.stability.stages import stages

CACHE_BYTES = 2**28  # of activations that one predictor keeps
MUTANT_BATCH = 16  # mutants that are predicted together
MUTANT_BATCH_BYTES = 2**27  # of their changed weights
LAYER_BYTES = 2**22  # of one layer's activations of a batch of images: they fit a processor's cache
SMALLEST_BATCH, LARGEST_BATCH = 16, 256  # images
FEW = 1 / 3  # share of a stage's neurons up to which only the changed ones are computed
PROBES = 2  # images that show the sizes of the activations
NOT_PREDICTED = -1
NEURONS_AT_ONCE = 32  # of one stage, unless a single mutant changes more
LAYOUT = {2: torch.contiguous_format, 4: torch.channels_last}
Rejected = Callable[[Tensor], Tensor]


class MutantPredictor:
    """Predicts the labels that a net and its mutants give to ``images`` [N, C, H, W].

    The predictions are made by a copy of the net whose batch normalisations are folded into the
    convolutions before them; the net itself is never changed.  The copy is a chain of stages.  A
    mutant shares with the net all stages before its first changed one, and of that stage the
    neurons that it leaves unchanged.  The net's activations are therefore kept for all images,
    or, where they need more than ``cache`` bytes, computed anew in each call, by batches of
    ``batch`` images.

    A batch of mutants shares work, too: the changed neurons of the first changed stage are
    computed for several mutants in one operation, and mutants that change only the dense layers
    at the end of the net are computed by batched matrix products.

    ``labels`` [N] are the net's own.
    """

    def __init__(
        self,
        classifier: Classifier,
        images: np.ndarray,
        batch: int | None = None,
        cache: int = CACHE_BYTES,
    ) -> None:
        self._classifier, self._images = classifier, torch.as_tensor(images)
        self._device = classifier.mean.device
        self._cached: list[list[Tensor]] | None = None
        with torch.no_grad():
            self._prepare(batch, cache)
            self.labels = torch.cat([inputs[-1].argmax(1) for inputs in self._activations()])

    def _prepare(self, batch: int | None, cache: int) -> None:
        """Make the copy of the net, choose the batch size, and fill the cache if it is enough."""
        pixels = next(batches(self._images[:PROBES], PROBES, self._device))
        hidden = self._classifier.normalise(pixels)
        self._copy = Folded(self._classifier.network, hidden)
        self._stages = stages(self._copy.network)
        self._parameters = dict(self._copy.network.named_parameters())
        self._number = {stage.name: number for number, stage in enumerate(self._stages)}
        self._dense_tail = len(self._stages)  # the first of the dense stages at the end
        while self._dense_tail and self._stages[self._dense_tail - 1].dense:
            self._dense_tail -= 1
        sizes = [hidden.nbytes]
        for stage in self._stages:
            hidden = stage.probe(hidden)
            sizes.append(hidden.nbytes)
        bytes_per_image = [size / len(pixels) for size in sizes]
        fitting = LAYER_BYTES / max(bytes_per_image)
        self._batch = batch or int(min(max(fitting, SMALLEST_BATCH), LARGEST_BATCH))
        if sum(bytes_per_image) * len(self._images) <= cache:
            self._cached = list(self._activations())

    def _activations(self) -> Iterator[list[Tensor]]:
        """For each batch of images the net's inputs to all stages and, last, its logits."""
        if self._cached is not None:
            yield from self._cached
            return
        for pixels in batches(self._images, self._batch, self._device):
            inputs = [self._classifier.normalise(pixels)]
            for stage in self._stages:
                inputs.append(stage(inputs[-1]))
            yield inputs

    def restrict(self, kept: Tensor) -> None:
        """From now on predict only the images number ``kept`` [K], in ascending order."""
        self._images, self.labels = self._images[kept], self.labels[kept.to(self._device)]
        if self._cached is None:
            return
        ends = np.cumsum([0] + [len(inputs[0]) for inputs in self._cached])
        kept_by_batch = [
            (kept[(kept >= start) & (kept < end)] - start).to(self._device)
            for start, end in pairwise(ends)
        ]
        self._cached = [
            [hidden[here] for hidden in inputs]
            for inputs, here in zip(self._cached, kept_by_batch, strict=True)
            if len(here)
        ]

    @torch.no_grad()
    def predict(self, mutants: Sequence[Changes], rejected: Rejected | None = None) -> Tensor:
        """Labels [M, N] that each mutant gives to each image.

        After each batch of images ``rejected`` receives the labels [M, n] so far and returns
        which mutants, bool [M], need no further predictions; their remaining labels are -1.
        """
        groups = self._by_first_stage(mutants)
        labels = self.labels.repeat(len(mutants), 1)  # right for mutants that change nothing
        done = 0
        for inputs in self._activations() if groups else ():
            here = slice(done, done := done + len(inputs[0]))
            for first, group in groups.items():
                predict = self._together if first >= self._dense_tail else self._one_by_one
                labels[list(group), here] = predict(first, list(group.values()), inputs)
            if rejected is not None:
                gone = rejected(labels[:, :done]).nonzero().flatten()
                labels[gone, done:] = NOT_PREDICTED
                groups = _without(groups, set(gone.tolist()))
                if not groups:
                    break
        return labels

    def _by_first_stage(self, mutants: Sequence[Changes]) -> dict[int, dict[int, "_Mutant"]]:
        """Mutants by the number of their first changed stage and by their own; only real changes
        count."""
        groups: dict[int, dict[int, _Mutant]] = defaultdict(dict)
        for number, changes in enumerate(mutants):
            changed = {
                name: value
                for name, value in self._copy.changes(changes).items()
                if not torch.equal(value, self._parameters[name])
            }
            if changed:
                first = min(map(self._stage_of, changed))
                groups[first][number] = self._mutant(changed, first)
        return groups

    def _mutant(self, changes: Changes, first: int) -> "_Mutant":
        if not self._stages[first].by_rows:
            return _Mutant(changes)
        own, new = self._weights(first, {}), self._weights(first, changes)
        flags = [(a != b).reshape(len(a), -1).any(1) for a, b in zip(own, new, strict=True)]
        neurons = torch.stack(flags).any(0).nonzero().squeeze(1)
        if len(neurons) > FEW * len(own[0]):
            return _Mutant(changes, new)
        return _Mutant(changes, [weights[neurons] for weights in new], neurons)

    def _stage_of(self, parameter: str) -> int:
        """Number of the stage that a parameter belongs to, by the start of its name."""
        while parameter not in self._number:
            parameter = parameter.rpartition(".")[0]
        return self._number[parameter]

    def _weights(self, number: int, changes: Changes) -> list[Tensor]:
        """Weights and, if there are any, biases of a stage, with a mutant's ``changes``."""
        stage = self._stages[number]
        names = [f"{stage.name}.{kind}" for kind, _ in stage.layer.named_parameters()]
        return [changes.get(name, self._parameters[name]) for name in names]

    def _one_by_one(self, first: int, group: list["_Mutant"], inputs: list[Tensor]) -> Tensor:
        """Labels [M, n] of a batch of images by mutants whose first changed stage is ``first``."""
        by_rows = self._stages[first].by_rows
        starts = self._outputs(first, group, inputs) if by_rows else [inputs[first]] * len(group)
        labels = []
        for mutant, hidden in zip(group, starts, strict=True):
            with self._with_weights(mutant.changes):
                for stage in self._stages[first + by_rows :]:
                    hidden = stage(hidden)
            labels.append(hidden.argmax(1))
        return torch.stack(labels)

    def _together(self, first: int, group: list["_Mutant"], inputs: list[Tensor]) -> Tensor:
        """As :meth:`_one_by_one`, for mutants that change only dense stages at the end."""
        hidden = torch.stack(list(self._outputs(first, group, inputs)))
        for number in range(first + 1, len(self._stages)):
            hidden = self._dense_outputs(number, group, hidden)
        return hidden.argmax(-1)

    def _outputs(
        self, first: int, group: list["_Mutant"], inputs: list[Tensor]
    ) -> Iterator[Tensor]:
        """Each mutant's outputs of its first changed stage, several mutants in one operation."""
        stage, hidden, own_output = self._stages[first], inputs[first], inputs[first + 1]
        for pack in _packs(group):
            weights = [torch.cat(kind) for kind in zip(*(m.weights for m in pack), strict=True)]
            outputs = stage.rows(hidden, *weights).split([len(m.weights[0]) for m in pack], 1)
            for mutant, output in zip(pack, outputs, strict=True):
                if mutant.neurons is None:
                    yield output.contiguous(memory_format=LAYOUT[output.ndim])
                else:  # clone keeps the memory layout
                    yield own_output.clone().index_copy_(1, mutant.neurons, output)

    def _dense_outputs(self, number: int, group: list["_Mutant"], hidden: Tensor) -> Tensor:
        """Outputs [M, n, out] of a dense stage for inputs [M, n, in], each mutant's own."""
        stage = self._stages[number]
        changed = [
            i for i, mutant in enumerate(group) if number in map(self._stage_of, mutant.changes)
        ]
        if not changed:
            return stage(hidden)
        mutants = [self._weights(number, group[i].changes) for i in changed]
        weights, *biases = (torch.stack(kind) for kind in zip(*mutants, strict=True))
        outputs = hidden[changed] @ weights.mT
        if biases:
            outputs += biases[0][:, None]
        if len(changed) < len(group):
            result = stage.layer(hidden)
            result[changed] = outputs
            outputs = result
        return stage.finish(outputs)

    @contextmanager
    def _with_weights(self, changes: Changes) -> Iterator[None]:
        """Give the copy of the net a mutant's weights inside the block."""
        own = {name: self._parameters[name].data for name in changes}
        try:
            for name, value in changes.items():
                self._parameters[name].data = value
            yield
        finally:
            for name, value in own.items():
                self._parameters[name].data = value


@dataclass(frozen=True)
class _Mutant:
    """Weights that a mutant changes.

    If the neurons of its first changed stage can be computed separately: that stage's
    ``weights`` and, if there are any, biases, of all neurons or only of those numbered
    ``neurons``.
    """

    changes: Changes
    weights: list[Tensor] = field(default_factory=list)
    neurons: Tensor | None = None


def _without(
    groups: dict[int, dict[int, _Mutant]], gone: set[int]
) -> dict[int, dict[int, _Mutant]]:
    """``groups`` of mutants by first changed stage without the mutants numbered ``gone``."""
    left = {
        first: {number: mutant for number, mutant in group.items() if number not in gone}
        for first, group in groups.items()
    }
    return {first: group for first, group in left.items() if group}


def _packs(group: Sequence[_Mutant]) -> Iterator[list[_Mutant]]:
    """Packs of at least one mutant that compute at most ``NEURONS_AT_ONCE`` of a stage."""
    pack: list[_Mutant] = []
    size = 0
    for mutant in group:
        neurons = len(mutant.weights[0])
        if pack and size + neurons > NEURONS_AT_ONCE:
            yield pack
            pack, size = [], 0
        pack.append(mutant)
        size += neurons
    yield pack
