"""How rows become tensors, as a value of JSON: arrays as they are, tables by their columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.data.values import read_inputs
from netwright.data.written import encode_arrays, encode_columns
from netwright.errors import DataError
from netwright.network.normalised import Encoder


class Encoding(ABC):
    """Rows to one tensor (b, *shape)."""

    @abstractmethod
    def encode(self, rows: Any) -> Tensor:
        """Encode rows; raises DataError for what cannot be."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """All that `encode` goes by."""

    @property
    @abstractmethod
    def encoder(self) -> Encoder:
        """The same as a function in plain Python, for exported networks."""


@dataclass(frozen=True)
class Arrays(Encoding):
    """Arrays of examples of one shape, which are kept as they are: uint8 or float32."""

    shape: tuple[int, ...]
    dtype: str

    def encode(self, rows: Any) -> Tensor:
        """An array, tensor or list of b examples, as `netwright.data.values.read_inputs` reads it.

        Raises:
            DataError: They have another shape, are bytes where numbers are wanted or the other way
                round, or a value is not finite.
        """
        x = read_inputs(rows, "rows")
        if x.shape[1:] != self.shape:
            raise DataError(f"rows must have shape (b, {_sizes(self.shape)}), got {x.shape}.")
        if self.dtype == "uint8" and x.dtype != np.uint8:
            raise DataError(f"rows must be uint8 as the data are, got {x.dtype}.")
        return torch.from_numpy(np.ascontiguousarray(x, dtype=self.dtype))

    def to_json(self) -> dict[str, Any]:
        """Shape and dtype."""
        return {"kind": "arrays", "shape": list(self.shape), "dtype": self.dtype}

    @property
    def encoder(self) -> Encoder:
        """By shape and dtype; nothing is moved but a channel that is missing put in."""
        return Encoder(self.to_json(), encode_arrays)


@dataclass(frozen=True)
class Column:
    """A column of a table: numbers, or one of `categories`, with a feature for each of them."""

    name: str
    categories: tuple[str, ...] | None = None

    def encode(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """n values as (n, 1) numbers or (n, categories) of 0 and 1; unknown texts are all 0.

        Raises:
            DataError: A value is no finite number where numbers are wanted.
        """
        if self.categories is not None:
            places = {category: place for place, category in enumerate(self.categories)}
            codes = np.array([places.get(value, -1) for value in values.tolist()], np.int64)
            encoded = np.zeros((len(values), len(places)), np.float32)
            known = np.flatnonzero(codes >= 0)
            encoded[known, codes[known]] = 1
            return encoded
        try:
            numbers = values.astype(np.float64).astype(np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(f"column '{self.name}' must hold numbers: {error}.") from error
        bad = np.flatnonzero(~np.isfinite(numbers))
        if bad.size:
            raise DataError(
                f"row {bad[0]} (counted from 0) holds {values[bad[0]]} in column '{self.name}', "
                "which is not a finite float32."
            )
        return numbers[:, None]


@dataclass(frozen=True)
class Columns(Encoding):
    """Rows of a table, by the names of their columns."""

    columns: tuple[Column, ...]

    def encode(self, rows: Any) -> Tensor:
        """Rows with these columns: a DataFrame, a mapping of columns, or a list of mappings.

        Raises:
            DataError: A column is missing, or a value cannot be encoded.
        """
        features = [column.encode(_values(rows, column.name)) for column in self.columns]
        if len({len(feature) for feature in features}) > 1:
            raise DataError("rows must have columns of one length.")
        return torch.from_numpy(np.concatenate(features, axis=1))

    def to_json(self) -> dict[str, Any]:
        """The columns in the order of their features."""
        return {
            "kind": "columns",
            "columns": [
                {"name": c.name, "categories": None if c.categories is None else [*c.categories]}
                for c in self.columns
            ],
        }

    @property
    def encoder(self) -> Encoder:
        """By the columns, of rows that are mappings or a DataFrame."""
        return Encoder(self.to_json(), encode_columns)


def encoding_from(body: Mapping[str, Any]) -> Encoding:
    """What `to_json` of an encoding gave.

    Raises:
        DataError: It is of no kind that is known.
    """
    if body["kind"] == "arrays":
        return Arrays(tuple(body["shape"]), body["dtype"])
    if body["kind"] == "columns":
        made = (
            Column(c["name"], None if c["categories"] is None else tuple(c["categories"]))
            for c in body["columns"]
        )
        return Columns(tuple(made))
    raise DataError(f"An encoding must be of kind arrays or columns, got {body['kind']!r}.")


def _values(rows: Any, name: str) -> NDArray[Any]:
    """The values of a column."""
    try:
        if isinstance(rows, Sequence):
            return np.array([row[name] for row in rows], object)
        return np.array(list(rows[name]), object)
    except (KeyError, TypeError, IndexError) as error:
        raise DataError(f"rows must have a column '{name}', got none.") from error


def _sizes(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))
