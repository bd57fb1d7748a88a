"""Columns of texts beside others in a table: how much of each of some words a text has.

The weights are those of TF-IDF as Salton and Buckley have it ("Term-weighting approaches in
automatic text retrieval", Information Processing & Management 24(5), 1988), of logarithmic counts
and with one added to all numbers of texts, so that no word has the weight 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.written import weights_in, words_of

ID_ROWS, ID_SHARE = 20, 0.9  # a column of more rows, more of them different, is of names or ids
_FEW = 3  # words of a cell on average, by which such a column is of texts,
_LONG, _LONG_SHARE = 8, 0.3  # and with which fewer of them need to be different
_MOST = 256  # words that a column has weights of
_OFTEN, _OFTEN_SHARE = 3, 0.002  # texts that have a word, at least
_EVERYWHERE = 0.9  # of the texts, in which a word says nothing


@dataclass(frozen=True)
class Words:
    """A column of texts as the weights of `words`, by how few texts have them (`rarity`)."""

    name: str
    words: tuple[str, ...]
    rarity: tuple[float, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The numbers that stand for a text."""
        return tuple(f"{self.name} ({word})" for word in self.words)

    @property
    def gaps(self) -> bool:
        """No: a missing text has none of the words."""
        return False

    def encode(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Values (n,) as weights (n, words)."""
        places = {word: place for place, word in enumerate(self.words)}
        rows = [weights_in(value, places, self.rarity) for value in values.tolist()]
        return np.array(rows, np.float32).reshape(len(values), len(self.words))

    def to_json(self) -> dict[str, Any]:
        """As the code book has it."""
        words, rarity = list(self.words), list(self.rarity)
        return {"name": self.name, "kind": "words", "words": words, "rarity": rarity}


def learn_words(texts: Sequence[str], name: str) -> Words | None:
    """The words that most texts of the train part have, but not nearly all; None without any.

    There are 256 at most, in the order of the alphabet.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(words_of(text)))
    least = max(_OFTEN, math.ceil(_OFTEN_SHARE * len(texts)))
    most = _EVERYWHERE * len(texts)
    often = sorted(
        (word for word, count in counts.items() if least <= count <= most),
        key=lambda word: (-counts[word], word),
    )
    words = sorted(often[:_MOST])
    rarity = [round(math.log((1 + len(texts)) / (1 + counts[word])) + 1, 6) for word in words]
    return Words(name, tuple(words), tuple(rarity)) if words else None


def is_text(texts: Sequence[str]) -> bool:
    """Whether cells are texts: nearly all different, of several words, or long and often so."""
    some = [text for text in texts if text]
    if len(texts) <= ID_ROWS or not some:
        return False
    words = sum(len(text.split()) for text in some) / len(some)
    share = len({*some}) / len(some)
    return (share > ID_SHARE and words >= _FEW) or (share > _LONG_SHARE and words >= _LONG)


def words_in(weights: Sequence[float], column: Words) -> list[str]:
    """The words that weights of a text say it has, the heaviest first."""
    pairs = [pair for pair in zip(weights, column.words, strict=True) if pair[0] > 0]
    return [word for _, word in sorted(pairs, key=lambda pair: -pair[0])]
