"""Drawing networks and spaces: as text for a terminal, as SVG, as PNG."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from netwright.data import Data
from netwright.drawing.branches import Cell
from netwright.drawing.cell import draw_cell
from netwright.drawing.difference import draw_difference
from netwright.drawing.marks import SMALL, SOFT, WIDEST, Label
from netwright.drawing.network import draw_rows, lay_out
from netwright.drawing.picture import Picture, check_path, flow
from netwright.drawing.rows import Outline, outline
from netwright.drawing.sheet import draw_data
from netwright.drawing.sketch import Sketch, sketch
from netwright.drawing.space import draw_space
from netwright.errors import SettingError
from netwright.space import Architecture, Space

_COLUMN = 640.0  # of a page that has something beside the picture
_ROWS = 700.0  # the widest rows


def text_tree(drawn: Sketch) -> str:
    """The layers as aligned columns, with what each reads where that is not the line before."""
    rows = [("input", drawn.taken, "")]
    for i, node in enumerate(drawn.nodes):
        beside = [s for s in node.sources if s != i - 1]
        names = ["input" if s < 0 else f"{s + 1}" for s in beside]
        reads = f"  <- {', '.join(names)}" if names else ""
        shape = "x".join(map(str, node.shape))
        rows.append((f"{i + 1:3}  {node.label}{reads}", shape, f"{node.params:,}"))
    total = sum(node.params for node in drawn.nodes)
    rows.append(("output", "", f"{total:,} parameters"))
    first, second = (max(len(row[i]) for row in rows) for i in (0, 1))
    third = max(len(row[2]) for row in rows[:-1])
    lines = [f"{a:{first}}  {b:>{second}}  {c:>{third}}".rstrip() for a, b, c in rows]
    return "\n".join(lines)


def draw_svg(drawn: Sketch, *, widest: float = _COLUMN) -> Markup:
    """The network as an SVG picture, from the top down; text takes the page's colour.

    Equal rows are drawn once with their number. A part with several branches is one row, and a
    graph of its own beside the rows, or below them where that would be wider than `widest` pixels.
    """
    return picture_of(drawn, widest=widest).svg()


def draw(
    space: Space | Data,
    architecture: Architecture | None = None,
    *,
    other: Architecture | None = None,
    path: str | Path,
) -> None:
    """Draw a space, one of its networks, what differs between two, or data, to .svg or .png.

    Without an architecture that is the tree of the choices: kinds, options, and what they depend
    on. With one it is its network, from the top down: equal rows once with their number, rows of
    one shape in a box, parts with several branches as graphs. With `other` it is the answers that
    differ, over both networks with the rows that differ set off. Of data it is a sheet of pictures,
    series or recordings, a few of each class.

    Raises:
        SettingError: `path` ends in something else or cannot be written, `other` is given without
            `architecture`, or data are tables or texts.
        SpaceError: An architecture is no member.
        MissingExtra: A .png without matplotlib.
    """
    check_path(path)
    if isinstance(space, Data):
        if architecture is not None or other is not None:
            raise SettingError("`draw(data, ...)` must have no architecture beside the data.")
        draw_data(space).write(path)
        return
    if architecture is None:
        if other is not None:
            raise SettingError(
                "`draw(space, other=...)` must have an architecture to compare with, got none; "
                "write `draw(space, a, other=b, path=...)`."
            )
        picture = draw_space(space.asks, space.name, space.size(), space.signature)
        picture.write(path)
        return
    members = [space.architecture(a.answers) for a in (architecture, other) if a is not None]
    drawn = [(a, sketch(space.build(a, seed=0), space.signature)) for a in members]
    if other is None:
        picture_of(drawn[0][1]).write(path)
    else:
        draw_difference(drawn[0], drawn[1], list(space.choices)).write(path)


def draw_sketch(drawn: Sketch, path: str | Path) -> None:
    """Draw a network that was looked at before to .svg or .png; raises as `draw`."""
    path = check_path(path)
    picture_of(drawn).write(path)


def picture_of(drawn: Sketch, *, widest: float = WIDEST) -> Picture:
    """The rows of a network, its size below them, and its cells beside or below."""
    found = outline(drawn)
    picture = draw_rows(found, lay_out(found, min(widest, _ROWS)))
    picture.add(Label(12, picture.height + 6, total(found), SMALL, SOFT))
    graphs = [draw_cell(c, uses(c), widest=widest) for c in found.cells if c.uses]
    if not graphs:
        return picture
    beside = picture.width + 16 + max(g.width for g in graphs) <= widest
    if not beside:
        flow(picture, graphs, picture.height + 8, widest)
        return picture
    x, y = picture.width + 16, 0.0
    for graph in graphs:
        picture.put(graph, x, y)
        y += graph.height + 8
    return picture


def total(drawn: Outline) -> str:
    """The number of parameters, as it is said below a drawing."""
    return f"{drawn.params:,} parameters in all"


def uses(cell: Cell) -> str:
    """How often a network has a cell."""
    return f"{cell.uses} times in the network" if cell.uses > 1 else "once in the network"


__all__ = [
    "Sketch",
    "draw",
    "draw_sketch",
    "draw_svg",
    "picture_of",
    "sketch",
    "text_tree",
    "total",
    "uses",
]
