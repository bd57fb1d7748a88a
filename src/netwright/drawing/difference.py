"""Two networks of a space beside each other: the answers that differ, and the rows that do.

What differs has a sign and a colour: ≠ for what is in both and not alike, − for what only the first
has, + for what only the second has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netwright.drawing.cell import draw_cell
from netwright.drawing.marks import (
    PAGE,
    SMALL,
    SOFT,
    WIDEST,
    Box,
    Label,
    measure,
    shorten,
)
from netwright.drawing.network import GAP, Layout, Mark, draw_rows, lay_out
from netwright.drawing.picture import Picture, flow
from netwright.drawing.rows import Outline, outline
from netwright.drawing.sketch import Sketch
from netwright.drawing.space_rows import option_text
from netwright.space.architecture import Architecture

CHANGED, FIRST, SECOND = Mark("≠", "#d97706"), Mark("−", "#dc2626"), Mark("+", "#16a34a")

_LINE = 26.0  # of the table
_CELL = 330.0  # the widest text in it


@dataclass(frozen=True)
class Change:
    """A choice that two architectures answer differently; what one does not answer is empty."""

    name: str
    mark: Mark
    first: str
    second: str


def changes(a: Architecture, b: Architecture, order: Sequence[str]) -> list[Change]:
    """The choices that `a` and `b` do not answer alike, as their names stand in `order`."""
    found = []
    for name in order:
        one = option_text(a[name]) if name in a.answers else ""
        two = option_text(b[name]) if name in b.answers else ""
        if name not in a.answers or name not in b.answers:
            if name in a.answers or name in b.answers:
                found.append(Change(name, FIRST if name in a.answers else SECOND, one, two))
        elif a[name] != b[name] or type(a[name]) is not type(b[name]):
            found.append(Change(name, CHANGED, one, two))
    return found


def draw_difference(
    a: tuple[Architecture, Sketch], b: tuple[Architecture, Sketch], order: Sequence[str]
) -> Picture:
    """The answers that differ as a table, then both networks with their rows beside each other."""
    found = changes(a[0], b[0], order)
    picture = Picture("two networks and where they differ")
    picture.add(Label(14, 22, "Two networks", size=16, bold=True))
    picture.add(Label(14, 44, _summary(found), colour=SOFT))
    y = _draw_table(picture, found, 64)
    first = outline(a[1])
    second = outline(b[1], first.cells)
    first = outline(a[1], second.cells)
    y = _draw_networks(picture, first, second, y + 10)
    _draw_cells(picture, first, second, y)
    return picture


def _summary(found: Sequence[Change]) -> str:
    if not found:
        return "All answers are the same."
    texts = [(CHANGED, "differ"), (FIRST, "only in the first"), (SECOND, "only in the second")]
    counts = [(m, sum(c.mark == m for c in found), text) for m, text in texts]
    return "Answers: " + ", ".join(f"{n} {text} ({m.sign})" for m, n, text in counts if n)


def _draw_table(picture: Picture, found: Sequence[Change], y: float) -> float:
    """The table of answers; gives where it ends."""
    if not found:
        return y
    columns = [("choice", [c.name for c in found]), ("first", [c.first for c in found])]
    columns.append(("second", [c.second for c in found]))
    x = 40.0
    for place, (title, texts) in enumerate(columns):
        shown = [shorten(text, _CELL) for text in texts]
        picture.add(Label(x, y + _LINE / 2, title, SMALL, SOFT))
        for i, text in enumerate(shown):
            middle = y + _LINE * (i + 1.5)
            if text:
                picture.add(Label(x, middle, text, bold=place == 0))
        x += max(measure(text, bold=place == 0) for text in [title, *shown]) + 32
    for i, change in enumerate(found):
        top = y + _LINE * (i + 1)
        mark = change.mark
        picture.add(Label(22, top + _LINE / 2, mark.sign, 15, mark.colour, "middle", True))
        picture.add(Box(12, top, x - 40, 1, PAGE, opacity=0.12, radius=0))
    return y + _LINE * (len(found) + 1)


def _draw_networks(picture: Picture, first: Outline, second: Outline, y: float) -> float:
    """Both networks, equal rows at one height; gives where they end."""
    half = (WIDEST - 12) / 2
    layouts = [lay_out(drawn, half, compared=True) for drawn in (first, second)]
    pairs = list(_paired(first, second, *layouts))
    tops: tuple[list[float], list[float]] = ([], [])
    marks: tuple[dict[int, Mark], dict[int, Mark]] = ({}, {})
    at = 36.0
    for pair, mark in pairs:
        here = [place for place in range(2) if pair[place] >= 0]
        for place in here:
            if mark:
                marks[place][pair[place]] = mark
            tops[place].append(at)
        at += GAP + max(layouts[place].rows[pair[place]].height for place in here)
    x = 0.0
    for place, (name, drawn) in enumerate((("first", first), ("second", second))):
        column = draw_rows(drawn, layouts[place], tops[place], marks[place])
        text = f"The {name}: {drawn.params:,} parameters"
        column.add(Label(layouts[place].left, 16, text, bold=True))
        picture.put(column, x, y)
        x = max(column.width + 8, half if column.width > half - 40 else 0)
    return y + at + 8


def _paired(
    first: Outline, second: Outline, one: Layout, two: Layout
) -> Iterator[tuple[tuple[int, int], Mark | None]]:
    """Rows of both from the top down, -1 where one has none, and how they differ."""
    left, right = _likenesses(first, one), _likenesses(second, two)
    for a, b in _aligned(left, right):
        mark = FIRST if b < 0 else SECOND if a < 0 else CHANGED
        yield (a, b), None if min(a, b) >= 0 and left[a] == right[b] else mark


@dataclass(frozen=True)
class _Likeness:
    """What makes rows alike: their kind, what they do, and all that is written or drawn of them."""

    kind: str
    short: str
    shape: tuple[int, ...]
    text: tuple[str, ...]
    note: str
    copies: int
    reads: tuple[int, ...]

    def score(self, other: _Likeness) -> int:
        """How alike two rows are; 0 if they cannot stand for each other."""
        if self == other:
            return 6
        if self.kind != other.kind:
            return 0
        return 1 + 2 * (self.short == other.short) + (self.shape == other.shape)


def _likenesses(drawn: Outline, layout: Layout) -> list[_Likeness]:
    """Those of the input and of every row."""
    copies = [1] * len(layout.rows)
    for run in drawn.runs:
        for i in range(run.first, run.first + run.period):
            copies[i + 1] *= run.copies
    first = layout.rows[0]
    found = [_Likeness(first.kind, "Input", drawn.inputs, first.lines, first.note, 1, ())]
    for i, (node, row) in enumerate(zip(drawn.rows, layout.rows[1:], strict=True)):
        reads = tuple(i - source for source in node.sources)
        text = tuple(node.label.split(" · "))
        found.append(
            _Likeness(node.kind, node.short, node.shape, text, row.note, copies[i + 1], reads)
        )
    return found


def _aligned(left: Sequence[_Likeness], right: Sequence[_Likeness]) -> list[tuple[int, int]]:
    """Places of both in order, paired so that the pairs are most alike in sum; -1 is no pair.

    Needleman and Wunsch, "A general method applicable to the search for similarities in the amino
    acid sequence of two proteins" (1970), without a price for gaps.
    """
    m, n = len(left), len(right)
    best = [[0] * (n + 1) for _ in range(m + 1)]  # of what is left from (i, j) on
    for i in reversed(range(m)):
        for j in reversed(range(n)):
            score = left[i].score(right[j])
            paired = score + best[i + 1][j + 1] if score else 0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < m and j < n:
        score = left[i].score(right[j])
        if score and best[i][j] == score + best[i + 1][j + 1]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            found.append((i, -1))
            i += 1
        else:
            found.append((-1, j))
            j += 1
    return [*found, *((k, -1) for k in range(i, m)), *((-1, k) for k in range(j, n))]


def _draw_cells(picture: Picture, first: Outline, second: Outline, y: float) -> None:
    """The cells of both from the left to the right, in as many lines as it takes."""
    graphs = []
    for one, two in zip(first.cells, second.cells, strict=True):
        if one.uses or two.uses:
            note = "in both" if one.uses and two.uses else "only in the first (−)"
            graphs.append(draw_cell(one, note if one.uses else "only in the second (+)"))
    flow(picture, graphs, y, WIDEST)
