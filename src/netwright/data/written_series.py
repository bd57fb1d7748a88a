"""The encoder of series, in plain Python: see `netwright.data.written`, whose rules hold here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def encode_series(rows: Any, book: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Series as one tensor (b, c, t) of float32: NaN where no value is, and after the end of each.

    Rows are an array (b, c, t), or (b, t) of one channel; or a list of b series, each (c, t), (t,)
    of one channel, or a mapping from the names of channels to their values. Series may have any
    length where those that were learned from differ in it. A missing value is NaN or None.
    """
    names = [channel["name"] for channel in book["channels"]]
    offsets = torch.tensor([[channel["offset"]] for channel in book["channels"]]).double()
    if hasattr(rows, "keys") or isinstance(rows, str | bytes) or not hasattr(rows, "__iter__"):
        raise ValueError(f"rows must be a list of series, or an array, got {type(rows).__name__}")
    found = []
    for place, row in enumerate(rows):
        where = f"row {place} (counted from 0)"
        series = series_in(row, names, where)
        length = book["length"] or series.shape[1]
        if series.shape[1] != length:
            raise ValueError(
                f"{where} has {series.shape[1]} steps, but all that were learned from have {length}"
            )
        bad = torch.isinf((series - offsets).float()).nonzero().tolist()
        if bad:
            raise ValueError(
                f"{where} holds {series[tuple(bad[0])].item()} at {bad[0]} (channel, step), which "
                "must be a number that float32 holds, or NaN where it is missing"
            )
        found.append((series - offsets).float())
    longest = book["length"] or max([series.shape[1] for series in found], default=1)
    padded = torch.full((len(found), len(names), max(1, longest)), float("nan"))
    for place, series in enumerate(found):
        padded[place, :, : series.shape[1]] = series
    return (padded,)


def series_in(row: Any, names: Any, where: str) -> Tensor:
    """One series as (c, t) of float64; raises ValueError for what is none."""
    sizes = f"({len(names)}, t)" + (" or (t,)" if len(names) == 1 else "")
    try:
        if hasattr(row, "keys"):
            row = [row[name] for name in names]
        if hasattr(row, "__array__") and not isinstance(row, torch.Tensor):
            row = row.__array__().tolist()
        if isinstance(row, list | tuple):
            row = [
                [float("nan") if value is None else value for value in each]
                if isinstance(each, list | tuple)
                else (float("nan") if each is None else each)
                for each in (each.tolist() if hasattr(each, "tolist") else each for each in row)
            ]
        series = torch.as_tensor(row, dtype=torch.float64)
    except KeyError as error:
        raise ValueError(f"{where} has no channel {error.args[0]!r}") from None
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ValueError(f"{where} must be numbers of shape {sizes}: {error}") from None
    if series.dim() == 1 and len(names) == 1:
        series = series[None]
    if series.dim() != 2 or len(series) != len(names):
        raise ValueError(f"{where} must have the shape {sizes}, got {tuple(series.shape)}")
    return series
