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
    cubes = book.get("channels") == "last" and len({*shape}) == 1 and x.dim() == 4
    if x.dim() and list(x.shape[1:]) == shape[1:] and shape[0] == 1:
        x = x[:, None]  # one channel, which nobody wrote
    if (
        len(shape) == 3
        and list(x.shape[1:]) == [*shape[1:], shape[0]]
        and (cubes or [*shape[1:], shape[0]] != shape)
    ):
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
    """Rows as numbers (b, n) and codes of categories (b, k), those of them that the columns have.

    Rows are a list of mappings from the names of columns to values, a mapping from names to the
    values of all rows, or a table of pandas or Polars. Cells may be text, as a CSV has them. A
    missing value (None, NaN, an empty text) is NaN among the numbers; a text that is no level of
    its column has the code 0. A text of a column of words is the weights of these.
    """
    columns = book["columns"]
    numbers: list[list[float]] = []
    codes: list[list[int]] = []
    levels_of = [{level: n for n, level in enumerate(c.get("levels", ()), 1)} for c in columns]
    places_of = [{word: n for n, word in enumerate(c.get("words", ()))} for c in columns]
    for place, row in enumerate(table_rows(rows, [column["name"] for column in columns])):
        numbers.append([])
        codes.append([])
        for column, levels, places in zip(columns, levels_of, places_of, strict=True):
            name = column["name"]
            try:
                value = row[name]
            except (KeyError, IndexError):
                raise ValueError(f"row {place} (counted from 0) has no column {name!r}") from None
            except TypeError:
                raise ValueError(
                    f"row {place} (counted from 0) must be a mapping from columns to values, got "
                    f"{type(row).__name__}"
                ) from None
            try:
                if column["kind"] == "category":
                    codes[-1].append(levels.get(level_in(value), 0))
                elif places:
                    numbers[-1] += weights_in(value, places, column["rarity"])
                else:
                    numbers[-1] += numbers_in(value, column)
            except (TypeError, ValueError, OverflowError):
                wanted = {"number": "a number that float32 holds", "date": "a date"}[column["kind"]]
                raise ValueError(
                    f"row {place} (counted from 0) holds {value!r} in the column {name!r}, which "
                    f"must be {wanted}"
                ) from None
    counts = {"category": 0, "number": 1, "date": 3, "words": 0}
    width = sum(counts[c["kind"]] + bool(c.get("hours")) + len(c.get("words", ())) for c in columns)
    count = sum(column["kind"] == "category" for column in columns)
    both = (
        torch.tensor(numbers, dtype=torch.float32).reshape(len(numbers), width),
        torch.tensor(codes, dtype=torch.int64).reshape(len(codes), count),
    )
    return tuple(tensor for tensor in both if tensor.shape[1])


def table_rows(rows: Any, names: Any) -> list[Any]:
    """The rows of a table as mappings from the names of columns to values."""
    wanted = "rows must be a list of mappings from columns to values, or a DataFrame, got"
    if hasattr(rows, "to_dicts"):
        return list(rows.to_dicts())  # of Polars
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):
        return list(rows.to_dict("records"))
    if hasattr(rows, "keys") and not hasattr(rows, "to_dict"):
        lists = {name: rows[name] for name in names if name in rows}
        if any(isinstance(each, str) or not hasattr(each, "__len__") for each in lists.values()):
            raise ValueError(f"{wanted} one row alone: put it into a list")
        if len({len(each) for each in lists.values()}) > 1:
            told = ", ".join(f"{len(each)} in {name!r}" for name, each in lists.items())
            raise ValueError(f"rows must have columns of one length, got {told}")
        return [dict(zip(lists, each, strict=True)) for each in zip(*lists.values(), strict=True)]
    if isinstance(rows, str | bytes) or hasattr(rows, "to_dict") or not hasattr(rows, "__iter__"):
        raise ValueError(f"{wanted} {type(rows).__name__}")
    return list(rows)


def level_in(value: Any) -> str:
    """A cell of a category as text, without blanks around it; "" where it has no value."""
    text = value.strip() if isinstance(value, str) else str(value)
    gone = value is None or type(value).__name__ in ("NAType", "NaTType") or text in ("", "?")
    return "" if gone or (text == "nan" and not isinstance(value, str)) else text


def numbers_in(value: Any, column: Any) -> list[float]:
    """The numbers that a cell of numbers or dates stands for; NaN where it has no value.

    Raises ValueError or TypeError for what is neither, OverflowError for what float32 has not.
    """
    from datetime import date, datetime

    text, offset = level_in(value), column["offset"]
    if column["kind"] == "number":
        if isinstance(value, str) and text:
            plain = text.removesuffix("%").rstrip().replace("_", "x")
            if column["decimal"] == ",":
                plain = plain.replace(".", "").replace(",", ".")
            value = {"true": 1.0, "false": 0.0}.get(plain.lower(), plain)
        number = float(value) if text else float("nan")
        if text and not abs(number) < 3.4028235e38:
            raise OverflowError(number)
        return [number - offset]
    size = 4 if column["hours"] else 3
    if not text:
        return [float("nan")] * size
    if isinstance(value, str):
        iso = column["format"] == "iso"
        value = datetime.fromisoformat(text) if iso else datetime.strptime(text, column["format"])
    if not isinstance(value, date):
        raise TypeError(value)
    hour, minute, second = (getattr(value, part, 0) for part in ("hour", "minute", "second"))
    days: float = value.toordinal() - date(1970, 1, 1).toordinal()
    days += (3600 * hour + 60 * minute + second + getattr(value, "microsecond", 0) / 1e6) / 86_400
    return [days - offset, value.month, value.weekday(), hour][:size]


def words_of(text: str) -> list[str]:
    """The words of a text, in small letters."""
    import re
    import unicodedata

    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", unicodedata.normalize("NFC", text).casefold())


def weights_in(value: Any, places: Any, rarity: Any) -> list[float]:
    """How much a text has of each word that has a place: the squares of all sum to 1, or to 0."""
    from math import log, sqrt

    counts: dict[str, int] = {}
    for word in words_of(level_in(value)):
        if word in places:
            counts[word] = counts.get(word, 0) + 1
    found = [0.0] * len(places)
    for word, count in counts.items():
        found[places[word]] = (1 + log(count)) * rarity[places[word]]
    length = sqrt(sum(weight * weight for weight in found)) or 1.0
    return [weight / length for weight in found]


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
