"""The ``forward`` of a user-defined net as a chain of layers, traced by torch.fx."""

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
    """A layer of a chain, and the path within it of each part of the net (empty: the layer)."""

    name: str
    layer: nn.Module
    parts: dict[str, str]


def traced_chain(module: nn.Module) -> list[Link]:
    """The ``forward`` of ``module`` as a chain, cut wherever a single tensor is passed on.

    The children of the module (with plain ``nn.Sequential`` expanded) are kept whole.  Functions
    called between them become layers; a ReLU or dropout function becomes the layer of ``nn``.
    The chain is empty if ``forward`` cannot be traced because its control flow depends on values,
    if it differs between training and evaluation, or if weights are used in two places.
    """
    graphs = []
    for training in (True, False):
        for part in module.modules():
            part.training = training
        try:
            graphs.append(_Children().trace(module))
        except Exception:  # tracing user code can raise anything
            return []
    if len({_without_training(graph) for graph in graphs}) > 1:
        return []
    segments = list(_segments(graphs[1]))
    calls = (node for segment in segments for node in segment if node.op == "call_module")
    uses = Counter(node.target for node in calls)
    shared = [str(name) for name, count in uses.items() if count > 1]
    if any(next(module.get_submodule(name).parameters(), None) is not None for name in shared):
        return []
    return [_link(module, segment, number, shared) for number, segment in enumerate(segments)]


def only_shapes(layer: nn.Module) -> bool:
    """Whether a layer of a traced chain only changes the shape of its input."""
    if not isinstance(layer, fx.GraphModule):
        return False
    calls = [node for node in layer.graph.nodes if node.op not in ("placeholder", "output")]
    return all(_called(node) in SHAPING for node in calls)


class _Children(fx.Tracer):
    """A tracer that treats every module as a single call, except plain ``nn.Sequential``."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return type(module) is not nn.Sequential


def _without_training(graph: fx.Graph) -> str:
    return graph.python_code("self").src.replace("training = True", "training = False")


def _segments(graph: fx.Graph) -> Iterator[list[fx.Node]]:
    """Groups of consecutive calls of ``graph``; only the result of a group's last call is used
    by later groups."""
    nodes = [node for node in graph.nodes if node.op not in ("placeholder", "output")]
    position = {node: number for number, node in enumerate(graph.nodes)}
    last = {node: max((position[user] for user in node.users), default=-1) for node in graph.nodes}
    segment = []
    for node in nodes:
        segment.append(node)
        live = [other for other in graph.nodes if position[other] <= position[node] < last[other]]
        if live == [node]:
            yield segment
            segment = []


def _link(module: nn.Module, nodes: list[fx.Node], number: int, shared: list[str]) -> Link:
    first = nodes[0]
    if len(nodes) == 1 and first.op == "call_module":
        name = str(first.target)
        layer = module.get_submodule(name)
        if name in shared:  # used twice, and without weights: make a copy
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
    """The layer of ``nn`` equivalent to a single ReLU or dropout function, which methods need."""
    (node, *more) = nodes
    if not more and node.target in RELUS:
        return nn.ReLU()
    if not more and node.target is F.dropout:
        rate: Any = node.args[1] if len(node.args) > 1 else node.kwargs.get("p", 0.5)
        return nn.Dropout(rate)
    return None


def _subgraph(module: nn.Module, nodes: list[fx.Node]) -> fx.GraphModule:
    """A layer that performs several calls and returns the result of the last."""
    graph = fx.Graph()
    known: dict[fx.Node, Any] = {}

    def ours(node: fx.Node) -> fx.Node:
        if node not in known:  # the input of the segment
            known[node] = start
        return known[node]

    start = graph.placeholder("hidden")
    for node in nodes:
        known[node] = graph.node_copy(node, ours)
    graph.output(known[nodes[-1]])
    return fx.GraphModule(module, graph)
