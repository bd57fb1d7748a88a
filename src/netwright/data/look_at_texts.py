"""A look at texts: how long they are, and which words they have."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np

from netwright.data.histogram import range_of
from netwright.data.text_data import TextData, TextPart
from netwright.tasks import Classification

_SHOWN = 8  # words of a class
_OFTEN = 3  # texts of a class, at least, that have a word that is shown
_STEADY = 5.0  # texts that others are taken to have more of a word, so that rare ones tell little


def look_at_texts(data: TextData) -> dict[str, Any]:
    """Lengths in tokens with a histogram, how many are empty, and the words.

    `telling` has of each class the words that are more frequent in it than elsewhere.
    """
    parts = (data.train, data.validation, data.test)
    lengths = np.concatenate([part.lengths.numpy() for part in parts])
    texts = [text for part in parts for text in data.texts(part)]
    words = [Counter(dict.fromkeys(re.findall(r"[^\W\d_]{2,}", t.lower()), 1)) for t in texts]
    return {
        "tokens": data.tokens.words,
        "lengths": {"name": "length", **range_of(lengths.astype(np.float64))},
        "longest": data.tokens.longest,
        "empty": sum(not text.strip() for text in texts),
        "words": len({word for each in words for word in each}),
        "telling": _telling(data, parts, words),
    }


def _telling(
    data: TextData, parts: tuple[TextPart, ...], words: list[Counter[str]]
) -> list[dict[str, Any]]:
    """The words of each class, those that tell it first; none where nothing is classified."""
    if not isinstance(data.task, Classification):
        return []
    classes = np.concatenate([part.all_targets.numpy() for part in parts])
    counts = [Counter[str]() for _ in data.task.names]
    for place, each in zip(classes.tolist(), words, strict=True):
        counts[place].update(each)
    rows = np.bincount(classes, minlength=len(counts))
    total = sum(counts, Counter[str]())
    found = []
    for place, (name, own) in enumerate(zip(data.task.names, counts, strict=True)):
        others = max(1, len(classes) - int(rows[place]))
        share = {
            word: (count / max(1, rows[place]))
            / ((total[word] - count + _STEADY) / (others + _STEADY))
            for word, count in own.items()
            if count >= _OFTEN
        }
        first = sorted(share, key=lambda word: (-share[word], word))[:_SHOWN]
        found.append({"name": name, "words": [[word, own[word]] for word in first]})
    return found
