"""Rows of series and recordings as a few numbers each, which a terminal shows as bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.data.series import lengths_of
from netwright.data.series_data import SeriesData
from netwright.data.some_rows import some_rows
from netwright.data.sound_data import SoundData

_VALUES = 40  # of a curve
_ROWS = 4  # where there are no classes


def curves_of(data: SeriesData | SoundData) -> list[dict[str, Any]]:
    """The first row of each class in the train part: its `name` and 40 `values`, or fewer.

    Of series they are the means of pieces of the first channel, None where there is no value; of
    recordings the loudness of pieces, from 0 to 1.
    """
    lines = some_rows(data)
    if lines[0].targets:
        pairs = [(f"row {row}", row) for row in lines[0].rows[:_ROWS]]
    else:
        pairs = [(line.name, line.rows[0]) for line in lines if line.rows]
    return [{"name": name, "values": _values(data, row)} for name, row in pairs]


def _values(data: SeriesData | SoundData, row: int) -> list[float | None]:
    if isinstance(data, SoundData):
        wave = data.train.row(row).double().numpy() / 32768
        return [float(np.sqrt(np.mean(piece**2))) for piece in _pieces(wave)]
    (x,), _ = data.train.batch(torch.tensor([row]))
    length = int(lengths_of(x.numpy())[0])
    values = x[0, 0, :length].double().numpy() + (data.offsets[0] if data.offsets else 0.0)
    means = [piece[~np.isnan(piece)] for piece in _pieces(values)]
    return [float(piece.mean()) if len(piece) else None for piece in means]


def _pieces(values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    count = min(_VALUES, len(values))
    return [*np.array_split(values, count)] if count else []
