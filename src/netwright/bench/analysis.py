"""What a comparison says: values at budgets, ranks, evaluations to a quality, what is random.

Ranks are compared as Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR
7, 2006: Friedman's test over all strategies, Nemenyi's critical difference of mean ranks, and
Wilcoxon's signed-rank test of pairs with Holm's correction. Seeds take the place of data sets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import friedmanchisquare, rankdata, studentized_range, wilcoxon

from netwright.bench.compare import Comparison, Searched
from netwright.bench.table import Table

Array = NDArray[np.float64]

LEVEL = 0.05
SHARES = (0.25, 0.5, 1.0)  # of the budget, at which values are told
QUALITIES = (0.01, 0.001, 0.0)  # the best 1 % of the table, 0.1 %, and the best of all


def values_at(
    comparison: Comparison, table: Table, searched: Sequence[Searched], column: str, budget: float
) -> Array:
    """A column of the network that was best by the signal when the budget was spent, one a seed.

    NaN where no evaluation had ended.
    """
    found: Array = trajectories(comparison, table, searched, column, np.array([budget]))[0]
    return found


def trajectories(
    comparison: Comparison,
    table: Table,
    searched: Sequence[Searched],
    column: str,
    budgets: Array,
) -> Array:
    """What `values_at` gives for each of b budgets: b x seeds."""
    values = table.column(column)
    found = np.full((len(budgets), len(searched)), math.nan)
    for place, each in enumerate(searched):
        ended = np.array([comparison.ended(each, budget) for budget in budgets])
        best = values[each.course.incumbents(table, comparison.signal)]
        found[ended > 0, place] = best[ended[ended > 0] - 1]
    return found


@dataclass(frozen=True)
class Curve:
    """The mean over seeds against the budget, and half the width of its 95 % interval."""

    budgets: Array
    mean: Array
    band: Array


def curve(
    comparison: Comparison,
    table: Table,
    searched: Sequence[Searched],
    column: str,
    points: int = 60,
) -> Curve:
    """The column of the best so far against the budget, from where every seed has one."""
    budgets = np.geomspace(comparison.budget / 25, comparison.budget, points)
    if comparison.seconds is None:
        budgets = np.unique(np.maximum(1, np.round(budgets)))
    made = trajectories(comparison, table, searched, column, budgets)
    kept = np.isfinite(made).all(axis=1)
    made, budgets = made[kept], budgets[kept]
    deviation = made.std(axis=1, ddof=1) if made.shape[1] > 1 else np.zeros(len(made))
    return Curve(budgets, made.mean(axis=1), 1.96 * deviation / math.sqrt(made.shape[1]))


def regret_area(comparison: Comparison, table: Table, searched: Sequence[Searched]) -> Array:
    """The mean regret of the signal over the whole budget, one a seed: how good at any time."""
    signal = table.column(comparison.signal)
    best, worst = float(np.nanmax(signal)), float(np.nanmedian(signal))
    budgets = np.linspace(comparison.budget / 200, comparison.budget, 200)
    if comparison.seconds is None:
        budgets = np.arange(1.0, comparison.budget + 1)
    made = trajectories(comparison, table, searched, comparison.signal, budgets)
    area: Array = best - np.nan_to_num(made, nan=worst).mean(axis=0)
    return area


def evaluations_to(
    comparison: Comparison, table: Table, searched: Sequence[Searched], share: float
) -> Array:
    """Evaluations until one of the best `share` of the table by the signal; infinite if never."""
    signal = table.column(comparison.signal)[table.distinct]
    signal = np.sort(signal[np.isfinite(signal)])[::-1]
    least = signal[max(0, math.ceil(share * len(signal)) - 1)]
    found, values = [], table.column(comparison.signal)
    for each in searched:
        best = each.course.incumbents(table, comparison.signal)
        good = np.flatnonzero(values[best] >= least)
        found.append(float(good[0] + 1) if len(good) else math.inf)
    return np.array(found)


@dataclass(frozen=True)
class Ranks:
    """Mean ranks (1 is best) over `seeds`, and whether they differ by more than by randomness.

    `friedman` is the p-value of all being equal, `difference` the critical one of two mean ranks,
    `pairs` the p-value of each two by Wilcoxon's test, after Holm.
    """

    mean: Mapping[str, float]
    seeds: int
    friedman: float
    difference: float
    pairs: Mapping[tuple[str, str], float]


def ranks(values: Mapping[str, Array]) -> Ranks | None:
    """Ranks of strategies by values, larger being better; None with fewer than two of either.

    Seeds that not all strategies have are left out.
    """
    seeds = min((len(v) for v in values.values()), default=0)
    names = list(values)
    if len(names) < 2 or seeds < 2:
        return None
    made = np.array([values[name][:seeds] for name in names])  # strategies x seeds
    made = np.nan_to_num(made, nan=-np.inf)
    placed = np.array([rankdata(-column) for column in made.T])
    alike = len(names) < 3 or (placed == placed[0, 0]).all()
    friedman = 1.0 if alike else float(friedmanchisquare(*placed.T).pvalue)
    quantile = float(studentized_range.ppf(1 - LEVEL, len(names), np.inf)) / math.sqrt(2)
    difference = quantile * math.sqrt(len(names) * (len(names) + 1) / (6 * seeds))
    mean = dict(zip(names, placed.mean(axis=0).tolist(), strict=True))
    return Ranks(mean, seeds, friedman, difference, _pairs(names, made))


def _pairs(names: Sequence[str], made: Array) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for i, j in combinations(range(len(names)), 2):
        both = np.isfinite(made[i]) & np.isfinite(made[j])
        apart = made[i][both] - made[j][both]
        p = float(wilcoxon(apart).pvalue) if (apart != 0).any() else 1.0
        found[names[i], names[j]] = p
    least = 0.0
    for place, pair in enumerate(sorted(found, key=lambda pair: found[pair])):
        least = found[pair] = min(1.0, max(least, found[pair] * (len(found) - place)))
    return found
