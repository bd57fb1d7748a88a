"""Texts as a linear model has them: which words and n-grams of letters they have, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

_OFTEN = 2  # texts in which something must be, where there are many of them,
_MANY = 100  # which are so many


def tfidf(train: Sequence[str], test: Sequence[str]) -> tuple[Any, Any]:
    """TF-IDF of words and pairs of words, and of n-grams of two to five letters within words.

    What is in the train part counts, twice at least if it is not small.
    """
    # imported here: it takes long, and every worker imports this module
    texts = import_module("sklearn.feature_extraction.text")
    stack = import_module("scipy.sparse").hstack
    least = _OFTEN if len(train) >= _MANY else 1
    common = {"sublinear_tf": True, "min_df": least, "dtype": np.float32}
    kinds = (
        {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"},
        {"ngram_range": (2, 5), "analyzer": "char_wb"},
    )
    pairs = []
    for kind in kinds:
        made = texts.TfidfVectorizer(**common, **kind)
        try:
            pairs.append((made.fit_transform(train), made.transform(test)))
        except ValueError:  # nothing is in as many texts
            continue
    if not pairs:
        made = texts.TfidfVectorizer(analyzer="char")
        pairs = [(made.fit_transform(train), made.transform(test))]
    learnt, asked = (stack(each).tocsr() for each in zip(*pairs, strict=True))
    return learnt, asked
