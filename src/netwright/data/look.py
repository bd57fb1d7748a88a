"""A look at data before anything is trained: plain values, as JSON has them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.data.base import PARTS, Data
from netwright.data.columns import Category, Day
from netwright.data.curves import curves_of
from netwright.data.dataset import ArrayData
from netwright.data.faults import class_counts, one_colour, shared_rows
from netwright.data.histogram import range_of
from netwright.data.look_at_sounds import look_at_sounds
from netwright.data.look_at_texts import look_at_texts
from netwright.data.series import lengths_of
from netwright.data.series_data import SeriesData
from netwright.data.sound_data import SoundData
from netwright.data.table_data import TableData
from netwright.data.text_data import TextData
from netwright.data.worded import Words
from netwright.tasks import Classification, MultiLabel, Regression

_EPOCH = date(1970, 1, 1)

Numbers = NDArray[np.float64]


def look(data: Data) -> dict[str, Any]:
    """What there is in data, over all their parts, as `netwright data` prints it.

    `rows`, `parts`, `task` and `remarks` are always there, and `inputs`, the tensors by name. A
    table has `columns`, and so have series, for each channel, beside `series`, their lengths. A
    column has a `kind` ("number", "date", "category" or "text"), its `gaps`, and its `least` and
    `most` with a `histogram` of ten bins, or its `levels` with their counts, the most frequent
    first, or its `words` likewise, and how many rows are `without` any of these. Pictures have
    `pictures`: shape, mean and deviation of each channel, how many are `one_colour`, and the
    heights, widths and modes of their `files`. Texts have `texts`: their
    `lengths` in tokens with a histogram, how many are `empty`, how many different `words` there
    are, and those that tell classes, `telling`. Sounds have `sounds`: their `rate`, their `seconds`
    with a histogram, the `rates` and `channels` of the sources, and how many are `empty`, `silent`
    or `clipped`. Sounds and series have `curves`, a row of each class: 40 values of its loudness,
    or of its first channel. By the task there are `counts` of classes or labels with their shares,
    or `numbers`.
    `shared` says how many rows of a part are in the train part too.
    """
    found: dict[str, Any] = {
        "name": data.name,
        "source": data.source,
        "rows": sum(len(getattr(data, part)) for part in PARTS),
        "parts": {part: len(getattr(data, part)) for part in PARTS},
        "task": data.task.words,
        **({} if data.label is None else {"label": data.label}),
        "inputs": {spec.name: f"{spec.dtype} {list(spec.shape)}" for spec in data.raw},
    }
    if isinstance(data, TableData):
        found |= {"columns": _columns(data)}
    elif isinstance(data, TextData):
        found |= {"texts": look_at_texts(data)}
    elif isinstance(data, SoundData):
        found |= {"sounds": look_at_sounds(data)}
    elif isinstance(data, SeriesData):
        found |= {"series": _series(data), "columns": _channels(data)}
    elif isinstance(data, ArrayData) and len(data.shape) == 3:
        found["pictures"] = {
            "shape": list(data.shape),
            "mean": data.mean.flatten().tolist(),
            "deviation": data.std.flatten().tolist(),
            "one_colour": one_colour(data),
            **({"files": dict(data.seen)} if data.seen else {}),
        }
    elif isinstance(data, ArrayData):
        x = _all(data, 0)
        found["columns"] = [
            {"name": str(place), "kind": "number", **range_of(x[:, place].double().numpy())}
            for place in range(x.shape[1])
        ]
    if isinstance(data, SeriesData | SoundData):
        found["curves"] = curves_of(data)
    return found | _targets(data) | {"shared": shared_rows(data), "remarks": list(data.remarks)}


def _all(data: Data, place: int) -> Tensor:
    """A raw tensor of all parts, one after the other."""
    return torch.cat([getattr(data, part).batch(slice(None))[0][place] for part in PARTS])


def _targets(data: Data) -> dict[str, Any]:
    """What is predicted: how many rows have each class, or the ranges of numbers."""
    task = data.task
    if isinstance(task, Classification):
        counts = class_counts(data)
        return {"counts": _shares(task.names, counts.tolist(), int(counts.sum()))}
    y = torch.cat([getattr(data, part).all_targets for part in PARTS])
    if isinstance(task, MultiLabel):
        return {"counts": _shares(task.names, y.sum(0).long().tolist(), len(y))}
    if isinstance(task, Regression):
        columns = y.double().reshape(len(y), -1).numpy().T
        names = task.names or (data.label or "answer",)
        told = zip(names, columns, strict=True)
        return {"numbers": [{"name": name, **range_of(column)} for name, column in told]}
    return {}


def _shares(names: tuple[str, ...], counts: list[int], rows: int) -> list[dict[str, Any]]:
    pairs = zip(names, counts, strict=True)
    return [{"name": name, "rows": count, "share": count / rows} for name, count in pairs]


def _columns(data: TableData) -> list[dict[str, Any]]:
    """Each column that is learned from, in its order."""
    numbers = _all(data, 0).double().numpy() if len(data.center) else np.zeros((0, 0))
    codes = _all(data, -1).numpy() if data.columns.categories else np.zeros((0, 0))
    found, place, place_of_codes = [], 0, 0
    for column in data.columns.columns:
        if isinstance(column, Category):
            told = _levels(column, codes[:, place_of_codes])
            place_of_codes += 1
        elif isinstance(column, Words):
            told = _words(column, numbers[:, place : place + len(column.words)])
            place += len(column.words)
        else:
            values = numbers[:, place] + column.offset
            told = {"kind": "number", **range_of(values)}
            if isinstance(column, Day):
                told |= {"kind": "date", **{key: _day(told[key]) for key in ("least", "most")}}
                told.pop("mean")
            place += len(column.features)
        found.append({"name": column.name, **told})
    return found


def _series(data: SeriesData) -> dict[str, Any]:
    """How many channels there are, and the lengths of series: least, median and most."""
    lengths = lengths_of(_all(data, 0).numpy())
    told = {"least": int(lengths.min()), "most": int(lengths.max())}
    return {"channels": len(data.channels), "median": float(np.median(lengths)), **told}


def _channels(data: SeriesData) -> list[dict[str, Any]]:
    """The values of each channel over all times; a gap is a step within the series."""
    x = _all(data, 0).double().numpy() + np.array(data.offsets)[:, None]
    inside = np.arange(x.shape[2]) < lengths_of(x)[:, None]
    return [
        {"name": f"channel {name}", "kind": "number", **range_of(x[:, place][inside])}
        for place, name in enumerate(data.channels)
    ]


def _levels(column: Category, codes: NDArray[Any]) -> dict[str, Any]:
    """How many rows have each level; "" is a missing value, and None any other text."""
    counts = np.bincount(codes, minlength=len(column.levels) + 1).tolist()
    pairs = [[level, counts[code]] for code, level in enumerate(column.levels, 1) if level]
    gaps = counts[1 + column.levels.index("")] if "" in column.levels else 0
    levels = sorted(pairs, key=lambda pair: -pair[1])
    return {"kind": "category", "gaps": gaps, "levels": levels, "other": counts[0]}


def _words(column: Words, weights: NDArray[np.float64]) -> dict[str, Any]:
    """How many rows have each word, the most frequent first, and how many have none of them."""
    counts = (weights > 0).sum(0).tolist()
    pairs = sorted(zip(column.words, counts, strict=True), key=lambda pair: -pair[1])
    without = int((weights == 0).all(1).sum())
    return {"kind": "text", "gaps": 0, "words": [[*pair] for pair in pairs], "without": without}


def _day(days: float | None) -> str | None:
    """Days since 1970 as a date."""
    if days is None:
        return None
    return (_EPOCH + timedelta(days=int(np.floor(days)))).isoformat()
