"""Scores by their ranks, and the way back to their unit.

Accuracies of a space have a long tail of bad networks, which a fit of the scores themselves would
spend itself on. So what is learnt are the normal scores of the ranks, and what is predicted is read
off the quantiles that were seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]

_BEYOND = 10.0  # normal scores, on each side of those that were seen
_SIZES = (1e-100, 1e100)  # of the largest score, outside which it is brought near 1
_LEAST = 0.05  # of the deviation of all scores: of a prediction whose quantiles are all but equal


def normal_scores(values: Sequence[float] | Array) -> Array:
    """Return the normal scores of the ranks; equal values have equal scores."""
    order = np.sort(values)
    low, high = np.searchsorted(order, values, "left"), np.searchsorted(order, values, "right")
    found: Array = ndtri((low + high) / (2 * len(order)))
    return found


class Quantiles:
    """The normal scores of n scores, `normal`, and what they are in the unit of the scores.

    Minus infinity ranks last, and counts as the worst score that was seen.
    """

    def __init__(self, scores: Array) -> None:
        self.normal = normal_scores(scores)
        ended = scores[np.isfinite(scores)]
        self._power = _power_of(float(np.abs(ended).max(initial=0.0)))
        ended, scores = np.ldexp(ended, -self._power), np.ldexp(scores, -self._power)
        worst = float(ended.min()) if len(ended) else 0.0
        values = np.where(np.isfinite(scores), scores, worst)
        self._level = float(values[0])
        self._spread = float(values.std()) if (values != self._level).any() else 0.0
        knots, places = np.unique(self.normal, return_index=True)
        self._places, self._knots = _with_ends(knots, values[places])

    def back(self, mean: Array, deviation: Array) -> tuple[Array, Array]:
        """Mean and deviation of m normal scores in the unit of the scores.

        The mean becomes the quantile, and the deviation half the distance of those one deviation
        above and below. If all scores were equal, they are all that is predicted, with a deviation
        as large as they are. What is beyond all numbers is the largest of them.
        """
        if self._spread == 0:
            level = np.full_like(mean, self._level)
            return self._in_unit(level), self._in_unit(np.where(level == 0, 1.0, np.abs(level)))
        low, middle, high = (self._quantile(mean + side * deviation) for side in (-1, 0, 1))
        wide = np.maximum((high - low) / 2, _LEAST * self._spread * deviation)
        return self._in_unit(middle), self._in_unit(wide)

    def _in_unit(self, values: Array) -> Array:
        with np.errstate(over="ignore", under="ignore"):
            found: Array = np.nan_to_num(np.ldexp(values, self._power))
        return found

    def _quantile(self, normal: Array) -> Array:
        return np.interp(normal, self._places, self._knots)


def _power_of(size: float) -> int:
    """The power of 2 that scores are divided by, so that squares of them are numbers; mostly 0."""
    low, high = _SIZES
    return 0 if size == 0 or low <= size <= high else int(np.frexp(size)[1])


def _with_ends(places: Array, knots: Array) -> tuple[Array, Array]:
    """The points with one more at each side, as far up or down as from the middle one there."""
    ends = []
    for end, middle in ((0, len(places) // 2), (-1, (len(places) - 1) // 2)):
        run = places[end] - places[middle]
        slope = 0.0 if run == 0 else (knots[end] - knots[middle]) / run
        side = _BEYOND if end else -_BEYOND
        ends.append((places[end] + side, knots[end] + side * slope))
    (left, lowest), (right, highest) = ends
    return np.array([left, *places, right]), np.array([lowest, *knots, highest])
