"""Tables as frames of pandas: from a CSV or a Parquet file, or a frame that is in memory."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netwright.errors import DataError, require

_LABELS = ("label", "target", "class", "y")
_MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"]
_SEPARATORS = ",;\t|"
_PURPOSE = "Reading a table"


@dataclass(frozen=True)
class Frame:
    """A frame of pandas, how messages call it, its label column, and columns without a name."""

    table: Any
    where: str
    label: str
    unnamed: frozenset[str] = frozenset()


def is_frame(source: object) -> bool:
    """Whether something is a table of pandas or Polars."""
    return hasattr(source, "columns") and (
        hasattr(source, "to_dict") or hasattr(source, "to_dicts")
    )


def frame_of(source: Any, label: str | None, where: str) -> Frame:
    """A table of pandas or Polars that is in memory.

    Raises:
        DataError: It has no such label column, or several columns of one name.
    """
    pandas = require("pandas", extra="tables", purpose=_PURPOSE)
    if hasattr(source, "to_dicts"):
        source = pandas.DataFrame(source.to_dict(as_series=False))
    table = source.reset_index(drop=True)
    table.columns = [str(column) for column in table.columns]
    _check_names(list(table.columns), where)
    return Frame(table, where, label_column(table, label, where))


def read_frame(path: Path, label: str | None) -> Frame:
    """The table of a CSV or a Parquet file; cells of the label column are kept as they stand.

    Raises:
        DataError: It cannot be read, its first row is data, two columns have one name, or there is
            no such label column.
        MissingExtra: pandas or pyarrow is absent.
    """
    return _frame(path, lambda table: label_column(table, label, str(path)), 2)


def read_rows(path: Path, label: str | None) -> Frame:
    """The table of a CSV or a Parquet file that may have the label column, or be without it.

    The label of the frame is empty where it has none.

    Raises:
        DataError: It cannot be read, its first row is data, or two columns have one name.
        MissingExtra: pandas or pyarrow is absent.
    """
    return _frame(path, lambda table: label if label in [*map(str, table.columns)] else "", 1)


def _frame(path: Path, choose: Callable[[Any], str | None], least: int) -> Frame:
    """A table of `least` columns at least, and the label column that is chosen of them."""
    pandas = require("pandas", extra="tables", purpose=_PURPOSE)
    if path.suffix.lower() == ".parquet":
        require("pyarrow", extra="tables", purpose="Reading a Parquet file")
        with _readable(path):
            table = pandas.read_parquet(path, engine="pyarrow").reset_index(drop=True)
        table.columns = [str(column) for column in table.columns]
        _check_names(list(table.columns), str(path))
        _check_rows(table, path, least)
        return Frame(table, str(path), choose(table) or "")
    with _readable(path):
        separator = _separator(path)
        given = {"index_col": False, "sep": separator, "keep_default_na": False}
        cells = pandas.read_csv(path, header=None, nrows=1, dtype=str, **given).iloc[0].tolist()
        names = pandas.read_csv(path, nrows=0, **given)
    chosen = choose(names) if len(names.columns) else None
    missing = {column: _MISSING for column in names.columns if column != chosen}
    with _readable(path):
        table = pandas.read_csv(path, low_memory=False, na_values=missing, **given)
    table.columns = [str(column) for column in table.columns]
    _check_rows(table, path, least)
    _check_header(table, cells, path)
    _check_names([cell.strip() for cell in cells if cell.strip()], str(path))
    assert chosen is not None
    pairs = zip(table.columns, cells, strict=True)
    return Frame(table, str(path), chosen, frozenset(n for n, cell in pairs if not cell.strip()))


class _readable:
    """What a damaged table raises becomes one kind: the parsers raise many."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings = warnings.catch_warnings()

    def __enter__(self) -> None:
        pandas = require("pandas", extra="tables", purpose=_PURPOSE)
        self.warnings.__enter__()
        # pandas only warns where it drops cells that a header does not name
        warnings.simplefilter("error", pandas.errors.ParserWarning)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.warnings.__exit__(None, None, None)
        if isinstance(error, Exception):
            raise DataError(f"{self.path} {_why_unreadable(self.path, error)}.") from error


def _why_unreadable(path: Path, error: Exception) -> str:
    """What is wrong with a file, and what to do about it, without the full stop."""
    if isinstance(error, FileNotFoundError):
        return "cannot be read as a table: there is no such file"
    if isinstance(error, UnicodeDecodeError):
        return (
            f"cannot be read as a table: it is not written in UTF-8 (byte {error.start} is "
            f"{error.object[error.start]:#04x}); save it as UTF-8"
        )
    if path.suffix.lower() == ".csv" and path.stat().st_size == 0:
        return "cannot be read as a table: it is empty"
    if path.suffix.lower() == ".csv" and (uneven := _uneven(path)) is not None:
        line, cells, names = uneven
        return (
            f"cannot be read as a table: line {line} has {cells} cells, and the header has {names} "
            "names; put a cell that has a separator in it in quotation marks, or mend the line"
        )
    return f"cannot be read as a table: {str(error).rstrip('. ')}"


def _uneven(path: Path) -> tuple[int, int, int] | None:
    """The first line with more cells than the header has names: its number, both counts."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter=_separator(path))
        try:
            names = len(next(rows, []))
            for row in rows:
                if len(row) > names:
                    return rows.line_num, len(row), names
        except csv.Error:
            return None
    return None


def _separator(path: Path) -> str:
    """The sign between cells: the comma, or another that the first line has in its place."""
    with path.open(encoding="utf-8", newline="") as file:
        first = next(csv.reader([file.readline()], delimiter="\n"), [""])
    line = first[0] if first else ""
    if "," in line:
        return ","
    return next((sign for sign in _SEPARATORS if sign in line), ",")


def _check_rows(table: Any, path: Path, least: int) -> None:
    if len(table.columns) < least:
        raise DataError(
            f"{path} must have a label column and at least one other, separated by commas if it is "
            f"a CSV; got the columns: {', '.join(table.columns) or 'none'}."
        )
    if len(table) == 0:
        raise DataError(f"{path} is empty: it has a header and no rows.")


def _check_names(names: list[str], where: str) -> None:
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise DataError(f"{where} has two columns called '{twice[0]}'; rename one of them.")


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


def label_column(frame: Any, label: str | None, path: object) -> str:
    """The label column: the one named, else the one that is called as one, else the last.

    Raises:
        DataError: There is none of that name, or several are called as one.
    """
    columns = [str(column) for column in frame.columns]
    if not columns:
        raise DataError(f"{path} has no columns.")
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
