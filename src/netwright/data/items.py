"""The items of a torch data set, read one after the other, each refused by its row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from netwright.data.cache import is_large, spooled
from netwright.data.values import to_numpy
from netwright.errors import DataError

_MOST_ROWS, _MOST_BYTES = 2_000_000, 2**32  # of a data set that does not say how many it has
_INDEXED = ("P", "PA")  # modes of pictures whose numbers are places in a palette


def read_dataset(
    dataset: Dataset[Any], where: str, *, unequal: bool = False
) -> tuple[object, object]:
    """All items of a dataset as inputs (n, ...) and n targets, one value or several each.

    Inputs that may be `unequal` are a list of arrays.
    """
    if isinstance(dataset, TensorDataset) and len(dataset.tensors) == 2:
        return dataset.tensors
    inputs: list[NDArray[Any]] = []
    on_disk: NDArray[Any] | None = None
    count = None if isinstance(dataset, IterableDataset) else _length(dataset, where)
    labels: list[Any] = []
    for row, item in enumerate(items_of(dataset, where)):
        x = read_item(item, f"{where}: row {row} (counted from 0)")
        if not row and count is not None and not unequal:
            kept = "uint8" if x.dtype in (np.uint8, np.bool_) else "float32"
            if is_large((count, *x.shape), kept):
                on_disk = spooled((count, *x.shape), kept)
        if inputs and not unequal and (x.shape, x.dtype) != (inputs[0].shape, inputs[0].dtype):
            raise DataError(
                f"{where}: row {row} (counted from 0) has shape {x.shape} {x.dtype}, but row 0 has "
                f"{inputs[0].shape} {inputs[0].dtype}; make them equal in the dataset."
            )
        if on_disk is not None:
            on_disk[row] = x
        if on_disk is None or not row:
            inputs.append(x)
        labels.append(_read_label(item[1], f"{where}: row {row} (counted from 0): y"))
        if np.shape(labels[-1]) != np.shape(labels[0]):
            raise DataError(
                f"{where}: row {row} (counted from 0) has a target of shape "
                f"{np.shape(labels[-1])}, but row 0 has {np.shape(labels[0])}; make them equal in "
                "the dataset."
            )
    if not inputs:
        raise DataError(f"{where} is empty: the dataset yields no item.")
    x_all = inputs if unequal else np.stack(inputs) if on_disk is None else on_disk
    return x_all, labels if np.ndim(labels[0]) == 0 else np.stack(labels)


def _read_label(label: Any, where: str) -> Any:
    """The target of one item: a value, or an array (k,) of several."""
    if not isinstance(label, (torch.Tensor, np.ndarray, list, tuple)):
        return label
    y = to_numpy(label, where)
    if y.size == 1:
        return y.item()
    if y.ndim != 1 or not y.size or y.dtype.kind not in "biuf":
        raise DataError(
            f"{where} must be one label, or several numbers of shape (k,), got shape {y.shape} of "
            f"{y.dtype}."
        )
    return y


def read_item(item: object, where: str) -> NDArray[Any]:
    """The input of an item, which must be a pair."""
    if isinstance(item, Mapping):
        keys = ", ".join(map(repr, list(item)[:8]))
        raise DataError(
            f"{where} must be a pair (x, y), got a {type(item).__name__} with {keys or 'no keys'}; "
            "let `__getitem__` return two of its values, such as `(item['image'], item['label'])`."
        )
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        got = type(item).__name__
        got += f" of {len(item)}" if isinstance(item, (tuple, list)) else ""
        raise DataError(f"{where} must be a pair (x, y), got {got}.")
    given = item[0]
    if getattr(given, "mode", None) in _INDEXED and hasattr(given, "convert"):
        given = given.convert("RGB")
    x = to_numpy(given, where)
    if x.dtype.kind not in "biuf":
        raise DataError(
            f"{where} must have numbers as x, got {type(given).__name__}; turn it into an array "
            "or a tensor in the dataset."
        )
    return x


def items_of(dataset: Any, where: str) -> Iterator[Any]:
    """The items: of a map-style data set by its length, since it need not end by IndexError.

    An iterable one that does not say its length is read to 2,000,000 rows or 4 GiB.

    Raises:
        DataError: An item cannot be read, or there are more than may be.
    """
    count = _length(dataset, where)
    if not isinstance(dataset, IterableDataset):
        if count is None:
            raise DataError(f"{where} must have a `__len__`, or be an IterableDataset.")
        for row in range(count):
            try:
                item = dataset[row]
            except Exception as error:
                raise _unreadable(row, error, where, count) from error
            yield item
        return
    row = size = 0
    rows = _started(dataset, where)
    while True:
        try:
            item = next(rows)
        except StopIteration:
            return
        except Exception as error:
            raise _unreadable(row, error, where, count) from error
        if count is not None and row >= count:
            raise DataError(
                f"{where} yields more rows than its `__len__` says, {count:,}; mend one of them."
            )
        row, size = row + 1, size + _bytes(item)
        if count is None and (row > _MOST_ROWS or size > _MOST_BYTES):
            most = f"{_MOST_ROWS:,} rows" if row > _MOST_ROWS else f"{_MOST_BYTES / 2**30:g} GiB"
            raise DataError(
                f"{where} yields more than {most}, and does not say how many rows it has. Data are "
                "held in memory: give it a `__len__`, or take so many as are wanted, by "
                "`itertools.islice(dataset, count)` in its `__iter__`."
            )
        yield item


def _length(dataset: Any, where: str) -> int | None:
    """How many items a data set says that it has; None if it does not say."""
    if not hasattr(type(dataset), "__len__"):
        return None
    try:
        return len(dataset)
    except NotImplementedError:
        return None
    except Exception as error:
        if isinstance(dataset, IterableDataset) and isinstance(error, TypeError):
            return None  # as torch has it where there is none
        raise DataError(
            f"{where}: its `__len__` fails: {type(error).__name__}: {str(error).rstrip('.')}."
        ) from error


def _started(dataset: Any, where: str) -> Iterator[Any]:
    try:
        return iter(dataset)
    except Exception as error:
        raise _unreadable(0, error, where, None) from error


def _unreadable(row: int, error: Exception, where: str, count: int | None) -> DataError:
    said = f", though its `__len__` says {count:,}" if isinstance(error, IndexError) else ""
    return DataError(
        f"{where}: row {row} (counted from 0) cannot be read{said}: {type(error).__name__}: "
        f"{str(error).rstrip('.')}."
    )


def _bytes(item: Any) -> int:
    """Bytes of the input of an item, as far as it says so."""
    x = item[0] if isinstance(item, (tuple, list)) and item else item
    return int(getattr(x, "nbytes", 0))
