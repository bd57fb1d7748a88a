"""Targets of any usual kind: what they mean is found out or said, and they are made numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data import values
from netwright.data.labels import encode_labels, read_labels
from netwright.data.values import is_missing, to_numpy
from netwright.errors import DataError, SettingError
from netwright.tasks import Classification, MultiLabel, Regression, Task
from netwright.tasks.own import check_task

KINDS = ("classification", "regression", "multilabel")
"""What a task may be called where data are read."""

_FEW = 20  # different whole numbers that are classes in any case
_ROWS = 5  # of each class on average, where there are more of them
_CLOSE = 1e-5  # of its size, by which a number must vary so that float32 has digits left for that


@dataclass(frozen=True)
class Targets:
    """Encoded targets of each part, what they mean, and one line on what was found out of that.

    They are int64 (n,) for classes and float32 for the rest: (n,), or (n, k) where there are
    several. The remark is empty where nothing was found out, since the task was given.
    """

    parts: Mapping[str, NDArray[Any]]
    task: Task
    remark: str = ""


def read_targets(
    parts: Mapping[str, Any],
    *,
    task: str | Task | None,
    where: str | Mapping[str, str],
    names: Sequence[str] = (),
    class_names: Sequence[str] | None = None,
) -> Targets:
    """Make numbers of the targets (n,) or (n, k) of parts, the train part first.

    `task` is "classification", "regression", "multilabel", a task, or None to go by the targets:

    - texts and booleans are classes, and so are whole numbers if at most 20 of them are different,
      or if they are 0 or 1 to a last one without a gap, with 5 rows each on average;
    - all other numbers are numbers, and columns of them are several numbers;
    - columns of 0 and 1 are several labels. Where each row sums to 1 they may be classes as well,
      and are refused.

    `where` says what a message calls the targets, or those of each part. `names` are those of the
    columns, and `class_names` those of the sorted classes. The mean and the deviation of numbers,
    and the weights of classes, follow from the train part that is split off: `Task.fitted`.

    Raises:
        DataError: A target is missing, infinite, of no kind that fits the task, or the same in all
            rows; the message names the row, counted from 0.
        SettingError: There is no such task, or names do not fit it.
    """
    told = _places(parts, where)
    check_asked(task)
    if class_names is not None and task is not None and task != "classification":
        raise SettingError("`class_names` and `task` say the same; leave `class_names` out.")
    ours = Classification | Regression | MultiLabel
    if isinstance(task, Task) and not isinstance(task, ours):
        return Targets({key: values.read_targets(y, told[key]) for key, y in parts.items()}, task)
    given = {key: _read(y, told[key]) for key, y in parts.items()}
    first = next(iter(given))
    match task:
        case None:
            kind = _kind(given[first], told[first], class_names)
            found = _encoded(kind, given, told, names, class_names)
            return replace(found, remark=_remark(found, given[first], told[first]))
        case str():
            return _encoded(task, given, told, names, class_names)
        case Classification(names=()):
            found = _encoded("classification", given, told, names, None)
            return replace(found, task=replace(task, names=found.task.names))
        case Classification():
            return Targets(_as_classes(given, told, task.names), task)
    assert isinstance(task, Regression | MultiLabel)
    kind = "regression" if isinstance(task, Regression) else "multilabel"
    found = _encoded(kind, given, told, task.names or names, None)
    return replace(found, task=replace(task, names=found.task.names))


def check_asked(task: object) -> None:
    """Refuse what says no task: another text, or what is none.

    Raises:
        SettingError: Says what it must be.
    """
    if isinstance(task, str):
        if task not in KINDS:
            raise SettingError(
                f'`task=...` must be "classification", "regression", "multilabel" or a '
                f"`netwright.Task`, got {task!r}."
            )
        return
    check_task(task)


def _places(parts: Mapping[str, Any], where: str | Mapping[str, str]) -> dict[str, str]:
    """What messages call the targets of each part."""
    if not isinstance(where, str):
        return dict(where)
    return {key: where if len(parts) == 1 else f"{where} ({key})" for key in parts}


def _read(given: object, where: str) -> NDArray[Any]:
    """Targets as an array of rows; one column is none, and Python's numbers are numbers."""
    y = to_numpy(given, where)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if not y.size:
        raise DataError(f"{where} is empty: it has no targets.")
    if y.ndim not in (1, 2):
        raise DataError(
            f"{where} must have one target a row or several, shape (n,) or (n, k), got {y.shape}."
        )
    if y.dtype.kind == "O" and y.ndim == 2:
        y = _numbers_of(y, where)
    if y.ndim == 1 and y.dtype.kind not in "biuf":
        y = y if _is_numbers(y) else read_labels(given, where)
    if y.dtype.kind == "O":
        y = _numbers_of(y, where)
    _check_finite(y, where)
    return y


def _is_numbers(y: NDArray[Any]) -> bool:
    """Whether an array of objects holds Python's numbers, some of which may be missing."""
    if y.dtype.kind != "O":
        return False
    kinds = {type(value) for value in y.tolist() if not is_missing(value)}
    number = (int, float, np.integer, np.floating)
    numbers = bool not in kinds and all(issubclass(kind, number) for kind in kinds)
    return numbers and any(issubclass(kind, float | np.floating) for kind in kinds)


def _numbers_of(y: NDArray[Any], where: str) -> NDArray[Any]:
    """An array of Python's objects as numbers; a missing one is NaN."""
    flat = y.reshape(-1).tolist()
    for place, value in enumerate(flat):
        if is_missing(value):
            flat[place] = np.nan
        elif not isinstance(value, bool | int | float | np.number | np.bool_):
            row = place // max(1, y[0].size)
            raise DataError(
                f"{where}: row {row} (counted from 0) has the target {value!r}, which is no "
                "number; several targets of a row must be numbers."
            )
    return np.array(flat, np.float64).reshape(y.shape)


def _check_finite(y: NDArray[Any], where: str) -> None:
    if y.dtype.kind not in "f":
        return
    bad = np.argwhere(~np.isfinite(y))
    if len(bad):
        row, *column = bad[0].tolist()
        said = f" in column {column[0]}" if column else ""
        what = "no target" if np.isnan(y[tuple(bad[0])]) else f"the target {y[tuple(bad[0])]}"
        raise DataError(
            f"{where}: row {row} (counted from 0) has {what}{said}; remove the row or give it one."
        )


def _kind(y: NDArray[Any], where: str, class_names: Sequence[str] | None) -> str:
    """Which task the targets of the train part are of."""
    if y.ndim == 2:
        return _kind_of_columns(y, where)
    if y.dtype.kind in "bUS" or class_names is not None:
        return "classification"
    if y.dtype.kind == "f" and (y != np.floor(y)).any():
        return "regression"
    different = np.unique(y)
    if len(different) <= _FEW:
        return "classification"
    counted = different[0] in (0, 1) and different[-1] - different[0] == len(different) - 1
    many = len(y) >= _ROWS * len(different)
    return "classification" if counted and many else "regression"


def _kind_of_columns(y: NDArray[Any], where: str) -> str:
    if y.dtype.kind not in "biuf":
        raise DataError(
            f"{where} must have one text a row, or numbers, got shape {y.shape} of {y.dtype}; "
            "several labels are columns of 0 and 1."
        )
    if (y >= 0).all() and np.allclose(y.sum(1, dtype=np.float64), 1.0):
        binary = bool(np.isin(y, (0, 1)).all())
        other = '`task="multilabel"`' if binary else '`task="regression"`'
        meant = "several labels" if binary else "several numbers"
        raise DataError(
            f"{where} has {y.shape[1]} columns that sum to 1 in each row, which may be one class a "
            f"row or {meant}: for classes pass `y.argmax(1)`, for {meant} say {other}."
        )
    return "multilabel" if np.isin(y, (0, 1)).all() else "regression"


def _encoded(
    kind: str,
    given: Mapping[str, NDArray[Any]],
    told: Mapping[str, str],
    names: Sequence[str],
    class_names: Sequence[str] | None,
) -> Targets:
    """The targets as those of a task of a kind."""
    if kind == "classification":
        for key, y in given.items():
            if y.ndim == 2:
                raise DataError(
                    f"{told[key]} must have one class a row, shape (n,), got shape {y.shape}; for "
                    "one-hot labels pass `y.argmax(1)`."
                )
        codes, classes = encode_labels({told[key]: y for key, y in given.items()}, class_names)
        parts: dict[str, NDArray[Any]] = {key: codes[told[key]] for key in given}
        return Targets(parts, Classification(classes))
    first = next(iter(given))
    several = given[first].ndim == 2
    for key, y in given.items():
        if y.shape[1:] != given[first].shape[1:]:
            raise DataError(
                f"{told[key]} has targets of shape {y.shape[1:]} a row, but {told[first]} has "
                f"{given[first].shape[1:]}."
            )
    labels = kind == "multilabel"
    read = _as_labels if labels else _as_numbers
    made = {key: read(y, told[key]) for key, y in given.items()}
    columns = 1 if not several else given[first].shape[1]
    wanted = _names(names, columns, told[first], labels=labels)
    _check_varies(made[first], wanted, told[first])
    task: Task = MultiLabel(wanted) if labels else Regression(wanted)
    return Targets(made, task)


def _as_numbers(y: NDArray[Any], where: str) -> NDArray[np.float32]:
    if y.dtype.kind not in "biuf":
        raise DataError(
            f"{where} must hold numbers for a regression, got the text {str(y.flat[0])!r} at row 0 "
            "(counted from 0)."
        )
    with np.errstate(over="ignore"):
        numbers = y.astype(np.float32)
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        raise DataError(
            f"{where}: row {bad[0][0]} (counted from 0) has the target {y[tuple(bad[0])]}, beyond "
            "float32; give it in a larger unit."
        )
    exact = y.astype(np.float64).reshape(len(y), -1)
    spread, size = exact.std(0), np.abs(exact).max(0)
    if (close := (spread > 0) & (spread < _CLOSE * size)).any():
        column = int(close.argmax())
        raise DataError(
            f"{where} varies by {spread[column]:.3g} about {exact[:, column].mean():.10g}, of "
            "which float32 would lose too much; take a constant from all targets, and add it to "
            "what is predicted."
        )
    return numbers


def _as_labels(y: NDArray[Any], where: str) -> NDArray[np.float32]:
    columns = y[:, None] if y.ndim == 1 else y
    if columns.dtype.kind not in "biuf":
        raise DataError(f"{where} must be columns of 0 and 1 for several labels, got text.")
    odd = np.argwhere(~np.isin(columns, (0, 1)))
    if len(odd):
        row, column = odd[0].tolist()
        raise DataError(
            f"{where}: row {row} (counted from 0) has {columns[row, column]} in column {column}; "
            "several labels are 0 or 1 each."
        )
    return columns.astype(np.float32)


def _names(names: Sequence[str], count: int, where: str, *, labels: bool) -> tuple[str, ...]:
    """The names of columns; numbered where they have none, but for one number alone."""
    if names and len(names) != count:
        raise SettingError(
            f"{where} has {count} column{'s' * (count != 1)}, but the task has {len(names)} "
            f"names: {', '.join(map(str, names))}."
        )
    if names:
        return tuple(map(str, names))
    if labels:
        return tuple(map(str, range(count)))
    return tuple(f"y{place}" for place in range(count)) if count > 1 else ()


def _check_varies(y: NDArray[Any], names: Sequence[str], where: str) -> None:
    """Refuse what is the same in all rows."""
    columns = y.reshape(len(y), -1)
    same = np.flatnonzero((columns == columns[0]).all(0))
    if same.size:
        which = f" in {names[same[0]]!r}" if len(names) > 1 else ""
        raise DataError(
            f"{where} has the target {columns[0, same[0]]:g}{which} in all {len(y):,} rows, so "
            "there is nothing to learn; leave it out, or give rows that differ."
        )


def _as_classes(
    given: Mapping[str, NDArray[Any]], told: Mapping[str, str], names: Sequence[str]
) -> dict[str, NDArray[np.int64]]:
    """Class numbers of labels whose names are known: they are the names, or numbers from 0."""
    known = {name: place for place, name in enumerate(names)}
    found: dict[str, NDArray[np.int64]] = {}
    for key, y in given.items():
        if y.ndim != 1:
            raise DataError(f"{told[key]} must have one class a row, shape (n,), got {y.shape}.")
        if y.dtype.kind == "f" and (y == np.floor(y)).all():
            y = y.astype(np.int64)
        different, places = np.unique(y, return_inverse=True)
        texts = [str(value) for value in different.tolist()]
        strange = next((text for text in texts if text not in known), None)
        if strange is None:
            found[key] = np.array([known[text] for text in texts], np.int64)[places]
        elif y.dtype.kind in "iub" and different[0] >= 0 and different[-1] < len(names):
            found[key] = y.astype(np.int64)
        else:
            row = int((places == texts.index(strange)).argmax())
            raise DataError(
                f"{told[key]}: row {row} (counted from 0) has the class {strange!r}; the classes "
                f"of the task are {', '.join(names[:10])}{', ...' * (len(names) > 10)}."
            )
    return found


def _remark(found: Targets, y: NDArray[Any], where: str) -> str:
    """What was found out of the targets, and how to say that they are something else."""
    task = found.task
    shown = ", ".join(task.names[:4]) + (", ..." if len(task.names) > 4 else "")
    if isinstance(task, Classification):
        many = y.dtype.kind in "iuf" and len(task.names) > 2
        other = '; to predict the number say `task="regression"`' if many else ""
        return f"{where} is read as {task.words}: {shown}{other}"
    if isinstance(task, MultiLabel):
        return f"{where} is read as {task.words}, of which a row may have several: {shown}"
    whole = y.ndim == 1 and bool((y == np.floor(y)).all())
    other = '; for classes say `task="classification"`' if whole else ""
    low, high = float(y.min()), float(y.max())
    what = "a number to predict" if y.ndim == 1 else f"{task.words} to predict: {shown}"
    return f"{where} is read as {what}, from {low:.6g} to {high:.6g}{other}"
