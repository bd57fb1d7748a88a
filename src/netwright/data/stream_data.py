"""Data of one text whose next tokens are predicted: pieces of it, in three parts one by one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.data.base import PARTS, Inputs, Part
from netwright.data.encodings import encoded_by
from netwright.data.split import Split
from netwright.data.texts import read_utf8
from netwright.data.token_data import TokenData
from netwright.data.tokens import Tokens, learn_merges
from netwright.data.written_text import encode_prompts, next_tokens
from netwright.errors import DataError
from netwright.network.normalised import Encoder
from netwright.tasks import NextToken
from netwright.tasks.ngrams import ORDER

_PAIRS = 1000  # ids of byte pairs
CONTEXT = {"bytes": 96, "bpe": 48}
"""Tokens before the next one that a network sees at most."""


@dataclass(frozen=True, eq=False)
class StreamPart(Part):
    """Pieces of a text of `size` tokens each, `step` after one another.

    Of the targets of a piece the first `size - step` are 0, but in the first piece: they were asked
    for by the piece before it, which has more before each.
    """

    ids: Tensor
    size: int
    step: int

    def __len__(self) -> int:
        return max(0, -(-(len(self.ids) - 1 - (self.size - self.step)) // self.step))

    def batch(self, rows: Tensor | slice) -> tuple[Inputs, Tensor]:
        """Ids (b, size), and the ids that follow each (b, size); 0 after the end."""
        numbers = torch.arange(len(self))[rows] if isinstance(rows, slice) else rows
        numbers = numbers.to(self.ids.device)
        return (self._taken(numbers, 0, 0),), self._wanted(numbers)

    def _taken(self, rows: Tensor, before: int, after: int) -> Tensor:
        """The tokens of pieces, from so many before them on, moved on by `after`."""
        places = rows[:, None] * self.step + after
        places = places + torch.arange(-before, self.size, device=rows.device)
        inside = (places >= 0) & (places < len(self.ids))
        return self.ids[places.clamp(0, len(self.ids) - 1)].long() * inside

    def _wanted(self, rows: Tensor) -> Tensor:
        wanted = self._taken(rows, 0, 1)
        asked = torch.arange(self.size, device=rows.device) >= self.size - self.step
        return wanted * (asked | (rows == 0)[:, None])

    def before(self, rows: Tensor) -> Tensor:
        """Pieces after the tokens before them, (b, size + ORDER - 1)."""
        return self._taken(rows, ORDER - 1, 0)

    def to(self, device: torch.device) -> StreamPart:
        """All rows on a device."""
        return replace(self, ids=self.ids.to(device))

    def none(self) -> StreamPart:
        """No row."""
        return replace(self, ids=self.ids[:1].clone())

    def __reduce__(self) -> tuple[Callable[..., StreamPart], tuple[Any, ...]]:
        return StreamPart, (self.ids.clone(), self.size, self.step)


@dataclass(frozen=True, eq=False)
class JoinedPart(Part):
    """The pieces of one text, and then those of another."""

    first: StreamPart
    second: StreamPart

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def batch(self, rows: Tensor | slice) -> tuple[Inputs, Tensor]:
        """Ids (b, size), and the ids that follow each (b, size)."""
        numbers = torch.arange(len(self))[rows] if isinstance(rows, slice) else rows
        is_first = (numbers < len(self.first)).to(self.first.ids.device)[:, None]
        (a,), wanted = self.first.batch(numbers.clamp(max=len(self.first) - 1))
        (b,), other = self.second.batch((numbers - len(self.first)).clamp(min=0))
        return (torch.where(is_first, a, b),), torch.where(is_first, wanted, other)

    def before(self, rows: Tensor) -> Tensor:
        """Pieces after the tokens before them, (b, size + ORDER - 1)."""
        a = self.first.before(rows.clamp(max=len(self.first) - 1))
        b = self.second.before((rows - len(self.first)).clamp(min=0))
        return torch.where((rows < len(self.first))[:, None], a, b)

    def to(self, device: torch.device) -> JoinedPart:
        """All rows on a device."""
        return JoinedPart(self.first.to(device), self.second.to(device))


@dataclass(frozen=True, eq=False, repr=False)
class StreamData(TokenData):
    """A text, of which the first tokens are the train part, and the last the test part.

    Raw is `text`, ids (t,) of int64; what is wanted at each place is the id that follows.
    """

    name: str
    tokens: Tokens
    task: NextToken
    train: StreamPart | JoinedPart
    validation: StreamPart
    test: StreamPart
    digest: str
    source: str
    remarks: tuple[str, ...] = ()

    reference_name: ClassVar[str] = "tokens"

    def encode(self, rows: Any) -> Inputs:
        """A list of the beginnings of texts.

        Raises:
            DataError: A row is no text.
        """
        return encoded_by(self.encoder, rows)

    @property
    def encoding(self) -> dict[str, Any]:
        """What tokens are, and how many a network sees at most."""
        return {**self.tokens.to_json(), "kind": "stream"}

    @property
    def encoder(self) -> Encoder:
        """What exported networks get of `encode`, and what shows tokens as texts."""
        needs = (*self.tokens.encoder.needs, next_tokens)
        return Encoder(self.encoding, encode_prompts, needs)

    def reference_features(self, rows: NDArray[np.int64]) -> tuple[Any, Any]:
        """Pieces with the tokens before them."""
        test = torch.arange(len(self.test))
        return self.train.before(torch.from_numpy(rows)).numpy(), self.test.before(test).numpy()

    def without_test(self) -> StreamData:
        """The same data with an empty test part; `digest` stays."""
        return replace(self, test=self.test.none())

    def with_validation_in_train(self) -> StreamData:
        """The same data with the pieces of the validation part after those of the train part."""
        if isinstance(self.train, JoinedPart) or not len(self.validation):
            return self
        both = JoinedPart(self.train, self.validation)
        return replace(self, train=both, validation=self.validation.none())

    @property
    def usual_space(self) -> str:
        """Networks that give the next token after each."""
        return "language_model(every=True)"

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(getattr(self, part)):,} {part}" for part in PARTS)
        what = f"pieces of {self.tokens.longest} {self.tokens.words}"
        return f"Data({self.name}: {sizes}; {what}; {self.task.words})"


def load_stream(
    path: Path,
    split: Split,
    *,
    tokens: str = "bytes",
    context: int | None = None,
    like: Tokens | None = None,
) -> StreamData:
    """A text file whose next tokens are to be predicted.

    Its first part is to learn from, the last the test part; they share nothing. Tokens are bytes,
    or byte pairs that are learned from the train part, or are `like` given ones. A network sees
    `context` of them.

    Raises:
        DataError: It is no UTF-8, or too short for its parts.
    """
    text = read_utf8(path)
    size = like.longest if like is not None else context or CONTEXT[tokens]
    validation, test = split.validation or 0.0, split.test or 0.0
    ends = [round(len(text) * share) for share in (1 - validation - test, 1 - test)]
    pieces = {
        "train": text[: ends[0]], "validation": text[ends[0] : ends[1]], "test": text[ends[1] :],
    }  # fmt: skip
    if like is None:
        like = Tokens(size, (), learn_merges([pieces["train"]], _PAIRS) if tokens == "bpe" else ())
    ids = {
        key: np.concatenate([np.zeros(1, np.int32), like.numbers(piece)])
        for key, piece in pieces.items()
    }
    wanted = {"train": True, "validation": validation > 0, "test": test > 0}
    for key, needed in wanted.items():
        if needed and len(ids[key]) <= 2 * size:
            raise DataError(
                f"{path} is too short: its {key} part has {len(ids[key]) - 1:,} {like.words}, and "
                f"pieces of {size} are learned from."
            )
    lengths = tuple(len(like.pieces[number]) for number in range(257, like.ids))
    task = NextToken(like.ids, lengths, size)
    whole = {"train": size, "validation": size // 2, "test": size // 2}
    train, held, last = (StreamPart(torch.from_numpy(ids[key]), size, whole[key]) for key in PARTS)
    told = f"{path}: the next of {like.ids - 1:,} tokens is predicted, from up to {size} before it"
    digest = _digest([train, held, last], [like.to_json(), task.to_json()])
    remarks = (told,)
    return StreamData(path.stem, like, task, train, held, last, digest, str(path), remarks)


def _digest(parts: Sequence[StreamPart], told: Any) -> str:
    digest = hashlib.sha256(json.dumps([told, [len(part) for part in parts]]).encode("utf-8"))
    for part in parts:
        digest.update(part.ids.numpy().data)
    return digest.hexdigest()
