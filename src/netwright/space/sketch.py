"""A network as a person would draw it: boxes that are layers, arrows that are tensors."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

_FOLDED = ("norm", "activation", "dropout")  # written on the line of the layer before


@dataclass(frozen=True)
class Node:
    """A layer with what is folded into it; `shape` is its output's, without the batch.

    `sources` are the places of the nodes it reads, -1 for the input; `group` is the top-level
    part of the network it stands in.
    """

    label: str
    kind: str
    shape: tuple[int, ...]
    params: int
    sources: tuple[int, ...]
    group: str


@dataclass(frozen=True)
class Sketch:
    """The nodes of a network in forward order; the last one gives the output."""

    inputs: tuple[int, ...]
    nodes: tuple[Node, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {"inputs": list(self.inputs), "nodes": [asdict(node) for node in self.nodes]}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Sketch:
        """The sketch that `to_json` wrote."""
        nodes = tuple(
            Node(**{**n, "shape": tuple(n["shape"]), "sources": tuple(n["sources"])})
            for n in body["nodes"]
        )
        return cls(tuple(body["inputs"]), nodes)


def sketch(model: nn.Module, inputs: Sequence[int]) -> Sketch:
    """Trace a network on one example of zeros and fold what belongs to one line.

    A network that cannot be traced is drawn as the chain of its layers in the order they run.
    """
    try:
        rows = _traced(model, inputs)
    except Exception:  # control flow that a tracer cannot follow
        rows = _hooked(model, inputs)
    return Sketch(tuple(inputs), tuple(_fold(rows)))


def _traced(model: nn.Module, inputs: Sequence[int]) -> list[Node]:
    graph = fx.symbolic_trace(model.eval())
    shapes = _Shapes(graph)
    with torch.no_grad():
        shapes.run(torch.zeros(1, *inputs))
    place: dict[fx.Node, int] = {}
    rows: list[Node] = []
    for node in graph.graph.nodes:
        sources = tuple(dict.fromkeys(place[n] for n in node.all_input_nodes if n in place))
        if node.op == "placeholder":
            place[node] = -1
        elif node.op in ("output", "get_attr") or node not in shapes.found:
            if len(sources) == 1:  # a size or a part of a tensor: what reads it reads its source
                place[node] = sources[0]
        elif node.op == "call_module":
            module = graph.get_submodule(str(node.target))
            if isinstance(module, nn.Identity):
                place[node] = sources[0]
                continue
            rows.append(_row(module, shapes.found[node], sources, str(node.target)))
            place[node] = len(rows) - 1
        else:
            rows.append(
                Node(_function(node), _function_kind(node), shapes.found[node], 0, sources, "")
            )
            place[node] = len(rows) - 1
    return rows


class _Shapes(fx.Interpreter):
    """Runs a graph and keeps the shape of every tensor, without the batch."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.found: dict[fx.Node, tuple[int, ...]] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.found[n] = tuple(result.shape[1:])
        return result


def _hooked(model: nn.Module, inputs: Sequence[int]) -> list[Node]:
    rows: list[Node] = []

    def hook(name: str) -> Any:
        def note(module: nn.Module, given: Any, out: Any) -> None:
            first = out[0] if isinstance(out, tuple) else out
            if isinstance(first, Tensor) and not isinstance(module, nn.Identity):
                rows.append(_row(module, tuple(first.shape[1:]), (len(rows) - 1,), name))

        return note

    leaves = [(name, m) for name, m in model.named_modules() if not list(m.children())]
    handles = [module.register_forward_hook(hook(name)) for name, module in leaves]
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, *inputs))
    finally:
        for handle in handles:
            handle.remove()
    return rows


def _fold(rows: list[Node]) -> list[Node]:
    """Write normalisation, activation and dropout on the line of the layer before them."""
    readers = [0] * len(rows)
    for row in rows:
        for source in row.sources:
            if source >= 0:
                readers[source] += 1
    made: list[Node] = []
    place: dict[int, int] = {-1: -1}
    for i, row in enumerate(rows):
        sources = tuple(place[s] for s in row.sources)
        before = made[sources[0]] if len(sources) == 1 and sources[0] >= 0 else None
        if before and row.kind in _FOLDED and readers[row.sources[0]] == 1:
            made[sources[0]] = Node(
                f"{before.label} · {row.label}",
                before.kind,
                row.shape,
                before.params + row.params,
                before.sources,
                before.group,
            )
            place[i] = sources[0]
        else:
            group = row.group or (before.group if before else "")
            made.append(Node(row.label, row.kind, row.shape, row.params, sources, group))
            place[i] = len(made) - 1
    return made


def _row(module: nn.Module, shape: tuple[int, ...], sources: tuple[int, ...], path: str) -> Node:
    params = sum(p.numel() for p in module.parameters())
    label, kind = _layer(module)
    return Node(label, kind, shape, params, sources, path.split(".")[0])


def _layer(module: nn.Module) -> tuple[str, str]:
    """What a person calls a layer, and its kind."""
    name = type(module).__name__
    if isinstance(module, nn.modules.conv._ConvNd):
        size = "x".join(map(str, module.kernel_size))
        depthwise = module.groups == module.in_channels and module.groups > 1
        word = "Depthwise" if depthwise else "Conv" if "Transpose" not in name else "Upconv"
        groups = f", {module.groups} groups" if module.groups > 1 and not depthwise else ""
        stride = f", stride {module.stride[0]}" if max(module.stride) > 1 else ""
        return f"{word} {size}, {module.out_channels}{groups}{stride}", "conv"
    if isinstance(module, nn.Linear):
        return f"Linear {module.out_features}", "linear"
    if "Norm" in name:
        short = {"BatchNorm1d": "BN", "BatchNorm2d": "BN", "GroupNorm": "GN", "LayerNorm": "LN"}
        return short.get(name, name), "norm"
    if "Pool" in name:
        if "Adaptive" in name:
            return f"Global {'max' if 'Max' in name else 'average'} pool", "pool"
        size = getattr(module, "kernel_size", "")
        return f"{'Max' if 'Max' in name else 'Average'} pool {size}", "pool"
    if "Dropout" in name:
        return f"Dropout {module.p:g}", "dropout"
    if type(module).__module__ == "torch.nn.modules.activation" and "Attention" not in name:
        return name, "activation"
    return name, "other"


def _function(node: fx.Node) -> str:
    words = {
        operator.add: "Add",
        torch.add: "Add",
        operator.mul: "Multiply",
        torch.mul: "Multiply",
        torch.cat: "Concatenate",
    }
    if node.target in words:
        return words[node.target]
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "?")
    return str(name).strip("_").replace("_", " ").capitalize()


def _function_kind(node: fx.Node) -> str:
    name = _function(node).lower()
    if name in ("relu", "gelu", "silu", "sigmoid", "tanh", "hardswish", "leaky relu"):
        return "activation"
    return "merge" if len(node.all_input_nodes) > 1 else "other"
