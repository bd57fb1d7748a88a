"""Drawing a sketch: as text for a terminal, as SVG, as PNG."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from netwright.errors import SettingError, require
from netwright.space.sketch import Node, Sketch, sketch

COLOURS = {
    "conv": "#4c78a8",
    "linear": "#b279a2",
    "pool": "#72b7b2",
    "merge": "#e45756",
    "input": "#8a8f98",
    "other": "#8a8f98",
}
_ROW, _HEIGHT, _WIDTH, _LEFT, _TOP = 46, 30, 400, 20, 16
_LETTER = 7.0  # pixels of a letter of the labels' size


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


def draw_svg(drawn: Sketch) -> str:
    """The network as an SVG picture, from the top down; text takes the page's colour."""
    places = _layout(drawn)
    right = _right(drawn, places)
    height = _TOP * 2 + _ROW * len(places)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right:.0f} {height}" '
        f'width="{right:.0f}" height="{height}" font-family="system-ui, sans-serif" '
        'font-size="12.5" role="img" aria-label="the network">',
        "<style>.t{fill:#fff}.s{fill:#6b7280;font-size:11px}.a{stroke:#6b7280;fill:none}"
        ".h{fill:#6b7280}</style>",
    ]
    for place in places:
        colour = COLOURS.get(place.kind, COLOURS["other"])
        parts.append(
            f'<rect x="{place.x}" y="{place.y}" width="{place.width:.0f}" height="{_HEIGHT}" '
            f'rx="6" fill="{colour}"/>'
            f'<text class="t" x="{place.x + 10}" y="{place.y + 19.5}">{escape(place.label)}</text>'
            f'<text class="s" x="{place.x + place.width - 10:.0f}" y="{place.y + 19.5}" '
            f'text-anchor="end" style="fill:#fff">{escape(place.note)}</text>'
        )
    for below in range(1, len(places)):
        if _reads(drawn, below, below - 1):
            x, y = places[below].x + 26, places[below - 1].y + _HEIGHT
            parts.append(f'<path class="a" d="M{x} {y}v{_ROW - _HEIGHT - 4}"/>')
            parts.append(_head(x, places[below].y))
    for source, target, lane in _jumps(drawn):
        start, end = places[source], places[target]
        x, bend = start.x + start.width, 16 + 14 * lane
        top, bottom = start.y + _HEIGHT / 2, end.y + _HEIGHT / 2
        parts.append(
            f'<path class="a" d="M{x:.0f} {top}h{bend - 8}q8 0 8 8V{bottom - 8}q0 8 -8 8'
            f'H{end.x + end.width + 6:.0f}"/>'
            f'<path class="h" d="M{end.x + end.width:.0f} {bottom}l7 -4v8z"/>'
        )
    return "".join(parts) + "</svg>"


def draw(drawn: Sketch, path: str | Path) -> None:
    """Write the picture to a file that ends in .svg or .png.

    Raises:
        SettingError: The name ends in something else, or the file cannot be written.
        MissingExtra: A PNG without matplotlib.
    """
    path = Path(path)
    if path.suffix not in (".svg", ".png"):
        raise SettingError(f"`draw(path=...)` must end in .svg or .png, got {str(path)!r}.")
    try:
        if path.suffix == ".svg":
            path.write_text(draw_svg(drawn))
        else:
            _draw_png(drawn, path)
    except OSError as error:
        raise SettingError(
            f"The picture {str(path)!r} cannot be written: {error.strerror}; name another file."
        ) from error


@dataclass(frozen=True)
class _Place:
    x: float
    y: float
    width: float
    label: str
    note: str
    kind: str


def _layout(drawn: Sketch) -> list[_Place]:
    """One box a row; the first is the input."""
    rows = [Node("Input", "input", drawn.inputs, 0, (), ""), *drawn.nodes]
    notes = ["x".join(map(str, n.shape)) + (f" · {n.params:,}" if n.params else "") for n in rows]
    width = max(
        [
            _WIDTH,
            *(_LETTER * (len(n.label) + len(t)) + 50 for n, t in zip(rows, notes, strict=True)),
        ]
    )
    return [
        _Place(_LEFT, _TOP + _ROW * i, width, node.label, note, node.kind)
        for i, (node, note) in enumerate(zip(rows, notes, strict=True))
    ]


def _reads(drawn: Sketch, below: int, above: int) -> bool:
    return above - 1 in drawn.nodes[below - 1].sources


def _jumps(drawn: Sketch) -> list[tuple[int, int, int]]:
    """Arrows that pass over a row, as (from, to, lane); the input is row 0.

    Arrows of one lane do not run beside each other.
    """
    arrows = sorted(
        (source + 1, i + 1)
        for i, node in enumerate(drawn.nodes)
        for source in node.sources
        if source != i - 1
    )
    ends: list[int] = []  # of each lane: the row where its last arrow ends
    found = []
    for source, target in arrows:
        lane = next((i for i, end in enumerate(ends) if end <= source), len(ends))
        ends[lane : lane + 1] = [target]
        found.append((source, target, lane))
    return found


def _right(drawn: Sketch, places: list[_Place]) -> float:
    """The width of the picture: the boxes and the lanes beside them."""
    lanes = 1 + max((lane for *_, lane in _jumps(drawn)), default=-1)
    return max(p.x + p.width for p in places) + 22 + 14 * lanes


def _head(x: float, y: float) -> str:
    return f'<path class="h" d="M{x} {y}l-4 -7h8z"/>'


def _draw_png(drawn: Sketch, path: Path) -> None:
    require("matplotlib", extra="draw", purpose="Drawing a network as PNG")
    figure_module = require("matplotlib.figure", extra="draw", purpose="Drawing as PNG")
    patches = require("matplotlib.patches", extra="draw", purpose="Drawing as PNG")
    places = _layout(drawn)
    width = _right(drawn, places)
    height = _TOP * 2 + _ROW * len(places)
    figure = figure_module.Figure(figsize=(width / 100, height / 100), dpi=160)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    for place in places:
        colour = COLOURS.get(place.kind, COLOURS["other"])
        style = "round,pad=0,rounding_size=6"
        box = patches.FancyBboxPatch(
            (place.x, place.y), place.width, _HEIGHT, boxstyle=style, facecolor=colour, linewidth=0
        )
        axes.add_patch(box)
        middle = place.y + _HEIGHT / 2
        text = {"color": "white", "va": "center"}
        axes.text(place.x + 10, middle, place.label, fontsize=8.6, **text)
        axes.text(place.x + place.width - 10, middle, place.note, fontsize=7.6, ha="right", **text)
    arrow = {"arrowstyle": "-|>", "color": "#6b7280", "linewidth": 1.0}
    for below in range(1, len(places)):
        if _reads(drawn, below, below - 1):
            x = places[below].x + 26
            axes.annotate(
                "", (x, places[below].y), (x, places[below - 1].y + _HEIGHT), arrowprops=arrow
            )
    for source, target, lane in _jumps(drawn):
        start, end = places[source], places[target]
        x, out = start.x + start.width, start.x + start.width + 16 + 14 * lane
        top, bottom = start.y + _HEIGHT / 2, end.y + _HEIGHT / 2
        axes.plot([x, out, out], [top, top, bottom], color="#6b7280", linewidth=1.0)
        axes.annotate("", (x, bottom), (out, bottom), arrowprops=arrow)
    figure.savefig(path)


__all__ = ["Sketch", "draw", "draw_svg", "sketch", "text_tree"]
