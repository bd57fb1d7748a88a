"""Encoders in plain Python: their source is written into the model.py of exported networks.

Each goes by a code book, a value of JSON, and needs torch and the standard library alone. They do
what `encodings.py` does for whole parts at once; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def encode_arrays(rows: Any, book: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Rows as one tensor of the shape and dtype of the data."""
    x = rows if isinstance(rows, torch.Tensor) else torch.as_tensor(rows)
    shape, dtype = list(book["shape"]), getattr(torch, book["dtype"])
    if list(x.shape[1:]) == shape[1:] and shape[0] == 1:
        x = x[:, None]  # one channel, which nobody wrote
    if list(x.shape[1:]) != shape:
        sizes = ", ".join(["b", *map(str, shape)])
        raise ValueError(f"rows must have the shape ({sizes}), got {list(x.shape)}")
    encoded = x.to(dtype)
    if not dtype.is_floating_point and not torch.equal(encoded.to(x.dtype), x):
        raise ValueError(f"rows must be whole numbers that {dtype} holds")
    return (encoded,)


def encode_columns(rows: Any, book: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Rows, mappings from the names of columns to values, as one tensor (b, f).

    A table of pandas is taken too. Numbers may be text, as a CSV has them; a text that is none of a
    column's categories is none of them.
    """
    words = {"true": 1.0, "false": 0.0}
    encoded = []
    for place, row in enumerate(rows.to_dict("records") if hasattr(rows, "to_dict") else rows):
        features = []
        for column in book["columns"]:
            name, categories = column["name"], column["categories"]
            if name not in row:
                raise ValueError(f"row {place} (counted from 0) has no column {name!r}")
            value = row[name]
            if categories is not None:
                features += [float(value == category) for category in categories]
                continue
            try:
                number = float(words.get(str(value).lower(), value))
            except (TypeError, ValueError):
                number = float("nan")
            if not abs(number) < 3.4028235e38:
                raise ValueError(
                    f"row {place} (counted from 0) holds {value!r} in the column {name!r}, which "
                    "must be a number"
                )
            features.append(number)
        encoded.append(features)
    return (torch.tensor(encoded, dtype=torch.float32),)


def encode_named(rows: Any, book: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Rows as several tensors, by their names.

    Rows are a mapping from names to the values of all rows, or mappings from names to the values of
    one row each.
    """
    encoded = []
    for spec in book["tensors"]:
        name, shape, dtype = spec["name"], list(spec["shape"]), getattr(torch, spec["dtype"])
        try:
            if isinstance(rows, dict):
                x = torch.as_tensor(rows[name])
            else:
                x = torch.stack([torch.as_tensor(row[name]) for row in rows])
        except (KeyError, IndexError) as error:
            raise ValueError(f"rows must have {name!r}, got none") from error
        if list(x.shape[1:]) == shape[1:] and shape and shape[0] == 1:
            x = x[:, None]  # one number or one channel, which nobody wrote
        if list(x.shape[1:]) != shape:
            sizes = ", ".join(["b", *map(str, shape)])
            raise ValueError(f"{name!r} must have the shape ({sizes}), got {list(x.shape)}")
        values = x.to(dtype)
        if not dtype.is_floating_point and not torch.equal(values.to(x.dtype), x):
            raise ValueError(f"{name!r} must hold whole numbers that {dtype} holds")
        if spec["ids"] is not None and x.numel() and not 0 <= x.min() <= x.max() < spec["ids"]:
            raise ValueError(f"{name!r} must hold ids from 0 to {spec['ids'] - 1}")
        encoded.append(values)
    return tuple(encoded)
