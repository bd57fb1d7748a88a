"""Two objectives: how much of the table's front a search has found, by hypervolume.

Zitzler and Thiele, "Multiobjective Evolutionary Algorithms", IEEE TEC 3, 1999: the area that a
front dominates. Here it is a share of the area of the whole table's front. The reference point is
the table's median of the signal and its largest cost, so that networks worse than half of the
others count for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.bench.compare import Comparison, Searched
from netwright.bench.table import Table

Array = NDArray[np.float64]


def hypervolume(points: Array, reference: Array) -> float:
    """The area that n x 2 points dominate, down to a reference point; larger values are better."""
    better = points[(points > reference).all(axis=1)] - reference
    area, height = 0.0, 0.0
    for x, y in better[np.lexsort((-better[:, 1], -better[:, 0]))].tolist():
        if y > height:
            area += x * (y - height)
            height = y
    return area


def shares(
    comparison: Comparison, table: Table, searched: Sequence[Searched], budgets: Array
) -> Array:
    """Hypervolume found at each of b budgets, as a share of that of the table: b x seeds."""
    gains = _gains(comparison, table)
    known = gains[np.isfinite(gains).all(axis=1)]
    reference = np.array([np.median(known[:, 0]), known[:, 1].min()])
    whole = hypervolume(known, reference)
    found = np.zeros((len(budgets), len(searched)))
    for seed, each in enumerate(searched):
        points = np.nan_to_num(gains[each.course.rows], nan=-np.inf)
        for place, budget in enumerate(budgets):
            found[place, seed] = hypervolume(points[: comparison.ended(each, budget)], reference)
    return found / whole


def _gains(comparison: Comparison, table: Table) -> Array:
    """Signal and negated cost of each row."""
    cost = -table.column(comparison.minimize or "")
    return np.column_stack([table.column(comparison.signal), cost])
