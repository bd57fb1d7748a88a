"""The classes of a network's source: one for each of the user's own that it is made of.

Instances of one class whose source differs in numbers alone become one class with constructor
parameters: positions that always hold equal numbers share one, named after the first keyword.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from netwright.errors import ExportError
from netwright.export.constructors import Argument, arguments, is_torch
from netwright.export.graph import statements

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_CONSTANT = 64  # elements of a constant tensor that is written out


@dataclass
class Part:
    """A module as its constructor's text will have it.

    `numbers` are the (keyword, value) pairs of all numeric arguments below, in order; `shape` is
    all else, equal for parts whose source can be one class.
    """

    module: nn.Module
    path: str
    arguments: list[Argument] = field(default_factory=list)
    children: list[tuple[str, Part]] = field(default_factory=list)
    tensors: list[tuple[str, str, tuple[int, ...]]] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    forward: list[str] = field(default_factory=list)
    own: bool = False  # a class of the user's, to be written

    def numbers(self) -> list[tuple[str, Any]]:
        """Numeric arguments of this part and of those below."""
        found = [(a.name, a.value) for a in self.arguments if _is_number(a.value)]
        found += [(f"{name}_shape", shape) for _, name, shape in self.tensors]
        for _, child in self.children:
            found += child.numbers()
        return found

    def shape(self) -> str:
        """All but the numbers, as text."""
        fixed = [(a.name, None if _is_number(a.value) else repr(a.value)) for a in self.arguments]
        inner = [(name, child.shape()) for name, child in self.children]
        tensors = [(kind, name) for kind, name, _ in self.tensors]
        return repr((type(self.module).__name__, fixed, tensors, inner, self.inputs, self.forward))

    def walk(self) -> Iterator[Part]:
        """This part after all below it."""
        for _, child in self.children:
            yield from child.walk()
        yield self


def part_of(module: nn.Module, path: str = "", *, root: bool = True) -> Part:
    """The tree of parts of a network.

    Raises:
        ExportError: A module cannot be written as source.
    """
    part = Part(module, path)
    own_children = list(module.named_children())
    container = type(module) in _CONTAINERS
    if is_torch(module) and not container:
        part.arguments = arguments(module, path)
        return part
    part.own = not container or (root and type(module) is not nn.Sequential)
    if not container:
        part.inputs, part.forward = statements(module, path, _reach)
        part.tensors = list(_tensors(module, path))
    part.children = [
        (name, part_of(child, f"{path}.{name}".lstrip("."), root=False))
        for name, child in own_children
    ]
    return part


@dataclass
class Class:
    """A class to write: its parts have equal shapes; `parameters` maps a position to a name."""

    name: str
    parts: list[Part]
    parameters: dict[int, str]

    @property
    def names(self) -> list[str]:
        """Constructor parameters in the order of their first position."""
        return list(dict.fromkeys(self.parameters.values()))

    def position(self, name: str) -> int:
        """The first position of a parameter."""
        return next(i for i, other in self.parameters.items() if other == name)


def classes_of(root: Part) -> list[Class]:
    """The classes of a network, each after those it uses; the root's is last if it has one."""
    groups: dict[str, list[Part]] = {}
    for part in root.walk():
        if part.own:
            groups.setdefault(part.shape() + ("root" if part is root else ""), []).append(part)
    taken: set[str] = {"Network"}
    made = []
    for parts in groups.values():
        name = "Network" if parts[0] is root else _free(type(parts[0].module).__name__, taken)
        made.append(Class(name, parts, _parameters(parts)))
    return made


def _parameters(parts: list[Part]) -> dict[int, str]:
    """Position in `numbers` to parameter, for the positions whose values differ among the parts."""
    columns = list(zip(*(part.numbers() for part in parts), strict=True))
    names: dict[tuple[Any, ...], str] = {}
    found: dict[int, str] = {}
    taken: set[str] = {"self"}
    for position, column in enumerate(columns):
        values = tuple(value for _, value in column)
        if len(set(map(repr, values))) > 1:
            key = tuple(map(repr, values))
            if key not in names:
                names[key] = _free(column[0][0], taken)
            found[position] = names[key]
    return found


class Writer:
    """Prints parts as constructor calls, and classes."""

    def __init__(self, classes: list[Class]) -> None:
        self._class = {id(part): made for made in classes for part in made.parts}

    def write(self, made: Class) -> list[str]:
        """The lines of a class, unformatted but for indentation."""
        part = made.parts[0]
        texts = [
            made.parameters.get(i, _text(value)) for i, (_, value) in enumerate(part.numbers())
        ]
        init = self.constructor_lines(part, texts)
        parameters = "".join(f", {name}" for name in made.names)
        lines = [f"class {made.name}(nn.Module):"]
        if init:
            lines += [f"    def __init__(self{parameters}):", "        super().__init__()"]
            lines += [f"        {line}" for line in init]
            lines.append("")
        lines.append(f"    def forward(self, {', '.join(part.inputs)}):")
        lines += [f"        {line}" for line in part.forward]
        return lines

    def constructor_lines(self, part: Part, texts: list[str]) -> list[str]:
        """The assignments of `__init__`."""
        at = sum(_is_number(a.value) for a in part.arguments)
        lines = []
        for kind, name, _ in part.tensors:
            lines.append(_tensor_line(kind, name, part, texts[at]))
            at += 1
        for name, child in part.children:
            count = len(child.numbers())
            lines.append(f"self.{name} = {self.call(child, texts[at : at + count])}")
            at += count
        return lines

    def call(self, part: Part, texts: list[str]) -> str:
        """The expression that constructs a part, with these texts for its numbers."""
        if part.own:
            made = self._class[id(part)]
            given = (f"{name}={texts[made.position(name)]}" for name in made.names)
            return f"{made.name}({', '.join(given)})"
        kind = type(part.module).__name__
        if isinstance(part.module, _CONTAINERS):
            return self._container(part, texts)
        values = iter(texts)
        given = []
        for argument in part.arguments:
            text = next(values) if _is_number(argument.value) else _text(argument.value)
            lifted = _is_number(argument.value) and not _is_literal(text)
            if argument.required:
                given.append(text)
            elif argument.told or lifted:
                given.append(f"{argument.name}={text}")
        return f"nn.{kind}({', '.join(given)})"

    def _container(self, part: Part, texts: list[str]) -> str:
        inner, at = [], 0
        for name, child in part.children:
            count = len(child.numbers())
            inner.append((name, self.call(child, texts[at : at + count])))
            at += count
        numbered = [name for name, _ in inner] == [str(i) for i in range(len(inner))]
        if isinstance(part.module, nn.ModuleList):
            return f"nn.ModuleList([{', '.join(call for _, call in inner)}])"
        if isinstance(part.module, nn.Sequential) and numbered:
            return f"nn.Sequential({', '.join(call for _, call in inner)})"
        pairs = "{" + ", ".join(f'"{name}": {call}' for name, call in inner) + "}"
        if isinstance(part.module, nn.ModuleDict):
            return f"nn.ModuleDict({pairs})"
        return f"nn.Sequential(OrderedDict({pairs}))"


def _reach(target: str) -> str:
    """A child's path as an expression: "blocks.0.conv" is `self.blocks[0].conv`."""
    return "self" + re.sub(r"\.(\d+)", r"[\1]", "." + target)


def _tensors(module: nn.Module, path: str) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    for name, parameter in module.named_parameters(recurse=False):
        yield "parameter", name, tuple(parameter.shape)
    for name, buffer in module.named_buffers(recurse=False):
        kept = name not in module._non_persistent_buffers_set
        if not kept and buffer.numel() > _CONSTANT:
            raise _constant(path, name, buffer)
        yield ("buffer" if kept else "constant"), name, tuple(buffer.shape)
    for name, value in vars(module).items():
        if isinstance(value, Tensor):
            if value.numel() > _CONSTANT:
                raise _constant(path, name, value)
            yield "constant", name, tuple(value.shape)


def _constant(path: str, name: str, value: Tensor) -> ExportError:
    return ExportError(
        f"The tensor {name!r} of {path or 'the network'} holds {value.numel()} values that are in "
        "no state dict, so that they cannot be saved; register it as a persistent buffer."
    )


def _tensor_line(kind: str, name: str, part: Part, shape: str) -> str:
    if kind == "parameter":
        return f"self.{name} = nn.Parameter(torch.empty({shape}))"
    value = getattr(part.module, name)
    if kind == "buffer":
        dtype = "" if value.dtype == torch.float32 else f", dtype={value.dtype}"
        return f'self.register_buffer("{name}", torch.empty({shape}{dtype}))'
    text = f"torch.tensor({value.tolist()}, dtype={value.dtype})"
    return f'self.register_buffer("{name}", {text}, persistent=False)'


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, tuple):
        return bool(value) and all(_is_number(v) for v in value)
    return isinstance(value, int | float)


def _is_literal(text: str) -> bool:
    return not text[:1].isalpha()


def _text(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _free(name: str, taken: set[str]) -> str:
    name = name.lstrip("_") or "Block"
    made, number = name, 2
    while made in taken:
        made, number = f"{name}{number}", number + 1
    taken.add(made)
    return made
