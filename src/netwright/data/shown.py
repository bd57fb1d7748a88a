"""Raw rows as a person reads them, as JSON: pictures, columns by name."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import torch
from torch import Tensor

from netwright.data.columns import Category, Day
from netwright.data.encodings import Columns
from netwright.data.worded import Words, words_in

_SIDE = 64  # pixels of a picture that is shown, at most
_DARK = 128  # bytes of which none is as bright are spread
_MOST = 12  # numbers of a row without names of columns
_EPOCH = date(1970, 1, 1)


def shown_picture(x: Tensor) -> dict[str, Any]:
    """A picture (c, h, w) as bytes (h, w, 1 or 3), of at most 64 pixels a side.

    Of other numbers of channels the first is shown. Floats, and bytes that use less than half of
    their range, are spread over 0 to 255.
    """
    step = max(1, -(-max(x.shape[1:]) // _SIDE))
    kept = x[: 3 if x.shape[0] == 3 else 1, ::step, ::step]
    low, high = float(kept.min()), float(kept.max())
    if kept.dtype != torch.uint8 or high < _DARK:
        kept = ((kept - low) * (255 / (high - low if high > low else 1.0))).round().to(torch.uint8)
    pixels = kept.permute(1, 2, 0).contiguous()
    text = base64.b64encode(pixels.numpy().tobytes()).decode("ascii")
    return {"picture": {"shape": list(pixels.shape), "bytes": text}}


def shown_numbers(x: Tensor) -> dict[str, str]:
    """The first twelve of the numbers (f,), by their places."""
    told = {str(place): f"{value:.5g}" for place, value in enumerate(x[:_MOST].tolist())}
    return told | ({"...": f"{len(x):,} numbers"} if len(x) > _MOST else {})


def shown_row(columns: Columns, numbers: Sequence[float], codes: Sequence[int]) -> dict[str, str]:
    """A row of a table, of its raw numbers (n,) and codes (k,), by column; gaps are empty.

    Of a text there are the words that are learned from, the heaviest first.
    """
    told: dict[str, str] = {}
    place = code = 0
    for column in columns.columns:
        if isinstance(column, Category):
            level = codes[code]
            told[column.name] = column.levels[level - 1] if level else "other"
            code += 1
            continue
        if isinstance(column, Words):
            weights = numbers[place : place + len(column.words)]
            words = words_in(weights, column)
            told[column.name] = " ".join(words[:_MOST]) + " ..." * (len(words) > _MOST)
            place += len(column.words)
            continue
        value = numbers[place] + column.offset
        place += len(column.features)
        if value != value:
            told[column.name] = ""
        elif isinstance(column, Day):
            told[column.name] = (_EPOCH + timedelta(days=int(value // 1))).isoformat()
        else:
            told[column.name] = f"{value:.6g}"
    return told
