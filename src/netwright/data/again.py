"""Encoders of rows that are no table and no array of one shape, from their code books alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from netwright.data.encodings import encoded_by
from netwright.data.written_series import encode_series
from netwright.data.written_sound import encode_sound
from netwright.data.written_text import encode_text
from netwright.network.normalised import Encoder

_ENCODERS = {"text": encode_text, "series": encode_series, "sound": encode_sound}


@dataclass(frozen=True)
class Items:
    """Rows that are texts, series or recordings, by the code book of the data."""

    book: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """ "text", "series" or "sound"."""
        return str(self.book["kind"])

    def encode(self, rows: Any) -> tuple[Tensor, ...]:
        """Rows as the data had them, as raw tensors.

        Raises:
            DataError: A row cannot be encoded.
        """
        return encoded_by(Encoder(self.book, _ENCODERS[self.kind]), rows)

    def to_json(self) -> dict[str, Any]:
        """The code book."""
        return dict(self.book)


def is_of_items(book: Mapping[str, Any]) -> bool:
    """Whether a code book is one of texts, series or recordings."""
    return book["kind"] in _ENCODERS
