"""A cell drawn as a graph: what it reads on top, its layers as boxes, its sums as circles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netwright.drawing.branches import Cell
from netwright.drawing.marks import (
    SIZE,
    SOFT,
    WIDEST,
    Box,
    Label,
    Line,
    Point,
    measure,
    wrap,
)
from netwright.drawing.node import Node
from netwright.drawing.picture import Picture
from netwright.drawing.placement import Arrangement, arrange
from netwright.drawing.runs import fold_runs

COLOURS = {
    "conv": "#3f6da0",
    "linear": "#8d5486",
    "pool": "#2f7f79",
    "merge": "#c2383f",
    "attention": "#7a5c1e",
    "cell": "#3d4a5c",
    "input": "#6b7280",
    "other": "#6b7280",
}
"""The colour of each kind of layer; white text is readable on all of them."""

_SIGNS = {"Add": "+", "Multiply": "×"}
_LINE = 16.0  # the height of a line of text
_LINES = 5  # of a box
_WIDE = 170.0  # the text of a box


@dataclass(frozen=True)
class Part:
    """A box of the graph: its lines, its kind, and the parts it reads."""

    lines: tuple[str, ...]
    kind: str
    sources: tuple[int, ...]


def draw_cell(cell: Cell, note: str = "", *, widest: float = WIDEST) -> Picture:
    """The graph of a cell under its name; edges run down where that fits, else to the right."""
    parts = parts_of(cell)
    sizes = [_size(part) for part in parts]
    edges = [(s, i) for i, part in enumerate(parts) for s in part.sources]
    down = arrange(sizes, edges)
    right = arrange(sizes, edges, down=False)
    is_down = down.width + 40 <= widest or down.width <= right.width
    found = down if is_down else right
    picture = Picture(cell.name)
    head = Label(12, 18, cell.name, bold=True)
    picture.add(head)
    if note:
        picture.add(Label(12 + head.width + 10, 18, note, 11.0, SOFT))
    picture.add(Box(6, 36, found.width + 28, found.height + 28, "page", opacity=0.05, radius=10))
    _paint(picture, parts, sizes, found, is_down, (20, 50))
    return picture


def _paint(
    picture: Picture,
    parts: Sequence[Part],
    sizes: Sequence[Point],
    found: Arrangement,
    is_down: bool,
    corner: Point,
) -> None:
    x, y = corner
    for route in found.routes.values():
        points = tuple((a + x, b + y) for a, b in route)
        picture.add(Line(points, arrow=True, smooth=True, along="y" if is_down else "x"))
    for part, (w, h), (a, b) in zip(parts, sizes, found.middles, strict=True):
        colour = COLOURS.get(part.kind, COLOURS["other"])
        round_ = part.kind == "merge" and len(part.lines[0]) == 1
        radius = h / 2 if round_ or part.kind == "input" else 6.0
        picture.add(Box(a + x - w / 2, b + y - h / 2, w, h, colour, radius=radius))
        top = b + y - _LINE * (len(part.lines) - 1) / 2
        for i, line in enumerate(part.lines):
            picture.add(Label(a + x, top + _LINE * i, line, SIZE, "#fff", "middle"))


def _size(part: Part) -> Point:
    height = 14 + _LINE * len(part.lines)
    width = max(measure(line) for line in part.lines) + 20
    return max(width, height), height


def parts_of(cell: Cell) -> list[Part]:
    """The boxes: its inputs, its layers with those that follow on each other in one, its output."""
    readers: list[list[int]] = [[] for _ in cell.nodes]
    for i, node in enumerate(cell.nodes):
        for source in node.sources:
            if source >= 0:
                readers[source].append(i)
    names = ["input"] if cell.inputs == 1 else [f"input {i + 1}" for i in range(cell.inputs)]
    parts = [Part((name,), "input", ()) for name in names]
    place = {-1 - i: i for i in range(cell.inputs)}
    for chain in _chains(cell, readers):
        first, last = cell.nodes[chain[0]], chain[-1]
        lines, kind = _lines([cell.nodes[i] for i in chain]), first.kind
        if not readers[last] and last != cell.output:
            lines, kind = (*lines, "(not read)"), "other"
        parts.append(Part(lines, kind, tuple(place[s] for s in first.sources)))
        place |= dict.fromkeys(chain, len(parts) - 1)
    return [*parts, Part(("output",), "input", (place[cell.output],))]


def _chains(cell: Cell, readers: Sequence[Sequence[int]]) -> list[list[int]]:
    """Nodes that follow on each other without a branch, in an order in which all can be drawn."""
    chains: list[list[int]] = []
    of: dict[int, list[int]] = {}
    for i, node in enumerate(cell.nodes):
        before = node.sources[0] if len(node.sources) == 1 else -1
        open_ = before >= 0 and len(readers[before]) == 1 and before != cell.output
        if open_ and "merge" not in (node.kind, cell.nodes[before].kind):
            of[before].append(i)
            of[i] = of[before]
        else:
            of[i] = [i]
            chains.append(of[i])
    return chains


def _lines(nodes: Sequence[Node]) -> tuple[str, ...]:
    """The layers of a box, one a line; equal ones once with their number."""
    if len(nodes) == 1 and nodes[0].kind == "merge" and nodes[0].short in _SIGNS:
        return (_SIGNS[nodes[0].short],)
    lines: list[str] = []
    for item in fold_runs([_text(node) for node in nodes]):
        if isinstance(item, int):
            lines += wrap(_text(nodes[item]).split(" · "), " · ", _WIDE)
            continue
        unit = range(item.first, item.first + item.size)
        pieces = [piece for i in unit for piece in _text(nodes[i]).split(" · ")]
        times = f"×{item.copies}" if item.size == 1 else f"all ×{item.copies}"
        lines += wrap([*pieces, times], " · ", _WIDE)
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], f"and {len(lines) - _LINES + 1} lines more"]
    return tuple(lines)


def _text(node: Node) -> str:
    return node.label if node.kind == "cell" else node.short or node.label
