"""Drawing networks and spaces: as text for a terminal, as SVG, as PNG."""

from __future__ import annotations

from pathlib import Path

from netwright.space.drawing.cells import Cell
from netwright.space.drawing.draw_cell import draw_cell
from netwright.space.drawing.draw_rows import draw_rows, lay_out
from netwright.space.drawing.outline import Outline, outline
from netwright.space.drawing.picture import Picture, check_path, flow
from netwright.space.drawing.shapes import SMALL, SOFT, WIDEST, Label
from netwright.space.sketch import Sketch, sketch

_COLUMN = 640.0  # of a page that has something beside the picture
_ROWS = 700.0  # the widest rows


def text_tree(drawn: Sketch) -> str:
    """The layers as aligned columns, with what each reads where that is not the line before."""
    rows = [("input", "x".join(map(str, drawn.inputs)), "")]
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


def draw_svg(drawn: Sketch, *, widest: float = _COLUMN) -> str:
    """The network as an SVG picture, from the top down; text takes the page's colour.

    Equal rows are drawn once with their number. A part with several branches is one row, and a
    graph of its own beside the rows, or below them where that would be wider than `widest` pixels.
    """
    return picture_of(drawn, widest=widest).svg()


def draw(drawn: Sketch, path: str | Path) -> None:
    """Write the picture to a file that ends in .svg or .png.

    Raises:
        SettingError: The name ends in something else, or the file cannot be written.
        MissingExtra: A PNG without matplotlib.
    """
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


__all__ = ["Sketch", "draw", "draw_svg", "picture_of", "sketch", "text_tree", "total", "uses"]
