"""Rows as text, for a person at a prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class Table(Sequence[Mapping[str, Any]]):
    """Rows that are mappings, with a plain text form; `pandas.DataFrame(table)` works too."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._rows = list(rows)

    @property
    def columns(self) -> list[str]:
        """The columns in the order they first appear."""
        return list(dict.fromkeys(key for row in self._rows for key in row))

    def __getitem__(self, index: Any) -> Any:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self._rows)

    def __repr__(self) -> str:
        columns = [c for c in self.columns if not c.startswith("architecture.")]
        cells = [columns] + [[_cell(row.get(c, "")) for c in columns] for row in self._rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
        lines = (
            "  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in cells
        )
        return "\n".join(lines)


def _cell(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
