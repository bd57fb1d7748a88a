"""Series from a table with a row for each step: a column of ids, one of time, columns of values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.columns import as_values, numbers_of
from netwright.data.frames import Frame, frame_of, read_frame
from netwright.data.groups import groups_of_column
from netwright.data.labels import label_values
from netwright.data.series import Series
from netwright.data.series_arrays import from_series
from netwright.data.series_data import SeriesData
from netwright.data.split import Split, moments
from netwright.data.written import level_in
from netwright.errors import DataError
from netwright.tasks import Task


@dataclass(frozen=True)
class LongSeries:
    """Series (c, t) in the order in which their `ids` first stand in the table.

    `rows` are the numbers of the first row of each.
    """

    ids: list[str]
    series: list[Series]
    rows: NDArray[np.int64]


def load_long(
    source: Any,
    split: Split,
    *,
    series: str,
    time: str | None,
    label: str | None,
    task: str | Task | None = None,
) -> SeriesData:
    """Data from a long table: rows with one value in the column `series` are one series.

    They are ordered by the column `time`, or stand in their order without one. All columns but
    these and the label are channels, by their names.

    Raises:
        DataError: There is no such column, a label is not the same in all rows of a series, a
            series has two rows of one time, or a channel holds words; the message names the row,
            counted from 0 without the header.
    """
    path = source if isinstance(source, Path) else None
    frames = {
        "train": frame_of(source, label, "table") if path is None else read_frame(path, label)
    }
    frame = frames["train"]
    if split.given is not None:
        frames["test"] = read_frame(split.given, frame.label)
    channels = channels_of(frame, series, time, split.group)
    remarks: list[str] = []
    parts: dict[str, tuple[object, object]] = {}
    firsts = {}
    for key, piece in frames.items():
        long = read_long(piece, series, time, channels)
        where = f"{piece.where}: column '{piece.label}'"
        cells = label_values(as_values(piece.table[piece.label]), where, remarks)
        _check_labels(piece, series, cells, piece.label, "label")
        parts[key] = (long.series, cells[long.rows])
        firsts[key] = piece.table.iloc[long.rows]
        if split.group is not None:
            named = map(level_in, as_values(piece.table[split.group]).tolist())
            cells = np.array([*named], object)
            _check_labels(piece, series, cells, split.group, "group")
    aside = [each for each in (frame.label, series, time) if each is not None]
    return from_series(
        parts,
        split,
        name=path.stem if path is not None else "table",
        source=frame.where,
        task=task,
        remarks=tuple(remarks),
        channels=channels,
        label=frame.label,
        by=(series, time),
        groups=groups_of_column(split.group, firsts, frame.where, aside),
    )


def channels_of(
    frame: Frame, series: str, time: str | None, group: str | None = None
) -> tuple[str, ...]:
    """The columns of values: all but the id, the time, the group and the label.

    Raises:
        DataError: There is no such column, or none is left.
    """
    columns = list(frame.table.columns)
    for name, option in ((series, "series"), (time, "time"), (group, "group")):
        if name is not None and (name not in columns or name == frame.label):
            raise DataError(
                f"{frame.where} has no column '{name}' for `{option}=...`; it has: "
                f"{', '.join(column for column in columns if column != frame.label)}."
            )
    found = tuple(c for c in columns if c not in (series, time, group, frame.label))
    if not found:
        raise DataError(f"{frame.where} has no column of values beside the id, time and label.")
    return found


def read_long(frame: Frame, series: str, time: str | None, channels: tuple[str, ...]) -> LongSeries:
    """The series of a long table."""
    ids = [level_in(value) for value in as_values(frame.table[series]).tolist()]
    if "" in ids:
        raise DataError(
            f"{frame.where}: row {ids.index('')} (counted from 0, without the header) has no id in "
            f"column '{series}'."
        )
    values = np.stack([_values(frame, name) for name in channels])
    names, first, groups = np.unique(ids, return_index=True, return_inverse=True)
    times = np.arange(len(ids), dtype=np.float64)
    if time is not None:
        times = moments(as_values(frame.table[time]), time, frame.where)
    order = np.lexsort((times, groups))
    same = (np.diff(groups[order]) == 0) & (np.diff(times[order]) == 0)
    if same.any():
        place = int(same.argmax())
        one, other = sorted(order[place : place + 2].tolist())
        raise DataError(
            f"{frame.where}: rows {one} and {other} (counted from 0, without the header) are of "
            f"one time of the series {ids[other]!r}; keep one of them."
        )
    pieces = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    by_row = np.argsort(first, kind="stable")
    return LongSeries(
        [str(names[place]) for place in by_row],
        [values[:, pieces[place]] for place in by_row],
        first[by_row],
    )


def _values(frame: Frame, name: str) -> NDArray[np.float64]:
    cells = as_values(frame.table[name])
    try:
        return np.asarray(numbers_of(cells, "."), np.float64)
    except (TypeError, ValueError):
        row = next(n for n, cell in enumerate(cells.tolist()) if not _is_number(cell))
        raise DataError(
            f"{frame.where}: row {row} (counted from 0, without the header) holds {cells[row]!r} "
            f"in column '{name}', where the values of series must be numbers; leave the column out."
        ) from None


def _is_number(cell: Any) -> bool:
    try:
        numbers_of(np.array([cell], object), ".")
    except (TypeError, ValueError):
        return False
    return True


def _check_labels(frame: Frame, series: str, cells: NDArray[Any], column: str, what: str) -> None:
    """Refuse a series whose rows differ in a column that has its label, or its group."""
    ids = as_values(frame.table[series]).tolist()
    seen: dict[Any, int] = {}
    for row, name in enumerate(ids):
        one = seen.setdefault(name, row)
        if cells[one] != cells[row]:
            raise DataError(
                f"{frame.where}: rows {one} and {row} (counted from 0, without the header) are of "
                f"the series {name!r}, but have the {what}s {cells[one]!r} and {cells[row]!r} in "
                f"column '{column}'; a series has one."
            )
