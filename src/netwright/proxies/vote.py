"""Several proxies as one: an order of networks that all of them have a say in.

Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", arXiv 2101.08134, let SynFlow, Jacov
and SNIP vote: of two networks the one is better that most proxies prefer. The mean of ranks is the
other usual way, by which a clear difference counts more than a slight one.

Departure: the vote of the paper compares two networks. Of more, which a vote may leave in a circle,
the one is first that wins the most comparisons (Copeland's rule).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from netwright.errors import EvaluationError, SettingError
from netwright.proxies.base import Examples, Proxy, check_proxies
from netwright.proxies.naswot import NASWOT
from netwright.proxies.synflow import Synflow

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Vote:
    """Ranks networks by several proxies: by the mean of ranks, or by the vote of the majority.

    Raises:
        SettingError: There is no proxy, or no such rule.
    """

    proxies: tuple[Proxy, ...] = (Synflow(), NASWOT())
    rule: Literal["ranks", "majority"] = "ranks"

    def __post_init__(self) -> None:
        check_proxies("Vote(proxies=...)", self.proxies)
        if self.rule not in ("ranks", "majority"):
            raise SettingError(
                f"`Vote(rule=...)` must be 'ranks' or 'majority', got {self.rule!r}."
            )

    def combine(self, scores: Array) -> Array:
        """Return one number for each of n networks, larger for a better one.

        `scores` (n, p) has a column for each of p proxies; NaN, of a network that a proxy cannot
        score, is worse than any number.
        """
        known = np.where(np.isnan(scores), -np.inf, scores)
        if self.rule == "ranks":
            return np.asarray(np.mean([_ranks(column) for column in known.T], 0), np.float64)
        one, other = known[:, None], known[None]
        preferred = (one > other).astype(np.int64) - (one < other)
        return np.asarray(np.sign(preferred.sum(2)).sum(1), dtype=np.float64)


def _ranks(column: Array) -> Array:
    """Ranks of n numbers from 1, the mean of those that equal numbers take."""
    _, place, counts = np.unique(column, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place], dtype=np.float64)


def scores_of(proxies: Sequence[Proxy], network: nn.Module, examples: Examples, seed: int) -> Array:
    """Return the score of a network by each of p proxies, (p,); NaN where one cannot score it.

    Each proxy has a generator of `seed` of its own, so that a score does not depend on the others.
    """
    found = np.full(len(proxies), np.nan)
    for place, proxy in enumerate(proxies):
        try:
            found[place] = proxy.score(network, examples, np.random.default_rng(seed))
        except EvaluationError:
            continue
    return found
