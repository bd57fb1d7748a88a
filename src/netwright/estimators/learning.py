"""Rows of an estimator as data to learn from, and as tensors for the network that was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.data import ArrayData, ArrayPart
from netwright.data.again import Items
from netwright.data.building import build_data
from netwright.data.encodings import Arrays, Columns
from netwright.data.named import NamedPart
from netwright.data.ragged import RaggedPart
from netwright.data.series import read_series
from netwright.data.series_data import SeriesData, build_series
from netwright.data.sound_data import SoundData
from netwright.data.sound_files import at_one_rate
from netwright.data.sounds import build_sounds
from netwright.data.table_data import TableData, encoded
from netwright.data.tables import from_columns
from netwright.data.text_data import TextData
from netwright.data.texts import from_texts
from netwright.data.values import read_inputs
from netwright.errors import DataError
from netwright.estimators.rows import Rows
from netwright.tasks import Classification, Task

_FEW = 10  # rows; of fewer none is taken away from the train part

Ragged = TypeVar("Ragged", bound=RaggedPart)

Learned = ArrayData | TableData | TextData | SeriesData | SoundData


def data_of(
    rows: Rows,
    targets: NDArray[Any],
    task: Task,
    validation: float,
    seed: int,
    rate: int | None = None,
) -> tuple[Learned, bool]:
    """Data of checked rows and encoded targets, and whether their parts have rows of their own.

    There is no test part. `rate` is that of recordings, in Hz. Of fewer than 10 rows, and where
    fewer than two classes have two rows, all are in the train part and in the validation part, too:
    there is nothing better to choose by.
    """
    count = len(targets)
    every, nothing = np.arange(count), np.empty(0, np.int64)
    train, held = every, every
    divided = count >= _FEW and _can_be_divided(targets, task)
    if divided:
        rng = np.random.default_rng(seed)
        train, held, _ = task.split(targets, validation=validation, test=None, rng=rng, source="y")
    if rows.items is not None:
        parts = {"train": train, "validation": held, "test": nothing}
        made = _of_items(rows, targets, task, parts, rate)
        return replace(made, reshuffles=divided), divided
    if rows.images is None:
        values = rows.named()
        data = from_columns(values, targets, task, train=train, validation=held, name="X")
        return replace(data, reshuffles=divided), divided
    x = read_inputs(rows.images, "X")
    parts = {"train": train, "validation": held, "test": nothing}
    pieces = {key: (x, targets, index) for key, index in parts.items()}
    return replace(build_data(pieces, task, name="X", source="X"), reshuffles=divided), divided


def _of_items(
    rows: Rows,
    targets: NDArray[Any],
    task: Task,
    parts: Mapping[str, NDArray[np.int64]],
    rate: int | None,
) -> TextData | SeriesData | SoundData:
    """Data of texts, series or recordings."""
    index = {key: ("train", places) for key, places in parts.items()}
    y, items = {"train": targets}, rows.items
    assert items is not None
    if rows.kind == "text":
        return from_texts({"train": items}, y, task, index, name="X", source="X")
    if rows.kind == "series":
        series = {"train": read_series(items, "X")}
        return build_series(series, y, index, task, name="X", source="X")
    assert rate is not None
    found = [(f"X: row {place} (counted from 0)", row, rate) for place, row in enumerate(items)]
    recordings, _ = at_one_rate(found, rate)
    return build_sounds({"train": recordings}, y, index, task, rate, name="X", source="X")


def _can_be_divided(targets: NDArray[Any], task: Task) -> bool:
    if not isinstance(task, Classification):
        return True
    return int((np.bincount(targets) > 1).sum()) > 1


def without_rows(data: Learned) -> Learned:
    """The same data with one row of nothing but 0 in the train and the validation part.

    How rows are encoded and normalised stays, and what a plan needs of data.
    """
    if isinstance(data, TextData):
        text = _one_of(data.train)
        return replace(data, train=text, validation=text)
    if isinstance(data, SoundData):
        sound = _one_of(data.train)
        return replace(data, train=sound, validation=sound)
    if isinstance(data, TableData | SeriesData):
        x = tuple(torch.zeros_like(each[:1]) for each in data.train.x)
        row = NamedPart(x, torch.zeros_like(data.train.y[:1]))
        return replace(data, train=row, validation=row)
    one = ArrayPart(torch.zeros_like(data.train.x[:1]), torch.zeros_like(data.train.y[:1]))
    return replace(data, train=one, validation=one)


def _one_of(part: Ragged) -> Ragged:
    """One row of one value, which is 0."""
    return part.of([part.flat[:1] * 0], part.y[:1].numpy() * 0, part.flat.dtype)


def encoding_of(data: Learned) -> Columns | Arrays | Items:
    """How rows become the tensors of the data."""
    if isinstance(data, TextData | SeriesData | SoundData):
        return Items(data.encoding)
    if isinstance(data, TableData):
        return data.columns
    return Arrays(data.shape, str(data.train.x.dtype).removeprefix("torch."))


def tensors_of(
    rows: Rows, encoding: Columns | Arrays | Items, names: Sequence[str]
) -> tuple[Tensor, ...]:
    """Checked rows as raw tensors; `names` are those of the columns that were learned from.

    Raises:
        DataError: A value is of another kind than its column was.
    """
    if isinstance(encoding, Items):
        if rows.kind != encoding.kind:
            raise DataError(f"X must hold rows of the kind {encoding.kind!r}, as in `fit`.")
        return encoding.encode(rows.items)
    if rows.items is not None:
        raise DataError(f"X must hold what was learned from, got rows of the kind {rows.kind!r}.")
    if isinstance(encoding, Arrays):
        if rows.images is None:
            raise DataError(f"X must hold images of shape {encoding.shape}, got rows of a table.")
        return (encoding.encode(rows.images),)
    if rows.images is not None:
        raise DataError(f"X must be rows of a table, got images of {rows.images.shape}.")
    values = rows.named(names)
    try:
        both = encoded(encoding.columns, values, len(rows))
    except ValueError as error:
        raise DataError(f"X cannot be encoded as what was learned from: {error}.") from error
    used = (bool(encoding.numbers), bool(encoding.categories))
    return tuple(torch.from_numpy(x) for x, use in zip(both, used, strict=True) if use)
