"""Encoders of text in plain Python; their source is written into model.py as those of `written`.

A text becomes ids: 0 is no token, 1 to 256 are the bytes of its UTF-8, and where pairs were merged
(byte pair encoding) what was merged has an id from 257 on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from netwright.data.written import table_rows

Merges = dict[tuple[int, int], tuple[int, int]]
"""Of a pair of ids, how early it was merged, and the id of both together."""


def encode_text(rows: Any, book: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Texts as ids (b, t) of int64, 0 after the end of the shorter ones.

    Rows are a list of texts; where they came from a table, mappings or a table with the columns of
    the book too, whose texts are read one after the other. None is an empty text. What is longer
    than the longest of the book is cut.
    """
    merges = merges_in(book["merges"])
    found = [token_ids(text, merges)[: book["longest"]] for text in texts_in(rows, book["columns"])]
    size = max([1, *map(len, found)])
    padded = [ids + [0] * (size - len(ids)) for ids in found]
    return (torch.tensor(padded, dtype=torch.int64).reshape(len(found), size),)


def texts_in(rows: Any, columns: list[str]) -> list[str]:
    """Rows as texts: they are texts, or have them in columns."""
    if hasattr(rows, "tolist") and not hasattr(rows, "columns"):
        rows = rows.tolist()  # of an array, or of one column of pandas
    elif hasattr(rows, "to_list"):
        rows = rows.to_list()  # of one column of Polars
    named = hasattr(rows, "keys") or hasattr(rows, "columns")
    if isinstance(rows, (str, bytes)) or not hasattr(rows, "__iter__") or (named and not columns):
        told = "a list of texts" + (", or of mappings from columns to texts" if columns else "")
        raise ValueError(f"rows must be {told}, got one {type(rows).__name__}")
    found = []
    for place, row in enumerate(table_rows(rows, columns) if named else rows):
        values = [row]
        if hasattr(row, "keys") and columns:
            missing = [name for name in columns if name not in row]
            if missing:
                raise ValueError(f"row {place} (counted from 0) has no column {missing[0]!r}")
            values = [row[name] for name in columns]
        found.append("\n".join(text_in(value, place) for value in values))
    return found


def text_in(value: Any, place: int) -> str:
    """A cell as text; empty where it has no value."""
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"row {place} (counted from 0) must be a text, got {value!r}")
    return value


def token_ids(text: str, merges: Merges) -> list[int]:
    """The ids of a text.

    A character that can be written in two ways is taken in its composed form (NFC), and what is no
    character, half of a surrogate pair, as "?". Nothing is merged over the ends of words, of signs
    and of blanks.
    """
    import re
    import unicodedata

    text = unicodedata.normalize("NFC", text)
    if not merges:
        return [byte + 1 for byte in text.encode("utf-8", "replace")]
    letters = "0-9A-Za-z\x80-\U0010ffff"
    pieces = re.findall(f" ?[{letters}]+| ?[^{letters} \t\n\r]+|[ \t\n\r]+", text)
    known: dict[str, list[int]] = {}
    found: list[int] = []
    for piece in pieces:
        if piece not in known:
            known[piece] = merged([b + 1 for b in piece.encode("utf-8", "replace")], merges)
        found += known[piece]
    return found


def merged(ids: list[int], merges: Merges) -> list[int]:
    """The ids of a piece after all merges, the earliest first."""
    from itertools import pairwise

    while len(ids) > 1:
        pairs = [pair for pair in pairwise(ids) if pair in merges]
        if not pairs:
            break
        first = min(pairs, key=merges.__getitem__)
        after, place = [], 0
        while place < len(ids):
            if tuple(ids[place : place + 2]) == first:
                after.append(merges[first][1])
                place += 2
            else:
                after.append(ids[place])
                place += 1
        ids = after
    return ids


def merges_in(pairs: list[list[int]]) -> Merges:
    """What pairs of ids become, in the order in which they were merged.

    Two pairs of the same bytes have one id.
    """
    bytes_of = {byte + 1: bytes([byte]) for byte in range(256)}
    ids = {both: number for number, both in bytes_of.items()}
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for rank, (left, right) in enumerate(pairs):
        both = bytes_of[left] + bytes_of[right]
        made = ids.setdefault(both, 257 + len(ids) - 256)
        bytes_of[made] = both
        found[left, right] = (rank, made)
    return found


def encode_prompts(rows: Any, book: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """The beginnings of texts as ids (b, t), 0 after the end of the shorter ones.

    The last ids are kept of what is longer than the longest of the book; before the first of a text
    that is not, stands 0.
    """
    merges = merges_in(book["merges"])
    found = []
    for text in texts_in([rows] if isinstance(rows, str) else rows, []):
        found.append([0, *token_ids(text, merges)][-book["longest"] :])
    size = max([1, *map(len, found)])
    padded = [ids + [0] * (size - len(ids)) for ids in found]
    return (torch.tensor(padded, dtype=torch.int64).reshape(len(found), size),)


def next_tokens(probabilities: Tensor, count: int, book: Mapping[str, Any]) -> list[Any]:
    """The most probable tokens as texts, each with its probability (k,) of `probabilities`."""
    texts = {byte + 1: bytes([byte]) for byte in range(256)}
    for (left, right), (_, made) in merges_in(book["merges"]).items():
        texts[made] = texts[left] + texts[right]
    best = probabilities.topk(min(count, len(probabilities)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return [(texts.get(i, b"").decode("utf-8", "backslashreplace"), share) for i, share in pairs]
