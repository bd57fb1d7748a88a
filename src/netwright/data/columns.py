"""The columns of a table: what each holds, and the numbers and codes that stand for its values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.worded import ID_ROWS, ID_SHARE, Words, is_text, learn_words
from netwright.data.written import level_in, numbers_in
from netwright.errors import DataError, require

OTHER = 0
"""The code of a category that the train part has too rarely, or not at all."""

_MOST_LEVELS = 255
_DATES = (
    "iso", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y",
    "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%Y/%m/%d %H:%M",
)  # fmt: skip
_SHORTEST_DATE = 8  # characters

Values = NDArray[Any]


@dataclass(frozen=True)
class Number:
    """Numbers, as they are or less an offset, where float32 could not hold them apart.

    `decimal` is the sign before their fractions, where they are text. `gaps` says that values are
    missing in the train part.
    """

    name: str
    offset: float = 0.0
    decimal: str = "."
    gaps: bool = False

    @property
    def features(self) -> tuple[str, ...]:
        """The numbers that stand for a value."""
        return (self.name,)

    def encode(self, values: Values) -> NDArray[np.float32]:
        """Values (n,) as numbers (n, 1), NaN where one is missing."""
        numbers = numbers_of(values, self.decimal) - self.offset
        return numbers.astype(np.float32)[:, None]

    def to_json(self) -> dict[str, Any]:
        """As the code book has it."""
        return {
            "name": self.name, "kind": "number", "offset": self.offset, "decimal": self.decimal,
            "gaps": self.gaps,
        }  # fmt: skip


@dataclass(frozen=True)
class Day:
    """Dates, as days since 1970 less an offset, their month and their weekday, and their hour.

    `format` is how they are written, as `datetime.strptime` has it, or "iso".
    """

    name: str
    format: str
    offset: float = 0.0
    hours: bool = False
    gaps: bool = False

    @property
    def features(self) -> tuple[str, ...]:
        """The numbers that stand for a date."""
        kinds = ("day", "month", "weekday", *(("hour",) if self.hours else ()))
        return tuple(f"{self.name} ({kind})" for kind in kinds)

    def encode(self, values: Values) -> NDArray[np.float32]:
        """Values (n,) as numbers (n, 3), or (n, 4) with hours, NaN where one is missing."""
        return self.encode_exactly(values).astype(np.float32)

    def encode_exactly(self, values: Values) -> NDArray[np.float64]:
        """The same in float64."""
        book = self.to_json()
        rows = [numbers_in(value, book) for value in values.tolist()]
        return np.array(rows, np.float64).reshape(len(values), len(self.features))

    def to_json(self) -> dict[str, Any]:
        """As the code book has it."""
        return {
            "name": self.name, "kind": "date", "format": self.format, "offset": self.offset,
            "hours": self.hours, "gaps": self.gaps,
        }  # fmt: skip


@dataclass(frozen=True)
class Category:
    """One of some `levels`, coded from 1 in their order; `OTHER` is any other.

    The level "" is that of a missing value, where the train part has such.
    """

    name: str
    levels: tuple[str, ...]

    def encode(self, values: Values) -> NDArray[np.int64]:
        """Values (n,) as codes (n,)."""
        codes = {level: code for code, level in enumerate(self.levels, 1)}
        return np.array([codes.get(level_in(v), OTHER) for v in values.tolist()], np.int64)

    def to_json(self) -> dict[str, Any]:
        """As the code book has it."""
        return {"name": self.name, "kind": "category", "levels": [*self.levels]}


Column = Number | Day | Category | Words


def column_from(body: Mapping[str, Any]) -> Column:
    """What `to_json` of a column gave."""
    given = {key: value for key, value in body.items() if key != "kind"}
    if body["kind"] == "category":
        return Category(given["name"], tuple(given["levels"]))
    if body["kind"] == "words":
        return Words(given["name"], tuple(given["words"]), tuple(given["rarity"]))
    return Number(**given) if body["kind"] == "number" else Day(**given)


@dataclass(frozen=True)
class Read:
    """What is made of a column: how it is read, or None where it is left out, and what to say.

    `text` says that it holds texts of several words.
    """

    column: Column | None
    remark: str = ""
    text: bool = False


def read_column(
    values: Values, name: str, train: NDArray[np.int64], where: str, *, unnamed: bool = False
) -> Read:
    """How a column with the values (n,) is encoded, by its rows of the train part.

    `where` is how messages call the table. `unnamed` says that its header has no name for it.

    Raises:
        DataError: A number is infinite, or numbers stand beside words.
    """
    filled = _filled(values)
    if not filled[train].any():
        return Read(None, f"column '{name}' is left out: it has no value in the train part")
    some = values[filled]
    kinds = {type(value) for value in some[: 1 if some.dtype != object else None].tolist()}
    if all(issubclass(kind, date) for kind in kinds):  # datetime and pandas' Timestamp too
        return _read_dates(values, name, "iso", train, filled)
    if kinds <= {bool, np.bool_} or all(_is_number_type(kind) for kind in kinds):
        return _read_numbers(values, name, train, filled, where, ".", unnamed)
    if kinds <= {str}:
        texts = [str(value).strip() for value in some.tolist()]
        decimal = decimal_of(texts)
        if decimal is not None:
            return _read_numbers(values, name, train, filled, where, decimal, unnamed)
        _check_words(values, filled, name, where)
        written = _date_format(texts)
        if written is not None:
            return _read_dates(values, name, written, train, filled)
        return _read_levels(values, name, train)
    found = ", ".join(sorted(kind.__name__ for kind in kinds))
    if kinds <= {str, bool, int, float}:
        _check_words(values, filled, name, where)
    raise DataError(
        f"{where}: column '{name}' must hold numbers, booleans, dates or text, got {found}; "
        "convert it to one of them or remove it."
    )


def _filled(values: Values) -> NDArray[np.bool_]:
    """Whether each cell has a value."""
    if values.dtype.kind in "biu":
        return np.ones(len(values), bool)
    if values.dtype.kind == "f":
        return ~np.isnan(values)
    return np.array([level_in(value) != "" for value in values.tolist()], bool)


# -- numbers -----------------------------------------------------------------------------------


def numbers_of(values: Values, decimal: str) -> NDArray[np.float64]:
    """Cells as numbers, NaN where one has no value; raises ValueError where one is none."""
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    book = Number("", decimal=decimal).to_json()
    return np.array([_number(value, book) for value in values.tolist()], np.float64)


def _number(value: object, book: Mapping[str, Any]) -> float:
    try:
        return numbers_in(value, book)[0]
    except OverflowError:
        return math.inf


def decimal_of(texts: Sequence[str]) -> str | None:
    """The sign before the fractions of texts that are all numbers; None where one is none."""
    if _all_numbers(texts, "."):
        return "."
    commas = all(map(_has_comma_form, texts)) and _all_numbers(texts, ",")
    return "," if commas else None


def _all_numbers(texts: Sequence[str], decimal: str) -> bool:
    book = Number("", decimal=decimal).to_json()
    try:
        for text in texts:
            _number(text, book)
    except ValueError:
        return False
    return True


def _has_comma_form(text: str) -> bool:
    """Whether a text may be a number with a decimal comma, and points before it by threes."""
    whole, comma, fraction = text.removesuffix("%").rstrip().partition(",")
    groups = whole.lstrip("+-").split(".")
    grouped = len(groups) == 1 or all(len(group) == 3 for group in groups[1:])
    return grouped and "." not in fraction and (bool(comma) or len(groups) == 1)


def _read_numbers(
    values: Values,
    name: str,
    train: NDArray[np.int64],
    filled: NDArray[np.bool_],
    where: str,
    decimal: str,
    unnamed: bool,
) -> Read:
    numbers = numbers_of(values, decimal)
    if _is_row_number(numbers, name, unnamed):
        told = "without a name" if unnamed else f"'{name}'"
        return Read(None, f"the column {told} is left out: it numbers the rows")
    with np.errstate(over="ignore"):
        bad = np.flatnonzero(filled & ~np.isfinite(numbers.astype(np.float32)))
    if bad.size:
        raise DataError(
            f"{where}: row {bad[0]} (counted from 0, without the header) holds {values[bad[0]]} in "
            f"column '{name}', which is not a finite float32; remove the row or replace the value."
        )
    seen = numbers[train][filled[train]]
    if seen.min() == seen.max() and filled[train].all():
        return Read(None, f"column '{name}' is left out: it has one value, {seen[0]:g}")
    column = Number(name, _offset_of(seen), decimal, bool((~filled[train]).any()))
    counts = _counts_rows(numbers)
    remark = f"column '{name}' counts the rows; remove it if it only numbers them" if counts else ""
    return Read(column, remark)


def _offset_of(seen: NDArray[np.float64]) -> float:
    """What is taken from numbers so that float32 holds them apart; 0 where it does so anyway."""
    different = np.unique(seen)
    if len(np.unique(different.astype(np.float32))) == len(different):
        return 0.0
    return float(np.round(np.median(different)))


def _counts_rows(numbers: NDArray[np.float64]) -> bool:
    return len(numbers) > 1 and bool(np.isfinite(numbers).all() and (np.diff(numbers) == 1).all())


def _is_counter(name: str) -> bool:
    words = name.lower().replace("-", "_").replace(" ", "_").replace(".", "_").strip("_").split("_")
    return not {*words}.isdisjoint({"id", "index", "idx", "row", "rownames", "no", "nr", "number"})


def _is_row_number(numbers: NDArray[np.float64], name: str, unnamed: bool) -> bool:
    """Whether numbers are those of rows: all whole and different, in a column called so or not."""
    if len(numbers) < 2 or not np.isfinite(numbers).all():
        return False
    whole = bool((numbers == np.floor(numbers)).all())
    return whole and len(np.unique(numbers)) == len(numbers) and (unnamed or _is_counter(name))


# -- words -------------------------------------------------------------------------------------


def _check_words(values: Values, filled: NDArray[np.bool_], name: str, where: str) -> None:
    """Refuse numbers that a few words turned into text, such as "none" for missing."""
    words = np.zeros(len(values), bool)
    for place in np.flatnonzero(filled).tolist():
        try:
            numbers_in(values[place], Number(name).to_json())
        except OverflowError:
            continue
        except ValueError:
            words[place] = True
    if words.any() and words.sum() < 0.5 * filled.sum():
        row = int(words.argmax())
        raise DataError(
            f"{where}: row {row} (counted from 0, without the header) holds the text "
            f"{values[row]!r} in column '{name}', which holds numbers elsewhere; replace the value "
            "or remove the row; an empty cell is a missing value."
        )


def _read_levels(values: Values, name: str, train: NDArray[np.int64]) -> Read:
    texts = [level_in(value) for value in values.tolist()]
    different = len({*texts})
    if is_text(texts):
        return _read_words([texts[row] for row in train.tolist()], name)
    if len(texts) > ID_ROWS and different > ID_SHARE * len(texts):
        return Read(
            None,
            f"column '{name}' is left out: {different:,} different texts in {len(texts):,} rows, "
            "as names or ids have",
        )
    counts: dict[str, int] = {}
    for row in map(int, train):
        counts[texts[row]] = counts.get(texts[row], 0) + 1
    if len(counts) == 1:
        return Read(None, f"column '{name}' is left out: it has one value, {next(iter(counts))!r}")
    least = 2 if len(train) >= 50 else 1
    often = sorted(
        (level for level, count in counts.items() if count >= least),
        key=lambda level: (-counts[level], level),
    )[:_MOST_LEVELS]
    if not often:
        return Read(None, f"column '{name}' is left out: no text of it occurs twice")
    rare = len(counts) - len(often)
    many = "a rare text counts as" if rare == 1 else f"{rare:,} rare texts count as one,"
    remark = f"column '{name}': {many} other" if rare else ""
    return Read(Category(name, tuple(sorted(often))), remark)


def _read_words(texts: Sequence[str], name: str) -> Read:
    """Texts as weights of words, and those that have no word often enough as nothing."""
    column, alone = learn_words(texts, name), '`kind="text"` learns from it alone'
    what = "is left out" if column is None else f"becomes weights of {len(column.words)} words"
    return Read(column, f"column '{name}' holds texts and {what}; {alone}", text=True)


# -- dates -------------------------------------------------------------------------------------


def _date_format(texts: Sequence[str]) -> str | None:
    """How all of the texts are written as dates; None where they are none."""
    for written in _DATES:
        if all(_is_date(text, written) for text in texts[:20]) and all(
            _is_date(text, written) for text in texts
        ):
            return written
    return None


def _is_date(text: str, written: str) -> bool:
    try:
        numbers_in(text, Day("", written).to_json())
    except (ValueError, OverflowError):
        return False
    return len(text) >= _SHORTEST_DATE


def _read_dates(
    values: Values, name: str, written: str, train: NDArray[np.int64], filled: NDArray[np.bool_]
) -> Read:
    gaps = bool((~filled[train]).any())
    seen = Day(name, written, hours=True).encode_exactly(values[train][filled[train]])
    if len(np.unique(seen[:, 0])) == 1 and not gaps:
        return Read(None, f"column '{name}' is left out: it has one date")
    hours = bool(seen[:, 3].any())
    told = "days, months, weekdays and hours" if hours else "days, months and weekdays"
    shape = "" if written == "iso" else f", read as {written}"
    column = Day(name, written, float(np.floor(np.median(seen[:, 0]))), hours, gaps)
    return Read(column, f"column '{name}' holds dates{shape}: it becomes {told}")


def _is_number_type(kind: type) -> bool:
    return issubclass(kind, bool | int | float | np.number | np.bool_)


def as_values(series: Any) -> Values:
    """A column of pandas as an array: of numbers where it holds nothing else, else of objects."""
    types = require("pandas", extra="tables", purpose="Reading a table").api.types
    plain = isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf"
    if plain:
        return np.asarray(series)
    if types.is_numeric_dtype(series.dtype) and not types.is_complex_dtype(series.dtype):
        return np.asarray(series.to_numpy(dtype="float64", na_value=math.nan))
    cells = np.asarray(series.astype(object))
    kinds = {type(cell) for cell in cells.tolist()}
    if Decimal in kinds and kinds <= {Decimal, float, type(None)}:
        return np.array([math.nan if cell is None else float(cell) for cell in cells.tolist()])
    return cells
