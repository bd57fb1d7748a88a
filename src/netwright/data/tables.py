"""Data from a CSV or Parquet table with one label column."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.arrays import build_data, part_rows
from netwright.data.dataset import ArrayData
from netwright.data.encodings import Column, Columns
from netwright.data.labels import encode_labels
from netwright.errors import DataError, require
from netwright.tasks import Classification

_LABELS = ("label", "target", "class", "y")
_MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL"]
_MOST_CATEGORIES = 1000
_ID_ROWS, _ID_SHARE = 20, 0.9  # a text column of more rows, more of them different, is an id


def load_table(
    path: Path, *, seed: int, validation: float, test: float, label: str | None
) -> ArrayData:
    """Data from a table: every column but the label is an input.

    The label is the column `label`, else the only one called label, target, class or y (in any
    case), else the last. Numbers and booleans become one float32 feature each. Text becomes one
    feature for each category of the train part, 1 where the row has it; a category that only other
    parts have is all zeros. In a CSV the first row is the header; an empty cell and NA, N/A, NaN,
    nan, null and NULL are missing values.

    Raises:
        DataError: a value is missing, infinite or of no usable kind, numbers and text are mixed
            (the message names the row, counted from 0, without the header, and the column); a
            column of text is an id; the first row of a CSV is data; several columns are called as
            a label is.
        MissingExtra: pandas or pyarrow is absent.
    """
    frame = _read_frame(path)
    label = _label_column(frame, label, path)
    for column in frame.columns:
        _check_missing(frame[column], column, path)
    where = f"{path}: column '{label}'"
    codes, class_names = encode_labels({where: np.asarray(frame[label].astype(object))})
    y = codes[where]
    task = Classification(class_names)
    rows = part_rows(
        {"train": y},
        task,
        seed=seed,
        validation=validation,
        test=test,
        source=str(path),
    )
    train_rows = rows["train"][1]
    columns = [
        _read_column(frame[column], column, train_rows, path)
        for column in frame.columns
        if column != label
    ]
    x = np.concatenate([features for _, features in columns], axis=1)
    pieces = {key: (x, y, index) for key, (_, index) in rows.items()}
    encoded = Columns(tuple(column for column, _ in columns))
    return build_data(pieces, task, name=path.stem, source=str(path), encoded=encoded)


def _read_frame(path: Path) -> Any:
    pandas = require("pandas", extra="tables", purpose="Reading a table")
    parquet = path.suffix.lower() == ".parquet"
    if parquet:
        require("pyarrow", extra="tables", purpose="Reading a Parquet file")
    try:
        with warnings.catch_warnings():
            # pandas only warns where it drops cells that a header does not name
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            if parquet:
                first_row = None
                frame = pandas.read_parquet(path, engine="pyarrow")
            else:
                first_row = pandas.read_csv(
                    path, header=None, nrows=1, index_col=False, dtype=str, keep_default_na=False
                )
                frame = pandas.read_csv(
                    path,
                    index_col=False,
                    low_memory=False,
                    keep_default_na=False,
                    na_values=_MISSING,
                )
    except Exception as error:  # a damaged file makes the two parsers raise many kinds
        raise DataError(f"{path} cannot be read as a table: {error}.") from error
    frame.columns = [str(column) for column in frame.columns]
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"{path} has two columns called '{twice}'.")
    if len(frame.columns) < 2:
        raise DataError(
            f"{path} must have a label column and at least one other, separated by commas if it is "
            f"a CSV; got the columns: {', '.join(frame.columns) or 'none'}."
        )
    if len(frame) == 0:
        raise DataError(f"{path} is empty: it has a header and no rows.")
    if first_row is not None:
        _check_header(frame, first_row.iloc[0].tolist(), path)
    return frame


def _check_header(frame: Any, cells: Sequence[str], path: Path) -> None:
    """Refuse a first row of data: each cell is as the column below it, and none is a name.

    Whole numbers that count the columns from 0 or 1 are names, as pandas writes them.
    """
    if not all(_fits(cell, frame.iloc[:, place]) for place, cell in enumerate(cells)):
        return
    places = [place for place, cell in enumerate(cells) if _is_number(cell)]
    numbers = [cells[place].strip() for place in places]
    for start in (0, 1):
        by_rank = [str(start + rank) for rank in range(len(places))]
        by_place = [str(start + place) for place in places]
        if numbers and numbers in (by_rank, by_place):
            return
    shown = ", ".join(cell.strip() for cell in cells[:10]) + (", ..." if len(cells) > 10 else "")
    raise DataError(
        f"{path} must begin with a header, but its first row looks like data: {shown}. Add a "
        f"header row with a name for each column above it; if it is the header, rename the columns."
    )


def _fits(cell: str, series: Any) -> bool:
    """Whether `cell` may be one more value of `series`: a number, or a text that it holds."""
    types = require("pandas", extra="tables", purpose="Reading a table").api.types
    if types.is_numeric_dtype(series.dtype) and not types.is_bool_dtype(series.dtype):
        return _is_number(cell)
    return bool((series.dropna().astype(str).str.lower() == cell.lower()).any())


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _label_column(frame: Any, label: str | None, path: Path) -> str:
    columns = [str(column) for column in frame.columns]
    if label is not None:
        if label not in columns:
            shown = ", ".join(columns[:20]) + (", ..." if len(columns) > 20 else "")
            raise DataError(f"{path} has no column '{label}' for `label=...`; it has: {shown}.")
        return label
    named = [column for column in columns if column.lower() in _LABELS]
    if len(named) > 1:
        shown = ", ".join(f"'{column}'" for column in named[:-1]) + f" and '{named[-1]}'"
        raise DataError(
            f"{path} must have one label column, but {shown} are all called as one; say which it "
            f"is by `label=...`, and remove the others if they "
            f"tell the answer."
        )
    return named[0] if named else columns[-1]


def _check_missing(series: Any, column: str, path: Path) -> None:
    missing = series.isna().to_numpy()
    if missing.any():
        row, count = int(missing.argmax()), int(missing.sum())
        raise DataError(
            f"{path}: row {row} (counted from 0, without the header) has no value in column "
            f"'{column}' ({count} missing in this column); fill it or remove the row."
        )


def _read_column(
    series: Any, column: str, train_rows: NDArray[np.int64], path: Path
) -> tuple[Column, NDArray[np.float32]]:
    """How a column is encoded, and its float32 features of shape (n, 1) or (n, categories)."""
    types = require("pandas", extra="tables", purpose="Reading a table").api.types
    if types.is_bool_dtype(series.dtype):
        return Column(column), np.asarray(series.astype(bool), np.float32)[:, None]
    if types.is_numeric_dtype(series.dtype) and not types.is_complex_dtype(series.dtype):
        return Column(column), _read_numbers(series, column, path)
    values = np.asarray(series.astype(object))
    kinds = set(map(type, values.tolist()))
    if kinds <= {bool} or kinds <= {int, float}:
        return Column(column), _read_numbers(series.astype("float64"), column, path)
    if kinds <= {str}:
        _check_text(series, column, path)
        encoded = Column(column, _categories(values, column, train_rows, path))
        return encoded, encoded.encode(values)
    found = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise DataError(
        f"{path}: column '{column}' must hold numbers, booleans or text, got {found}; "
        f"convert it to numbers or remove it."
    )


def _read_numbers(series: Any, column: str, path: Path) -> NDArray[np.float32]:
    raw = np.asarray(series.to_numpy(dtype="float64"))
    with np.errstate(over="ignore"):
        numbers = raw.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        raise DataError(
            f"{path}: row {bad[0]} (counted from 0, without the header) holds {raw[bad[0]]} in "
            f"column '{column}', which is not a finite float32; remove the row or replace the "
            f"value."
        )
    return numbers[:, None]


def _check_text(series: Any, column: str, path: Path) -> None:
    """Refuse a column of numbers that a few words turned into text, such as '?' for missing."""
    pandas = require("pandas", extra="tables", purpose="Reading a table")
    words = pandas.to_numeric(series.astype(object), errors="coerce").isna().to_numpy()
    if words.any() and words.mean() < 0.5:
        row = int(words.argmax())
        raise DataError(
            f"{path}: row {row} (counted from 0, without the header) holds the text "
            f"{series.iloc[row]!r} in column '{column}', which holds numbers elsewhere; replace "
            f"the value or remove the row."
        )


def _categories(
    values: NDArray[Any], column: str, train_rows: NDArray[np.int64], path: Path
) -> tuple[str, ...]:
    """The texts of the train part, sorted; refuses a column of names or ids."""
    categories = sorted(set(values[train_rows].tolist()))
    if len(categories) > _MOST_CATEGORIES:
        raise DataError(
            f"{path}: column '{column}' has {len(categories):,} different texts, more than "
            f"{_MOST_CATEGORIES:,}, as a name or an id has; remove it or turn it into numbers."
        )
    different = len(set(values.tolist()))
    if len(values) > _ID_ROWS and different > _ID_SHARE * len(values):
        raise DataError(
            f"{path}: column '{column}' has {different:,} different texts in {len(values):,} rows, "
            f"as a name or an id has; remove it or turn it into numbers."
        )
    return tuple(categories)
