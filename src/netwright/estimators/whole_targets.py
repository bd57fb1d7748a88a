"""Targets as scikit-learn gives them, refused by row where one is missing or cannot be used."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.values import is_missing
from netwright.errors import DataError

_REMEDY = "remove the row or give it one"


def whole_labels(y: Any, call: str) -> Any:
    """Labels as they were given, Python's numbers of an array of objects as numbers.

    Raises:
        DataError: One is missing, infinite, or of another kind than the first; names its row.
    """
    values = _cells(y, call, "label")
    if values is None or values.dtype.kind != "O":
        return y
    cells = values.reshape(-1).tolist()
    if cells and all(isinstance(cell, bool | np.bool_) for cell in cells):
        return values.astype(bool)
    if cells and all(isinstance(cell, int | float | np.number) for cell in cells):
        return np.array(cells).reshape(values.shape)
    kind = type(cells[0]) if cells else str
    for place, cell in enumerate(cells):
        if not isinstance(cell, kind) and not isinstance(cells[0], type(cell)):
            raise DataError(
                f"{call} must have labels of one kind, got {cells[0]!r} in row 0 and {cell!r} in "
                f"row {_row(place, values)} of y (counted from 0); write them alike."
            )
    return values


def whole_numbers(y: Any, call: str) -> Any:
    """Numbers to predict as they were given.

    Raises:
        DataError: One is missing, infinite or no number; names its row.
    """
    values = _cells(y, call, "target")
    if values is None or values.dtype.kind not in "OUS":
        return y
    for place, cell in enumerate(values.reshape(-1).tolist()):
        try:
            float(cell)
        except (TypeError, ValueError):
            raise DataError(
                f"{call}: row {_row(place, values)} of y (counted from 0) has the target {cell!r}, "
                "which is no number; `NetClassifier` predicts labels."
            ) from None
    return values


def check_within_float32(given: NDArray[Any], numbers: NDArray[np.float32], call: str) -> None:
    """Refuse a finite number that single precision has none for.

    Raises:
        DataError: Names its row.
    """
    beyond = np.argwhere(~np.isfinite(numbers))
    if len(beyond):
        place = tuple(beyond[0].tolist())
        raise DataError(
            f"{call}: row {place[0]} of y (counted from 0) holds {given[place]}, a number beyond "
            "float32; give it in a larger unit."
        )


def _cells(y: Any, call: str, what: str) -> NDArray[Any] | None:
    """Targets as an array none of which is missing or infinite; None for what is no array."""
    if hasattr(y, "toarray"):  # sparse, which scikit-learn refuses
        return None
    try:
        values = np.asarray(y)
    except (TypeError, ValueError):
        return None
    if isinstance(y, list | tuple) and values.dtype.kind in "US":
        values = np.array(y, object)  # where numpy made texts of None and of numbers
    for place in np.flatnonzero(_are_odd(values)).tolist():
        cell = values.reshape(-1)[place]
        held = f"the {what} {cell}" if _is_infinite(cell) else f"no {what}"
        row = f"row {_row(place, values)} of y (counted from 0)"
        raise DataError(f"{call}: {row} has {held}; {_REMEDY}.")
    return values


def _are_odd(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each cell is missing or infinite."""
    if values.dtype.kind == "f":
        infinite: NDArray[np.bool_] = ~np.isfinite(values)
        return infinite
    if values.dtype.kind in "mM":
        absent: NDArray[np.bool_] = np.isnat(values)
        return absent
    if values.dtype.kind != "O":
        return np.zeros(values.shape, bool)
    return np.array([is_missing(x) or _is_infinite(x) for x in values.reshape(-1)], bool)


def _is_infinite(cell: Any) -> bool:
    return isinstance(cell, float | np.floating) and bool(np.isinf(cell))


def _row(place: int, values: NDArray[Any]) -> int:
    """The row of a cell of the flat array."""
    return place // max(1, values.size // max(1, len(values))) if values.ndim else 0
