"""Data of texts: ids of each, as many as it has, padded where they come in a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.data.base import Epochs, Inputs, Part
from netwright.data.in_memory import MemoryData
from netwright.data.ragged import RaggedPart
from netwright.data.tfidf import tfidf
from netwright.data.token_data import TokenData
from netwright.data.tokens import Tokens
from netwright.network.normalised import Encoder
from netwright.tasks import Task

_BUCKETS = (12, 18)  # of n-grams, at least and at most, as powers of 2


@dataclass(frozen=True, eq=False)
class TextPart(RaggedPart):
    """Rows: the ids of texts, int32.

    A batch has its texts padded by 0 to the longest of them.
    """

    def batch(self, rows: Tensor | slice) -> tuple[Inputs, Tensor]:
        """Ids (b, t) of int64 and targets (b, ...)."""
        begins, ends = self.bounds(rows)
        lengths = ends - begins
        size = max(1, int(lengths.max())) if len(lengths) else 1
        places = torch.arange(size, device=self.flat.device)
        inside = places < lengths[:, None]
        taken = (begins[:, None] + places).clamp_(max=max(0, len(self.flat) - 1))
        known = self.flat if len(self.flat) else self.flat.new_zeros(1)
        return (known[taken].long() * inside,), self.y[rows]


@dataclass(frozen=True, eq=False, repr=False)
class TextData(TokenData, MemoryData):
    """Texts in memory with what is to be said of each, as `load` reads them.

    Raw is `text`, ids (t,) of int64, of as many tokens as the longest text of a batch has; 0 is no
    token. `label` is the column that is predicted, where the texts are from a table.
    """

    name: str
    tokens: Tokens
    task: Task
    train: TextPart
    validation: TextPart
    test: TextPart
    digest: str
    source: str
    remarks: tuple[str, ...] = ()
    label: str | None = None
    reshuffles: bool = False
    groups: Tensor | None = None

    reference_name: ClassVar[str] = "TF-IDF"

    @property
    def usual_epochs(self) -> Mapping[str, Epochs]:
        """Epochs of a trial and in full."""
        return {"epochs": Epochs(4, 100, 8), "full_epochs": Epochs(12, 400, 24)}

    @property
    def settings(self) -> dict[str, Any]:
        """What the data are, with the label column."""
        known = {} if self.label is None else {"label": self.label}
        return {**super().settings, **known}

    def encode(self, rows: Any) -> Inputs:
        """A list of texts, or rows with the columns that the texts were in.

        Raises:
            DataError: A row is no text, or lacks a column.
        """
        return self.tokens.encode(rows)

    @property
    def encoding(self) -> dict[str, Any]:
        """What tokens are, and how many a text has at most."""
        return self.tokens.to_json()

    @property
    def encoder(self) -> Encoder:
        """What exported networks get of `encode`: all of it."""
        return self.tokens.encoder

    def texts(self, part: TextPart) -> list[str]:
        """The texts of a part, as far as networks see them."""
        ids = part.flat.tolist()
        places = pairwise(part.starts.tolist())
        return [self.tokens.text(ids[begin:end]) for begin, end in places]

    def readable(self, part: Part, rows: Sequence[int]) -> list[Any]:
        """The texts."""
        assert isinstance(part, TextPart)
        return [self.tokens.text(part.row(row).tolist()) for row in rows]

    def reference_features(self, rows: NDArray[np.int64]) -> tuple[Any, Any]:
        """How often texts have words, pairs of them, and n-grams of letters (TF-IDF)."""
        learnt = [self.tokens.text(self.train.row(row).tolist()) for row in rows.tolist()]
        return tfidf(learnt, self.texts(self.test))

    @property
    def usual_space(self) -> str:
        """Texts of these tokens, with as many buckets as there may be n-grams: a power of 2."""
        bits = min(_BUCKETS[1], max(_BUCKETS[0], (len(self.train.flat) // 2).bit_length()))
        return f"text(tokens={self.tokens.ids}, buckets={1 << bits})"

    def __repr__(self) -> str:
        return self.shown(f"texts of up to {self.tokens.longest:,} {self.tokens.words}")


def text_part(ids: Sequence[NDArray[np.int32]], y: NDArray[Any], longest: int) -> TextPart:
    """Rows of ids, cut to the longest, with their targets."""
    return TextPart.of([torch.from_numpy(row[:longest]) for row in ids], y, torch.int32)
