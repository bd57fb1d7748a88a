"""The forward of one module as Python statements."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn

from netwright.errors import ExportError
from netwright.export.source.operators import ATOM, POWER, SIGNS, UNARY, Sign
from netwright.export.source.trace import Traced, trace

Text = tuple[str, int]
"""An expression and how tightly its outermost operator binds."""

_LONG, _NESTED = 60, 3  # characters and calls of an expression that is written where it is used
_MARK = re.compile("\ue000(\\d+)\ue001")
_SIMPLE = re.compile(r"-?[\w.]+|-?" + _MARK.pattern)


@dataclass
class Forward:
    """A forward's inputs and lines; the numbers in it are marks that point into `literals`."""

    inputs: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    literals: list[int | float] = field(default_factory=list)

    def written(self, texts: list[str]) -> list[str]:
        """The lines with these texts for the literals."""
        return [_MARK.sub(lambda found: texts[int(found[1])], line) for line in self.lines]


def forward_of(module: nn.Module, path: str, reach: Callable[[str], str]) -> Forward:
    """The forward of a module as it stands in its class.

    `reach(target)` gives the text by which a child or tensor is reached, such as "self.conv".

    Raises:
        ExportError: The forward cannot be traced, or does what source cannot say.
    """
    return _Writer(trace(module, path), path, reach).write()


class _Writer:
    """Prints a graph: a value without a name of its own is written where it is next needed."""

    def __init__(self, traced: Traced, path: str, reach: Callable[[str], str]) -> None:
        self._traced, self._path, self._reach = traced, path, reach
        self._text: dict[fx.Node, Text] = {}
        self._bound: dict[str, fx.Node] = {}  # variable to the value it holds now
        self._waiting: list[fx.Node] = []  # values whose text is written where they are used
        self._order = {node: i for i, node in enumerate(traced.graph.nodes)}
        self._made = Forward()

    def write(self) -> Forward:
        for node in self._traced.inputs:
            self._bind(str(node.target), node)
            self._made.inputs.append(str(node.target))
        for node in self._traced.graph.nodes:
            if node.op == "output":
                self._line(f"return {self._value(node.args[0])[0]}")
            elif node.op != "placeholder" and node not in self._text:
                self._statement(node)
        return self._made

    def _statement(self, node: fx.Node) -> None:
        parts = [user for user in node.users if user in self._traced.unpacked]
        text = self._expression(node)
        if parts and len(parts) == len(node.users):
            self._unpack(node, text[0], parts)
        elif self._in_place(node, text[0]):
            self._text[node] = text
            self._waiting.append(node)
        else:
            name = self._name(node)
            self._line(f"{name} = {text[0]}")
            self._bind(name, node)

    def _unpack(self, node: fx.Node, text: str, parts: list[fx.Node]) -> None:
        if sum(bool(part.users) for part in parts) == 1:
            self._text[node] = (text, 0) if " " in text else (text, ATOM)
            self._waiting.append(node)
            for part in parts:
                self._text.setdefault(part, ("_", ATOM)) if not part.users else None
            return
        names = []
        for part in parts:
            names.append(self._name(part) if part.users else "_")
            self._bind(names[-1], part)
        self._line(f"{', '.join(names)} = {text}")

    def _in_place(self, node: fx.Node, text: str) -> bool:
        """Whether a value is written where it is used: once, and short, or at once returned."""
        if node.op == "get_attr":
            return True
        uses = sum(_count(user.args, node) + _count(user.kwargs, node) for user in node.users)
        if uses != 1:
            return False
        if next(iter(node.users)).op == "output":
            return True
        named = bool(self._traced.names.get(node))
        return not named and text.count("(") <= _NESTED and len(text) <= _LONG

    def _name(self, node: fx.Node) -> str:
        """The variable that held the value, or one that nothing needs any more, or a new one."""
        held = self._traced.names.get(node, [])
        for base in held:
            if self._is_free(base, node) or self._moved(base, node):
                return base
        first = node.all_input_nodes[0] if node.all_input_nodes else None
        if not held and first is not None:
            before = self._text[first][0]
            if before in self._bound and self._is_free(before, node):
                return before
        base = held[0] if held else _noun(node)
        name, number = base, 2
        while name in self._bound:
            name, number = f"{base}{number}", number + 1
        return name

    def _is_free(self, name: str, node: fx.Node) -> bool:
        """Whether no value after `node` is read from this variable."""
        bound = self._bound.get(name)
        if bound is None:
            return True
        now = self._order[node]
        return not any(self._order[u] > now for u in bound.users) and not self._awaits(name, now)

    def _awaits(self, name: str, now: int) -> bool:
        word = re.compile(r"(?<![.\w])" + re.escape(name) + r"\b")
        return any(
            word.search(self._text[value][0]) and any(self._order[u] > now for u in value.users)
            for value in self._waiting
        )

    def _moved(self, name: str, node: fx.Node) -> bool:
        """Move the value of a variable to the other name it had, as in `identity = x`."""
        value = self._bound[name]
        if self._awaits(name, self._order[node]):
            return False
        for other in self._traced.names.get(value, []):
            if other not in self._bound:
                self._line(f"{other} = {name}")
                self._bind(other, value)
                # the text of `node` is made before the move and still reads `name`, which holds
                return True
        return False

    def _bind(self, name: str, node: fx.Node) -> None:
        self._bound[name] = node
        self._text[node] = (name, ATOM)

    def _line(self, text: str) -> None:
        self._made.lines.append(text)

    def _expression(self, node: fx.Node) -> Text:
        if node.op == "call_module":
            return f"{self._reach(str(node.target))}({self._arguments(node)})", ATOM
        if node.op == "get_attr":
            return self._reach(str(node.target)), ATOM
        if node.op == "call_method":
            owner, *rest = node.args
            return (
                f"{self._tight(owner, ATOM)}.{node.target}({self._list(rest, node.kwargs)})",
                ATOM,
            )
        return self._function(node)

    def _function(self, node: fx.Node) -> Text:
        function: Any = node.target
        name = getattr(function, "__name__", "")
        sign = SIGNS.get(function)
        if sign is not None and len(node.args) == 2 and not node.kwargs:
            return self._binary(sign, node.args[0], node.args[1])
        if name == "neg" and len(node.args) == 1:
            return f"-{self._tight(node.args[0], UNARY)}", UNARY
        if name == "invert":
            return f"~{self._tight(node.args[0], UNARY)}", UNARY
        if name == "getattr":
            return f"{self._tight(node.args[0], ATOM)}.{node.args[1]}", ATOM
        if name == "getitem":
            return f"{self._tight(node.args[0], ATOM)}[{self._index(node.args[1])}]", ATOM
        return f"{self._function_name(function)}({self._arguments(node)})", ATOM

    def _binary(self, sign: Sign, left: Any, right: Any) -> Text:
        if sign.text == "+" and left == 0 and isinstance(left, int):  # where `sum` begins
            return self._value(right)
        a, b = self._tight(left, sign.left), self._tight(right, sign.right)
        hugs = sign.rank == POWER and _SIMPLE.fullmatch(a) and _SIMPLE.fullmatch(b)
        return (f"{a}{sign.text}{b}" if hugs else f"{a} {sign.text} {b}"), sign.rank

    def _function_name(self, function: Any) -> str:
        name = getattr(function, "__name__", "")
        if getattr(torch.nn.functional, name, None) is function:
            return f"F.{name}"
        if getattr(torch, name, None) is function:
            return f"torch.{name}"
        for place in ("linalg", "special", "fft"):
            if getattr(getattr(torch, place), name.removeprefix(f"{place}_"), None) is function:
                return f"torch.{place}.{name.removeprefix(f'{place}_')}"
        module = getattr(function, "__module__", None)
        if function in (abs, len, max, min, round):
            return str(name)
        raise ExportError(
            f"The forward of {self._path or 'the network'} calls {module}.{name}, which is not "
            "torch's own and cannot be written as source. Use functions of torch."
        )

    def _arguments(self, node: fx.Node) -> str:
        kwargs = dict(node.kwargs)
        if node.op == "call_function":
            kwargs = {k: v for k, v in kwargs.items() if not _is_default(node.target, k, v)}
        return self._list(list(node.args), kwargs)

    def _list(self, args: list[Any], kwargs: dict[str, Any]) -> str:
        parts = [self._value(a)[0] for a in args]
        for name, value in kwargs.items():
            text = "self.training" if name == "training" and value is False else None
            parts.append(f"{name}={text or self._value(value)[0]}")
        return ", ".join(parts)

    def _tight(self, value: Any, rank: int) -> str:
        text, own = self._value(value)
        return text if own >= rank else f"({text})"

    def _value(self, value: Any) -> Text:
        if isinstance(value, fx.Node):
            return self._text[value]
        if isinstance(value, tuple | list):
            inner = ", ".join(self._value(v)[0] for v in value)
            if isinstance(value, list):
                return f"[{inner}]", ATOM
            return (f"({inner},)" if len(value) == 1 else f"({inner})"), ATOM
        if isinstance(value, bool | None | torch.dtype | torch.layout):
            return str(value), ATOM
        if isinstance(value, int | float):
            self._made.literals.append(value)
            rank = UNARY if value < 0 else ATOM
            return f"\ue000{len(self._made.literals) - 1}\ue001", rank
        if isinstance(value, str):
            return (f'"{value}"' if '"' not in value and "\\" not in value else repr(value)), ATOM
        raise ExportError(
            f"The forward of {self._path or 'the network'} holds the value {value!r}, which "
            "cannot be written as source. Register it as a buffer or pass a plain number."
        )

    def _index(self, index: Any) -> str:
        def part(i: Any) -> str:
            if isinstance(i, slice):
                ends = [i.start, i.stop] + ([i.step] if i.step is not None else [])
                return ":".join("" if e is None else self._value(e)[0] for e in ends)
            return "..." if i is Ellipsis else self._value(i)[0]

        return ", ".join(map(part, index)) if isinstance(index, tuple) else part(index)


def _count(value: Any, node: fx.Node) -> int:
    """How often a node stands in arguments."""
    if isinstance(value, fx.Node):
        return int(value is node)
    if isinstance(value, tuple | list):
        return sum(_count(v, node) for v in value)
    if isinstance(value, dict):
        return sum(_count(v, node) for v in value.values())
    if isinstance(value, slice):
        return sum(_count(v, node) for v in (value.start, value.stop, value.step))
    return 0


def _noun(node: fx.Node) -> str:
    """A name for a value that had none: its module's, else y."""
    base = str(node.target).rpartition(".")[2] if node.op == "call_module" else "y"
    usable = base.isidentifier() and not keyword.iskeyword(base) and base not in ("F", "nn")
    return base if usable else "y"


def _is_default(function: Any, name: str, value: Any) -> bool:
    if name == "training":
        return False
    dispatched = getattr(torch.nn.functional, f"_{getattr(function, '__name__', '')}", function)
    try:
        default = inspect.signature(dispatched).parameters[name].default
    except (ValueError, TypeError, KeyError):
        return name == "inplace" and value is False
    return type(default) is type(value) and bool(default == value)
