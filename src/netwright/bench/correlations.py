"""How well proxies rank the networks of a table, by scores that netwright computes."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr

from netwright.bench.table import Column, Table
from netwright.errors import DataError, EvaluationError, SettingError
from netwright.network.threads import one_thread
from netwright.proxies import Examples, Proxy, Vote
from netwright.proxies.base import check_proxies

_LEAST = 3  # networks that a correlation is said of


@dataclass(frozen=True)
class Correlation:
    """How the scores of a proxy and a column go together, over the `networks` that it can score.

    `spearman` and `kendall` (tau-b) are NaN where fewer than three can be scored, or all alike.
    `seconds` are the mean a network, of one core.
    """

    proxy: str
    spearman: float
    kendall: float
    networks: int
    seconds: float


def proxy_scores(
    table: Table,
    rows: Sequence[int],
    proxies: Sequence[Proxy],
    examples: Examples,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of n rows' networks by p proxies, (n, p), and the seconds each took, (n, p).

    NaN is what a proxy cannot score. The networks' weights and what proxies draw follow from `rng`;
    they are drawn alike for each network.
    """
    seed = int(rng.integers(2**31))
    scores = np.full((len(rows), len(proxies)), math.nan)
    seconds = np.zeros_like(scores)
    with one_thread():
        for place, row in enumerate(rows):
            network = table.space.build(table.architecture(row), seed=seed)
            for column, proxy in enumerate(proxies):
                began = time.perf_counter()
                try:
                    own = np.random.default_rng([seed, column])
                    scores[place, column] = proxy.score(network, examples, own)
                except EvaluationError:
                    pass
                seconds[place, column] = time.perf_counter() - began
    return scores, seconds


def proxy_correlations(
    table: Table,
    proxies: Sequence[Proxy],
    column: str,
    sample: int,
    rng: np.random.Generator,
    examples: Examples | None = None,
) -> list[Correlation]:
    """Compare proxies with a column of a table, on `sample` of its networks; then their vote.

    Networks are drawn by `rng` among those whose value is known. `examples` is the batch that they
    are scored on; None for random inputs, which proxies that go by a loss cannot use. The last row,
    of several proxies, is the mean of their ranks.

    Raises:
        SettingError: There is no such column, `sample` is below 3, the proxies are none, or one
            needs targets and there are none.
        DataError: The column has fewer than three values.
    """
    given = tuple(proxies)
    check_proxies("proxy_correlations(proxies=...)", given)
    if type(sample) is not int or sample < _LEAST:
        raise SettingError(
            f"`proxy_correlations(sample=...)` must be a whole number, at least {_LEAST}, got "
            f"{sample!r}."
        )
    needy = [type(each).__name__ for each in given if each.needs_targets]
    if needy and (examples is None or examples.targets is None):
        raise SettingError(
            f"`proxy_correlations(examples=...)` must have targets for {', '.join(needy)}, got "
            f"{'None' if examples is None else 'inputs alone'}."
        )
    values = table.column(column)
    known = [row for row in table.distinct if math.isfinite(values[row])]
    if len(known) < _LEAST:
        raise DataError(f"The column {column!r} of {table.name!r} has {len(known)} values.")
    rows = rng.permutation(known)[:sample].tolist()
    batch = examples or Examples.random(table.space.signature, rng)
    scores, seconds = proxy_scores(table, rows, given, batch, rng)
    return correlations(given, scores, values[rows], seconds)


def correlations(
    proxies: Sequence[Proxy], scores: NDArray[np.float64], values: Column, seconds: Column
) -> list[Correlation]:
    """Correlations of scores (n, p) with values (n,), of each proxy, then of several the vote."""
    found = [
        _correlation(each.cli_name, scores[:, place], values, float(seconds[:, place].mean()))
        for place, each in enumerate(proxies)
    ]
    if len(proxies) > 1:
        voted = Vote(tuple(proxies)).combine(scores)
        whole = float(seconds.sum(1).mean())
        found.append(_correlation("mean of ranks", voted, values, whole))
    return found


def _correlation(name: str, scores: Column, values: Column, seconds: float) -> Correlation:
    known = np.isfinite(scores)
    one, other = scores[known], values[known]
    if len(one) < _LEAST or np.ptp(one) == 0 or np.ptp(other) == 0:
        return Correlation(name, math.nan, math.nan, len(one), seconds)
    rho, tau = float(spearmanr(one, other).statistic), float(kendalltau(one, other).statistic)
    return Correlation(name, rho, tau, len(one), seconds)
