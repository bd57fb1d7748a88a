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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from netwright.space import Architecture, Space
from netwright.surrogates.features import Array, Features
from netwright.surrogates.known import FittedRows, Known
from netwright.surrogates.predictor import Fitted, Predictor

_MIXES = ((0.75, 0.2, 0.05), (0.2, 0.2, 0.6), (0.0, 0.0, 1.0))  # graph, sequences, answers
_DOUBT = 3.0  # by how much the others must be likelier, in logarithms: few trials mislead
_LENGTHS = (0.5, 1.0, 2.0)
_LINEAR = (0.1, 0.4, 0.8)
_NOISE = (0.01, 0.05, 0.2)
_FEW = 4  # networks below which no kernel is likelier than another


@dataclass(frozen=True)
class GaussianProcess(Predictor):
    """Predicts by a Gaussian process on graphs and answers.

    The kernel is the likeliest of 81, the scores are taken by their ranks (see `quantiles`). The
    time grows with the third power of the networks that it learns from.
    """

    orderless: ClassVar = True

    def fit(
        self, space: Space, architectures: Sequence[Architecture], scores: Sequence[float] | Array
    ) -> Fitted:
        """Learn from n networks: minus infinity is the score of one that did not end well.

        Raises:
            SettingError: As of `Predictor.fit`.
        """
        known = Known.of(self, space, architectures, scores)
        gram = Gram(known.features)
        for row in known.rows:
            gram.append(int(row))
        normal = known.quantiles.normal
        kernel = likeliest(gram, normal) if len(normal) >= _FEW else Kernel()
        return FittedRows(known, Posterior(gram, kernel, normal).predict)


@dataclass(frozen=True)
class Kernel:
    """How alike networks are: weights of the blocks, and the settings of the module's first lines.

    `noise` is a share of the variance.
    """

    mix: tuple[float, ...] = _MIXES[0]
    length: float = 1.0
    linear: float = 0.4
    noise: float = 0.05

    def of(self, squares: Array, linear: Array) -> Array:
        """The kernel by squared distances and centred products, without noise."""
        near: Array = np.exp(squares / (-2 * self.length**2))
        found: Array = self.linear * 2 * linear + (1 - self.linear) * near
        return found


Blocks = Mapping[int, tuple[Array, Array]]
"""Squared distances and centred products in each block that varies."""


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

    def own(self, kernel: Kernel, blocks: Blocks | None = None) -> Array:
        """The kernel between all observed rows, n x n, without noise; `blocks` are `own_blocks`."""
        n = len(self.rows)
        return self._mixed(kernel, (n, n), self.own_blocks() if blocks is None else blocks)

    def own_blocks(self) -> Blocks:
        """What kernels between all observed rows have in common."""
        n = len(self.rows)
        return self._blocks(self._inner[:, :n, :n], self.rows, self.rows)

    def against(self, kernel: Kernel, rows: NDArray[np.int64]) -> Array:
        """The kernel between m other rows and the observed ones, m x n."""
        inner = self._products(rows, self.rows)
        return self._mixed(kernel, inner.shape[1:], self._blocks(inner, rows, self.rows))

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

    def _blocks(self, inner: Array, a: NDArray[np.int64], b: NDArray[np.int64]) -> Blocks:
        made = {}
        for i in self._varying:
            norms_a, lean_a, centre = self.sums(i, a)
            norms_b, lean_b, _ = self.sums(i, b) if b is not a else (norms_a, lean_a, centre)
            squares = norms_a[:, None] + norms_b - 2 * inner[i]
            made[i] = squares, inner[i] - lean_a[:, None] - lean_b + centre
        return made

    def _mixed(self, kernel: Kernel, shape: tuple[int, ...], blocks: Blocks) -> Array:
        squares, linear = np.zeros(shape), np.zeros(shape)
        for i, weight in self.weights(kernel):
            squares += weight * blocks[i][0]
            linear += weight * blocks[i][1]
        return kernel.of(squares, linear)

    @property
    def _varying(self) -> list[int]:
        return [i for i, scale in enumerate(self.features.scales) if scale > 0]

    def weights(self, kernel: Kernel) -> list[tuple[int, float]]:
        """The blocks that vary, each with its weight over its scale."""
        whole = sum(kernel.mix[i] for i in self._varying)
        return [(i, kernel.mix[i] / whole / self.features.scales[i]) for i in self._varying]

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

    def near(self, kernel: Kernel, rows: NDArray[np.int64], part: slice = slice(None)) -> Array:
        """The kernel between n other rows and each of a part of them, n x m."""
        shape = (len(rows), len(self.rows[part]))
        squares, linear = np.zeros(shape), np.zeros(shape)
        for i, weight in self._gram.weights(kernel):
            values = self._gram.features.block(i, rows)
            own = self._values[i][:, part]
            inner = values[:, : len(own)] @ own  # later columns are 0 here
            norms, lean, centre = self._sums[i]
            norm, leans, _ = self._gram.sums(i, rows)
            squares += weight * (norms[part] + norm[:, None] - 2 * inner)
            linear += weight * (inner - lean[part] - leans[:, None] + centre)
        return kernel.of(squares, linear)


class Posterior:
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
    return _rooted(gram.own(kernel), kernel.noise)


def _rooted(covariance: Array, noise: float) -> Array:
    noisy = covariance + noise * np.eye(len(covariance))
    root: Array = cholesky(noisy, lower=True, overwrite_a=True, check_finite=False)
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
    graphs_vary, blocks = gram.features.scales[0] > 0, gram.own_blocks()

    found: list[tuple[float, Kernel]] = []
    for mix, length, linear in product(_MIXES, _LENGTHS, _LINEAR):
        doubt = _DOUBT if graphs_vary and mix != _MIXES[0] else 0.0
        covariance = gram.own(Kernel(mix, length, linear), blocks)
        for noise in _NOISE:
            kernel = Kernel(mix, length, linear, noise)
            process = Posterior(gram, kernel, scores, _rooted(covariance, noise))
            found.append((process.likelihood() - doubt, kernel))
    return max(found, key=lambda each: each[0])[1]
