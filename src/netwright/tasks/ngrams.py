"""An n-gram model: what follows the last few tokens, by how often it did so.

Interpolated Kneser-Ney smoothing (Chen and Goodman, "An Empirical Study of Smoothing Techniques for
Language Modeling", 1999, with one discount for each length).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ORDER = 6
"""Tokens of an n-gram: the next one and up to five before it."""

_LEAST = 1e-7  # so that no token is impossible

Counts = dict[tuple[int, ...], dict[int, int]]
"""Of what came before, how often each token followed."""


def interpolated(
    ids: int,
) -> Callable[[NDArray[Any], NDArray[Any]], Callable[[NDArray[Any]], Tensor]]:
    """A model of `ids` tokens; it gives the logarithms of its probabilities, (n, t, ids).

    Its features are rows (n, t + ORDER - 1): the t tokens of a row of which the next are wanted,
    after those that come before them in the text; 0 is no token.
    """

    def fit(x: NDArray[Any], y: NDArray[Any]) -> Callable[[NDArray[Any]], Tensor]:
        counts = _counted(x, y)
        unigrams = np.full(ids, _LEAST)
        for token, count in counts[0].get((), {}).items():
            unigrams[token] += count
        unigrams /= unigrams.sum()
        weighed = [_weighed(each) for each in counts[1:]]

        def answer(rows: NDArray[Any]) -> Tensor:
            size = rows.shape[1] - ORDER + 1
            given = np.empty((len(rows), size, ids), np.float32)
            for row, tokens in enumerate(rows.tolist()):
                for place in range(size):
                    before = tuple(tokens[place : place + ORDER])[1:]
                    given[row, place] = _next(before, unigrams, weighed)
            return torch.from_numpy(np.log(given))

        return answer

    return fit


Weighed = dict[tuple[int, ...], tuple[float, NDArray[np.int64], NDArray[np.float64]]]
"""Of what came before: the share of shorter n-grams, the tokens that followed, and their shares."""


def _next(
    before: tuple[int, ...], unigrams: NDArray[np.float64], weighed: list[Weighed]
) -> NDArray[np.float64]:
    """The probabilities of all tokens after the last few."""
    found = unigrams
    for length, known in enumerate(weighed, 1):
        if length > len(before):
            break
        there = known.get(before[len(before) - length :])
        if there is None:
            break
        rest, tokens, shares = there
        found = found * rest
        found[tokens] += shares
    return found


def _counted(x: NDArray[Any], y: NDArray[Any]) -> list[Counts]:
    """How often tokens follow: of the longest n-grams that often, of shorter ones after how many
    different tokens.
    """
    longest: Counts = defaultdict(lambda: defaultdict(int))
    for tokens, wanted in zip(x.tolist(), y.tolist(), strict=True):
        for place, token in enumerate(wanted):
            if token:
                before = tuple(tokens[place + 1 : place + ORDER])
                longest[before][token] += 1
    counts: list[Counts] = [longest]
    for _ in range(ORDER - 1):
        shorter: Counts = defaultdict(lambda: defaultdict(int))
        for before, after in counts[0].items():
            for token in after:
                shorter[before[1:]][token] += 1
        counts.insert(0, shorter)
    return counts


def _weighed(counts: Counts) -> Weighed:
    """Counts less their discount, as shares; what is taken away goes to shorter n-grams."""
    flat = np.array([count for after in counts.values() for count in after.values()])
    once, twice = int((flat == 1).sum()), int((flat == 2).sum())
    discount = once / max(1, once + 2 * twice) or 0.5
    found: Weighed = {}
    for before, after in counts.items():
        tokens = np.fromiter(after.keys(), np.int64, len(after))
        values = np.fromiter(after.values(), np.float64, len(after))
        total = values.sum()
        rest = discount * len(after) / total
        found[before] = (float(rest), tokens, (values - discount) / total)
    return found
