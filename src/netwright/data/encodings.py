"""How rows become tensors, as a value of JSON: arrays as they are, tables by their columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from netwright.data.columns import Category, Column, Day, Number
from netwright.data.worded import Words
from netwright.data.written import (
    encode_arrays,
    encode_columns,
    level_in,
    numbers_in,
    table_rows,
    weights_in,
    words_of,
)
from netwright.data.written_pictures import (
    encode_pictures,
    picture_fitted,
    picture_numbers,
    picture_opened,
    picture_tensor,
)
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
    """Arrays of examples of one shape, which are kept as they are: uint8 or float32.

    `shape` has the channels first, as networks take them; `channels` says where rows have them.
    """

    shape: tuple[int, ...]
    dtype: str
    channels: str = "first"

    def encode(self, rows: Any) -> Tensor:
        """An array, tensor or list of b examples, without a channel or with the channels last too.

        Raises:
            DataError: They have another shape, are no whole numbers where the data are bytes, or a
                value is not finite.
        """
        return encoded_by(self.encoder, rows)[0]

    def to_json(self) -> dict[str, Any]:
        """Shape and dtype."""
        told = {"kind": "arrays", "shape": list(self.shape), "dtype": self.dtype}
        return told if self.channels == "first" else told | {"channels": self.channels}

    @property
    def encoder(self) -> Encoder:
        """By shape and dtype; nothing is moved but a channel that is missing put in."""
        return Encoder(self.to_json(), encode_arrays)


FITS = ("stretch", "crop", "pad")
"""How a picture of another aspect gets the size of the data."""


@dataclass(frozen=True)
class PictureFiles(Encoding):
    """Files of pictures, opened as the data were: `shape` is (c, h, w), c of 1 to 4.

    Four channels are red, green, blue and alpha, two are gray and alpha. `dtype` is uint8, or
    float32 where a file has more than 8 bits a value. `fit` says how another aspect gets the size,
    and `page` which page of a file is taken, counted from 1.
    """

    shape: tuple[int, ...]
    dtype: str = "uint8"
    fit: str = "stretch"
    page: int = 1

    def encode(self, rows: Any) -> Tensor:
        """Arrays as `Arrays` takes them; or a list of paths, bytes of files or images of Pillow.

        Raises:
            DataError: One cannot be opened, or an array is none of these pictures.
        """
        return encoded_by(self.encoder, rows)[0]

    def to_json(self) -> dict[str, Any]:
        """Shape, dtype, and how files are opened."""
        return {
            "kind": "pictures",
            "shape": list(self.shape),
            "dtype": self.dtype,
            "fit": self.fit,
            "page": self.page,
        }

    @property
    def encoder(self) -> Encoder:
        """Files are opened where Pillow is there."""
        return Encoder(self.to_json(), encode_pictures, PICTURE_NEEDS)


PICTURE_NEEDS = (encode_arrays, picture_tensor, picture_opened, picture_numbers, picture_fitted)
"""What `encode_pictures` calls."""


@dataclass(frozen=True)
class Columns:
    """Rows of a table, by the names of their columns: numbers, and codes of categories."""

    columns: tuple[Column, ...]

    @property
    def numbers(self) -> tuple[Number | Day | Words, ...]:
        """The columns that become numbers, in their order."""
        return tuple(c for c in self.columns if not isinstance(c, Category))

    @property
    def categories(self) -> tuple[Category, ...]:
        """The columns that become codes, in their order."""
        return tuple(c for c in self.columns if isinstance(c, Category))

    def encode(self, rows: Any) -> tuple[Tensor, ...]:
        """Rows with these columns: a DataFrame, a mapping of columns, or a list of mappings.

        Raises:
            DataError: A column is missing, or a value cannot be encoded.
        """
        return encoded_by(self.encoder, rows)

    def to_json(self) -> dict[str, Any]:
        """The columns in their order."""
        return {"kind": "columns", "columns": [column.to_json() for column in self.columns]}

    @property
    def encoder(self) -> Encoder:
        """By the columns, of rows that are mappings or a DataFrame."""
        needs = (level_in, numbers_in, table_rows, weights_in, words_of)
        return Encoder(self.to_json(), encode_columns, needs)


def encoding_from(body: Mapping[str, Any]) -> Encoding:
    """What `to_json` of an encoding of one tensor gave.

    Raises:
        DataError: It is of no kind that is known.
    """
    if body["kind"] == "arrays":
        return Arrays(tuple(body["shape"]), body["dtype"], body.get("channels", "first"))
    if body["kind"] == "pictures":
        return PictureFiles(tuple(body["shape"]), body["dtype"], body["fit"], body["page"])
    raise DataError(f"An encoding of one tensor must be arrays or pictures, got {body['kind']!r}.")


def picture_files(book: Mapping[str, Any]) -> PictureFiles:
    """How files become what a network takes that learned from files, or from arrays of pictures."""
    shape, dtype = tuple(book["shape"]), book["dtype"]
    return PictureFiles(shape, dtype, book.get("fit", "stretch"), book.get("page", 1))


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
