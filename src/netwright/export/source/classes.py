"""The classes of a network's source: one for each of the user's own that it is made of.

Instances of one class whose source differs in numbers alone become one class with constructor
parameters: places that always hold equal numbers share one, named after the first keyword.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from netwright.export.source.parts import LITERAL, Number, Part

_LEADING = re.compile(r"(in|out|hidden)_\w+|num_features|embed_dim|dim|width|channels")


@dataclass
class Class:
    """A class to write: its parts have equal shapes; `parameters` maps a place to a
    parameter, or to an expression of one."""

    name: str
    parts: list[Part]
    parameters: dict[int, str]

    @property
    def names(self) -> list[str]:
        """Constructor parameters: the sizes, which are given without their names, then others."""
        names = [name for name in dict.fromkeys(self.parameters.values()) if name.isidentifier()]
        return sorted(names, key=lambda name: (not self.leads(name), _rank(name)))

    def leads(self, name: str) -> bool:
        """Whether a parameter is given without its name."""
        return _LEADING.fullmatch(name.rstrip("0123456789")) is not None

    def position(self, name: str) -> int:
        """The first place of a parameter."""
        return next(i for i, other in self.parameters.items() if other == name)


def classes_of(root: Part) -> list[Class]:
    """The classes of a network, each after those it uses; the root's `Network` is the last."""
    groups: dict[str, list[Part]] = {}
    for part in root.walk():
        if part.own:
            groups.setdefault("" if part is root else part.shape, []).append(part)
    taken: set[str] = {"Network", "Path", "F"}
    known: dict[int, Class] = {}
    for parts in groups.values():
        last = parts[0] is root
        name = "Network" if last else _free(_class_name(parts[0]), taken)
        made = Class(name, parts, {} if last else _parameters(parts, known))
        known |= {id(part): made for part in parts}
    return list({id(made): made for made in known.values()}.values())


def _parameters(parts: list[Part], known: dict[int, Class]) -> dict[int, str]:
    """Place to parameter, for the places whose numbers differ among the parts."""
    columns = list(zip(*(part.numbers for part in parts), strict=True))
    groups: dict[tuple[str, ...], list[int]] = {}
    for at, column in enumerate(columns):
        key = tuple(repr(number.value) for number in column)
        if len(set(key)) > 1:
            groups.setdefault(key, []).append(at)
    outs = [
        at
        for at, column in enumerate(columns)
        if column[0].keyword.startswith("out_") and column[0].owner is None
    ]
    taken = {"self"}
    found: dict[int, str] = {}
    for places in sorted(groups.values(), key=lambda places: _first(columns, places)):
        name = _free(_parameter(parts, columns, places, known, outs[-1:]), taken)
        found |= dict.fromkeys(places, name)
    return _derived(found, columns)


def _derived(found: dict[int, str], columns: list[tuple[Number, ...]]) -> dict[int, str]:
    """Paddings that always are half of a kernel are written as that."""
    kernels = {name: at for at, name in found.items() if name.startswith("kernel_size")}
    made = dict(found)
    for at, name in found.items():
        if columns[at][0].keyword == LITERAL:
            continue
        for kernel, other in kernels.items():
            pairs = [(a.value, b.value) for a, b in zip(columns[at], columns[other], strict=True)]
            ints = all(isinstance(a, int) and isinstance(b, int) for a, b in pairs)
            if name.startswith("padding") and ints and all(a == b // 2 for a, b in pairs):
                made[at] = f"{kernel} // 2"
                break
    return made


def _first(columns: list[Any], places: list[int]) -> int:
    """The first place in the constructor, which is where a person meets the number."""
    return min((at for at in places if columns[at][0].keyword != LITERAL), default=-1)


def _parameter(
    parts: list[Part],
    columns: list[tuple[Number, ...]],
    places: list[int],
    known: dict[int, Class],
    last_out: list[int],
) -> str:
    """A parameter's name: its first keyword, `hidden_` for a size that stays inside."""
    here = [at for at in places if columns[at][0].keyword != LITERAL]
    if not here:
        values = [number.value for number in columns[places[0]]]
        return _attribute(parts, values) or "value"
    first = columns[here[0]][0]
    if first.owner is not None:
        child, part, at = first.owner
        inner = known[id(part)].parameters.get(at, first.keyword)
        return inner if child.isdigit() else f"{child}_{inner}"
    if first.keyword.startswith("out_") and not set(last_out) & set(here):
        used = {columns[at][0].keyword for at in here}
        if used & {"in_" + first.keyword.removeprefix("out_"), "groups"}:
            return "hidden_" + first.keyword.removeprefix("out_")
    return first.keyword


def _attribute(parts: list[Part], values: list[Any]) -> str | None:
    """The attribute that holds these values in the user's own modules, such as `heads`."""
    for name in vars(parts[0].module):
        held = [vars(part.module).get(name) for part in parts]
        if name.isidentifier() and not name.startswith("_") and held == values:
            return str(name)
    return None


def _rank(name: str) -> int:
    """Sizes in the order of torch's layers: what comes in, what stays inside, what goes out."""
    order = ("in_", "hidden_", "out_")
    return next((i for i, start in enumerate(order) if name.startswith(start)), len(order))


def _class_name(part: Part) -> str:
    kind = type(part.module)
    written: str = getattr(kind, "written_as", kind.__name__)
    return written.lstrip("_") or "Block"


def _free(name: str, taken: set[str]) -> str:
    made, number = name, 2
    while made in taken:
        made, number = f"{name}{number}", number + 1
    taken.add(made)
    return made
