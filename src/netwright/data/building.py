"""Array data out of inputs, targets and the rows of each part: in memory, or mapped from a file."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.data.base import PARTS
from netwright.data.cache import Cache, MappedRows, is_large
from netwright.data.dataset import ArrayData, ArrayPart, measure_digest
from netwright.data.encodings import Encoding
from netwright.data.values import measure_mean_std
from netwright.errors import DataError
from netwright.tasks import Classification, Task, is_ours

_AT_ONCE = 1024  # rows that are read at once from a large array


def build_data(
    pieces: Mapping[str, tuple[NDArray[Any], NDArray[Any], NDArray[np.int64] | None]],
    task: Task,
    *,
    name: str,
    source: str,
    encoded: Encoding | None = None,
    remarks: tuple[str, ...] = (),
) -> ArrayData:
    """Data out of inputs, targets and the rows of them (None is all) for each of the three parts.

    The parts become views of one array of all rows, in their order. The task is fitted to the
    targets of the train part.

    Raises:
        DataError: A class is missing from a part.
    """
    taken = [
        (x, y, np.arange(len(y)) if rows is None else rows)
        for x, y, rows in (pieces[key] for key in PARTS)
    ]
    _, y, rows = taken[0]
    check_complete(y[rows], task, source)
    sizes = [len(rows) for _, _, rows in taken]
    y = _gathered([(y, rows) for _, y, rows in taken])
    pieces_of_x = [(x, rows) for x, _, rows in taken]

    def made(x: NDArray[Any]) -> ArrayData:
        return data_of_rows(x, y, sizes, task, name, source, encoded, remarks)

    first = taken[0][0]
    shape = (sum(sizes), *first.shape[1:])
    if not is_large(shape, str(first.dtype)) or not is_ours(task):
        return made(_gathered(pieces_of_x))
    like = encoded.to_json() if encoded is not None else None
    told = [name, source, sizes, task.to_json(), like, remarks, _content(pieces_of_x, y)]
    cache = Cache.of(told, [])
    with cache.written(math.prod(shape) * first.dtype.itemsize) as file:
        mapped = MappedRows(file, shape, str(first.dtype), y)
        start = 0
        for rows_of_x in _chunks(pieces_of_x):
            mapped.x[start : start + len(rows_of_x)] = rows_of_x
            start += len(rows_of_x)
        mapped.finish(made(mapped.x))
    return cache.opened()


def data_of_rows(
    x: NDArray[Any],
    y: NDArray[Any],
    sizes: list[int],
    task: Task,
    name: str,
    source: str,
    encoded: Encoding | None,
    remarks: tuple[str, ...],
) -> ArrayData:
    """Data of all rows, which are in the order of their parts."""
    xs, ys = (torch.split(torch.from_numpy(each), sizes) for each in (x, y))
    train, validation, test = map(ArrayPart, xs, ys)
    mean, std = measure_mean_std(train.x.numpy())
    return ArrayData(
        name,
        tuple(train.x.shape[1:]),
        task.fitted(train.y.numpy()),
        train,
        validation,
        test,
        mean=torch.from_numpy(mean),
        std=torch.from_numpy(std),
        digest=measure_digest([train, validation, test], task.names),
        source=source,
        encoded=encoded,
        remarks=remarks,
    )


def _chunks(pieces: Sequence[tuple[NDArray[Any], NDArray[np.int64]]]) -> Iterator[NDArray[Any]]:
    """Rows of arrays one after the other, some at a time."""
    for array, rows in pieces:
        for start in range(0, len(rows), _AT_ONCE):
            yield np.ascontiguousarray(array[rows[start : start + _AT_ONCE]])


def _content(pieces: Sequence[tuple[NDArray[Any], NDArray[np.int64]]], y: NDArray[Any]) -> str:
    """A digest of rows and their targets."""
    digest = hashlib.sha256(np.ascontiguousarray(y).data)
    for rows in _chunks(pieces):
        digest.update(rows.data)
    return digest.hexdigest()


def _gathered(pieces: Sequence[tuple[NDArray[Any], NDArray[np.int64]]]) -> NDArray[Any]:
    """Rows of arrays, one after the other in one array, each copied once."""
    first, _ = pieces[0]
    whole = np.empty((sum(len(rows) for _, rows in pieces), *first.shape[1:]), first.dtype)
    start = 0
    for array, rows in pieces:
        np.take(array, rows, 0, whole[start : start + len(rows)], "clip")
        start += len(rows)
    return whole


def check_complete(y: NDArray[Any], task: Task, source: str) -> None:
    """Refuse a train part in which a class has no row.

    Raises:
        DataError: Names the class.
    """
    if not isinstance(task, Classification):
        return
    absent = np.flatnonzero(np.bincount(y, minlength=len(task.names)) == 0)
    if len(absent):
        raise DataError(
            f"{source}: class {task.names[absent[0]]!r} is missing from the train part, which "
            "needs at least one row of each class."
        )
