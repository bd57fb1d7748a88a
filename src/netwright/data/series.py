"""Series as arrays: of one length or of several, with gaps, and what is odd about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.kinds import is_ragged
from netwright.data.values import to_numpy
from netwright.errors import DataError

Series = NDArray[np.float64]

_CLOSE = 1e-3  # of its size, by which a channel must vary so that float32 has digits left for that
_SHOWN = 5


def read_series(values: object, where: str) -> Series:
    """Series as float64 (n, c, t), NaN where there is no value: in gaps, and after the end of each.

    `values` is (n, t) or (n, c, t), or a list of n series of unequal lengths, (t,) or (c, t) each.

    Raises:
        DataError: They are no numbers, a value is infinite, a series has no step, or their numbers
            of channels differ; the message names the row, counted from 0.
    """
    series = _padded(values, where) if is_ragged(values) else _as_one(values, where)
    infinite = np.argwhere(np.isinf(series.astype(np.float32)) & ~np.isnan(series))
    if len(infinite):
        row, channel, step = infinite[0].tolist()
        value = series[row, channel, step]
        beyond = ", beyond float32," if np.isfinite(value) else ""
        raise DataError(
            f"{where}: row {row} (counted from 0) holds {value}{beyond} in channel {channel} at "
            f"step {step}; replace the value, by NaN where it is missing."
        )
    return series


def _as_one(values: object, where: str) -> Series:
    """Series of one length."""
    x = to_numpy(values, where)
    if x.dtype.kind == "O":
        x = _numbers(x, where)
    if x.dtype.kind not in "biuf":
        raise DataError(f"{where} must hold numbers, got {x.dtype}.")
    if x.ndim not in (2, 3):
        raise DataError(f"{where} must have shape (n, t) or (n, c, t) for series, got {x.shape}.")
    if 0 in x.shape:
        raise DataError(f"{where} is empty: its shape is {x.shape}.")
    return np.asarray(x[:, None] if x.ndim == 2 else x, np.float64)


def _padded(values: Any, where: str) -> Series:
    """Series of unequal lengths, with NaN after the end of each."""
    found: list[Series] = []
    for row, given in enumerate(values):
        told = f"{where}: row {row} (counted from 0)"
        x = to_numpy(given, told)
        x = _numbers(x, told) if x.dtype.kind == "O" else x
        if x.dtype.kind not in "biuf":
            raise DataError(f"{told} must hold numbers, got {x.dtype}.")
        x = x[None] if x.ndim == 1 else x
        if x.ndim != 2 or 0 in x.shape:
            raise DataError(f"{told} must be a series (t,) or (c, t) with a step, got {x.shape}.")
        if found and len(x) != len(found[0]):
            widths = {np.shape(each)[-1] for each in values}
            turn = "; give channels first: `[x.T for x in X]`" if len(widths) == 1 else ""
            raise DataError(
                f"{told} has {len(x)} channels, but row 0 has {len(found[0])}: a series is (c, t), "
                f"its channels first{turn}."
            )
        found.append(np.asarray(x, np.float64))
    series = np.full((len(found), len(found[0]), max(x.shape[1] for x in found)), np.nan)
    for row, x in enumerate(found):
        series[row, :, : x.shape[1]] = x
    return series


def _numbers(x: NDArray[Any], where: str) -> Series:
    """An array of Python's numbers; None is a missing one."""
    try:
        return np.where(np.equal(x, np.array(None)), np.nan, x).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where} must hold numbers: {error}.") from error


def lengths_of(series: NDArray[Any]) -> NDArray[np.int64]:
    """The number of steps (n,) of padded series (n, c, t), up to the last that has a value."""
    there = ~np.isnan(series).all(1)
    steps = there.shape[1] - there[:, ::-1].argmax(1)
    return np.where(there.any(1), steps, 0).astype(np.int64)


def offsets_of(train: Series) -> tuple[float, ...]:
    """What is taken from each channel so that float32 holds its values apart; 0 where it does."""
    found = []
    for channel in np.moveaxis(train, 1, 0):
        some = channel[~np.isnan(channel)]
        close = bool(len(some)) and 0 < some.std() < _CLOSE * abs(some.mean())
        found.append(float(some.mean()) if close else 0.0)
    return tuple(found)


def gaps_within(series: NDArray[Any]) -> tuple[bool, NDArray[np.bool_]]:
    """Whether a step is missing before the end of a series, and by channel (c,) whether alone."""
    gone = np.isnan(series)
    whole = gone.all(1)
    before = np.arange(series.shape[2]) < lengths_of(series)[:, None]
    alone = (gone & ~whole[:, None]).any((0, 2))
    return bool((whole & before).any() or alone.any()), alone


def oddities(series: Series, channels: Sequence[str], train: NDArray[np.int64]) -> list[str]:
    """What is odd about series: a sentence each, without its end."""
    found = []
    for place, name in enumerate(channels):
        values = series[train, place]
        some = values[~np.isnan(values)]
        what = f"channel '{name}'" if len(channels) > 1 else "every series"
        if not len(some):
            found.append(f"{what} has no value in the train part; leave it out")
        elif (some == some[0]).all():
            found.append(f"{what} has the one value {some[0]:g}; nothing is learned from it")
    empty = np.flatnonzero(np.isnan(series).all((1, 2)))
    if len(empty):
        rows = ", ".join(map(str, empty[:_SHOWN])) + ", ..." * (len(empty) > _SHOWN)
        found.append(f"{len(empty):,} series have no value at all (row {rows}); remove them")
    return found
