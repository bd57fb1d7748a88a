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
    """Hypervolume found at each of b budgets, as a share of that of the table: b x seeds.

    Of a strategy of several budgets what had the largest counts.
    """
    gains = _gains(comparison, table)
    known = gains[np.isfinite(gains).all(axis=1)]
    reference = np.array([np.median(known[:, 0]), known[:, 1].min()])
    whole = hypervolume(known, reference)
    found = np.zeros((len(budgets), len(searched)))
    for seed, each in enumerate(searched):
        course = each.course
        points = np.nan_to_num(gains[course.rows], nan=-np.inf)
        points[course.epochs < course.epochs.max(initial=0)] = -np.inf  # trained for less
        for place, budget in enumerate(budgets):
            found[place, seed] = hypervolume(points[: comparison.ended(each, budget)], reference)
    return found / whole


def _gains(comparison: Comparison, table: Table) -> Array:
    """The objectives' columns, larger being better."""
    signs = {"maximize": 1.0, "minimize": -1.0}
    wanted = comparison.objectives
    return np.column_stack([signs[o.direction] * table.column(o.metric) for o in wanted])
