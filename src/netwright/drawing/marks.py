"""The shapes that pictures are made of, and how wide text is. Lengths are pixels from the top left.

"page" is the text colour of the page that a picture stands in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

SIZE = 12.5  # of the text, in pixels
SMALL = 11.0
SOFT = "#767e8b"  # a grey that is readable on white and on black
PAGE = "page"
WIDEST = 1200.0  # a picture is kept within

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]

# Advance widths of DejaVu Sans in hundredths of the size. It is the widest of the usual sans-serif
# faces and the one of matplotlib, so text measured with it fits in all of them.
_LETTERS = {
    28: "'ijlIJ",
    32: " ,.·",
    35: "/:;\\|f-",
    40: "()[]t!r",
    51: '"*_`sz?',
    59: "ckLFvxyP",
    63: "TYaoeESbdghnpqu$0123456789{}",
    69: "KAVBRXZC",
    76: "UHNDG&",
    82: "OQw",
    86: "#+<=>^~M×→≥≠−←",
}
_ADVANCE = {letter: width / 100 for width, letters in _LETTERS.items() for letter in letters}


def measure(text: str, size: float = SIZE, *, bold: bool = False) -> float:
    """The width of a text in pixels, or a little more."""
    return sum(_ADVANCE.get(c, 1.0) for c in text) * size * (1.13 if bold else 1.0)


def shorten(text: str, width: float, size: float = SIZE) -> str:
    """The text, or its two ends around an ellipsis where it is wider than `width`."""
    kept = text
    while measure(kept, size) > width + 0.5 and len(kept) > 4:
        half = (len(kept) - 2) // 2
        kept = f"{kept[:half]}…{kept[-half:]}" if "…" not in kept else _drop(kept)
    return kept


def _drop(text: str) -> str:
    first, _, last = text.partition("…")
    return f"{first[:-1]}…{last}" if len(first) > len(last) else f"{first}…{last[1:]}"


def wrap(parts: Sequence[str], joint: str, width: float, size: float = SIZE) -> list[str]:
    """Lines of `parts` joined by `joint`, none wider than `width`.

    A part that is wider is broken after its commas, and then cut in its middle.
    """
    lines: list[str] = []
    for part in parts:
        longer = f"{lines[-1]}{joint}{part}" if lines else part
        if lines and measure(longer, size) <= width + 0.5:
            lines[-1] = longer
        elif measure(part, size) <= width + 0.5 or ", " not in part:
            lines.append(shorten(part, width, size))
        else:
            first, *rest = part.split(", ")
            lines += wrap([*(f"{p}," for p in (first, *rest[:-1])), rest[-1]], " ", width, size)
    return lines


@dataclass(frozen=True)
class Box:
    """A rectangle; `fill` and `stroke` are colours or None, `opacity` is the fill's."""

    x: float
    y: float
    width: float
    height: float
    fill: str | None = None
    stroke: str | None = None
    opacity: float = 1.0
    radius: float = 6.0
    line: float = 1.0
    dashed: bool = False


@dataclass(frozen=True)
class Label:
    """A line of text whose vertical middle is at `y`."""

    x: float
    y: float
    text: str
    size: float = SIZE
    colour: str = PAGE
    anchor: Anchor = "start"
    bold: bool = False

    @property
    def width(self) -> float:
        """Its measured width."""
        return measure(self.text, self.size, bold=self.bold)


@dataclass(frozen=True)
class Line:
    """A line through points, with rounded corners; `arrow` puts a head on its end.

    A `smooth` one leaves and enters every point along the `along` axis ("x" or "y"). The corners of
    a `sharp` one are not rounded.
    """

    points: tuple[Point, ...]
    colour: str = SOFT
    arrow: bool = False
    smooth: bool = False
    along: Literal["x", "y"] = "y"
    sharp: bool = False


@dataclass(frozen=True)
class Pixels:
    """A picture in a rectangle: `size` is (h, w, c), c 1 or 3; `pixels` are its bytes, by rows."""

    x: float
    y: float
    width: float
    height: float
    size: tuple[int, int, int]
    pixels: bytes


Shape = Box | Label | Line | Pixels


def bounds(label: Label) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a text."""
    left = label.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[label.anchor] * label.width
    return left, label.y - label.size * 0.6, left + label.width, label.y + label.size * 0.6


def extent(shape: Shape) -> Point:
    """Its right and bottom end."""
    if isinstance(shape, Box | Pixels):
        return shape.x + shape.width, shape.y + shape.height
    if isinstance(shape, Label):
        return bounds(shape)[2], bounds(shape)[3]
    return max(x for x, _ in shape.points), max(y for _, y in shape.points)


def moved(shape: Shape, x: float, y: float) -> Shape:
    """The shape, shifted by (x, y)."""
    if isinstance(shape, Line):
        return replace(shape, points=tuple((a + x, b + y) for a, b in shape.points))
    return replace(shape, x=shape.x + x, y=shape.y + y)


def commands(line: Line) -> Iterable[tuple[str, list[Point]]]:
    """The path as moves (M), straight lines (L), and curves (Q quadratic, C cubic)."""
    points = list(line.points)
    if line.arrow:  # end at the back of the head
        points[-1] = _back(line)
    yield "M", [points[0]]
    if line.smooth:
        for (x, y), (u, v) in pairwise(points):
            if line.along == "y":
                yield "C", [(x, (y + v) / 2), (u, (y + v) / 2), (u, v)]
            else:
                yield "C", [((x + u) / 2, y), ((x + u) / 2, v), (u, v)]
        return
    if line.sharp:
        yield from (("L", [point]) for point in points[1:])
        return
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        yield "L", [_towards(corner, before)]
        yield "Q", [corner, _towards(corner, after)]
    yield "L", [points[-1]]


def _towards(start: Point, end: Point) -> Point:
    """A point at most 8 pixels from `start`, and at most half way, towards `end`."""
    length = max(abs(end[0] - start[0]) + abs(end[1] - start[1]), 1e-9)
    part = min(8.0, length / 2) / length
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def _direction(line: Line) -> Point:
    (x, y), (u, v) = line.points[-2:]
    if line.smooth:
        return (0.0, 1.0 if v >= y else -1.0) if line.along == "y" else (1.0 if u >= x else -1.0, 0)
    length = max(((u - x) ** 2 + (v - y) ** 2) ** 0.5, 1e-9)
    return (u - x) / length, (v - y) / length


def _back(line: Line) -> Point:
    dx, dy = _direction(line)
    return line.points[-1][0] - 7 * dx, line.points[-1][1] - 7 * dy


def head(line: Line) -> tuple[Point, Point, Point]:
    """The corners of the head of an arrow, its tip first."""
    (dx, dy), (x, y), tip = _direction(line), _back(line), line.points[-1]
    return tip, (x - 4 * dy, y + 4 * dx), (x + 4 * dy, y - 4 * dx)
