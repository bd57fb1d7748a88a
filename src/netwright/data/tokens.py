"""How texts become ids: bytes of UTF-8, or pairs of them that the train part has often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from netwright.data.encodings import encoded_by
from netwright.data.written import table_rows
from netwright.data.written_text import (
    encode_text,
    merged,
    merges_in,
    text_in,
    texts_in,
    token_ids,
)
from netwright.errors import SettingError, require
from netwright.network.normalised import Encoder

KINDS = ("bytes", "bpe")
"""What tokens may be."""

BYTES = 257  # ids of bytes, with 0 for none
_PIECES = " ?[0-9A-Za-z\x80-\U0010ffff]+| ?[^0-9A-Za-z\x80-\U0010ffff \t\n\r]+|[ \t\n\r]+"


@dataclass(frozen=True)
class Tokens:
    """Texts as ids: `merges` are pairs of ids that become one, in their order; none for bytes.

    A text has `longest` ids at most; the rest of it is cut. `columns` are those of a table that
    the texts were in, read one after the other.
    """

    longest: int
    columns: tuple[str, ...] = ()
    merges: tuple[tuple[int, int], ...] = ()

    @cached_property
    def table(self) -> dict[tuple[int, int], tuple[int, int]]:
        """What pairs become."""
        return merges_in([list(pair) for pair in self.merges])

    @cached_property
    def pieces(self) -> dict[int, bytes]:
        """The bytes of each id."""
        found = {byte + 1: bytes([byte]) for byte in range(256)}
        for (left, right), (_, made) in self.table.items():
            found[made] = found[left] + found[right]
        return found

    @property
    def ids(self) -> int:
        """How many different ids there are, with 0 for none."""
        return 1 + len(self.pieces)

    @property
    def words(self) -> str:
        """What tokens are, in a few words."""
        return f"{self.ids - 1:,} byte pairs" if self.merges else "bytes"

    def encode(self, rows: Any) -> tuple[Tensor, ...]:
        """Texts, or rows with the columns, as one tensor (b, t).

        Raises:
            DataError: A row is no text, or lacks a column.
        """
        return encoded_by(self.encoder, rows)

    def numbers(self, text: str) -> NDArray[np.int32]:
        """All ids of a text, however long it is."""
        return np.array(token_ids(text, self.table), np.int32)

    def text(self, ids: Sequence[int]) -> str:
        """The text of ids; bytes that are no whole character are left out."""
        known = self.pieces
        return b"".join(known.get(number, b"") for number in ids).decode("utf-8", "ignore")

    def to_json(self) -> dict[str, Any]:
        """All that `encode` goes by."""
        return {
            "kind": "text",
            "longest": self.longest,
            "columns": list(self.columns),
            "merges": [list(pair) for pair in self.merges],
        }

    @property
    def encoder(self) -> Encoder:
        """The same in plain Python, for exported networks."""
        needs = (table_rows, texts_in, text_in, merged, merges_in, token_ids)
        return Encoder(self.to_json(), encode_text, needs)


def tokens_from(body: Any) -> Tokens:
    """What `to_json` gave."""
    merges = tuple((left, right) for left, right in body["merges"])
    return Tokens(body["longest"], tuple(body["columns"]), merges)


def learn_merges(texts: Sequence[str], count: int) -> tuple[tuple[int, int], ...]:
    """The pairs that byte pair encoding merges in these texts, until there are `count` ids.

    Learned by `tokenizers`; what it is applied with is `token_ids`.

    Raises:
        MissingExtra: tokenizers is not installed.
    """
    tokenizers = require("tokenizers", extra="text", purpose='`load(tokens="bpe")`')
    made = tokenizer_of(tokenizers, tokenizers.models.BPE())
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=max(256, count - 1), initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(list(texts), trainer)
    return _pairs_of(made)


def tokenizer_of(tokenizers: Any, model: Any) -> Any:
    """A tokenizer that reads texts as `token_ids` does."""
    made = tokenizers.Tokenizer(model)
    made.normalizer = tokenizers.normalizers.NFC()
    pieces = tokenizers.pre_tokenizers.Split(tokenizers.Regex(_PIECES), "isolated")
    level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([pieces, level])
    return made


def _pairs_of(tokenizer: Any) -> tuple[tuple[int, int], ...]:
    """The merges of a tokenizer as pairs of our ids."""
    import json

    listed = json.loads(tokenizer.to_str())["model"]["merges"]
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in listed]
    byte_of = _bytes_of_characters()
    ids = {bytes([byte]): byte + 1 for byte in range(256)}
    found = []
    for left, right in pairs:
        parts = [bytes(byte_of[character] for character in part) for part in (left, right)]
        found.append((ids[parts[0]], ids[parts[1]]))
        ids.setdefault(parts[0] + parts[1], 257 + len(ids) - 256)
    return tuple(found)


def _bytes_of_characters() -> dict[str, int]:
    """The byte that each character of a byte-level vocabulary stands for, as GPT-2 has them."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    found = {chr(byte): byte for byte in shown}
    others = [byte for byte in range(256) if byte not in shown]
    return found | {chr(256 + place): byte for place, byte in enumerate(others)}


def checked_tokens(tokens: object) -> str:
    """The kind of tokens that is asked for.

    Raises:
        SettingError: There is none of that name.
    """
    if tokens not in KINDS:
        raise SettingError(f'`load(tokens=...)` must be "bytes" or "bpe", got {tokens!r}.')
    return str(tokens)
