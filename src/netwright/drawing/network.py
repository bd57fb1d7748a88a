"""A network drawn from the top down: a row for each layer, with jumps as lines on the right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netwright.drawing.cell import COLOURS
from netwright.drawing.marks import PAGE, SIZE, SMALL, SOFT, Box, Label, Line, measure, wrap
from netwright.drawing.picture import Picture
from netwright.drawing.rows import Outline, Run, reads_back

LANE = 12.0  # between the lines of jumps
GAP = 16.0  # between rows, for an arrow
_ROW, _LINE = 30.0, 16.0  # the height of a row with one line, and of each line more
_LEAST = 320.0  # the width of a row
_HEAD, _PAD = 24.0, 10.0  # above the rows of a stage, and around them
_BRACKET = 44.0  # left of the rows, where some are folded
_SIGN = 22.0  # left of the rows, where they are compared


@dataclass(frozen=True)
class TextRow:
    """A row to be drawn: its lines of text, what stands on its right, its kind."""

    lines: tuple[str, ...]
    note: str
    kind: str

    @property
    def height(self) -> float:
        """In pixels."""
        return _ROW + _LINE * (len(self.lines) - 1)


@dataclass(frozen=True)
class Mark:
    """How a row is set off in a comparison: a sign at its left, and a coloured frame."""

    sign: str
    colour: str


@dataclass(frozen=True)
class Layout:
    """How wide what is: the rows start at `left`, and jumps run on their right in lanes.

    A jump is (row, the rows further down that read it, lane); the input is row 0. `pad` is around
    the rows of a stage.
    """

    rows: tuple[TextRow, ...]
    left: float
    width: float
    pad: float
    jumps: tuple[tuple[int, tuple[int, ...], int], ...]


def lay_out(drawn: Outline, widest: float, *, compared: bool = False) -> Layout:
    """The layout of a network's rows within `widest` pixels.

    Rows that are `compared` have room for signs, and no stages around them.
    """
    jumps = _jumps(drawn)
    lanes = 1 + max((lane for _, _, lane in jumps), default=-1)
    pad = _PAD if drawn.stages and not compared else 0.0
    left = 12 + pad + _BRACKET * _deepest(drawn.runs) + (_SIGN if compared else 0)
    right = pad + (22 + LANE * lanes if lanes else 0) + 12
    rows, width = _text_rows(drawn, max(widest - left - right, 200))
    return Layout(tuple(rows), left, width, pad, tuple(jumps))


def _text_rows(drawn: Outline, widest: float) -> tuple[list[TextRow], float]:
    """The rows of a network, the input first, none wider than `widest`; and their width."""
    runs = {run.first: run for run in drawn.runs}
    found = [(["Input"], drawn.taken, "input")]
    for i, row in enumerate(drawn.rows):
        note = "x".join(map(str, row.shape)) + (f" · {row.params:,}" if row.params else "")
        pieces = row.label.split(" · ")
        back = reads_back(row, runs.get(i))
        if back:
            pieces.append(f"each reads the {back} before it")
        found.append((pieces, note, row.kind))
    natural = [measure(" · ".join(p)) + measure(note, SMALL) + 44 for p, note, _ in found]
    width = min(max(_LEAST, *natural), widest)
    return [
        TextRow(tuple(wrap(p, " · ", width - measure(note, SMALL) - 44)), note, kind)
        for p, note, kind in found
    ], width


def _stacked(drawn: Outline, rows: Sequence[TextRow]) -> list[float]:
    """The top of every row when they stand on each other, the input first."""
    firsts, lasts = {s.first + 1 for s in drawn.stages}, {s.last + 1 for s in drawn.stages}
    tops: list[float] = []
    y = 12.0
    for i, row in enumerate(rows):
        y += _HEAD if i in firsts else 0
        tops.append(y)
        y += row.height + GAP + (_PAD if i in lasts else 0)
    return tops


def draw_rows(
    drawn: Outline,
    layout: Layout,
    tops: Sequence[float] | None = None,
    marks: Mapping[int, Mark] | None = None,
) -> Picture:
    """The rows with stages, folds, arrows and jumps.

    Rows that are compared have `tops`, the input first, and `marks` that set some off.
    """
    picture = Picture("the network")
    rows, left = layout.rows, layout.left
    if tops is None:
        tops = _stacked(drawn, rows)
        _draw_stages(picture, drawn, layout, tops)
    for i, (row, top) in enumerate(zip(rows, tops, strict=True)):
        _draw_row(picture, row, left, top, layout.width, (marks or {}).get(i))
    for i, node in enumerate(drawn.rows):
        if i - 1 in node.sources:
            x = left + 26
            picture.add(Line(((x, tops[i] + rows[i].height), (x, tops[i + 1])), arrow=True))
    _draw_jumps(picture, layout, tops)
    for run in drawn.runs:
        first, last = run.first + 1, run.first + run.period
        signs = _SIGN if marks is not None else 0.0
        x = left - 6 - signs - _BRACKET * _holds(run, drawn.runs)
        _draw_fold(picture, run, tops[first], tops[last] + rows[last].height, x)
    return picture


def _draw_stages(picture: Picture, drawn: Outline, layout: Layout, tops: Sequence[float]) -> None:
    for stage in drawn.stages:
        top, last = tops[stage.first + 1] - _HEAD, stage.last + 1
        height = tops[last] + layout.rows[last].height + _PAD - top
        width = layout.left - 12 + layout.width + _PAD
        picture.add(Box(12, top, width, height, PAGE, None, 0.07, 8))
        picture.add(Label(layout.left + 44, top + 11, stage.title, SMALL, SOFT))


def _draw_row(
    picture: Picture, line: TextRow, x: float, y: float, width: float, mark: Mark | None
) -> None:
    picture.add(Box(x, y, width, line.height, COLOURS.get(line.kind, COLOURS["other"])))
    if mark:
        picture.add(Box(x - 3, y - 3, width + 6, line.height + 6, None, mark.colour, 1, 8, 2.5))
        picture.add(Label(x - 8, y + line.height / 2, mark.sign, 16, mark.colour, "end", True))
    for i, text in enumerate(line.lines):
        picture.add(Label(x + 10, y + _ROW / 2 + _LINE * i, text, SIZE, "#fff"))
    picture.add(Label(x + width - 10, y + _ROW / 2, line.note, SMALL, "#fff", "end"))


def _draw_fold(picture: Picture, run: Run, top: float, bottom: float, x: float) -> None:
    """A bracket around the rows of a unit, with the number of its copies."""
    picture.add(Line(((x, top), (x - 8, top), (x - 8, bottom), (x, bottom)), PAGE))
    picture.add(Label(x - 12, (top + bottom) / 2, f"×{run.copies}", SIZE, PAGE, "end", True))


def _holds(run: Run, runs: Sequence[Run]) -> int:
    """How many levels of other runs the unit of a run holds."""
    unit = range(run.first, run.first + run.period)
    inner = [r for r in runs if r.first in unit and r is not run and r.period < run.period]
    return _deepest(inner)


def _deepest(runs: Sequence[Run]) -> int:
    """How many brackets stand beside each other."""
    return max((1 + _holds(run, runs) for run in runs), default=0)


def _jumps(drawn: Outline) -> list[tuple[int, tuple[int, ...], int]]:
    """The jumps of a `Layout`.

    All that read a row hang on one line. Lines of one lane do not run beside each other.
    """
    targets: dict[int, list[int]] = {}
    for i, node in enumerate(drawn.rows):
        for source in node.sources:
            if source not in (i - 1, i):
                targets.setdefault(source + 1, []).append(i + 1)
    ends: list[int] = []  # of each lane: the row where its last line ends
    found = []
    for source, readers in sorted(targets.items()):
        lane = next((i for i, end in enumerate(ends) if end <= source), len(ends))
        ends[lane : lane + 1] = [max(readers)]
        found.append((source, tuple(readers), lane))
    return found


def _draw_jumps(picture: Picture, layout: Layout, tops: Sequence[float]) -> None:
    """Lines leave a row low on its right and enter others high on theirs, each at its own place."""
    right = layout.left + layout.width
    total = Counter(target for _, targets, _ in layout.jumps for target in targets)
    arrived: Counter[int] = Counter()
    for source, targets, lane in layout.jumps:
        x = right + layout.pad + 14 + LANE * lane
        start = tops[source] + layout.rows[source].height - 9
        for target in targets:
            arrived[target] += 1
            end = tops[target] + 4 + 14 * arrived[target] / (total[target] + 1)
            picture.add(Line(((right, start), (x, start), (x, end), (right, end)), arrow=True))
