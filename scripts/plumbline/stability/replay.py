"""A net that answers the same images again and again, each time with other weights."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from plumbline.models.classifier import Classifier, batches
from plumbline.stability.folding import Changes, Folded
from plumbline.stability.stages import stages

CACHE = 2**28  # bytes of activations that one Replay keeps
GROUP = 16  # mutants that answer together
GROUP_BYTES = 2**27  # of their changed weights
NEAR = 2**22  # bytes of one layer's activations of a batch, so that a processor has them at hand
SMALLEST, LARGEST = 16, 256  # batches
FEW = 1 / 3  # share of a layer's neurons up to which only the changed ones are computed
PROBES = 2
UNASKED = -1
ROWS = 32  # neurons of one stage that are computed in one go, if not one mutant has more
LAYOUT = {2: torch.contiguous_format, 4: torch.channels_last}
Lost = Callable[[Tensor], Tensor]


class Replay:
    """A net's answers to ``images``, and those of its mutants.

    The net itself stays as it is; what answers is a copy with folded normalisations.  A mutant
    shares with the net everything before its first changed layer, and of that layer the neurons
    that it does not change; the others are computed for all mutants in one.  For it the net's
    activations are kept, or where they are more than ``cache`` bytes computed anew for every
    call.  Mutants of nothing but the dense layers at the end of the net are answered together by
    batched matrix products.  ``labels`` [N] are the net's own answers.
    """

    def __init__(
        self,
        classifier: Classifier,
        images: np.ndarray,
        batch: int | None = None,
        cache: int = CACHE,
    ) -> None:
        self._classifier, self._images = classifier, torch.as_tensor(images)
        with torch.no_grad():
            self._prepare(batch, cache)
            self.labels = torch.cat([known[-1].argmax(1) for known in self._activations()])

    def _prepare(self, batch: int | None, cache: int) -> None:
        """Make the copy of the net, choose the batch and see what can be kept."""
        device = self._classifier.mean.device
        probe = self._classifier.normalise(next(batches(self._images[:PROBES], PROBES, device)))
        self._folded = Folded(self._classifier.network, probe)
        self._stages = stages(self._folded.network)
        self._parameters = dict(self._folded.network.named_parameters())
        self._place = {stage.name: i for i, stage in enumerate(self._stages)}
        self._dense = len(self._stages)
        while self._dense and self._stages[self._dense - 1].dense:
            self._dense -= 1
        sizes = [probe.nbytes]
        for stage in self._stages:
            probe = stage.probe(probe)
            sizes.append(probe.nbytes)
        sizes = [size / min(PROBES, len(self._images)) for size in sizes]
        self._batch = batch or int(min(max(NEAR / max(sizes), SMALLEST), LARGEST))
        self._known = None
        if sum(sizes) * len(self._images) <= cache:
            self._known = list(self._activations())

    def _activations(self) -> Iterator[list[Tensor]]:
        """Of each batch the inputs of all stages and, last, the logits."""
        if self._known is not None:
            yield from self._known
            return
        device = self._classifier.mean.device
        for pixels in batches(self._images, self._batch, device):
            known = [self._classifier.normalise(pixels)]
            for stage in self._stages:
                known.append(stage(known[-1]))
            yield known

    def keep(self, which: Tensor) -> None:
        """Ask from now on only the images at the places ``which`` [K], in rising order."""
        self._images, self.labels = self._images[which], self.labels[which.to(self.labels.device)]
        if self._known is not None:
            ends = np.cumsum([0] + [len(known[0]) for known in self._known])
            parts = [
                (which[(which >= low) & (which < high)] - low).to(self.labels.device)
                for low, high in pairwise(ends)
            ]
            self._known = [
                [each[part] for each in known]
                for known, part in zip(self._known, parts, strict=True)
                if len(part)
            ]

    @torch.no_grad()
    def answers(self, mutants: Sequence[Changes], lost: Lost | None = None) -> Tensor:
        """Labels [M, N] that each mutant gives to each image.

        After every batch ``lost`` sees the labels [M, n] so far and says of which mutants [M] bool
        no more is wanted: their further labels are -1.
        """
        by_first: dict[int, dict[int, _Mutant]] = defaultdict(dict)
        for i, changes in enumerate(mutants):
            changed = {
                name: value
                for name, value in self._folded.changes(changes).items()
                if not torch.equal(value, self._parameters[name])
            }
            if changed:
                mutant = self._mutant(changed)
                by_first[mutant.first][i] = mutant
        labels = self.labels.repeat(len(mutants), 1)  # right where nothing is changed
        done = 0
        for known in self._activations() if by_first else ():
            here = slice(done, done := done + len(known[0]))
            for first, group in by_first.items():
                answer = self._together if first >= self._dense else self._apart
                labels[list(group), here] = answer(first, list(group.values()), known)
            if lost is not None:
                gone = lost(labels[:, :done]).nonzero().flatten()
                labels[gone, done:] = UNASKED
                by_first = _without(by_first, set(gone.tolist()))
                if not by_first:
                    break
        return labels

    def _mutant(self, changes: Changes) -> "_Mutant":
        """What a mutant changes first."""
        first = min(map(self._stage_of, changes))
        if not self._stages[first].by_rows:
            return _Mutant(changes, first)
        own, new = self._weights(first, {}), self._weights(first, changes)
        flags = [(a != b).reshape(len(a), -1).any(1) for a, b in zip(own, new, strict=True)]
        rows = torch.stack(flags).any(0).nonzero().squeeze(1)
        if len(rows) > FEW * len(own[0]):
            return _Mutant(changes, first, new)
        return _Mutant(changes, first, [each[rows] for each in new], rows)

    def _stage_of(self, parameter: str) -> int:
        while parameter not in self._place:
            parameter = parameter.rpartition(".")[0]
        return self._place[parameter]

    def _weights(self, place: int, changes: Changes) -> list[Tensor]:
        """Weights and, if there are some, biases of a stage of neurons."""
        stage = self._stages[place]
        names = [f"{stage.name}.{kind}" for kind, _ in stage.layer.named_parameters()]
        return [changes.get(name, self._parameters[name]) for name in names]

    def _apart(self, first: int, group: list["_Mutant"], known: list[Tensor]) -> Tensor:
        """Labels [M, n] of one batch by mutants whose first change is in the stage ``first``."""
        by_rows = self._stages[first].by_rows
        begun = self._begun(first, group, known) if by_rows else [known[first]] * len(group)
        labels = []
        for mutant, hidden in zip(group, begun, strict=True):
            with self._wearing(mutant.changes):
                for stage in self._stages[first + by_rows :]:
                    hidden = stage(hidden)
            labels.append(hidden.argmax(1))
        return torch.stack(labels)

    def _together(self, first: int, group: list["_Mutant"], known: list[Tensor]) -> Tensor:
        """The same of mutants of nothing but dense layers at the end of the net."""
        hidden = torch.stack(list(self._begun(first, group, known)))
        for place in range(first + 1, len(self._stages)):
            hidden = self._later(place, group, hidden)
        return hidden.argmax(-1)

    def _begun(self, first: int, group: list["_Mutant"], known: list[Tensor]) -> Iterator[Tensor]:
        """Outputs of the first changed stage by mutant; changed neurons of some in one go."""
        stage, inputs, output = self._stages[first], known[first], known[first + 1]
        for some in _packed(group):
            new = [torch.cat(each) for each in zip(*(mutant.new for mutant in some), strict=True)]
            parts = stage.rows(inputs, *new).split([len(mutant.new[0]) for mutant in some], 1)
            for mutant, part in zip(some, parts, strict=True):
                if mutant.rows is None:
                    yield part.contiguous(memory_format=LAYOUT[part.ndim])
                else:
                    yield output.clone().index_copy_(1, mutant.rows, part)  # clone keeps the layout

    def _later(self, place: int, group: list["_Mutant"], hidden: Tensor) -> Tensor:
        """Outputs [M, n, out] of a dense stage for inputs [M, n, in], each with its weights."""
        stage = self._stages[place]
        changed = [i for i, each in enumerate(group) if place in map(self._stage_of, each.changes)]
        if not changed:
            return stage(hidden)
        weights, *biases = (
            torch.stack(each)
            for each in zip(*(self._weights(place, group[i].changes) for i in changed), strict=True)
        )
        anew = hidden[changed] @ weights.mT
        if biases:
            anew += biases[0][:, None]
        if len(changed) < len(group):
            result = stage.layer(hidden)
            result[changed] = anew
            anew = result
        return stage.finish(anew)

    @contextmanager
    def _wearing(self, changes: Changes) -> Iterator[None]:
        """For a while the copy of the net has a mutant's weights."""
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
    """Weights of a mutant as far as they are changed, and the place of the first changed stage.

    If neurons can be computed each alone there: ``new`` weights, and perhaps biases, of all of
    them, or only of those of the numbers ``rows``.
    """

    changes: Changes
    first: int
    new: list[Tensor] | None = None
    rows: Tensor | None = None


def _without(
    by_first: dict[int, dict[int, _Mutant]], gone: set[int]
) -> dict[int, dict[int, _Mutant]]:
    """Mutants by first changed stage and number, but those whose number is in ``gone``."""
    left = {
        first: {i: mutant for i, mutant in group.items() if i not in gone}
        for first, group in by_first.items()
    }
    return {first: group for first, group in left.items() if group}


def _packed(group: Sequence[_Mutant]) -> Iterator[list[_Mutant]]:
    """Mutants that together change no more than ``ROWS`` neurons of a stage, one at least."""
    pack, size = [], 0
    for mutant in group:
        rows = len(mutant.new[0])
        if pack and size + rows > ROWS:
            yield pack
            pack, size = [], 0
        pack.append(mutant)
        size += rows
    yield pack
