"""How rows become tensors, as a value of JSON: arrays as they are, tables by their columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

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
        """An array, tensor or list of b examples, without a channel or with the channels last too.

        Raises:
            DataError: They have another shape, are no whole numbers where the data are bytes, or a
                value is not finite.
        """
        return encoded_by(self.encoder, rows)[0]

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
        return encoded_by(self.encoder, rows)[0]

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


def encoded_by(encoder: Encoder, rows: Any) -> tuple[Tensor, ...]:
    """Rows as the function of an encoder reads them, which exported networks have too.

    Raises:
        DataError: They cannot be encoded.
    """
    assert encoder.encode is not None
    try:
        return encoder.encode(rows, encoder.book)
    except (ValueError, TypeError) as error:
        raise DataError(f"{str(error).rstrip('.')}.") from error
