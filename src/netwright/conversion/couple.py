"""Which channels of a model belong together: its operations are traced and followed one by one.

The tracer is `torch.export`, which runs the model's own code on tensors without values. So sizes
that the code computes are known, where `torch.fx` would refuse (`torch.arange(x.shape[1])`), and
each operation comes with the module that it stands in. Code that branches on values is refused.
"""

from __future__ import annotations

import copy
import io
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from netwright.conversion.axes import dimension, keep
from netwright.conversion.operations import rule_of, unknown
from netwright.conversion.sizes import RESIZED
from netwright.conversion.traced import DATA, Call, Shaped
from netwright.conversion.weightless import piece
from netwright.errors import SpaceError
from netwright.network.outputs import unlike
from netwright.network.signature import TensorSpec

OUTPUT = "it gives the model's output"
TRAINED = "it gives an output of the model in training"


@dataclass(frozen=True)
class Trace:
    """The graph of a pass in one mode.

    `names` are the tensors' names by the node that stands for them; `used` are the tensors that the
    graph reads and `called` the modules that it runs, both by name, of several names the first.
    """

    graph: fx.Graph
    names: dict[fx.Node, str]
    returned: tuple[Any, ...]
    used: frozenset[str]
    called: frozenset[str]


@dataclass(frozen=True)
class Coupling:
    """What tracing found: the model's tensors with their dimensions, and the graphs.

    `tensors` are by name, of tied ones the first. `evaluated` is the pass in eval mode, `trained`
    that in train mode, None where it cannot be traced.
    """

    tensors: dict[str, Shaped]
    evaluated: Trace
    trained: Trace | None
    outputs: int

    def unused(self, name: str) -> str | None:
        """Why a tensor or module has no part in the model's answer, None if it has."""
        trained = self.trained
        if name in self.evaluated.used | self.evaluated.called:
            return None
        known = trained is not None and name in trained.used | trained.called
        return "only training uses it" if known else "the model does not use it"


def couple(model: nn.Module, example: Tensor) -> Coupling:
    """Trace a model in eval and in train mode on an example (2, *inputs), and follow its channels.

    What only training runs, as an auxiliary head, couples channels like the rest of the model. A
    pass in train mode that cannot be traced is left out.

    Raises:
        SpaceError: It cannot be traced in eval mode, or gives other than one tensor (2, outputs).
    """
    first = first_names(model)
    tensors = {name: _own(name, tensor) for name, tensor in _tensors(model) if first[name] == name}
    _keep_rigid(model, first, tensors)
    _check_outputs(copy.deepcopy(model).eval(), example)
    try:
        evaluated = _trace(copy.deepcopy(model).eval(), example)
    except Exception as error:
        _check_runs(model, example)
        reason = (str(error).strip().splitlines() or ["no message"])[0].rstrip(".")
        raise SpaceError(
            f"`convert(model, ...)` must be given a model that `torch.export` can trace; "
            f"{type(model).__name__} cannot be: {type(error).__name__}: {reason}. Write its "
            "`forward` without branches on the values of tensors (`if x.sum() > 0`, `.item()`) "
            "and without inputs other than one tensor, or declare the space by hand."
        ) from error
    outputs = _count(model, _follow(evaluated, tensors))
    try:
        trained = _trace(copy.deepcopy(model).train(), example)
    except Exception:  # whatever a model does in training: its members are run (`tryout.py`)
        trained = None
    for value in _follow(trained, tensors) if trained else []:
        if isinstance(value, Shaped):
            value.kept(TRAINED)
    return Coupling(tensors, evaluated, trained, outputs)


def _trace(model: nn.Module, example: Tensor) -> Trace:
    with _quietly():
        program = torch.export.export(model, (example,), strict=False)
    graph, signature = program.graph, program.graph_signature
    held = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    first, paths = first_names(model), first_paths(model)
    names = {n: first[held[n.name]] for n in graph.nodes if n.op == "placeholder" if n.name in held}
    called = {paths.get(path) for node in graph.nodes for path in path_of(node)}
    returned = next(iter(reversed(graph.nodes))).args[0]
    used = frozenset(name for node, name in names.items() if node.users)
    return Trace(graph, names, tuple(returned), used, frozenset(p for p in called if p is not None))


def path_of(node: fx.Node) -> list[str]:
    """The paths of the modules that a node stands in, from the outside."""
    stack = node.meta.get("nn_module_stack", {})
    return [re.sub(r"@\d+", "", path) for path, _ in stack.values()]


def _follow(trace: Trace, tensors: dict[str, Shaped]) -> list[Any]:
    """What the model returns, when its channels were followed from one operation to the next."""
    values: dict[fx.Node, Any] = {}
    for node in trace.graph.nodes:
        if node in trace.names:
            values[node] = tensors[trace.names[node]]
        elif node.op == "call_function":
            values[node] = _followed(node, values)
        elif node.op != "output":
            values[node] = _fresh(node.meta.get("val"))
    return [values[node] for node in trace.returned if isinstance(node, fx.Node)]


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the warnings and logs of the exporter, which are on what is kept or refused."""
    disabled = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def first_names(model: nn.Module) -> dict[str, str]:
    """The first name of each parameter and buffer, by each of its names."""
    first: dict[int, str] = {}
    return {name: first.setdefault(id(tensor), name) for name, tensor in _tensors(model)}


def first_paths(model: nn.Module) -> dict[str, str]:
    """The first path of each module, by each of its paths."""
    first: dict[nn.Module, str] = {}
    every = model.named_modules(remove_duplicate=False)
    return {path: first.setdefault(module, path) for path, module in every}


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters(remove_duplicate=False)
    yield from model.named_buffers(remove_duplicate=False)


def _own(name: str, tensor: Tensor) -> Shaped:
    return Shaped([dimension(n) for n in tensor.shape], tuple(tensor.shape), name)


def _keep_rigid(model: nn.Module, first: dict[str, str], tensors: dict[str, Shaped]) -> None:
    """Let layers of torch keep their sizes if these are in attributes that are not known."""
    for path, module in model.named_modules():
        rigid = type(module).__module__.startswith("torch.nn.") and not isinstance(module, RESIZED)
        if not rigid or not list(module.parameters(recurse=False)):
            continue
        for name, _ in module.named_parameters(path):
            tensors[first[name]].kept(f"the sizes of {type(module).__name__} are not searched")


def _fresh(value: Any) -> Any:
    """A tensor, or several, of which nothing is known."""
    if isinstance(value, list | tuple):
        return [_fresh(each) for each in value]
    if not isinstance(value, Tensor):
        return value
    sizes = tuple(int(n) for n in value.shape)
    return Shaped([dimension(n, DATA) for n in sizes], sizes)


def _followed(node: fx.Node, values: dict[fx.Node, Any]) -> Any:
    """The value of a node by the rule of its operation."""
    fresh = _fresh(node.meta.get("val"))
    given: Any = fx.node.map_arg((node.args, node.kwargs), values.__getitem__)
    args: Any = given[0]
    if getattr(node.target, "__name__", "") == "getitem":
        return args[0][args[1]]
    sizes = fresh.sizes if isinstance(fresh, Shaped) else ()
    call = Call(operation(node), _named(node, args, given[1]), sizes)
    tensors = call.tensors()
    if not tensors:
        return fresh
    if isinstance(fresh, Shaped):
        first = next(iter(call.given.values()))
        rule = rule_of(call.op, getattr(node.target, "tags", ()))
        takes_first = isinstance(first, Shaped | list | tuple)
        fresh.dims = (rule if takes_first else unknown)(call)
    elif call.op in ("split", "split_with_sizes", "chunk") and isinstance(fresh, list):
        for each in fresh:
            each.dims = piece(call, each.sizes)
    else:
        unknown(call)
    return fresh


def operation(node: fx.Node) -> str:
    """The name of a node's operation, without the underscore of one that works in place."""
    schema = getattr(node.target, "_schema", None)
    name = schema.name if schema else getattr(node.target, "__name__", str(node.target))
    short = str(name).split("::")[-1]
    return short if short.endswith("__") else short.removesuffix("_")


def _named(node: fx.Node, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by their names, defaults too."""
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        return {**{str(i): value for i, value in enumerate(args)}, **kwargs}
    made = {}
    for place, argument in enumerate(schema.arguments):
        default = argument.default_value if argument.has_default_value() else None
        made[argument.name] = args[place] if place < len(args) else default
    return {**made, **kwargs}


def _check_outputs(model: nn.Module, example: Tensor) -> None:
    """Refuse a model that gives other than a tensor, which a graph does not show."""
    try:
        with torch.no_grad():
            outputs = model(example.clone())
    except Exception:  # it is traced then, which says what is wrong
        return
    if not isinstance(outputs, Tensor):
        wrong = unlike(outputs, [TensorSpec("output", (None,))], len(example))
        raise SpaceError(f"`convert(model, ...)`: {type(model).__name__} {wrong}")


def _check_runs(model: nn.Module, example: Tensor) -> None:
    """Refuse an example that the model does not take, whether it can be traced or not."""
    try:
        with torch.no_grad():
            copy.deepcopy(model).eval()(example.clone())
    except Exception as error:
        reason = (str(error).strip().splitlines() or ["no message"])[0].rstrip(".")
        raise SpaceError(
            "`convert(model, example_input)` must be given a batch of what the model takes, its "
            f"first dimension the batch; {type(model).__name__} fails on two such examples, of "
            f"shape {tuple(example.shape)}: {type(error).__name__}: {reason}."
        ) from error


def _count(model: nn.Module, outputs: Sequence[Any]) -> int:
    """How many numbers the output (2, count) has, whose size is then kept."""
    sizes: list[Any] = [
        each.sizes if isinstance(each, Shaped) else type(each).__name__ for each in outputs
    ]
    if len(sizes) != 1 or len(sizes[0]) != 2 or sizes[0][0] != 2 or sizes[0][1] < 2:
        raise SpaceError(
            "`convert(model, ...)` must be given a model whose output is one tensor of "
            f"shape (b, outputs); {type(model).__name__} gives {sizes} for 2 examples. Wrap it in "
            "a module that returns the logits alone, of sequences those of one place."
        )
    for dim in outputs[0].dims:
        keep(dim, OUTPUT)
    count: int = sizes[0][1]
    return count
