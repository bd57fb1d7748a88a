"""A network as a person would draw it: boxes that are layers, arrows that are tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx, nn

from netwright.drawing.captions import Title, is_view, name_function, name_layer
from netwright.drawing.node import Node, Parts
from netwright.drawing.tidy import fold, merge_sums
from netwright.network.signature import Signature


@dataclass(frozen=True)
class Sketch:
    """The nodes of a network in forward order; the last one gives the output.

    `inputs` is the shape of what it takes. Of several tensors it is that of the first, and `named`
    has the shapes of all by their names; they are drawn as one.
    """

    inputs: tuple[int, ...]
    nodes: tuple[Node, ...]
    named: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @property
    def taken(self) -> str:
        """The sizes of what is taken, as they are written into a drawing."""
        if not self.named:
            return "x".join(map(str, self.inputs))
        return ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in self.named)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        body = {"inputs": list(self.inputs), "nodes": [asdict(node) for node in self.nodes]}
        return body | ({"named": [[n, list(s)] for n, s in self.named]} if self.named else {})

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Sketch:
        """The sketch that `to_json` wrote."""
        named = tuple((name, tuple(shape)) for name, shape in body.get("named", ()))
        return cls(tuple(body["inputs"]), tuple(_node(node) for node in body["nodes"]), named)


def _node(body: Mapping[str, Any]) -> Node:
    shape, sources = tuple(body["shape"]), tuple(body["sources"])
    within = tuple((str(path), str(name)) for path, name in body.get("within", ()))
    return Node(**{**body, "shape": shape, "sources": sources, "within": within})


def sketch(model: nn.Module, inputs: Sequence[int] | Signature) -> Sketch:
    """Trace a network on one example of zeros and fold what belongs to one line.

    Of a shape the zeros are floats, or ids where the network takes no floats; of a signature they
    are what it says. A network that cannot be traced is drawn as the chain of its layers in the
    order they run.
    """
    modes = [(module, module.training) for module in model.modules()]
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    shape, named, examples = _examples(inputs, device)
    failures: list[Exception] = []
    try:
        model.eval()
        for rows_of in (_traced, _hooked):
            for example in examples:
                try:
                    rows = merge_sums(rows_of(model, example))
                    return Sketch(shape, tuple(fold(rows)), named)
                except Exception as error:  # control flow that a tracer cannot follow, or no floats
                    failures.append(error)
    finally:
        for module, training in modes:
            module.training = training
    raise failures[len(examples)]  # what the network itself says


_Named = tuple[tuple[str, tuple[int, ...]], ...]
_Example = tuple[Tensor, ...]


def _examples(
    inputs: Sequence[int] | Signature, device: torch.device
) -> tuple[tuple[int, ...], _Named, list[_Example]]:
    """The shape of the first tensor, the shapes of several by name, and what to try as inputs."""
    if isinstance(inputs, Signature) and len(inputs.inputs) > 1:
        named = tuple((spec.name, spec.sizes) for spec in inputs.inputs)
        return named[0][1], named, [tuple(x.to(device) for x in inputs.zeros(1))]
    shape = inputs.input.sizes if isinstance(inputs, Signature) else tuple(inputs)
    zeros = torch.zeros(1, *shape, device=device)
    return shape, (), [(zeros,), (zeros.long(),)]


def _traced(model: nn.Module, example: _Example) -> list[Node]:
    graph = fx.symbolic_trace(model)
    found = _Shapes(graph)
    with torch.no_grad():
        found.run(*example)
    reading = _Reading(graph, found.shapes)
    for node in graph.graph.nodes:
        reading.read(node)
    return reading.rows


class _Shapes(fx.Interpreter):
    """Runs a graph and keeps the shape of every tensor, or of the first of several."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.shapes: dict[fx.Node, tuple[int, ...]] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        first = result[0] if isinstance(result, tuple) and result else result
        if isinstance(first, Tensor):
            self.shapes[n] = tuple(first.shape[1:])
        return result


class _Reading:
    """Reads a traced graph node by node into rows.

    What only arranges numbers has no row: its readers read its source. Parameters that a module
    uses itself are counted where they are first used.
    """

    def __init__(self, graph: fx.GraphModule, shapes: Mapping[fx.Node, tuple[int, ...]]) -> None:
        self.rows: list[Node] = []
        self._graph, self._shapes = graph, shapes
        self._place: dict[fx.Node, int] = {}  # the row that gives a node's tensor
        self._held: dict[fx.Node, tuple[str, ...]] = {}  # the parameters that a node is made of
        self._counted: set[str] = set()

    def read(self, node: fx.Node) -> None:
        """Note what one node is."""
        sources = self._sources(node)
        if node.op == "placeholder":
            if node in self._shapes:
                self._place[node] = -1
        elif node.op == "get_attr":
            self._held[node] = (str(node.target),)
        elif node.op == "output":
            self._end(node)
        elif node.op == "call_module":
            module = self._graph.get_submodule(str(node.target))
            if isinstance(module, nn.Identity):
                self._place[node] = sources[0]
            elif node in self._shapes:
                own = {f"{node.target}.{n}": p for n, p in module.named_parameters()}
                self._add(node, name_layer(module), own)
        elif not sources:  # made of parameters, or of nothing that is drawn
            self._held[node] = tuple(self._parameters(node))
        elif node in self._shapes and is_view(node) and len(sources) == 1:
            self._place[node] = sources[0]
        elif node in self._shapes:  # sizes and other numbers are not drawn either
            held = self._parameters(node)
            named = [name for name, value in held.items() if isinstance(value, nn.Parameter)]
            title = name_function(node, len(sources))
            if named and title.label in ("Add", "Multiply", "Concatenate", "Matmul"):
                word = {"Multiply": "Scale by"}.get(title.label, title.label)
                title = replace(title, label=f"{word} {named[0].split('.')[-1]}")
            self._add(node, title, held)

    def _sources(self, node: fx.Node) -> tuple[int, ...]:
        return tuple(
            dict.fromkeys(self._place[n] for n in node.all_input_nodes if n in self._place)
        )

    def _parameters(self, node: fx.Node) -> dict[str, Tensor]:
        names = [name for n in node.all_input_nodes for name in self._held.get(n, ())]
        found = {}
        for name in names:
            path, _, attribute = name.rpartition(".")
            found[name] = getattr(self._graph.get_submodule(path), attribute)
        return found

    def _add(self, node: fx.Node, title: Title, own: Mapping[str, Tensor]) -> None:
        new = {n: p for n, p in own.items() if isinstance(p, nn.Parameter)}
        params = sum(p.numel() for n, p in new.items() if n not in self._counted)
        self._counted |= set(new)
        within = _within(node)
        group = str(node.target).split(".")[0] if node.op == "call_module" else ""
        self.rows.append(
            Node(
                *(title.label, title.kind, self._shapes[node], params, self._sources(node), group),
                *(title.short, within),
            )
        )
        self._place[node] = len(self.rows) - 1

    def _end(self, node: fx.Node) -> None:
        """The last row has the shape of the output, however it was arranged last."""
        given = node.all_input_nodes
        if len(given) == 1 and given[0] in self._shapes and self._place.get(given[0], -1) >= 0:
            place = self._place[given[0]]
            self.rows[place] = replace(self.rows[place], shape=self._shapes[given[0]])


def _within(node: fx.Node) -> Parts:
    """The modules around a node; a module that runs several times has a path for each run."""
    stack: Mapping[str, tuple[str, Any]] = node.meta.get("nn_module_stack", {})
    parts = [(path, _class_name(kind)) for path, (_, kind) in stack.items()]
    return tuple(parts[:-1] if node.op == "call_module" else parts)


def _class_name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind).rpartition(".")[2]


def _hooked(model: nn.Module, example: _Example) -> list[Node]:
    rows: list[Node] = []
    modules = dict(model.named_modules())

    def hook(name: str) -> Callable[[nn.Module, Any, Any], None]:
        paths = name.split(".")
        around = [".".join(paths[:i]) for i in range(1, len(paths))]
        within = tuple((path, type(modules[path]).__name__) for path in around)

        def note(module: nn.Module, given: Any, out: Any) -> None:
            first = out[0] if isinstance(out, tuple) and out else out
            if isinstance(first, Tensor) and not isinstance(module, nn.Identity):
                title, shape = name_layer(module), tuple(first.shape[1:])
                params = sum(p.numel() for p in module.parameters())
                rows.append(
                    Node(
                        *(title.label, title.kind, shape, params, (len(rows) - 1,), paths[0]),
                        *(title.short, within),
                    )
                )

        return note

    handles = [m.register_forward_hook(hook(name)) for name, m in _leaves(model, "")]
    try:
        with torch.no_grad():
            model(*example)
    finally:
        for handle in handles:
            handle.remove()
    return rows


def _leaves(module: nn.Module, path: str) -> list[tuple[str, nn.Module]]:
    """Modules without parts, and those of torch.nn whose parts do not run by themselves."""
    container = isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict)
    whole = type(module).__module__.startswith("torch.nn") and not container
    if whole or not list(module.children()):
        return [(path, module)]
    dot = f"{path}." if path else ""
    return [leaf for name, child in module.named_children() for leaf in _leaves(child, dot + name)]
