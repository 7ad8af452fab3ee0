"""Conservation of relevance in LRP: what each layer receives, passes on and absorbs."""

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn

from plumbline.attribution.batching import parts
from plumbline.attribution.lrp import WEIGHTED, Propagation, Rules, weighted
from plumbline.attribution.modified_backward import modified
from plumbline.metrics.intervals import mean_interval
from plumbline.models.classifier import Classifier
from plumbline.runtime.seeding import derive
from plumbline.storage.tables import Row, row

ALL, PIXELS = "all", "pixels"
ACCOUNTS = ("arrives", "handed_on", "biases", "stabilisers")
Balance = dict[str, Tensor]


class _Ledger(Propagation):
    """A propagation that records the relevance that each layer receives and absorbs."""

    def __init__(self, classifier: Classifier, pixels: Tensor, rules: Rules) -> None:
        super().__init__(classifier, pixels, rules)
        self.chain_name = {
            layer: name for name, part in self.network.named_children() for layer in part.modules()
        }
        self.balances: dict[str, Balance] = defaultdict(dict)

    def surrogate(self, layer: nn.Module, before: Tensor, after: Tensor) -> Tensor:
        """As in LRP; biases and stabilisers are recorded during the backward pass."""
        terms = self.terms(layer, before, after)
        handed_on = torch.zeros_like(after)
        for term in terms:
            handed_on = handed_on + term.factor * term.sum.detach()
        absorbed = {"stabilisers": after.detach() - handed_on}
        shape = (-1, *[1] * (after.ndim - 2))
        biases = [t.factor * t.bias.view(shape) for t in terms if t.bias is not None]
        absorbed["biases"] = sum(biases, torch.zeros_like(handed_on))
        surrogate = weighted(terms)
        for account, value in absorbed.items():
            self._record(surrogate, value, self.chain_name[layer], account)
        return surrogate

    def arrival(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Forward hook: the relevance of the output is what arrives at the layer."""
        # The value is copied because a following ReLU may change it in place.
        self._record(output, output.detach().clone(), self.chain_name[layer], "arrives")

    def entry(self, network: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Forward pre-hook of the net: what arrives at the pixels, and what their shift absorbs."""
        (normalised,) = inputs
        if self.box:  # the gradient is the relevance
            self._record(normalised, torch.ones_like(normalised), PIXELS, "arrives")
        else:
            shift = self.classifier.normalise(torch.zeros_like(normalised[:1]))
            self._record(normalised, normalised.detach(), PIXELS, "arrives")
            self._record(normalised, shift, PIXELS, "biases")

    def closed(self, relevance: Tensor) -> dict[str, Balance]:
        """The balance of every layer of the chain, given the relevance map [N, C, H, W]."""
        handed_on, chain, zero = relevance.flatten(1).sum(1), {}, torch.zeros(len(relevance))
        for name in [PIXELS, *(name for name, _ in self.network.named_children())]:
            absorbed = {"biases": zero.to(relevance), "stabilisers": zero.to(relevance)}
            chain[name] = absorbed | self.balances.pop(name) | {"handed_on": handed_on}
            handed_on = chain[name]["arrives"]
        return dict(reversed(chain.items()))

    def _record(self, tensor: Tensor, value: Tensor, layer: str, account: str) -> None:
        def add(gradient: Tensor) -> None:
            amount = (gradient * value).flatten(1).sum(1)
            self.balances[layer][account] = self.balances[layer].get(account, 0) + amount

        tensor.register_hook(add)


def balances(
    classifier: Classifier, pixels: Tensor, target: Tensor, rules: Rules, batch: int = 256
) -> dict[str, Balance]:
    """The balance of relevance of each image in every layer of the net's chain.

    For each top-level layer, from the output to the pixels, sums [N] in units of the logit:
    ``arrives``, the relevance of the layer's output; ``handed_on``, that of its input;
    ``biases`` and ``stabilisers``, what these absorb according to the rules, where
    ``stabilisers`` includes relevance for which the denominator was zero.  ``arrives`` is the
    sum of the other three.  The layer ``pixels`` is the classifier's normalisation, whose shift
    counts as a bias; what it hands on is the sum of the method's map.
    """
    ledger = _Ledger(classifier, pixels, rules)
    batches = []
    ledger.network.register_forward_pre_hook(ledger.entry)  # the ledger owns its folded copy
    with modified(ledger.network, dict.fromkeys(WEIGHTED, ledger.surrogate)):
        for layer in ledger.network.children():
            layer.register_forward_hook(ledger.arrival)
        for part in parts(len(pixels), batch):
            relevance, _ = ledger(pixels[part], target[part])
            batches.append(ledger.closed(relevance))
    return {
        name: {
            account: torch.cat([part[name][account] for part in batches]) for account in ACCOUNTS
        }
        for name in batches[0]
    }


def conservation(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    rules: Rules,
    *,
    seed: int,
    batch: int = 256,
    **keys: Any,
) -> list[Row]:
    """Rows of :func:`balances`: means over images, with intervals, for layers with weights.

    The layer ``all`` is the whole net: the logit arrives, the sum of the map is handed on.
    ``keys`` are further key columns, which come first and are followed by ``layer``.
    """
    by_layer = balances(classifier, pixels, target, rules, batch)
    chain = list(by_layer.values())
    none = torch.zeros_like(chain[0]["arrives"])
    whole = {account: sum((balance[account] for balance in chain), none) for account in ACCOUNTS}
    whole |= {"arrives": chain[0]["arrives"], "handed_on": chain[-1]["handed_on"]}
    table = []
    for name, balance in {ALL: whole, **by_layer}.items():
        part = None if name in (ALL, PIXELS) else getattr(classifier.network, name)
        if part is None or any(type(layer) in WEIGHTED for layer in part.modules()):
            for account in ACCOUNTS:
                values = balance[account].cpu().numpy()
                interval = mean_interval(values, derive(seed, "conservation"))
                table.append(row(account, *interval, len(values), **keys, layer=name))
    return table
