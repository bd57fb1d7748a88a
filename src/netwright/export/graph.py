"""The forward of one module as Python statements, its children taken as they are."""

from __future__ import annotations

import keyword
import operator
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import fx, nn

from netwright.errors import ExportError

_BINARY = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.pow: "**",
    operator.matmul: "@",
    operator.iadd: "+",
    operator.imul: "*",
    operator.isub: "-",
    operator.itruediv: "/",
    torch.add: "+",
    torch.sub: "-",
    torch.mul: "*",
    torch.matmul: "@",
}
_UNARY = {operator.neg: "-"}
_TIGHT = {"*": 2, "/": 2, "//": 2, "%": 2, "@": 2, "**": 3, "+": 1, "-": 1}
_ATOM = 9  # binds tighter than any operator


class _Children(fx.Tracer):
    """Traces one module and stops at each of its children."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True


def statements(
    module: nn.Module, path: str, call: Callable[[str], str]
) -> tuple[list[str], list[str]]:
    """Names of the inputs and the lines of `forward`.

    `call(target)` gives the text by which a child is reached, such as "self.conv".

    Raises:
        ExportError: The forward cannot be traced, or does what source cannot say.
    """
    try:
        graph = _Children().trace(module)
        graph = fx.GraphModule(module, graph).graph
        graph.eliminate_dead_code()
    except Exception as error:
        raise ExportError(
            f"The forward of {path or 'the network'} ({type(module).__qualname__}) cannot be "
            f"traced, so that it cannot be written as source: {type(error).__name__}: {error}. "
            "Write it without branches on values, or move them into a module of torch.nn."
        ) from error
    return _Writer(graph, path, call).write()


class _Writer:
    """Prints a graph: a value that is used once where it is next needed is written in place."""

    def __init__(self, graph: fx.Graph, path: str, call: Callable[[str], str]) -> None:
        self._graph, self._path, self._call = graph, path, call
        self._text: dict[fx.Node, tuple[str, int]] = {}
        self._lines: list[str] = []
        self._names: set[str] = set()
        self._order = {node: i for i, node in enumerate(graph.nodes)}
        self._waiting: list[fx.Node] = []  # written where they are used

    def write(self) -> tuple[list[str], list[str]]:
        inputs = [n for n in self._graph.nodes if n.op == "placeholder"]
        for node in inputs:
            self._names.add(str(node.target))
            self._text[node] = (str(node.target), _ATOM)
        nodes = [n for n in self._graph.nodes if n.op != "placeholder"]
        for node in nodes:
            if node.op == "output":
                self._lines.append(f"return {self._value(node.args[0])[0]}")
            elif self._in_place(node):
                self._text[node] = self._expression(node)
                self._waiting.append(node)
            else:
                text = self._expression(node)[0]
                name = self._name(node)
                self._lines.append(f"{name} = {text}")
                self._text[node] = (name, _ATOM)
        return [str(n.target) for n in inputs], self._lines

    def _in_place(self, node: fx.Node) -> bool:
        """Whether a value is written where it is used: once, soon, and not too long."""
        if node.op == "get_attr":
            return True
        if len(node.users) != 1:
            return False
        text = self._expression(node)[0]
        return text.count("(") <= 3 and len(text) <= 60

    def _name(self, node: fx.Node) -> str:
        """`x` for a value that takes the place of x, a telling name for one that stays."""
        first = node.all_input_nodes[0] if node.all_input_nodes else None
        if first and self._text[first] == ("x", _ATOM) and self._is_last(first, node):
            return "x"
        source = str(node.target) if node.op == "call_module" else node.name
        base = source.rpartition(".")[2].rstrip("0123456789_") or "y"
        if keyword.iskeyword(base) or not base.isidentifier():
            base = "y"
        name, number = base, 2
        while name in self._names:
            name, number = f"{base}{number}", number + 1
        self._names.add(name)
        return name

    def _is_last(self, value: fx.Node, node: fx.Node) -> bool:
        """Whether nothing behind `node` reads `value`, nor text that still waits for its place."""
        now = self._order[node]
        if any(self._order[user] > now for user in value.users):
            return False
        word = re.compile(r"(?<![.\w])" + re.escape(self._text[value][0]) + r"\b")
        return not any(
            word.search(self._text[waiting][0]) and self._order[user] > now
            for waiting in self._waiting
            for user in waiting.users
        )

    def _expression(self, node: fx.Node) -> tuple[str, int]:
        if node.op == "call_module":
            return f"{self._call(str(node.target))}({self._arguments(node)})", _ATOM
        if node.op == "get_attr":
            return f"self.{node.target}", _ATOM
        if node.op == "call_method":
            owner, *rest = node.args
            inner = self._list(rest, node.kwargs)
            return f"{self._tight(owner, _ATOM)}.{node.target}({inner})", _ATOM
        return self._function(node)

    def _function(self, node: fx.Node) -> tuple[str, int]:
        function = node.target
        assert callable(function)
        if function in _BINARY and len(node.args) == 2 and not node.kwargs:
            sign = _BINARY[function]
            rank = _TIGHT[sign]
            left, right = self._tight(node.args[0], rank), self._tight(node.args[1], rank + 1)
            return f"{left} {sign} {right}", rank
        if function in _UNARY:
            return f"-{self._tight(node.args[0], 2)}", 2
        if function is getattr:
            return f"{self._tight(node.args[0], _ATOM)}.{node.args[1]}", _ATOM
        if function is operator.getitem:
            return f"{self._tight(node.args[0], _ATOM)}[{self._index(node.args[1])}]", _ATOM
        return f"{self._function_name(function)}({self._arguments(node)})", _ATOM

    def _function_name(self, function: Any) -> str:
        name = getattr(function, "__name__", "")
        if getattr(torch.nn.functional, name, None) is function:
            return f"nn.functional.{name}"
        if getattr(torch, name, None) is function:
            return f"torch.{name}"
        module = getattr(function, "__module__", None)
        if module == "builtins" or function in (sum, len, min, max, abs):
            return str(name)
        raise ExportError(
            f"The forward of {self._path or 'the network'} calls {module}.{name}, which is not "
            "torch's own and cannot be written as source. Use functions of torch."
        )

    def _arguments(self, node: fx.Node) -> str:
        return self._list(list(node.args), node.kwargs)

    def _list(self, args: list[Any], kwargs: dict[str, Any]) -> str:
        parts = [self._value(a)[0] for a in args]
        parts += [f"{name}={self._value(value)[0]}" for name, value in kwargs.items()]
        return ", ".join(parts)

    def _tight(self, value: Any, rank: int) -> str:
        text, own = self._value(value)
        return text if own >= rank else f"({text})"

    def _value(self, value: Any) -> tuple[str, int]:
        if isinstance(value, fx.Node):
            return self._text[value]
        if isinstance(value, tuple):
            inner = ", ".join(self._value(v)[0] for v in value)
            return (f"({inner},)" if len(value) == 1 else f"({inner})"), _ATOM
        if isinstance(value, list):
            return f"[{', '.join(self._value(v)[0] for v in value)}]", _ATOM
        if isinstance(value, torch.dtype | torch.layout):
            return str(value), _ATOM
        if isinstance(value, str | int | float | bool | None):
            return _literal(value), _ATOM
        raise ExportError(
            f"The forward of {self._path or 'the network'} holds the value {value!r}, which "
            "cannot be written as source."
        )

    def _index(self, index: Any) -> str:
        def part(i: Any) -> str:
            if isinstance(i, slice):
                ends = [i.start, i.stop] + ([i.step] if i.step is not None else [])
                return ":".join("" if e is None else self._value(e)[0] for e in ends)
            return "..." if i is Ellipsis else self._value(i)[0]

        return ", ".join(map(part, index)) if isinstance(index, tuple) else part(index)


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) and '"' not in value else repr(value)
