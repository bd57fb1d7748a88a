"""Members that learn from bootstrap samples, and how far off they are where they did not look.

Breiman, "Bagging predictors", Machine Learning 1996, and "Out-of-bag estimation", 1996: the rows
that a member did not draw say what its error is. Members agree more than they are right, so their
deviation is widened by one factor, with which it would have fitted the errors on such rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_LEFT_OUT = 2  # members that must not have drawn a row for it to be looked at
_MOST = 10.0  # times wider
_TINY = 1e-6  # normal scores, that members differ by at least


def bootstrap(rng: np.random.Generator, members: int, n: int) -> NDArray[np.int64]:
    """Return n places of n rows for each member, drawn with replacement: (members, n)."""
    return rng.integers(n, size=(members, n))


def widening(said: Array, y: Array, drawn: NDArray[np.int64]) -> float:
    """Return by what the deviation of members is to be multiplied, from 1 on.

    `said` is what each says of all n rows, (members, n), `y` their n scores, and `drawn` what it
    learnt from, as `bootstrap` gives it.
    """
    left_out = np.ones(said.shape, dtype=bool)
    left_out[np.arange(len(said))[:, None], drawn] = False
    places = np.flatnonzero(left_out.sum(0) >= _LEFT_OUT)
    if not len(places):
        return 1.0
    others = np.ma.masked_array(said[:, places], ~left_out[:, places])
    errors = np.asarray(others.mean(0)) - y[places]
    deviations = np.asarray(others.std(0)) + _TINY
    return float(np.clip(np.sqrt((errors**2).mean() / (deviations**2).mean()), 1.0, _MOST))
