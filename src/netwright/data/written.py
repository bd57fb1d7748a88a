"""Encoders in plain Python: their source is written into the model.py of exported networks.

Each goes by a code book, a value of JSON, and needs torch and the standard library alone. They are
what `Data.encode` calls too, so that a run and its exported network take the same rows. What cannot
be encoded is a ValueError that says which row, where it is one row's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def encode_arrays(rows: Any, book: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Rows as one tensor of the shape and dtype of the data."""
    shape, dtype = list(book["shape"]), getattr(torch, book["dtype"])
    sizes = ", ".join(["b", *map(str, shape)])
    try:
        if hasattr(rows, "__array__") and not isinstance(rows, torch.Tensor):
            array = rows.__array__()
            rows = array.tolist() if array.dtype == object else array.copy()
        x = torch.as_tensor(rows)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ValueError(f"rows must be numbers of the shape ({sizes}): {error}") from error
    if list(x.shape) == [0]:
        x = x.reshape(0, *shape)
    if x.dim() and list(x.shape[1:]) == shape[1:] and shape[0] == 1:
        x = x[:, None]  # one channel, which nobody wrote
    if list(x.shape[1:]) == [*shape[1:], shape[0]] != shape and len(shape) == 3:
        x = x.permute(0, 3, 1, 2)  # the channels last
    if not x.dim() or list(x.shape[1:]) != shape:
        raise ValueError(f"rows must have the shape ({sizes}), got {list(x.shape)}")
    encoded = x.to(dtype).contiguous()
    if not dtype.is_floating_point and not torch.equal(encoded.to(x.dtype), x):
        raise ValueError(f"rows must be whole numbers that {dtype} holds")
    bad = (~torch.isfinite(encoded)).nonzero().tolist()
    if bad:
        row, *place = bad[0]
        raise ValueError(
            f"row {row} (counted from 0) holds {x[tuple(bad[0])].item()} at {place}, which must be "
            f"a finite number of {dtype}"
        )
    return (encoded,)


def encode_columns(rows: Any, book: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Rows as one tensor (b, f): a list of mappings from the names of columns to values.

    Or a mapping from names to the values of all rows, or a table of pandas. Numbers may be text, as
    a CSV has them; a text that is none of a column's categories is none of them.
    """
    wanted = "rows must be a list of mappings from columns to values, or a DataFrame, got"
    columns, words = book["columns"], {"true": 1.0, "false": 0.0}
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):
        rows = rows.to_dict("records")
    elif hasattr(rows, "keys") and not hasattr(rows, "to_dict"):
        lists = {c["name"]: rows[c["name"]] for c in columns if c["name"] in rows}
        if any(isinstance(each, str) or not hasattr(each, "__len__") for each in lists.values()):
            raise ValueError(f"{wanted} one row alone: put it into a list")
        if len({len(each) for each in lists.values()}) > 1:
            told = ", ".join(f"{len(each)} in {name!r}" for name, each in lists.items())
            raise ValueError(f"rows must have columns of one length, got {told}")
        rows = [dict(zip(lists, each, strict=True)) for each in zip(*lists.values(), strict=True)]
    elif isinstance(rows, str | bytes) or hasattr(rows, "to_dict") or not hasattr(rows, "__iter__"):
        raise ValueError(f"{wanted} {type(rows).__name__}")
    encoded = []
    for place, row in enumerate(rows):
        if not hasattr(row, "keys"):
            raise ValueError(f"{wanted} {type(row).__name__} as row {place} (counted from 0)")
        features = []
        for column in columns:
            name, categories = column["name"], column["categories"]
            try:
                value = row[name]
            except (KeyError, IndexError):
                raise ValueError(f"row {place} (counted from 0) has no column {name!r}") from None
            if categories is not None:
                features += [float(isinstance(value, str) and value == c) for c in categories]
                continue
            number, told = float("nan"), "a number beyond float32"
            try:
                number = float(words.get(value.lower(), value) if isinstance(value, str) else value)
                told = repr(value)
            except OverflowError:
                pass
            except (TypeError, ValueError):
                told = repr(value)
            if not abs(number) < 3.4028235e38:
                raise ValueError(
                    f"row {place} (counted from 0) holds {told} in the column {name!r}, which must "
                    "be a number"
                )
            features.append(number)
        encoded.append(features)
    width = sum(1 if c["categories"] is None else len(c["categories"]) for c in columns)
    return (torch.tensor(encoded, dtype=torch.float32).reshape(len(encoded), width),)


def encode_named(rows: Any, book: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Rows as several tensors, by their names.

    Rows are a mapping from names to the values of all rows, or mappings from names to the values of
    one row each, in a list or a table of pandas.
    """
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):
        rows = rows.to_dict("records")
    by_name = hasattr(rows, "keys") and not hasattr(rows, "to_dict")
    rows = rows if by_name or not hasattr(rows, "__iter__") else list(rows)
    if not by_name and not (isinstance(rows, list) and all(hasattr(row, "keys") for row in rows)):
        raise ValueError(
            "rows must be a mapping from names to arrays of rows, or a list of mappings from names "
            "to values"
        )
    encoded = {}
    for spec in book["tensors"]:
        name, shape, dtype = spec["name"], list(spec["shape"]), getattr(torch, spec["dtype"])
        try:
            given = rows[name] if by_name else [torch.as_tensor(row[name]) for row in rows]
            x = torch.as_tensor(given) if by_name else torch.stack(given or [torch.zeros(shape)])
            x = x if by_name or given else x[:0]
        except (KeyError, IndexError) as error:
            raise ValueError(f"rows must have {name!r}, got none") from error
        except (TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise ValueError(f"{name!r} must hold numbers, as many in each row: {error}") from error
        if x.dim() and list(x.shape[1:]) == shape[1:] and shape and shape[0] == 1:
            x = x[:, None]  # one number or one channel, which nobody wrote
        if not x.dim() or list(x.shape[1:]) != shape:
            sizes = ", ".join(["b", *map(str, shape)])
            raise ValueError(f"{name!r} must have the shape ({sizes}), got {list(x.shape)}")
        values = x.to(dtype)
        if not dtype.is_floating_point and not torch.equal(values.to(x.dtype), x):
            raise ValueError(f"{name!r} must hold whole numbers that {dtype} holds")
        if spec["ids"] is not None and x.numel() and not 0 <= x.min() <= x.max() < spec["ids"]:
            raise ValueError(f"{name!r} must hold ids from 0 to {spec['ids'] - 1}")
        bad = (~torch.isfinite(values)).nonzero().tolist()
        if bad:
            row, *place = bad[0]
            raise ValueError(
                f"row {row} (counted from 0) holds {x[tuple(bad[0])].item()} in {name!r} at "
                f"{place}, which must be a finite number of {dtype}"
            )
        encoded[name] = values
    if len({len(values) for values in encoded.values()}) > 1:
        told = ", ".join(f"{len(values)} in {name!r}" for name, values in encoded.items())
        raise ValueError(f"rows must be as many in each input, got {told}")
    return tuple(encoded.values())
