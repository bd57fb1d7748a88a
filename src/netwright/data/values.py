"""Raw inputs as numpy arrays of the two kinds netwright keeps: uint8 and float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.data.bands import are_last
from netwright.errors import DataError

_CHUNK = 2**22  # elements looked at together, so that no check doubles the memory of a large set


def to_numpy(values: object, where: str) -> NDArray[Any]:
    """Tensors, arrays and nested lists as an array; the memory is shared where it can be."""
    if isinstance(values, torch.Tensor):
        if values.layout != torch.strided:
            raise DataError(f"{where} must be a dense tensor, got {values.layout}.")
        values = values.detach().cpu()
        return (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:
        raise DataError(f"{where} cannot be read as one array: {error}.") from error


def is_missing(value: object) -> bool:
    """Whether a cell holds none: None, NaN, or what pandas writes for them."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def read_inputs(values: object, where: str, channels: str | None = None) -> NDArray[Any]:
    """Inputs as uint8 or float32 of shape (n, f) or (n, c, h, w).

    uint8 stays, booleans become uint8, all else float32. (n, h, w) becomes (n, 1, h, w). Four axes
    are (n, c, h, w) or (n, h, w, c), by `channels`, "first" or "last", or as
    `netwright.data.bands.are_last` finds out; the last are moved.

    Raises:
        DataError: not numbers, a wrong number of axes, no rows, or a value that is NaN, infinite or
            beyond float32; the message names the row, counted from 0.
    """
    x = to_numpy(values, where)
    if x.dtype.kind == "O":
        x = _from_objects(x, values, where)
    if x.dtype.kind not in "biuf":
        raise DataError(
            f"{where} must hold numbers, got {x.dtype}; "
            f"a table with text is read from a .csv or .parquet file."
        )
    if x.ndim not in (2, 3, 4):
        raise DataError(
            f"{where} must have shape (n, f), (n, h, w), (n, c, h, w) or (n, h, w, c), "
            f"got {x.shape}."
        )
    if 0 in x.shape:
        raise DataError(f"{where} is empty: its shape is {x.shape}.")
    if x.ndim == 3:
        x = x[:, None]
    elif x.ndim == 4 and are_last(x.shape, channels, where)[0]:
        x = x.transpose(0, 3, 1, 2)
    if x.dtype.kind == "b":
        return x.astype(np.uint8)
    if x.dtype == np.uint8:
        return x
    with np.errstate(over="ignore"):
        inputs = x.astype(np.float32, copy=False)
    _check_finite(inputs, x, where)
    return inputs


def _from_objects(x: NDArray[Any], values: object, where: str) -> NDArray[Any]:
    """Python's numbers as an array of numbers, as columns of pandas with their own types are."""
    flat = x.reshape(-1).tolist()
    kinds = set(map(type, flat))
    if kinds <= {bool}:
        return x.astype(bool)
    if all(issubclass(kind, (bool, int, float, np.number, np.bool_)) for kind in kinds):
        return x.astype(np.float64)
    for place, value in enumerate(flat):
        if is_missing(value):
            row, rest = divmod(place, max(1, x[0].size))
            names = list(map(str, getattr(values, "columns", ())))
            column = f"column {names[rest]!r}" if names else f"column {rest}"
            raise DataError(
                f"{where}: row {row} (counted from 0) has no value in {column}; fill it or remove "
                "the row."
            )
    if str in kinds:
        return x
    odd = next(kind for kind in kinds if not issubclass(kind, (bool, int, float, np.number)))
    raise DataError(
        f"{where} must hold numbers, got {odd.__name__}; convert it to numbers or leave it out."
    )


def read_targets(values: object, where: str) -> NDArray[Any]:
    """Targets of a task as int64 or float32 of shape (n, ...).

    Raises:
        DataError: They are no numbers, there is no row, or a value is not finite.
    """
    y = to_numpy(values, where)
    if y.dtype.kind not in "biuf" or y.ndim < 1 or not len(y):
        raise DataError(f"{where} must hold numbers, one row or more, got {y.dtype} {y.shape}.")
    if y.dtype.kind != "f":
        return y.astype(np.int64)
    with np.errstate(over="ignore"):
        targets = y.astype(np.float32)
    bad = np.argwhere(~np.isfinite(targets))
    if len(bad):
        place = tuple(bad[0].tolist())
        raise DataError(f"{where}: row {place[0]} (counted from 0) holds {y[place]}.")
    return targets


def _check_finite(inputs: NDArray[np.float32], raw: NDArray[Any], where: str) -> None:
    step = max(1, _CHUNK // max(1, inputs[0].size))
    for start in range(0, len(inputs), step):
        finite = np.isfinite(inputs[start : start + step])
        if not finite.all():
            place = tuple(int(i) for i in np.argwhere(~finite)[0])
            row, rest = start + place[0], place[1:]
            value = raw[(row, *rest)]
            beyond = ", beyond float32" if np.isfinite(value) else ""
            column = f"column {rest[0]}" if len(rest) == 1 else f"channel, row, column {rest}"
            raise DataError(
                f"{where}: row {row} (counted from 0) holds {value}{beyond} at {column}; "
                f"remove the row or replace the value."
            )


def measure_mean_std(x: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation per channel (c, 1, 1) or feature (f,), in float64 inside.

    `std` is 1 where the values are constant.
    """
    axes = (0, 2, 3) if x.ndim == 4 else (0,)
    step = max(1, _CHUNK // max(1, x[0].size))
    chunks = range(0, len(x), step)
    count = x.size // x.shape[1]
    mean = sum(x[i : i + step].sum(axes, dtype=np.float64) for i in chunks) / count
    wide = mean[:, None, None] if x.ndim == 4 else mean
    square = sum(((x[i : i + step] - wide) ** 2).sum(axes) for i in chunks) / count
    std = np.sqrt(square)
    std32 = std.astype(np.float32)
    std32[(std <= 1e-7 * np.abs(mean)) | (std32 == 0)] = 1
    shape = (-1, 1, 1) if x.ndim == 4 else (-1,)
    return mean.astype(np.float32).reshape(shape), std32.reshape(shape)
