"""Parts of a network with several branches, to be drawn as graphs of their own.

A part whose rows would need four or more arrows beside them is hard to read as rows. It becomes a
cell: one row in the network, and one drawing for all cells that do the same at other widths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from netwright.drawing.node import Node

_ARROWS = 4  # that pass over a row, from which on a part is a cell
_LARGEST = 80  # nodes of a cell


@dataclass(frozen=True)
class Cell:
    """A part: its nodes read each other by place, and its own inputs as -1, -2, ...

    `module` is the class it was found in, and `name` that class with a letter where several cells
    have it. `output` is the node that others read. `uses` is how often the network has the cell.
    """

    name: str
    module: str
    nodes: tuple[Node, ...]
    output: int
    inputs: int
    uses: int = 1


def find_cells(nodes: Sequence[Node], known: Sequence[Cell] = ()) -> tuple[list[Node], list[Cell]]:
    """The nodes with every cell as one of them (kind "cell"), and the distinct cells.

    `known` are the cells of another network. They come first, so that equal ones are named alike.
    """
    cells = [replace(cell, uses=0) for cell in known]
    rows = list(nodes)
    paths = {path: name for node in nodes for path, name in node.within}
    for path in sorted(paths, key=lambda p: -p.count(".")):
        members = [i for i, node in enumerate(rows) if any(p == path for p, _ in node.within)]
        depth = 1 + max((_depth(rows[i], path) for i in members), default=0)
        if paths[path] != "Sequential":
            rows = _collapse(rows, members, paths[path], depth, cells)
    for members in _stretches(rows):
        rows = _collapse(rows, members, "Part", 0, cells)
    return _named(rows, cells)


def _depth(node: Node, path: str) -> int:
    return [p for p, _ in node.within].index(path)


def _collapse(
    rows: list[Node], members: Sequence[int], name: str, depth: int, cells: list[Cell]
) -> list[Node]:
    """The rows with these members as one, if they are a cell."""
    outputs = {s for i, row in enumerate(rows) if i not in members for s in row.sources}
    outputs = (outputs | {len(rows) - 1}) & set(members)
    first = members[0] if members else 0
    together = list(members) == list(range(first, first + len(members)))
    if not together or len(members) > _LARGEST or len(outputs) != 1:
        return rows
    outer = tuple(dict.fromkeys(s for i in members for s in rows[i].sources if s < first))
    local = {s: -1 - i for i, s in enumerate(outer)} | {i: i - first for i in members}
    inside = [replace(rows[i], sources=tuple(local[s] for s in rows[i].sources)) for i in members]
    if not _is_cell(inside):
        return rows
    output = outputs.pop()
    cell = Cell(name, name, tuple(inside), output - first, len(outer))
    place = next((i for i, c in enumerate(cells) if _key(c) == _key(cell)), len(cells))
    cells[place:] = cells[place:] or [replace(cell, uses=0)]
    cells[place] = replace(cells[place], uses=cells[place].uses + 1)
    one = Node(
        *(name, "cell", rows[output].shape, sum(n.params for n in inside), outer),
        *(inside[0].group, f"cell {place}", inside[0].within[:depth]),
    )
    return _replaced(rows, first, len(members), one)


def _replaced(rows: list[Node], first: int, count: int, one: Node) -> list[Node]:
    def moved(node: Node) -> Node:
        sources = (s if s < first else max(first, s - count + 1) for s in node.sources)
        return replace(node, sources=tuple(dict.fromkeys(sources)))

    return [*rows[:first], one, *(moved(node) for node in rows[first + count :])]


def _is_cell(inside: Sequence[Node]) -> bool:
    """Whether most of a part is hard to read as rows."""
    hard = sum(len(places) for places in _stretches(inside) if _branches(inside, places))
    return 2 * hard >= len(inside) > 0


def _branches(nodes: Sequence[Node], places: Sequence[int]) -> bool:
    """Whether nodes run beside each other, with so many arrows that rows do not show it."""
    arrows = 0
    depths: dict[int, int] = {}
    for i in places:
        arrows += sum(s != i - 1 for s in nodes[i].sources) if i > places[0] else 0
        depths[i] = 1 + max((depths.get(s, 0) for s in nodes[i].sources), default=0)
    return arrows >= _ARROWS and len(set(depths.values())) < len(depths)


def _stretches(rows: Sequence[Node]) -> list[list[int]]:
    """Places between two tensors that everything goes through, the last stretches first."""
    last = [i for i in range(len(rows))]  # the last reader of each row
    start = 0  # the last reader of the input
    for i, row in enumerate(rows):
        for source in row.sources:
            if source >= 0:
                last[source] = i
            else:
                start = i
    open_until, cuts = start, [-1]
    for i in range(len(rows)):
        if open_until <= i:
            cuts.append(i)
        open_until = max(open_until, last[i])
    cuts = sorted({*cuts, len(rows) - 1})
    return [list(range(a + 1, b + 1)) for a, b in reversed(list(pairwise(cuts)))]


def _key(cell: Cell) -> object:
    return cell.output, tuple((n.short, n.kind, n.sources) for n in cell.nodes)


def _named(rows: list[Node], cells: list[Cell]) -> tuple[list[Node], list[Cell]]:
    """Cells of one module get letters, and the nodes that stand for them their names."""
    names = []
    for place, cell in enumerate(cells):
        alike = [i for i, other in enumerate(cells) if other.module == cell.module]
        letter = f" {_letter(alike.index(place))}" if len(alike) > 1 else ""
        names.append(f"{cell.module}{letter}")

    def label(node: Node) -> Node:
        return replace(node, label=names[int(node.short[5:])]) if node.kind == "cell" else node

    named = [
        replace(cell, name=name, nodes=tuple(label(node) for node in cell.nodes))
        for cell, name in zip(cells, names, strict=True)
    ]
    return [label(node) for node in rows], named


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else f"{place + 1}"
