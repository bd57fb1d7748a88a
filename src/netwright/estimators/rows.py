"""Rows as scikit-learn gives them, checked: columns of a table, or images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array, validate_data

from netwright.data.columns import as_values
from netwright.data.frames import is_frame
from netwright.data.values import to_numpy
from netwright.errors import DataError, require

_IMAGES = (3, 4)  # axes of an array of them


@dataclass(frozen=True)
class Rows:
    """Checked rows: either columns, each (n,) and called by its name, or images (n, ...)."""

    names: tuple[str, ...]
    columns: tuple[NDArray[Any], ...]
    images: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.columns[0] if self.images is None else self.images)

    def named(self, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """The columns by their names, or in their order by those that are given."""
        return dict(zip(names or self.names, self.columns, strict=True))


def read_rows(estimator: Any, x: Any, *, reset: bool) -> Rows:
    """Check rows, and learn the number and the names of features if `reset`.

    A table of pandas or Polars may hold numbers, text, dates and gaps, and so may an array of
    objects; other arrays (n, f) hold numbers, NaN where one is missing. Arrays (n, h, w),
    (n, c, h, w) and (n, h, w, c) are images.

    Raises:
        ValueError: They have no rows or features, other features than the ones that were learned,
            or an infinite number.
        TypeError: They are sparse, or hold what is no number and no text.
    """
    least = 2 if reset else 1
    if is_frame(x):
        return _read_frame(estimator, x, least, reset=reset)
    if _axes(x) in _IMAGES:
        return _read_images(estimator, x, least, reset=reset)
    if _has_text(x):
        return _read_objects(estimator, x, least, reset=reset)
    found = validate_data(
        estimator, x, reset=reset, ensure_all_finite="allow-nan", ensure_min_samples=least
    )
    return Rows(_numbered(found.shape[1]), tuple(np.ascontiguousarray(found.T)))


def _numbered(count: int) -> tuple[str, ...]:
    """What scikit-learn calls features that have no names."""
    return tuple(f"x{place}" for place in range(count))


def _read_frame(estimator: Any, x: Any, least: int, *, reset: bool) -> Rows:
    if hasattr(x, "to_dicts"):  # of Polars
        pandas = require("pandas", extra="tables", purpose="Reading a table")
        x = pandas.DataFrame(x.to_dict(as_series=False))
    _check_size(estimator, x.shape, least)
    names = tuple(map(str, x.columns))
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise DataError(f"X has two columns called {twice!r}; rename one of them.")
    validate_data(estimator, x, reset=reset, skip_check_array=True)
    columns = tuple(as_values(x.iloc[:, place]) for place in range(len(names)))
    for name, values in zip(names, columns, strict=True):
        _check_numbers(values, name)
    return Rows(names, columns)


def _check_numbers(values: NDArray[Any], name: str) -> None:
    """Refuse numbers that are infinite, in the words of scikit-learn."""
    if values.dtype.kind == "f":
        check_array(
            values, ensure_2d=False, ensure_all_finite="allow-nan", input_name=f"X[{name!r}]"
        )


def _read_objects(estimator: Any, x: Any, least: int, *, reset: bool) -> Rows:
    """An array or a list of rows with text in it."""
    found = np.asarray(x, object)
    if found.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {found.ndim}D array instead. Reshape your data using "
            "X.reshape(-1, 1) if it has one feature, or X.reshape(1, -1) if it is one sample."
        )
    _check_size(estimator, found.shape, least)
    validate_data(estimator, found, reset=reset, skip_check_array=True)
    return Rows(_numbered(found.shape[1]), tuple(found.T))


def _read_images(estimator: Any, x: Any, least: int, *, reset: bool) -> Rows:
    found = to_numpy(x, "X")
    if found.dtype.kind not in "biuf":
        raise DataError(f"X must hold numbers where it has {found.ndim} axes, got {found.dtype}.")
    _check_size(estimator, found.shape, least)
    validate_data(estimator, found, reset=reset, skip_check_array=True)
    return Rows((), (), found)


def _check_size(estimator: Any, shape: Sequence[int], least: int) -> None:
    """Refuse too few rows or no features, in the words of scikit-learn."""
    rows, features, name = shape[0], shape[1], type(estimator).__name__
    shape = tuple(shape)
    if rows < least:
        raise ValueError(
            f"Found array with {rows} sample(s) (shape={shape}) while a minimum of {least} is "
            f"required by {name}."
        )
    if features < 1:
        raise ValueError(
            f"Found array with {features} feature(s) (shape={shape}) while a minimum of 1 is "
            f"required by {name}."
        )


def _axes(x: Any) -> int:
    """How many axes an array or a tensor has; 0 for what is none."""
    axes = getattr(x, "ndim", 0)
    return axes if isinstance(axes, int) else 0


def _has_text(x: Any) -> bool:
    """Whether an array or a list of rows has text in it."""
    if isinstance(x, list | tuple):
        return any(
            isinstance(cell, str) for row in x if isinstance(row, list | tuple) for cell in row
        )
    kind = getattr(getattr(x, "dtype", None), "kind", "")
    if kind == "O" and isinstance(x, np.ndarray):
        return any(isinstance(cell, str) for cell in x.reshape(-1).tolist())
    return bool(kind in ("U", "T"))
