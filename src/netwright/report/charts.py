"""Charts as inline SVG: they follow the page's colours, and tell more when pointed at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from netwright.drawing.svg import element, through

MARKS = 10  # colours of lines in the style sheet: s0, s1, ...
_HEIGHT = 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 14, 42
_LABEL = 64  # pixels to the right of the lines, where some have labels


@dataclass(frozen=True)
class Points:
    """Marks at (x, y) with a text each; `mark` is a CSS class of the page."""

    points: Sequence[tuple[float, float, str]]
    mark: str
    radius: float = 3.5


@dataclass(frozen=True)
class Line:
    """A line through (x, y); `step` makes it a staircase, `band` is drawn around it.

    `label` stands after its end.
    """

    points: Sequence[tuple[float, float]]
    mark: str
    step: bool = False
    band: Sequence[float] = ()
    label: str = ""


@dataclass(frozen=True)
class Chart:
    """Axes with lines and points. `log` is for x; `percent` for y; `limit` is a bound on x.

    `width` is in pixels, at which the text has the size of the page's small print.
    """

    x_label: str
    y_label: str
    lines: Sequence[Line] = ()
    points: Sequence[Points] = ()
    log: bool = False
    percent: bool = False
    limit: float | None = None
    width: int = 640

    def svg(self) -> Markup:
        """The chart as an `svg` element."""
        frame = _Frame(self)
        parts = frame.axes()
        if self.limit is not None and frame.inside(self.limit):
            x = frame.x(self.limit)
            width, height = frame.right - x, _HEIGHT - _TOP - _BOTTOM
            parts.append(element("rect", class_="over", x=x, y=_TOP, width=width, height=height))
            parts.append(_tick("limit", x - 4, _TOP + 12, "end"))
        for line in self.lines:
            parts += frame.line(line)
        for group in self.points:
            parts += [
                element(
                    "circle",
                    element("title", text),
                    class_=group.mark,
                    cx=frame.x(x),
                    cy=frame.y(y),
                    r=group.radius,
                )
                for x, y, text in group.points
            ]
        return element(
            "svg",
            *parts,
            *frame.labels(),
            class_="chart",
            viewBox=f"0 0 {self.width} {_HEIGHT}",
            role="img",
            aria_label=f"{self.y_label} against {self.x_label}",
        )


class _Frame:
    """Where values lie in the picture."""

    def __init__(self, chart: Chart) -> None:
        xs = [x for line in chart.lines for x, _ in line.points]
        xs += [x for group in chart.points for x, _, _ in group.points]
        ys = [y for line in chart.lines for _, y in line.points]
        ys += [y for group in chart.points for _, y, _ in group.points]
        self._chart = chart
        self.right = chart.width - (_LABEL if any(o.label for o in chart.lines) else _RIGHT)
        self._log = chart.log and min(xs, default=1.0) > 0
        self._x = _padded([math.log10(x) if self._log else x for x in xs], 0.03)
        self._y = _padded(_without_outliers(ys), 0.08)

    def x(self, value: float) -> float:
        at = math.log10(value) if self._log else value
        low, high = self._x
        return _LEFT + (at - low) / (high - low) * (self.right - _LEFT)

    def y(self, value: float) -> float:
        low, high = self._y
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    def inside(self, value: float) -> bool:
        low, high = self._x
        return value > 0 and low <= (math.log10(value) if self._log else value) <= high

    def axes(self) -> list[Markup]:
        bottom, right = _HEIGHT - _BOTTOM, self.right
        parts = []
        for value in _ticks(*self._y):
            y = self.y(value)
            shown = f"{100 * value:.4g} %" if self._chart.percent else f"{value:.4g}"
            parts.append(element("path", class_="grid", d=through([(_LEFT, y), (right, y)])))
            parts.append(_tick(shown, _LEFT - 6, y + 4, "end"))
        for value in _log_ticks(*self._x) if self._log else _ticks(*self._x):
            x = self.x(value)
            parts.append(_tick(_short(value), x, bottom + 16, "middle"))
        corner = [(_LEFT, _TOP), (_LEFT, bottom), (right, bottom)]
        parts.append(element("path", class_="axis", d=through(corner)))
        parts.append(
            element(
                "text",
                self._chart.x_label,
                class_="label",
                x=(_LEFT + right) / 2,
                y=_HEIGHT - 6,
                text_anchor="middle",
            )
        )
        return parts

    def labels(self) -> list[Markup]:
        """The labels of the lines after their ends, moved apart where they would touch."""
        ends = sorted(
            (self.y(line.points[-1][1]), self.x(line.points[-1][0]), line.label)
            for line in self._chart.lines
            if line.label and line.points
        )
        parts, above = [], 0.0
        for y, x, label in ends:
            above = max(y + 4, above + 13)
            parts.append(_tick(label, x + 6, above))
        return parts

    def line(self, line: Line) -> list[Markup]:
        if not line.points:
            return []
        parts = []
        if line.band:
            pairs = list(zip(line.points, line.band, strict=True))
            upper = [(self.x(x), self.y(y + b)) for (x, y), b in pairs]
            lower = [(self.x(x), self.y(y - b)) for (x, y), b in reversed(pairs)]
            outline = through(upper + lower, closed=True)
            parts.append(element("path", class_=f"{line.mark} band", d=outline))
        places: list[tuple[float, float]] = []
        for x, y in line.points:
            if line.step and places:
                places.append((self.x(x), places[-1][1]))
            places.append((self.x(x), self.y(y)))
        return [*parts, element("path", class_=line.mark, d=through(places))]


def _tick(text: str, x: float, y: float, anchor: str | None = None) -> Markup:
    return element("text", text, class_="tick", x=x, y=y, text_anchor=anchor)


def _padded(values: Sequence[float], share: float) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    spread = (high - low) or abs(high) * 0.1 or 1.0
    return low - share * spread, high + share * spread


def _without_outliers(values: Sequence[float]) -> list[float]:
    """Values without the few far below the rest, which would flatten the picture."""
    kept = sorted(values)
    if len(kept) < 12:
        return kept
    low, high = kept[len(kept) // 10], kept[-1]
    return [v for v in kept if v >= low - (high - low)]


def _ticks(low: float, high: float) -> list[float]:
    """Round values, four to nine of them."""
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw)
    first = math.ceil(low / step)
    return [round(i * step, 12) for i in range(first, math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    found = [
        m * 10.0**power
        for power in range(math.floor(low), math.ceil(high) + 1)
        for m in ((1, 2, 5) if high - low < 2.5 else (1,))
    ]
    return [value for value in found if low <= math.log10(value) <= high]


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
