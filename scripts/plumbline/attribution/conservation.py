"""Where relevance goes on its way to the pixels: the balance of LRP, layer by layer."""

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
    """A propagation that books what arrives at every layer and what stays there."""

    def __init__(self, classifier: Classifier, pixels: Tensor, rules: Rules) -> None:
        super().__init__(classifier, pixels, rules)
        self.place = {
            layer: name for name, part in self.network.named_children() for layer in part.modules()
        }
        self.book: dict[str, Balance] = defaultdict(dict)

    def surrogate(self, layer: nn.Module, before: Tensor, after: Tensor) -> Tensor:
        """As in LRP; biases and stabilisers are booked when the gradient arrives."""
        terms = self.terms(layer, before, after)
        handed_on = torch.zeros_like(after)
        for term in terms:
            handed_on = handed_on + term.factor * term.sum.detach()
        stays = {"stabilisers": after.detach() - handed_on}
        shape = (-1, *[1] * (after.ndim - 2))
        biases = [t.factor * t.bias.view(shape) for t in terms if t.bias is not None]
        stays["biases"] = sum(biases, torch.zeros_like(handed_on))
        surrogate = weighted(terms)
        for account, value in stays.items():
            self._book(surrogate, value, self.place[layer], account)
        return surrogate

    def arrival(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """A forward hook: the relevance of the output is what arrives at the layer."""
        # The value is copied, since a ReLU that follows may change it in place.
        self._book(output, output.detach().clone(), self.place[layer], "arrives")

    def entry(self, network: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """A hook before the net: what arrives at the pixels, and what their shift keeps."""
        (normalised,) = inputs
        if self.box:  # the gradient is the relevance
            self._book(normalised, torch.ones_like(normalised), PIXELS, "arrives")
        else:
            shift = self.classifier.normalise(torch.zeros_like(normalised[:1]))
            self._book(normalised, normalised.detach(), PIXELS, "arrives")
            self._book(normalised, shift, PIXELS, "biases")

    def closed(self, relevance: Tensor) -> dict[str, Balance]:
        """The accounts of every layer of the chain, given the map [N, C, H, W]."""
        handed_on, chain, zero = relevance.flatten(1).sum(1), {}, torch.zeros(len(relevance))
        for name in [PIXELS, *(name for name, _ in self.network.named_children())]:
            kept = {"biases": zero.to(relevance), "stabilisers": zero.to(relevance)}
            chain[name] = kept | self.book.pop(name) | {"handed_on": handed_on}
            handed_on = chain[name]["arrives"]
        return dict(reversed(chain.items()))

    def _book(self, tensor: Tensor, value: Tensor, place: str, account: str) -> None:
        def add(gradient: Tensor) -> None:
            amount = (gradient * value).flatten(1).sum(1)
            self.book[place][account] = self.book[place].get(account, 0) + amount

        tensor.register_hook(add)


def balances(
    classifier: Classifier, pixels: Tensor, target: Tensor, rules: Rules, batch: int = 256
) -> dict[str, Balance]:
    """What becomes of the relevance of each image in every layer of the net's chain.

    For each top-level layer, from the answer to the pixels, sums [N] in units of the logit:
    ``arrives``, the relevance of the layer's output; ``handed_on``, that of its input;
    ``biases`` and ``stabilisers``, what these keep inside it by the formula of the rules,
    stabilisers with what had nothing to be shared among.  The first is the sum of the others.
    The layer ``pixels`` is the classifier's normalisation, whose shift counts as a bias; what
    it hands on is the sum of the method's map.
    """
    ledger = _Ledger(classifier, pixels, rules)
    books = []
    ledger.network.register_forward_pre_hook(ledger.entry)  # the folded net is the ledger's own
    with modified(ledger.network, dict.fromkeys(WEIGHTED, ledger.surrogate)):
        for layer in ledger.network.children():
            layer.register_forward_hook(ledger.arrival)
        for part in parts(len(pixels), batch):
            relevance, _ = ledger(pixels[part], target[part])
            books.append(ledger.closed(relevance))
    return {
        name: {account: torch.cat([book[name][account] for book in books]) for account in ACCOUNTS}
        for name in books[0]
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
    """Rows of :func:`balances`: mean over images, with intervals, for layers with weights.

    The layer ``all`` is the whole net: the logit arrives, the sum of the map is handed on.
    ``keys`` are further key columns, put first; ``layer`` follows them.
    """
    found = balances(classifier, pixels, target, rules, batch)
    chain = list(found.values())
    none = torch.zeros_like(chain[0]["arrives"])
    whole = {account: sum((each[account] for each in chain), none) for account in ACCOUNTS}
    whole |= {"arrives": chain[0]["arrives"], "handed_on": chain[-1]["handed_on"]}
    table = []
    for name, balance in {ALL: whole, **found}.items():
        part = None if name in (ALL, PIXELS) else getattr(classifier.network, name)
        if part is None or any(type(layer) in WEIGHTED for layer in part.modules()):
            for account in ACCOUNTS:
                values = balance[account].cpu().numpy()
                interval = mean_interval(values, derive(seed, "conservation"))
                table.append(row(account, *interval, len(values), **keys, layer=name))
    return table
