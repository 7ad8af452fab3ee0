"""A net that answers the same images again and again, each time with other weights."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from plumbline.models.classifier import Classifier, batches

CACHE = 2**28  # bytes of activations that one Replay keeps
GROUP = 16  # mutants that answer together
GROUP_BYTES = 2**27  # of their changed weights
FEW = 1 / 3  # share of a layer's neurons up to which only the changed ones are computed
Changes = dict[str, Tensor]


class Replay:
    """A net's answers to ``images``, and those of its mutants.

    The net itself stays as it is.  A mutant shares with the net everything before its first
    changed layer, and of that layer the neurons that it does not change: the inputs of the
    layers with weights, and the outputs of convolutions and dense layers, are therefore kept, as
    far as ``cache`` bytes go.  Mutants of nothing but the dense layers at the end of the net are
    answered together by batched matrix products.  ``labels`` [N] are the net's own answers.
    """

    def __init__(
        self, classifier: Classifier, images: np.ndarray, batch: int = 256, cache: int = CACHE
    ) -> None:
        self._units = list(_units(classifier.network))
        self._place = {name: i for i, (name, _) in enumerate(self._units)}
        self._dense = _dense_end(self._units)
        self._free = cache
        self._known = [
            _Known(classifier.normalise(pixels))
            for pixels in batches(images, batch, classifier.mean.device)
        ]
        with torch.no_grad():
            self.labels = torch.cat([self._remember(known) for known in self._known])

    def _remember(self, known: "_Known") -> Tensor:
        """Answer one batch and keep inputs and outputs of layers in ``known``."""
        hidden = known.inputs[0].clone()  # a layer may work in place
        for place, (_, layer) in enumerate(self._units):
            weighted = next(layer.parameters(), None) is not None
            if place and weighted and self._afford(hidden):
                known.inputs[place] = hidden.clone()
            hidden = layer(hidden)
            if place in known.inputs and _by_rows(layer) and self._afford(hidden):
                known.outputs[place] = hidden.clone()
        return hidden.argmax(1)

    def _afford(self, hidden: Tensor) -> bool:
        size = hidden.numel() * hidden.element_size()
        if size > self._free:
            return False
        self._free -= size
        return True

    def keep(self, which: Tensor) -> None:
        """Ask from now on only the images at the places ``which`` [K], in rising order."""
        ends = np.cumsum([0] + [len(known.inputs[0]) for known in self._known])
        for known, low, high in zip(self._known, ends, ends[1:], strict=False):
            inside = (which >= low) & (which < high)
            known.select((which[inside] - low).to(self.labels.device))
        self._known = [known for known in self._known if len(known.inputs[0])]
        self.labels = self.labels[which.to(self.labels.device)]

    @torch.no_grad()
    def answers(self, mutants: Sequence[Changes]) -> Tensor:
        """Labels [M, N] that each mutant gives to each image."""
        by_unit = {i: self._by_unit(changes) for i, changes in enumerate(mutants) if changes}
        late = [i for i, changes in by_unit.items() if min(changes) >= self._dense]
        labels = self.labels.repeat(len(mutants), 1)  # right where nothing is changed
        done = 0
        for known in self._known:
            here = slice(done, done := done + len(known.inputs[0]))
            if late:
                labels[late, here] = self._together(known, [by_unit[i] for i in late])
            for i in by_unit.keys() - set(late):
                labels[i, here] = self._alone(known, by_unit[i])
        return labels

    def _by_unit(self, changes: Changes) -> dict[int, Changes]:
        """The changes by the place of the unit that they belong to."""
        found: dict[int, Changes] = defaultdict(dict)
        for name, value in changes.items():
            unit = name
            while unit not in self._place:
                unit = unit.rpartition(".")[0]
            found[self._place[unit]][name.removeprefix(f"{unit}.")] = value
        return found

    def _alone(self, known: "_Known", changes: dict[int, Changes]) -> Tensor:
        """Labels of one batch by one mutant."""
        first = min(changes)
        start = max(place for place in known.inputs if place <= first)
        hidden, rest = known.inputs[start], self._units[start:]
        if start == first and first in known.outputs:
            part = _some_rows(self._units[first][1], hidden, changes[first], known.outputs[first])
            if part is not None:
                hidden, start, rest = part, start + 1, rest[1:]
        hidden = hidden.clone() if hidden is known.inputs.get(start) else hidden
        for place, (_, layer) in enumerate(rest, start):
            if place in changes:
                hidden = _changed_layer(layer, hidden, changes[place])
            else:
                hidden = layer(hidden)
        return hidden.argmax(1)

    def _together(self, known: "_Known", mutants: list[dict[int, Changes]]) -> Tensor:
        """Labels [M, n] of one batch by mutants of the dense layers at the end.

        ``hidden`` is [n, width] as long as it is the same for all, then [M, n, width].
        """
        first = min(min(changes) for changes in mutants)
        start = max(place for place in known.inputs if place <= first)
        hidden = known.inputs[start].clone()
        for place, (_, layer) in enumerate(self._units[start:], start):
            changed = {i: each[place] for i, each in enumerate(mutants) if place in each}
            if not changed:
                hidden = layer(hidden)
            elif hidden.ndim == 2:
                base = known.outputs[first] if first in known.outputs else layer(hidden)
                hidden = _first_dense(layer, hidden, changed, base.expand(len(mutants), -1, -1))
            else:
                hidden = _later_dense(layer, hidden, changed)
        return hidden.argmax(-1).expand(len(mutants), -1)


class _Known:
    """What is kept of one batch: inputs and outputs of units by their place."""

    def __init__(self, normalised: Tensor) -> None:
        self.inputs = {0: normalised}
        self.outputs: dict[int, Tensor] = {}

    def select(self, which: Tensor) -> None:
        """Keep only some images of the batch."""
        self.inputs = {place: each[which] for place, each in self.inputs.items()}
        self.outputs = {place: each[which] for place, each in self.outputs.items()}


def _units(network: nn.Sequential, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The layers that run one after another: a stage of blocks counts as its blocks."""
    for name, layer in network.named_children():
        if type(layer) is nn.Sequential:
            yield from _units(layer, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", layer


def _dense_end(units: list[tuple[str, nn.Module]]) -> int:
    """Place of the first dense layer after which there are only such, ReLU and dropout."""
    first = len(units)
    for place in reversed(range(len(units))):
        layer = units[place][1]
        if isinstance(layer, nn.Linear):
            first = place
        elif not isinstance(layer, nn.ReLU | nn.Dropout):
            break
    return first


def _by_rows(layer: nn.Module) -> bool:
    """Whether the layer's neurons can be computed each alone."""
    plain = isinstance(layer, nn.Conv2d) and layer.groups == 1 and layer.padding_mode == "zeros"
    return plain or isinstance(layer, nn.Linear)


def _changed_layer(layer: nn.Module, hidden: Tensor, changes: Changes) -> Tensor:
    """Output of a layer with a mutant's weights."""
    if not _by_rows(layer):
        return functional_call(layer, changes, (hidden,))
    # The same without the time that a functional call takes, which small nets feel.
    weight, bias = changes.get("weight", layer.weight), changes.get("bias", layer.bias)
    if isinstance(layer, nn.Linear):
        return F.linear(hidden, weight, bias)
    return F.conv2d(hidden, weight, bias, layer.stride, layer.padding, layer.dilation)


def _changed_rows(layer: nn.Module, changes: Changes) -> Tensor:
    """Numbers of the neurons whose weights or bias a mutant changes."""
    own = dict(layer.named_parameters(recurse=False))
    flags = [(value != own[kind]).reshape(len(value), -1).any(1) for kind, value in changes.items()]
    return torch.stack(flags).any(0).nonzero().squeeze(1)


def _neurons(layer: nn.Module, changes: Changes, rows: Tensor) -> tuple[Tensor, Tensor | None]:
    """Weights and biases of some neurons of a mutant."""
    own = dict(layer.named_parameters(recurse=False)) | changes
    bias = own.get("bias")
    return own["weight"][rows], None if bias is None else bias[rows]


def _some_rows(layer: nn.Module, hidden: Tensor, changes: Changes, output: Tensor) -> Tensor | None:
    """The net's own ``output`` of a layer with the neurons that a mutant changes computed anew.

    None if these are too many to gain by it.
    """
    rows = _changed_rows(layer, changes)
    if len(rows) > FEW * output.shape[1]:
        return None
    if not len(rows):
        return output.clone()
    weight, bias = _neurons(layer, changes, rows)
    part = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    result = output.clone()
    result[:, rows] = _changed_layer(layer, hidden, part)
    return result


def _first_dense(
    layer: nn.Linear, hidden: Tensor, changed: dict[int, Changes], base: Tensor
) -> Tensor:
    """Outputs [M, n, out] of inputs [n, in] that all mutants share, in one matrix product.

    Only the neurons that a mutant changes are computed for it, the others are those of ``base``
    [M, n, out], the net's own outputs.
    """
    rows = {i: _changed_rows(layer, changes) for i, changes in changed.items()}
    parts = [_neurons(layer, changed[i], each) for i, each in rows.items()]
    bias = None if layer.bias is None else torch.cat([each for _, each in parts])
    anew = F.linear(hidden, torch.cat([weight for weight, _ in parts]), bias)
    result = base.clone()
    sizes = [len(each) for each in rows.values()]
    for (i, each), values in zip(rows.items(), anew.split(sizes, 1), strict=True):
        result[i, :, each] = values
    return result


def _later_dense(layer: nn.Linear, hidden: Tensor, changed: dict[int, Changes]) -> Tensor:
    """Outputs [M, n, out] of inputs [M, n, in], each mutant with its own weights."""
    result = layer(hidden)
    which = torch.tensor(list(changed), device=hidden.device)
    own = dict(layer.named_parameters(recurse=False))
    weights, *biases = (
        torch.stack([changes.get(kind, own[kind]) for changes in changed.values()]) for kind in own
    )
    inputs = hidden[which]
    if biases:
        result[which] = torch.baddbmm(biases[0][:, None], inputs, weights.mT)
    else:
        result[which] = torch.bmm(inputs, weights.mT)
    return result
