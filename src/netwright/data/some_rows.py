"""A few rows of the train part, of each class some, for who shows what data are."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from netwright.data.base import Data
from netwright.tasks import Classification, MultiLabel

EACH = 8  # rows of a class, or of a line
_CLASSES = 40
_LINES = 4  # where there are no classes


@dataclass(frozen=True)
class Line:
    """Rows of the train part with a name and a remark, and what is predicted of each.

    Of a class both are of all of its rows, and `targets` are empty; else name and remark are.
    """

    name: str
    remark: str
    rows: list[int]
    targets: tuple[str, ...] = ()


def some_rows(data: Data) -> list[Line]:
    """A line of up to eight rows for each class, or else four lines with their targets."""
    y = data.train.all_targets
    if not isinstance(data.task, Classification):
        rows = list(range(min(len(y), EACH * _LINES)))
        pieces = [rows[start : start + EACH] for start in range(0, len(rows), EACH)]
        return [
            Line("", "", piece, tuple(_told(data, y[row]) for row in piece)) for piece in pieces
        ]
    lines = []
    for place, name in enumerate(data.task.names[:_CLASSES]):
        of_class = (y == place).nonzero().flatten().tolist()
        lines.append(Line(name, f"{len(of_class):,} to learn from", of_class[:EACH]))
    return lines


def _told(data: Data, y: Tensor) -> str:
    if isinstance(data.task, MultiLabel):
        holds = zip(data.task.names, y.tolist(), strict=True)
        return ", ".join(name for name, value in holds if value) or "none"
    return ", ".join(f"{value:.4g}" for value in y.reshape(-1).tolist())
