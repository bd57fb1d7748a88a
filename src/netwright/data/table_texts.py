"""The columns of a table that hold texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.columns import as_values, read_column
from netwright.data.frames import Frame
from netwright.data.written import level_in
from netwright.errors import DataError


def text_columns(
    values: Mapping[str, NDArray[Any]], train: NDArray[np.int64], frame: Frame, *, only: bool
) -> list[str]:
    """The columns that texts are learned from; none where there are others to learn from.

    With `only` they are learned from in any case, and columns of words are texts too.

    Raises:
        DataError: No column has words, where there must be one.
    """
    words = [name for name, cells in values.items() if _has_words(cells)]
    if not words and only:
        raise DataError(f"{frame.where} has no column of texts.")
    read = {
        name: read_column(values[name], name, train, frame.where, unnamed=name in frame.unnamed)
        for name in (words if only else values if words else ())
    }
    texts = [name for name, found in read.items() if found.text]
    if only:
        return texts or words
    others = any(found.column is not None and not found.text for found in read.values())
    return [] if others else texts


def _has_words(cells: NDArray[Any]) -> bool:
    return cells.dtype == object and any(isinstance(cell, str) for cell in cells[:100].tolist())


def joined(table: Any, columns: Sequence[str]) -> list[str]:
    """The texts of each row, one after the other; empty where a cell has no value."""
    cells = [[_text(cell) for cell in as_values(table[name]).tolist()] for name in columns]
    return ["\n".join(row) for row in zip(*cells, strict=True)]


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else level_in(cell)
