"""The ``forward`` of a stranger's net as a chain of layers, read by torch.fx."""

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import fx, nn
from torch.nn import functional as F

RELUS = (F.relu, torch.relu, "relu")
SHAPING = {"flatten", "view", "reshape", "size", "getitem", "getattr"}


class Link(NamedTuple):
    """A layer of a chain, and where in it (empty: it is the layer) parts of the net are now."""

    name: str
    layer: nn.Module
    parts: dict[str, str]


def traced_chain(module: nn.Module) -> list[Link]:
    """What ``module``'s ``forward`` does, cut wherever nothing but a single tensor goes on.

    Its children, plain ``nn.Sequential`` opened, are not looked into; functions called between
    them become layers, a ReLU and a dropout those of ``nn``.  Empty if ``forward`` cannot be
    traced, because its way depends on values, if it goes another way in training, or if weights
    are used in two places.
    """
    graphs = []
    for training in (True, False):
        for each in module.modules():
            each.training = training
        try:
            graphs.append(_Children().trace(module))
        except Exception:  # what tracing a stranger's code raises cannot be foreseen
            return []
    if len({_without_training(graph) for graph in graphs}) > 1:
        return []
    segments = list(_segments(graphs[1]))
    uses = Counter(each.target for part in segments for each in part if each.op == "call_module")
    shared = [str(name) for name, count in uses.items() if count > 1]
    if any(next(module.get_submodule(name).parameters(), None) is not None for name in shared):
        return []
    return [_link(module, part, number, shared) for number, part in enumerate(segments)]


def only_shapes(layer: nn.Module) -> bool:
    """Whether a layer of a traced chain does nothing but to put its input in another shape."""
    if not isinstance(layer, fx.GraphModule):
        return False
    calls = [node for node in layer.graph.nodes if node.op not in ("placeholder", "output")]
    return all(_called(node) in SHAPING for node in calls)


class _Children(fx.Tracer):
    """Takes every module for one call, but a plain chain of them."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return type(module) is not nn.Sequential


def _without_training(graph: fx.Graph) -> str:
    return graph.python_code("self").src.replace("training = True", "training = False")


def _segments(graph: fx.Graph) -> Iterator[list[fx.Node]]:
    """The calls of ``graph`` between two places that only the last one's result passes."""
    nodes = [node for node in graph.nodes if node.op not in ("placeholder", "output")]
    place = {node: number for number, node in enumerate(graph.nodes)}
    last = {node: max((place[user] for user in node.users), default=-1) for node in graph.nodes}
    segment = []
    for node in nodes:
        segment.append(node)
        live = [each for each in graph.nodes if place[each] <= place[node] < last[each]]
        if live == [node]:
            yield segment
            segment = []


def _link(module: nn.Module, nodes: list[fx.Node], number: int, shared: list[str]) -> Link:
    first = nodes[0]
    if len(nodes) == 1 and first.op == "call_module":
        name = str(first.target)
        layer = module.get_submodule(name)
        if name in shared:  # without weights: a copy, for it stands in two places
            return Link(f"{name}_{number}", copy.deepcopy(layer), {})
        return Link(name, layer, {name: ""})
    ops = ("call_module", "get_attr")
    targets = [str(node.target) for op in ops for node in nodes if node.op == op]
    name = targets[0] if targets else f"{_called(nodes[-1])}_{number}"
    layer = _of_torch(nodes) or _subgraph(module, nodes)
    return Link(name, layer, {target: target for target in targets})


def _called(node: fx.Node) -> str:
    return getattr(node.target, "__name__", str(node.target))


def _of_torch(nodes: list[fx.Node]) -> nn.Module | None:
    """The layer of ``nn`` that does the same as one function, where methods look for such."""
    (node, *more) = nodes
    if not more and node.target in RELUS:
        return nn.ReLU()
    if not more and node.target is F.dropout:
        rate: Any = node.args[1] if len(node.args) > 1 else node.kwargs.get("p", 0.5)
        return nn.Dropout(rate)
    return None


def _subgraph(module: nn.Module, nodes: list[fx.Node]) -> fx.GraphModule:
    """A layer of some calls, of which the last gives what it returns."""
    graph = fx.Graph()
    known: dict[fx.Node, Any] = {}

    def ours(node: fx.Node) -> fx.Node:
        if node not in known:  # what goes in
            known[node] = start
        return known[node]

    start = graph.placeholder("hidden")
    for node in nodes:
        known[node] = graph.node_copy(node, ours)
    graph.output(known[nodes[-1]])
    return fx.GraphModule(module, graph)
