"""Charts as inline SVG: they follow the page's colours, and tell more when pointed at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

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

    def svg(self) -> str:
        """The chart as an `svg` element."""
        frame = _Frame(self)
        parts = [
            f'<svg class="chart" viewBox="0 0 {self.width} {_HEIGHT}" role="img" '
            f'aria-label="{escape(self.y_label)} against {escape(self.x_label)}">'
        ]
        parts += frame.axes()
        if self.limit is not None and frame.inside(self.limit):
            x = frame.x(self.limit)
            parts.append(
                f'<rect class="over" x="{x:.1f}" y="{_TOP}" width="{frame.right - x:.1f}" '
                f'height="{_HEIGHT - _TOP - _BOTTOM}"/><text class="tick" x="{x - 4:.1f}" '
                f'y="{_TOP + 12}" text-anchor="end">limit</text>'
            )
        for line in self.lines:
            parts += frame.line(line)
        for group in self.points:
            parts += [
                f'<circle class="{group.mark}" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" '
                f'r="{group.radius}"><title>{escape(text)}</title></circle>'
                for x, y, text in group.points
            ]
        parts += frame.labels()
        return "".join(parts) + "</svg>"


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

    def axes(self) -> list[str]:
        bottom, right = _HEIGHT - _BOTTOM, self.right
        parts = []
        for value in _ticks(*self._y):
            y = self.y(value)
            shown = f"{100 * value:.4g} %" if self._chart.percent else f"{value:.4g}"
            parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>')
            parts.append(
                f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" '
                f'text-anchor="end">{shown}</text>'
            )
        for value in _log_ticks(*self._x) if self._log else _ticks(*self._x):
            x = self.x(value)
            parts.append(
                f'<text class="tick" x="{x:.1f}" y="{bottom + 16}" '
                f'text-anchor="middle">{_short(value)}</text>'
            )
        parts.append(f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>')
        parts.append(
            f'<text class="label" x="{(_LEFT + right) / 2}" y="{_HEIGHT - 6}" '
            f'text-anchor="middle">{escape(self._chart.x_label)}</text>'
        )
        return parts

    def labels(self) -> list[str]:
        """The labels of the lines after their ends, moved apart where they would touch."""
        ends = sorted(
            (self.y(line.points[-1][1]), self.x(line.points[-1][0]), line.label)
            for line in self._chart.lines
            if line.label and line.points
        )
        parts, above = [], 0.0
        for y, x, label in ends:
            above = max(y + 4, above + 13)
            parts.append(
                f'<text class="tick" x="{x + 6:.1f}" y="{above:.1f}">{escape(label)}</text>'
            )
        return parts

    def line(self, line: Line) -> list[str]:
        if not line.points:
            return []
        parts = []
        if line.band:
            pairs = list(zip(line.points, line.band, strict=True))
            upper = [f"{self.x(x):.1f} {self.y(y + b):.1f}" for (x, y), b in pairs]
            lower = [f"{self.x(x):.1f} {self.y(y - b):.1f}" for (x, y), b in reversed(pairs)]
            parts.append(f'<path class="{line.mark} band" d="M{"L".join(upper + lower)}Z"/>')
        path, last = [], None
        for x, y in line.points:
            place = f"{self.x(x):.1f} {self.y(y):.1f}"
            if line.step and last is not None:
                path.append(f"L{self.x(x):.1f} {self.y(last):.1f}")
            path.append(f"L{place}")
            last = y
        parts.append(f'<path class="{line.mark}" d="M{"".join(path)[1:]}"/>')
        return parts


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
