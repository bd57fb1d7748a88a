"""The posterior at all members of a space, kept from one trial to the next.

Of L L' = K, the factor of the observed rows' kernel, and k, the kernel between these and other
rows, only the rows of L^-1 k are kept. One more trial adds one of them, which costs m (n + d) for m
members, n trials and d columns of features, where a posterior from the beginning costs m n (n + d).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from netwright.surrogates.features import Array
from netwright.surrogates.gaussian_process import Gram, Kernel

_AT_ONCE = 512  # of the fixed rows, so that what is computed of them stays in the cache
_MORE = 64  # rows that there is room for, and each time that they are used up


class Everywhere:
    """The posterior at fixed rows: `restart` it with each kernel, `append` one more trial."""

    def __init__(self, gram: Gram, rows: NDArray[np.int64]) -> None:
        self._fixed = gram.fixed(rows)
        self._count = 0
        self._left = np.zeros((_MORE, len(rows)))
        self._known = np.zeros(len(rows))  # the variance that is known, a share of it
        self._own = np.zeros(len(rows))

    def restart(self, gram: Gram, kernel: Kernel, root: Array) -> None:
        """Begin anew with all rows that were observed."""
        self._own = gram.variances(kernel, self._fixed.rows)
        self._count = len(gram.rows)
        self._left = np.zeros((self._count + _MORE, len(self._own)))
        for begin in range(0, len(self._own), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            near = self._fixed.near(kernel, gram.rows, part)
            left = solve_triangular(root, near, lower=True, overwrite_b=True, check_finite=False)
            self._left[: self._count, part] = left
        self._known = np.einsum("nm,nm->m", *2 * [self._left[: self._count]])

    def append(self, gram: Gram, kernel: Kernel, root: Array) -> None:
        """One more row, the last of `gram`."""
        self._add(self._next(gram, kernel, root, len(gram.rows) - 1))

    def believing(self, gram: Gram, kernel: Kernel, root: Array, count: int) -> Everywhere:
        """Another one with `count` more rows, the last of `gram`."""
        made = object.__new__(Everywhere)
        made._fixed, made._own, made._count = self._fixed, self._own, self._count
        made._left = np.concatenate([self._left[: self._count], np.zeros((count, len(self._own)))])
        made._known = self._known.copy()
        for place in range(len(gram.rows) - count, len(gram.rows)):
            made._add(made._next(gram, kernel, root, place))
        return made

    def predict(self, scores: Array, root: Array) -> tuple[Array, Array]:
        """Mean and deviation of the noiseless scores at all rows, as `Posterior.predict`."""
        centred = scores - scores.mean()
        solved = solve_triangular(root, centred, lower=True, check_finite=False)
        variance = max(float(solved @ solved) / len(scores), 1e-9)
        mean: Array = solved @ self._left[: self._count] + scores.mean()
        return mean, np.sqrt(np.maximum(self._own - self._known, 1e-9) * variance)

    def _next(self, gram: Gram, kernel: Kernel, root: Array, place: int) -> Array:
        near = self._fixed.near(kernel, gram.rows[place : place + 1])[0]
        row: Array = (near - root[place, :place] @ self._left[:place]) / root[place, place]
        return row

    def _add(self, row: Array) -> None:
        if self._count == len(self._left):
            self._left = np.concatenate([self._left, np.zeros((_MORE, len(self._own)))])
        self._left[self._count] = row
        self._count += 1
        self._known += row**2
