"""A space drawn as a tree of its choices, from the top down."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.drawing.marks import (
    PAGE,
    SIZE,
    SMALL,
    SOFT,
    WIDEST,
    Box,
    Label,
    Line,
    measure,
    shorten,
)
from netwright.drawing.picture import Picture
from netwright.drawing.space_rows import ChoiceRow, SpaceRow, option_texts, space_rows
from netwright.network.signature import Signature, TensorSpec
from netwright.space.choose import Ask

KINDS = {
    "one_of": ("one of", "#3f6da0"),
    "width": ("width", "#8d5486"),
    "value": ("value", "#2f7f79"),
    "repeat": ("repeat", "#b3541e"),
    "inputs": ("inputs", "#6b7280"),
}
"""What each kind of choice is called, and its colour."""

_LEFT, _TOP = 14.0, 70.0
_ROW, _CONDITION, _CHIP = 28.0, 22.0, 20.0  # heights
_INDENT = 18.0  # of a level, less where the tree is deep
_DEEPEST = 320.0  # all levels together
_NAME = 340.0  # the widest name
_CHIP_WIDTH = 260.0  # the widest option


def draw_space(root: Sequence[Ask], name: str, count: int | None, signature: Signature) -> Picture:
    """The choices asked from `root` on, under a heading with the number of members."""
    rows = space_rows(root)
    picture = Picture(f"the space {name}")
    picture.add(Label(_LEFT, 22, shorten(name, 700, 16), 16, bold=True))
    picture.add(Label(_LEFT, 44, _heading(root, count, signature), SIZE, SOFT))
    deepest = max((row.depth for row in rows), default=0)
    indent = min(_INDENT, _DEEPEST / max(deepest, 1))
    column = max((_head_width(row, indent) for row in rows), default=0.0) + 18
    y = _TOP
    parents: list[tuple[int, float]] = []  # depth of the rows around, and where their line ends
    for row in rows:
        while parents and parents[-1][0] >= row.depth:
            parents.pop()
        x = _LEFT + indent * row.depth
        middle = y + (_ROW if isinstance(row, ChoiceRow) else _CONDITION) / 2
        if parents:
            above, top = parents[-1]
            left = _LEFT + indent * above + 5
            picture.add(Line(((left, top), (left, middle), (x - 3, middle))))
            parents[-1] = (above, middle - 8)
        if isinstance(row, ChoiceRow):
            y = _draw_choice(picture, row, x, y, column)
        else:
            picture.add(Label(x, middle, shorten(row.text, WIDEST - x - 40), SMALL, SOFT))
            y += _CONDITION
        parents.append((row.depth, middle + (9 if isinstance(row, ChoiceRow) else 7)))
    if not rows:
        picture.add(Label(_LEFT, _TOP + 10, "It has no choice: one network.", SIZE, SOFT))
    return picture


def _heading(root: Sequence[Ask], count: int | None, signature: Signature) -> str:
    choices = len(_names(root))
    many = "uncounted" if count is None else number(count)
    members = f"{many} member{'s' if count != 1 else ''}"
    asked = f"{choices:,} choice{'s' if choices != 1 else ''}"
    takes = ", ".join(_sizes(spec) for spec in signature.inputs)
    gives = ", ".join(_sizes(spec) for spec in signature.outputs)
    return f"{members} · {asked} · inputs {takes} · outputs {gives}"


def _sizes(spec: TensorSpec) -> str:
    return "x".join("any" if size is None else str(size) for size in spec.shape)


def _names(scope: Sequence[Ask]) -> set[str]:
    inner = [_names(branch) for ask in scope for branch in ask.branches]
    return {ask.choice.name for ask in scope}.union(*inner)


def number(count: int) -> str:
    """A whole number, exact below 10 ** 9."""
    if count < 10**9:
        return f"{count:,}"
    digits = str(count)
    exponent = str(len(digits) - 1).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits[0]}.{digits[1:3]} × 10{exponent}"


def _head_width(row: SpaceRow, indent: float) -> float:
    """Where a choice's name and tags end."""
    if not isinstance(row, ChoiceRow):
        return 0.0
    name = measure(shorten(row.name, _NAME), bold=True)
    tags = sum(measure(text, SMALL) + 18 for text, _ in _tags(row))
    return _LEFT + indent * row.depth + name + tags + 8


def _tags(row: ChoiceRow) -> list[tuple[str, str]]:
    tags = [KINDS[row.choice.kind]]
    if row.choice.late:
        tags.append(("late", "#7a5c1e"))
    if row.copies > 1:
        tags.append((f"×{row.copies}", "#3d4a5c"))
    return tags


def _draw_choice(picture: Picture, row: ChoiceRow, x: float, y: float, column: float) -> float:
    """Draws a choice with its options from `column` on; gives the bottom of the row."""
    middle = y + _ROW / 2
    name = Label(x, middle, shorten(row.name, _NAME), SIZE, PAGE, bold=True)
    picture.add(name)
    x += name.width + 8
    for text, colour in _tags(row):
        width = measure(text, SMALL) + 12
        picture.add(Box(x, middle - 8.5, width, 17, colour, radius=8))
        picture.add(Label(x + width / 2, middle, text, SMALL, "#fff", "middle"))
        x += width + 6
    return _draw_options(picture, row, column, y)


def _draw_options(picture: Picture, row: ChoiceRow, column: float, y: float) -> float:
    texts, remark = option_texts(row.choice)
    remarks = [remark] if remark else []
    if row.shared:
        remarks.append("answered once for all")
    x = column
    for text in [shorten(text, _CHIP_WIDTH, SMALL) for text in texts]:
        width = measure(text, SMALL) + 14
        if x + width > WIDEST - 18 and x > column:
            x, y = column, y + _CHIP + 4
        picture.add(Box(x, y + 4, width, _CHIP, PAGE, opacity=0.09, radius=5))
        picture.add(Label(x + 7, y + 4 + _CHIP / 2, text, SMALL))
        x += width + 6
    note = ", ".join(remarks)
    if note:
        if x + measure(note, SMALL) > WIDEST - 18:
            x, y = column, y + _CHIP + 2
        picture.add(Label(x + 4, y + 4 + _CHIP / 2, note, SMALL, SOFT))
    return y + _ROW
