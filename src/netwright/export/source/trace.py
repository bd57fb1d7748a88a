"""The graph of one module's forward, its children taken as they are, with the names it uses."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass, field
from typing import Any

from torch import fx, nn

from netwright.errors import ExportError


@dataclass
class Traced:
    """A graph and, for its nodes, the names of the local variables that held them in `forward`."""

    graph: fx.Graph
    inputs: list[fx.Node]
    names: dict[fx.Node, list[str]] = field(default_factory=dict)
    unpacked: set[fx.Node] = field(default_factory=set)  # parts of `a, b = value`


class _Children(fx.Tracer):
    """Traces one module, stops at each of its children, and looks at `forward`'s variables."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._code = getattr(type(module).forward, "__code__", None)
        self.names: dict[fx.Node, list[str]] = {}
        self.unpacked: set[fx.Node] = set()

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True

    def create_proxy(self, *args: Any, **kwargs: Any) -> Any:
        frame = sys._getframe()
        unpacks = False
        while frame.f_back is not None and frame.f_code is not self._code:
            code = frame.f_code
            unpacks |= code.co_name == "<genexpr>" and code.co_filename == fx.proxy.__file__
            frame = frame.f_back
        if frame.f_code is self._code:
            for name, value in frame.f_locals.items():
                if isinstance(value, fx.Proxy) and name.isidentifier():
                    known = self.names.setdefault(value.node, [])
                    if name not in known:
                        known.append(name)
        made = super().create_proxy(*args, **kwargs)
        if unpacks:
            self.unpacked.add(made.node)
        return made


def trace(module: nn.Module, path: str) -> Traced:
    """Trace the forward of one module; parameters that have a default keep it.

    Raises:
        ExportError: The forward cannot be traced, or changes a tensor in place unseen.
    """
    tracer = _Children(module)
    try:
        graph = tracer.trace(module, concrete_args=_defaults(module))
    except Exception as error:
        reason = (str(error).strip().splitlines() or ["no message"])[0]
        raise ExportError(
            f"The forward of {path or 'the network'} ({type(module).__qualname__}) cannot be "
            f"traced, so that it cannot be written as source: {type(error).__name__}: {reason}. "
            "Write it without branches on values, or move them into a module of torch.nn."
        ) from error
    for node in graph.nodes:
        name = str(node.target)
        changes = node.op == "call_method" and name.endswith("_") and not name.endswith("__")
        if changes and not node.users:
            raise ExportError(
                f"The forward of {path or 'the network'} ({type(module).__qualname__}) calls "
                f"`.{name}()`, which changes a tensor in place; write `.{name[:-1]}()` and use "
                "its result."
            )
    _drop_unused(graph, tracer.unpacked)
    inputs = [n for n in graph.nodes if n.op == "placeholder" and (n.users or not n.args)]
    return Traced(graph, inputs, tracer.names, tracer.unpacked)


def _defaults(module: nn.Module) -> dict[str, Any]:
    parameters = inspect.signature(module.forward).parameters.values()
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {
        p.name: p.default for p in parameters if p.default is not p.empty and p.kind not in kinds
    }


def _drop_unused(graph: fx.Graph, unpacked: set[fx.Node]) -> None:
    """Remove what only guards the defaults, then all that leads nowhere."""
    for node in reversed(list(graph.nodes)):
        guard = getattr(node.target, "__name__", "") in ("_assert", "_assert_is_none")
        if node.op == "call_function" and guard:
            graph.erase_node(node)
    for node in reversed(list(graph.nodes)):
        kept = node.op in ("placeholder", "output") or node.users
        if not kept and not (node in unpacked and any(n.users for n in node.args[0].users)):
            graph.erase_node(node)
