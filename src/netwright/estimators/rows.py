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
from netwright.data.kinds import KINDS, is_ragged
from netwright.data.series import read_series
from netwright.data.sound_files import check_rate
from netwright.data.texts import is_texts
from netwright.data.values import to_numpy
from netwright.errors import DataError, SettingError, require

_IMAGES = (3, 4)  # axes of an array of them
_ITEMS = ("text", "series", "sound")  # kinds of rows that are items


@dataclass(frozen=True)
class Rows:
    """Checked rows: columns, each (n,) and called by its name, or images (n, ...), or else `items`.

    Items are texts, series or recordings by their `kind`, one for each row.
    """

    names: tuple[str, ...]
    columns: tuple[NDArray[Any], ...]
    images: NDArray[Any] | None = None
    items: Sequence[Any] | None = None
    kind: str = ""

    def __len__(self) -> int:
        if self.items is not None:
            return len(self.items)
        return len(self.columns[0] if self.images is None else self.images)

    def named(self, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """The columns by their names, or in their order by those that are given."""
        return dict(zip(names or self.names, self.columns, strict=True))


def read_rows(estimator: Any, x: Any, *, reset: bool) -> Rows:
    """Check rows, and learn the number and the names of features if `reset`.

    A table of pandas or Polars may hold numbers, text, dates and gaps, and so may an array of
    objects; other arrays (n, f) hold numbers, NaN where one is missing. Arrays (n, h, w),
    (n, c, h, w) and (n, h, w, c) are images. A list or a column of texts is read as texts, and one
    of arrays of unequal lengths as series; the `kind` of an estimator says it otherwise, and has to
    where an array (n, c, t) holds series, and for recordings.

    Raises:
        SettingError: The kind is none, or recordings come without their rate.
        ValueError: They have no rows or features, other features than the ones that were learned,
            or an infinite number.
        TypeError: They are sparse, or hold what is no number and no text.
    """
    least = 2 if reset else 1
    kind = _items_of(estimator, x, reset=reset)
    if kind is not None:
        return _read_items(estimator, x, kind, least, reset=reset)
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


def _items_of(estimator: Any, x: Any, *, reset: bool) -> str | None:
    """The kind of rows that are neither of a table nor images of one shape; None for these."""
    kind, rate, name = estimator.kind, estimator.rate, type(estimator).__name__
    if kind is not None and kind not in KINDS:
        raise SettingError(f"`{name}(kind=...)` must be one of {', '.join(KINDS)}, got {kind!r}.")
    if (rate is None) != (kind != "sound"):
        told = "say the rate of recordings in Hz" if kind == "sound" else 'have `kind="sound"`'
        raise SettingError(f"`{name}(rate=...)` must {told}, got {rate!r}.")
    check_rate(rate)
    if not reset and estimator.learnt_kind in _ITEMS:
        return str(estimator.learnt_kind)
    if kind in _ITEMS:
        return str(kind)
    if kind is not None:
        if (_axes(x) in _IMAGES) != (kind == "images"):
            raise DataError(f"X must hold {kind}, as `{name}(kind={kind!r})` says, got other rows.")
        return None
    if hasattr(x, "toarray"):
        return None  # sparse, which is refused below
    if is_texts(x):
        return "text"
    return "series" if is_ragged(x) and not _has_text(x) and not _is_nested(x) else None


def _is_nested(x: Any) -> bool:
    """Whether rows are lists of single values, of which some have too few: no series."""
    return not all(isinstance(row, np.ndarray) or hasattr(row, "detach") for row in x)


def _read_items(estimator: Any, x: Any, kind: str, least: int, *, reset: bool) -> Rows:
    """Texts, series or recordings; the features of series are their channels, else one."""
    if kind == "text":
        if isinstance(x, str | bytes) or is_frame(x) or (reset and not is_texts(x)):
            name = type(x).__name__
            raise DataError(f"X must be a list of texts, or a column of a table, got a {name}.")
        items: Any = x.tolist() if hasattr(x, "tolist") else list(x)
    else:
        items = x if isinstance(x, list) else list(to_numpy(x, "X"))
    _check_size(estimator, (len(items), 1), least)
    features = 1
    if kind == "series":
        features = read_series(x, "X").shape[1]
    if reset:
        estimator.n_features_in_ = features
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    elif features != estimator.n_features_in_:
        raise ValueError(
            f"X has {features} channels, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} channels as input."
        )
    return Rows((), (), items=items, kind=kind)


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
