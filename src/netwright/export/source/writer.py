"""The text of classes and of the calls that construct their instances."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from netwright.export.source.classes import Class
from netwright.export.source.parts import LITERAL, Own, Part, is_container, is_number

_DOC = 90  # characters of a docstring's first line that is taken over


class Writer:
    """Prints parts as constructor calls, and classes; lines are not yet broken."""

    def __init__(self, classes: list[Class]) -> None:
        self._class = {id(part): made for made in classes for part in made.parts}

    def block(self, made: Class) -> list[str]:
        """The lines of a class."""
        part = made.parts[0]
        texts = [made.parameters.get(i) or text(n.value) for i, n in enumerate(part.numbers)]
        lines = [f"class {made.name}(nn.{part.base}):", *_docstring(part)]
        first, *others = self.constructor(part, texts)
        body = [first, *self._attributes(made), *others]
        if body[1:] or is_container(part.module):
            names = "".join(f", {name}" for name in made.names)
            lines += [f"    def __init__(self{names}):", *(f"        {line}" for line in body), ""]
        if part.forward.lines:
            inputs = ", ".join(["self", *part.forward.inputs])
            lines.append(f"    def forward({inputs}):")
            lines += [f"        {line}" for line in self.forward(part, made)]
        if len(lines) == 1:
            lines.append("    pass")
        return lines if lines[-1] else lines[:-1]

    def constructor(self, part: Part, texts: list[str]) -> list[str]:
        """The statements of `__init__`, with these texts for the part's numbers."""
        at = len(part.forward.literals)
        count = sum(is_number(a.value) for a in part.arguments)
        given = self._given(part, texts[at : at + count])
        at += count
        tensors = []
        for own in part.tensors:
            sizes = texts[at : at + own.value.dim()]
            tensors.append(_tensor_line(own, sizes))
            at += len(sizes)
        calls = self._calls(part, texts[at:])
        if is_container(part.module):
            return [f"super().__init__({_elements(part, calls)})", *tensors]
        children = [_child_line(name, call) for name, call in calls]
        aliases = [f"self.{name} = self.{other}" for name, other in part.aliases]
        cast = [f"self.to({part.dtype})"] if part.dtype else []
        return [f"super().__init__({given})", *cast, *tensors, *children, *aliases]

    def forward(self, part: Part, made: Class | None = None) -> list[str]:
        """The statements of `forward`."""
        parameters = made.parameters if made else {}
        texts = [
            f"self.{parameters[i]}" if i in parameters else text(value)
            for i, value in enumerate(part.forward.literals)
        ]
        return part.forward.written(texts)

    def call(self, part: Part, texts: list[str]) -> str:
        """The expression that constructs a part, with these texts for its numbers."""
        if part.own:
            made = self._class[id(part)]
            found = {name: texts[made.position(name)] for name in made.names}
            given = [t if made.leads(name) else f"{name}={t}" for name, t in found.items()]
            return f"{made.name}({', '.join(given)})"
        if is_container(part.module):
            return f"nn.{part.base}({_elements(part, self._calls(part, texts))})"
        cast = f".to({part.dtype})" if part.dtype else ""
        return f"nn.{part.base}({self._given(part, texts)}){cast}"

    def _attributes(self, made: Class) -> list[str]:
        """Assignments of the parameters that the forward reads."""
        part = made.parts[0]
        read = [
            made.parameters[i]
            for i, number in enumerate(part.numbers)
            if number.keyword == LITERAL and number.owner is None and i in made.parameters
        ]
        return [f"self.{name} = {name}" for name in dict.fromkeys(read)]

    def _calls(self, part: Part, texts: list[str]) -> list[tuple[str, str]]:
        at, calls = 0, []
        for name, child in part.children:
            count = len(child.numbers)
            calls.append((name, self.call(child, texts[at : at + count])))
            at += count
        return calls

    def _given(self, part: Part, texts: list[str]) -> str:
        """The arguments of one of torch's layers; the first number needs no name."""
        values = iter(texts)
        given: list[str] = []
        for index, argument in enumerate(part.arguments):
            number = is_number(argument.value)
            shown = next(values) if number else text(argument.value)
            lifted = number and shown != text(argument.value)
            plain = number and argument.name not in ("dim", "start_dim")
            if argument.required or (index == 0 and plain and (argument.told or lifted)):
                given.append(shown)
            elif argument.told or lifted:
                given.append(f"{argument.name}={shown}")
        return ", ".join(given)


def text(value: Any) -> str:
    """A constant as Python."""
    if isinstance(value, str):
        return f'"{value}"' if '"' not in value and "\\" not in value else repr(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, torch.nn.Module):
        return f"nn.{type(value).__name__}()"
    return repr(value)


def _elements(part: Part, calls: list[tuple[str, str]]) -> str:
    """What a container is made of."""
    inner = ", ".join(call for _, call in calls)
    if isinstance(part.module, nn.ModuleList):
        return f"[{inner}]"
    numbered = [name for name, _ in calls] == [str(i) for i in range(len(calls))]
    if isinstance(part.module, nn.Sequential) and numbered:
        return inner
    pairs = "{" + ", ".join(f'"{name}": {call}' for name, call in calls) + "}"
    return pairs if isinstance(part.module, nn.ModuleDict) else f"OrderedDict({pairs})"


def _child_line(name: str, call: str) -> str:
    return f"self.{name} = {call}" if name.isidentifier() else f'self.add_module("{name}", {call})'


def _tensor_line(own: Own, sizes: list[str]) -> str:
    value = own.value
    dtype = "" if value.dtype == torch.float32 else f", dtype={value.dtype}"
    empty = f"torch.empty({', '.join(sizes) or '()'}{dtype})"
    if own.kind == "parameter":
        frozen = "" if value.dtype.is_floating_point else ", requires_grad=False"
        return f"self.{own.name} = nn.Parameter({empty}{frozen})"
    if own.kind == "buffer":
        return f'self.register_buffer("{own.name}", {empty})'
    told = f"torch.tensor({value.tolist()}{dtype})".replace("inf", 'float("inf")')
    return f'self.register_buffer("{own.name}", {told}, persistent=False)'


def _docstring(part: Part) -> list[str]:
    """The first line of what the user's class says of itself."""
    told = (vars(type(part.module)).get("__doc__") or "").strip().partition("\n")[0].strip()
    usable = told and len(told) <= _DOC and '"""' not in told and "\\" not in told
    return [f'    """{told}"""', ""] if usable and not told.endswith('"') else []
