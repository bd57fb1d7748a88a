"""Labels of any usual kind, mapped to 0..k-1 in sorted order."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.columns import Values, decimal_of, numbers_of
from netwright.data.values import is_missing, to_numpy
from netwright.data.written import level_in
from netwright.errors import DataError
from netwright.tasks import Classification, Task

_REMEDY = (
    'To predict numbers say `task="regression"`; else give class labels, or cut the numbers into '
    "ranges."
)
_GIVE = "remove the row or give it one"

_NO_NUMBERS = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL"})


def encode_labels(
    labels: Mapping[str, object], class_names: Sequence[str] | None = None
) -> tuple[dict[str, NDArray[np.int64]], tuple[str, ...]]:
    """Labels as 0..k-1 in sorted order over all parts together, and the name of each class.

    `labels` maps how a message calls a part (such as "data.npz: y_train") to its labels of shape
    (n,): whole numbers, booleans or text. `class_names` renames the k sorted labels.

    Raises:
        DataError: a label is missing or no label, kinds are mixed, there is one class, or the
            labels are the targets of a regression; the message names the row, counted from 0.
    """
    parts = {where: read_labels(values, where) for where, values in labels.items()}
    _check_kinds(parts)
    where = next(iter(parts))
    joined = np.concatenate(list(parts.values()))
    values, codes = np.unique(joined, return_inverse=True)
    if len(values) == 0:
        raise DataError(f"{where} is empty: it has no labels.")
    if len(values) < 2:
        raise DataError(
            f"{where} must have at least 2 classes, got only {_names(values, where)[0]!r}."
        )
    if values.dtype.kind in "iu" and len(values) > max(20, len(joined) // 2):
        raise DataError(
            f"{where} has {len(values):,} different numbers in {len(joined):,} rows, as targets of "
            f"a regression do. {_REMEDY}"
        )
    names = _names(values, where) if class_names is None else tuple(class_names)
    if len(names) != len(values):
        raise DataError(
            f"{where} has {len(values)} different labels, but `class_names` has {len(names)}."
        )
    ends = np.cumsum([len(part) for part in parts.values()])[:-1]
    split = np.split(codes.astype(np.int64), ends)
    return dict(zip(parts, split, strict=True)), names


def rare_classes(
    task: Task,
    y: NDArray[Any],
    rows: Mapping[str, tuple[str, NDArray[np.int64]]],
    remedy: str,
) -> list[str]:
    """What is said of classes that have too few rows to be in each part that was split off.

    `y` are the class numbers (n,) of the given train part, `rows` what `part_rows` gave.
    """
    if not isinstance(task, Classification):
        return []
    counts = np.bincount(y, minlength=len(task.names))
    split = [index for owner, index in rows.values() if owner == "train" and len(index)]
    alone = np.flatnonzero(
        (counts > 0) & (counts < len(split)) if len(split) > 1 else np.zeros(len(counts), bool)
    )
    return [
        f"class {task.names[c]!r} has {counts[c]} row{'s' * bool(counts[c] != 1)}, in the train "
        f"part alone; `{remedy}` leaves such classes out"
        for c in alone.tolist()
    ]


def label_values(values: Values, where: str, remarks: list[str]) -> Values:
    """The cells of a label column: numbers where they are that, else texts without blanks around.

    What is odd about the texts is added to `remarks`. A missing value is NaN or an empty text.
    """
    if values.dtype != object or not all(
        isinstance(value, str) or level_in(value) == "" for value in values.tolist()
    ):
        return values
    texts = [level_in(value) for value in values.tolist()]
    numbers = [text for text in texts if text not in _NO_NUMBERS]
    decimal = decimal_of(numbers)
    if numbers and decimal is not None:
        cells = np.array(["" if text in _NO_NUMBERS else text for text in texts], object)
        return numbers_of(cells, decimal)
    blank = next((v for v in values.tolist() if isinstance(v, str) and v != v.strip()), None)
    if blank is not None:
        remarks.append(f"{where}: blanks around labels are taken off, such as in {blank!r}")
    folded: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        same = folded.setdefault(unicodedata.normalize("NFKC", text).casefold(), text)
        if same != text:
            remarks.append(
                f"{where}: {same!r} and {text!r} are two classes; write them alike if they are one"
            )
    return np.array(texts, object)


def read_labels(labels: object, where: str) -> NDArray[Any]:
    """Labels as one array of booleans, whole numbers or text of shape (n,)."""
    y = to_numpy(labels, where)
    if isinstance(labels, (list, tuple)) and y.dtype.kind in "SU":
        y = _from_list(labels, y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise DataError(
            f"{where} must have one label a row, shape (n,), got shape {y.shape}; "
            f"for one-hot labels pass `y.argmax(1)`."
        )
    if y.dtype.kind == "O":
        y = _from_objects(y, where)
    if y.dtype.kind == "S":
        try:
            y = np.char.decode(y, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{where} holds text that is not UTF-8: {error}.") from error
    if y.dtype.kind == "f":
        y = _from_floats(y, where)
    if y.dtype.kind == "U" and (empty := np.flatnonzero(y == "")).size:
        raise DataError(f"{where}: row {empty[0]} (counted from 0) has an empty label; {_GIVE}.")
    if y.dtype.kind not in "biuU":
        raise DataError(f"{where} must be whole numbers, booleans or text, got {y.dtype}.")
    return y


def _from_list(labels: Sequence[Any], y: NDArray[Any]) -> NDArray[Any]:
    """`y` where `labels` are all text; else their own objects, which numpy turned into text."""
    objects = np.array(labels, object)
    kinds = set(map(type, objects.reshape(-1).tolist()))
    same = any(all(issubclass(kind, text) for kind in kinds) for text in (str, bytes))
    return y if same else objects


def _from_floats(y: NDArray[Any], where: str) -> NDArray[np.int64]:
    y = y.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(y))
    if bad.size:
        what = "no label" if np.isnan(y[bad[0]]) else f"the label {y[bad[0]]}"
        raise DataError(f"{where}: row {bad[0]} (counted from 0) has {what}; {_GIVE}.")
    bad = np.flatnonzero((y != np.floor(y)) | (np.abs(y) > 2**53))
    if bad.size:
        raise DataError(
            f"{where} holds the number {y[bad[0]]} at row {bad[0]} (counted from 0), as targets of "
            f"a regression do. {_REMEDY}"
        )
    return y.astype(np.int64)


def _from_objects(y: NDArray[Any], where: str) -> NDArray[Any]:
    """An array of Python objects as one of a plain kind, without a Python loop over good rows."""
    kinds = set(map(type, y.tolist()))
    if _all(kinds, str):
        return y.astype(str)
    if _all(kinds, bool, np.bool_) or _all(kinds, int, np.integer):
        try:
            return y.astype(bool if _all(kinds, bool, np.bool_) else np.int64)
        except OverflowError as error:
            raise DataError(f"{where} holds a whole number beyond 64 bits.") from error
    for row, value in enumerate(y):
        if is_missing(value):
            raise DataError(f"{where}: row {row} (counted from 0) has no label; {_GIVE}.")
    if _all(kinds, int, float, np.integer, np.floating):
        return y.astype(np.float64)
    found = ", ".join(sorted(kind.__name__ for kind in kinds))
    row = next((row for row, value in enumerate(y) if type(value) is not type(y[0])), 0)
    raise DataError(
        f"{where} must be whole numbers, booleans or text, all of one kind, got {found}: row {row} "
        f"(counted from 0) has the label {y[row]!r}."
    )


def _all(kinds: set[type], *wanted: type) -> bool:
    """Whether all kinds are of those that are wanted; booleans are no whole numbers."""
    if bool in kinds and bool not in wanted:
        return False
    return all(issubclass(kind, wanted) for kind in kinds)


def _check_kinds(parts: Mapping[str, NDArray[Any]]) -> None:
    first = next(iter(parts))
    for where, y in parts.items():
        if _kind(y) != _kind(parts[first]):
            raise DataError(
                f"{where} holds {_kind(y)}, but {first} holds {_kind(parts[first])}: "
                f"labels must be of one kind."
            )


def _kind(y: NDArray[Any]) -> str:
    return {"b": "booleans", "U": "text"}.get(y.dtype.kind, "whole numbers")


def _names(values: NDArray[Any], where: str) -> tuple[str, ...]:
    try:
        return tuple(str(value) for value in values.tolist())
    except ValueError as error:
        raise DataError(f"{where} holds text that is not Unicode: {error}.") from error
