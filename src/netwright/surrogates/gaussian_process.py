"""A Gaussian process on the rows of `Features`.

Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, chapters 2 and 5. The
kernel is a linear part, which learns from few trials what each column is worth, and a
squared-exponential one for what hangs together:

    k(a, b) = v * (linear * 2 (a - c)(b - c) + (1 - linear) * exp(-|a - b|^2 / (2 length^2)) )

with distances and products that are weighed sums over the blocks, a block's mean squared distance
over random members being 1. The variance v is the likeliest, as are the other settings on a grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.special import ndtri

from netwright.surrogates.features import Array, Features

_MIXES = ((0.75, 0.2, 0.05), (0.2, 0.2, 0.6), (0.0, 0.0, 1.0))  # graph, sequences, answers
_DOUBT = 3.0  # by how much the others must be likelier, in logarithms: few trials mislead
_LENGTHS = (0.5, 1.0, 2.0)
_LINEAR = (0.1, 0.4, 0.8)
_NOISE = (0.01, 0.05, 0.2)


@dataclass(frozen=True)
class Kernel:
    """How alike networks are: weights of the blocks, and the settings of the module's first lines.

    `noise` is a share of the variance.
    """

    mix: tuple[float, ...] = _MIXES[0]
    length: float = 1.0
    linear: float = 0.4
    noise: float = 0.05


class Gram:
    """Products of observed rows, block by block, from which every kernel is made.

    It grows by one row at a time.
    """

    def __init__(self, features: Features) -> None:
        self.features = features
        self.rows = np.zeros(0, dtype=np.int64)
        self._inner = np.zeros((len(features.scales), 0, 0))

    def append(self, row: int) -> None:
        """One more row."""
        self.rows = np.append(self.rows, row)
        n = len(self.rows)
        if n > self._inner.shape[1]:
            grown = np.zeros((len(self._inner), 2 * n, 2 * n))
            grown[:, : n - 1, : n - 1] = self._inner[:, : n - 1, : n - 1]
            self._inner = grown
        new = self._products(np.array([row]), self.rows)[:, 0]
        self._inner[:, n - 1, :n] = self._inner[:, :n, n - 1] = new

    def copy(self) -> Gram:
        """Another one with the same rows."""
        made = Gram(self.features)
        made.rows, made._inner = self.rows, self._inner.copy()
        return made

    def keep(self, places: NDArray[np.int64]) -> None:
        """Forget all other rows."""
        self.rows = self.rows[places]
        self._inner = self._inner[:, places][:, :, places]

    def own(self, kernel: Kernel) -> Array:
        """The kernel between all observed rows, n x n, without noise."""
        n = len(self.rows)
        return self._kernel(kernel, self._inner[:, :n, :n], self.rows, self.rows)

    def against(self, kernel: Kernel, rows: NDArray[np.int64]) -> Array:
        """The kernel between m other rows and the observed ones, m x n."""
        return self._kernel(kernel, self._products(rows, self.rows), rows, self.rows)

    def fixed(self, rows: NDArray[np.int64]) -> Fixed:
        """Rows that are compared with others again and again."""
        return Fixed(self, rows)

    def variances(self, kernel: Kernel, rows: NDArray[np.int64]) -> Array:
        """The kernel between each of m rows and itself, m values."""
        found = np.full(len(rows), 1 - kernel.linear)
        for b, weight in self.weights(kernel):
            norms, lean, centre = self.sums(b, rows)
            found += kernel.linear * 2 * weight * (norms - 2 * lean + centre)
        return found

    def _products(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> Array:
        blocks = range(len(self.features.scales))
        return np.array([self.features.block(i, a) @ self.features.block(i, b).T for i in blocks])

    def _kernel(
        self, kernel: Kernel, inner: Array, a: NDArray[np.int64], b: NDArray[np.int64]
    ) -> Array:
        squares, linear = np.zeros(inner.shape[1:]), np.zeros(inner.shape[1:])
        for i, weight in self.weights(kernel):
            norms_a, lean_a, centre = self.sums(i, a)
            norms_b, lean_b, _ = self.sums(i, b)
            squares += weight * (norms_a[:, None] + norms_b - 2 * inner[i])
            linear += weight * (inner[i] - lean_a[:, None] - lean_b + centre)
        near: Array = np.exp(squares / (-2 * kernel.length**2))
        found: Array = kernel.linear * 2 * linear + (1 - kernel.linear) * near
        return found

    def weights(self, kernel: Kernel) -> list[tuple[int, float]]:
        """The blocks that vary, each with its weight over its scale."""
        scales = self.features.scales
        whole = sum(w for w, s in zip(kernel.mix, scales, strict=True) if s > 0)
        return [
            (i, w / whole / s)
            for i, (w, s) in enumerate(zip(kernel.mix, scales, strict=True))
            if s > 0
        ]

    def sums(self, which: int, rows: NDArray[np.int64]) -> tuple[Array, Array, float]:
        """Squared norms, products with the centre, and the centre's squared norm."""
        block, centre = self.features.block(which, rows), self.features.centres[which]
        lean = block[:, : len(centre)] @ centre
        return (block**2).sum(1), lean, float(centre @ centre)


class Fixed:
    """Rows with their values, norms and products with the centre, taken out of the table once."""

    def __init__(self, gram: Gram, rows: NDArray[np.int64]) -> None:
        self.rows, self._gram = rows, gram
        blocks = range(len(gram.features.scales))
        self._values = [np.ascontiguousarray(gram.features.block(i, rows).T) for i in blocks]
        self._sums = [gram.sums(i, rows) for i in blocks]

    def near(self, kernel: Kernel, row: int) -> Array:
        """The kernel between each of them and another row, m values."""
        other = np.array([row])
        squares, linear = np.zeros(len(self.rows)), np.zeros(len(self.rows))
        for i, weight in self._gram.weights(kernel):
            values = self._gram.features.block(i, other)[0]
            inner = values[: len(self._values[i])] @ self._values[i]  # later columns are 0 here
            norms, lean, centre = self._sums[i]
            norm, leans, _ = self._gram.sums(i, other)
            squares += weight * (norms + norm[0] - 2 * inner)
            linear += weight * (inner - lean - leans[0] + centre)
        near: Array = np.exp(squares / (-2 * kernel.length**2))
        found: Array = kernel.linear * 2 * linear + (1 - kernel.linear) * near
        return found


class GaussianProcess:
    """The posterior given scores of the observed rows of a `Gram`."""

    def __init__(
        self, gram: Gram, kernel: Kernel, scores: Array, root: Array | None = None
    ) -> None:
        self._gram, self._kernel = gram, kernel
        self._mean = float(scores.mean())
        self.root = root_of(gram, kernel) if root is None else root
        self._y = scores - self._mean
        self._weights = cho_solve((self.root, True), self._y, check_finite=False)
        self._variance = max(float(self._y @ self._weights) / len(scores), 1e-9)

    def predict(self, rows: NDArray[np.int64]) -> tuple[Array, Array]:
        """Mean and deviation of the noiseless scores at m rows, m values each."""
        near = self._gram.against(self._kernel, rows)
        left = solve_triangular(self.root, near.T, lower=True, check_finite=False)
        variance = self._gram.variances(self._kernel, rows) - (left**2).sum(0)
        deviation = np.sqrt(np.maximum(variance, 1e-9) * self._variance)
        return near @ self._weights + self._mean, deviation

    @property
    def fitted(self) -> Array:
        """The mean at the observed rows, n values."""
        noisy: Array = self._y - self._kernel.noise * self._weights + self._mean
        return noisy

    def likelihood(self) -> float:
        """The log marginal likelihood with the likeliest variance, but for constants."""
        n = len(self._y)
        return float(-0.5 * n * math.log(self._variance) - np.log(np.diag(self.root)).sum())


def root_of(gram: Gram, kernel: Kernel) -> Array:
    """The lower Cholesky factor of the observed rows' kernel with noise."""
    covariance = gram.own(kernel)
    covariance[np.diag_indices_from(covariance)] += kernel.noise
    root: Array = cholesky(covariance, lower=True, check_finite=False)
    return root


def extended(root: Array, gram: Gram, kernel: Kernel) -> Array:
    """The factor with one more row than before, the last of `gram`."""
    n = len(gram.rows)
    last = gram.rows[-1:]
    near = gram.against(kernel, last)[0]
    left = solve_triangular(root, near[:-1], lower=True, check_finite=False)
    made = np.zeros((n, n))
    made[:-1, :-1] = root
    made[-1, :-1] = left
    made[-1, -1] = math.sqrt(max(near[-1] + kernel.noise - float(left @ left), 1e-9))
    return made


def likeliest(gram: Gram, scores: Array) -> Kernel:
    """The kernel of the grid under which the scores are likeliest.

    Where graphs vary, they are preferred to answers.
    """
    graphs_vary = gram.features.scales[0] > 0

    def likelihood(kernel: Kernel) -> float:
        doubt = _DOUBT if graphs_vary and kernel.mix != _MIXES[0] else 0.0
        return GaussianProcess(gram, kernel, scores).likelihood() - doubt

    kernels = [Kernel(*each) for each in product(_MIXES, _LENGTHS, _LINEAR, _NOISE)]
    return max(kernels, key=likelihood)


def normal_scores(values: Sequence[float] | Array) -> Array:
    """The normal scores of the ranks; equal values have equal scores."""
    order = np.sort(values)
    low, high = np.searchsorted(order, values, "left"), np.searchsorted(order, values, "right")
    found: Array = ndtri((low + high) / (2 * len(order)))
    return found
