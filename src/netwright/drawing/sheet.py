"""A sheet of some rows of data, as pictures, curves or waveforms."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.data import ArrayData, Data
from netwright.data.series_data import SeriesData
from netwright.data.shown import shown_picture
from netwright.data.some_rows import some_rows
from netwright.data.sound_data import SoundData
from netwright.drawing.marks import SMALL, SOFT, Box, Label, Line, Pixels, Shape, shorten
from netwright.drawing.picture import Picture
from netwright.errors import SettingError

_NAMES = 150.0  # pixels for the names of lines
_GAP = 8.0
_COLOURS = ("#2f6fb3", "#c8553d", "#3c8d5a")  # of the first channels of a series
_POINTS = 120  # of a curve, at most

Cell = Callable[[int], list[Shape]]
"""The shapes of a row of the train part, from (0, 0) on."""


def draw_data(data: Data) -> Picture:
    """A few rows of the train part, in the lines of `some_rows`.

    Series have their first three channels on one scale for all, recordings their waveforms.

    Raises:
        SettingError: The data are neither pictures nor series nor recordings.
    """
    lines = some_rows(data)
    size, cell = _cells(data, [row for line in lines for row in line.rows])
    picture = Picture(f"Rows of {data.name}")
    named = any(line.name for line in lines)
    left, top = (_NAMES if named else 12.0), 12.0
    step = size[1] + (_GAP if named else 24.0)
    for line in lines:
        middle = top + size[1] / 2
        if named:
            name = shorten(_plain(line.name), left - 24)
            picture.add(Label(12, middle - 8, name, bold=True))
            picture.add(Label(12, middle + 8, line.remark, SMALL, SOFT))
        for place, row in enumerate(line.rows):
            x = left + place * (size[0] + _GAP)
            picture.put(Picture("", cell(row)), x, top)
            for target in line.targets[place : place + 1]:
                told = shorten(_plain(target), size[0], SMALL)
                picture.add(Label(x + size[0] / 2, top + size[1] + 9, told, SMALL, SOFT, "middle"))
        top += step
    return picture


def _plain(text: str) -> str:
    """A text without what no file of XML may hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _cells(data: Data, rows: Sequence[int]) -> tuple[tuple[float, float], Cell]:
    """The width and the height of what is drawn of a row, and what draws it."""
    if isinstance(data, ArrayData) and len(data.shape) == 3:
        return _pictures(data)
    if isinstance(data, SeriesData):
        return _series(data, rows)
    if isinstance(data, SoundData):
        return _sounds(data, rows)
    raise SettingError(
        f"`draw(data, path=...)` must have pictures, series or recordings, got {data!r}."
    )


def _pictures(data: ArrayData) -> tuple[tuple[float, float], Cell]:
    _, height, width = data.shape
    scale = 72.0 / max(height, width)
    size = max(width * scale, 8.0), max(height * scale, 8.0)

    def cell(row: int) -> list[Shape]:
        told = shown_picture(data.train.x[row])["picture"]
        pixels = base64.b64decode(told["bytes"])
        return [Pixels(0.0, 0.0, *size, tuple(told["shape"]), pixels)]

    return size, cell


def _series(data: SeriesData, rows: Sequence[int]) -> tuple[tuple[float, float], Cell]:
    size = (120.0, 56.0)
    (x,), _ = data.train.batch(torch.tensor(rows, dtype=torch.int64))
    shown = x[:, : len(_COLOURS)].double().numpy()
    ends = [(np.nanmin(c), np.nanmax(c)) for c in np.moveaxis(shown, 1, 0) if not np.isnan(c).all()]

    def cell(row: int) -> list[Shape]:
        found: list[Shape] = [Box(0.0, 0.0, *size, stroke=SOFT, line=0.5)]
        channels = [c for c in np.moveaxis(shown, 1, 0) if not np.isnan(c).all()]
        for channel, (low, high), colour in zip(channels, ends, _COLOURS, strict=False):
            found += _curve(channel[rows.index(row)], low, high, size, colour)
        return found

    return size, cell


def _curve(
    values: NDArray[Any], low: float, high: float, size: tuple[float, float], colour: str
) -> list[Shape]:
    """A line for each piece without gaps; a step alone is a short one."""
    last = np.flatnonzero(~np.isnan(values))
    if not len(last):
        return []
    kept = values[: last[-1] + 1]
    kept = kept[:: max(1, -(-len(kept) // _POINTS))]
    x = 4 + (size[0] - 8) * np.arange(len(kept)) / max(1, len(kept) - 1)
    y = size[1] - 4 - (size[1] - 8) * (kept - low) / (high - low if high > low else 1.0)
    there = np.flatnonzero(~np.isnan(kept))
    found: list[Shape] = []
    for piece in np.split(there, np.flatnonzero(np.diff(there) > 1) + 1):
        points = [(float(x[place]), float(y[place])) for place in piece]
        points = points if len(points) > 1 else [points[0], (points[0][0] + 1, points[0][1])]
        found.append(Line(tuple(points), colour, sharp=True))
    return found


def _sounds(data: SoundData, rows: Sequence[int]) -> tuple[tuple[float, float], Cell]:
    size = (120.0, 56.0)
    waves = {row: data.train.row(row).numpy().astype(np.float64) for row in rows}
    loudest = max((float(np.abs(wave).max()) for wave in waves.values() if len(wave)), default=1.0)

    def cell(row: int) -> list[Shape]:
        wave = waves[row] / max(loudest, 1.0)
        seconds = Label(
            size[0] - 4, size[1] - 8, f"{len(wave) / data.rate:.2g} s", 9.0, SOFT, "end"
        )
        found: list[Shape] = [Box(0.0, 0.0, *size, stroke=SOFT, line=0.5), seconds]
        pieces = [piece for piece in np.array_split(wave, _POINTS) if len(piece)]
        points = []
        for place, piece in enumerate(pieces):
            x = 4 + (size[0] - 8) * place / max(1, len(pieces) - 1)
            points += [(x, 24 - 20 * float(end)) for end in (piece.max(), piece.min())]
        return [*found, Line(tuple(points), _COLOURS[0], sharp=True)] if points else found

    return size, cell
