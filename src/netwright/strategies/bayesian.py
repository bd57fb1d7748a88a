"""Bayesian optimisation: a Gaussian process over the answers, and expected improvement.

Jones, Schonlau and Welch, "Efficient Global Optimization of Expensive Black-Box Functions", 1998;
for architectures as in Kandasamy et al., arXiv 1802.07191, with a kernel on the answers instead of
their distance of graphs. What decides here:

- An answer is a one-hot column; numbers (widths, depths, values) have a second column with their
  place in the range, so that 48 is near 64. Columns of choices that are not active are 0.
- The kernel is a linear part, which learns what each answer is worth from few trials, and a
  squared-exponential one for what hangs together.
- Gains are replaced by the normal scores of their ranks, so that a few bad networks do not
  stretch the scale. A trial that did not end well ranks last.
- The acquisition is maximised over a pool of random members and mutants of the best trials, all of
  them within what is allowed. Proposals in flight count as if they had their predicted gain.
- With several objectives each proposal weighs them anew (Knowles, "ParEGO", 2006).
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
from scipy.stats import norm

from netwright.errors import SettingError
from netwright.objective import Objective
from netwright.space import Architecture, Choice, Space
from netwright.strategies.base import Search, Strategy
from netwright.trial import Proposal, Trial

Array = NDArray[np.float64]

_LENGTHS = (0.35, 0.7, 1.4)  # of the squared-exponential part, in typical distances
_LINEAR = (0.1, 0.4, 0.8)  # share of the linear part
_NOISE = (0.02, 0.1, 0.3)  # of the variance
_GROWTH = 1.2  # the kernel is fitted again when there are so many times the trials
_PARENTS = 5  # the best trials, whose mutants are looked at
_MOST = 1000  # the latest trials that are looked at


@dataclass(frozen=True)
class BayesianOptimization(Strategy):
    """Proposes the member that is expected to improve most on the best.

    The first `initial` are random. `pool` is how many members are compared for each proposal.

    Raises:
        SettingError: `initial` or `pool` below 2.
    """

    initial: int = 12
    pool: int = 400

    def __post_init__(self) -> None:
        for name in ("initial", "pool"):
            value = getattr(self, name)
            if type(value) is not int or value < 2:
                raise SettingError(
                    f"`BayesianOptimization({name}=...)` must be a whole number, at least 2, "
                    f"got {value!r}."
                )

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search: nothing is known yet."""
        return _BayesianOptimization(self, space, objectives)


class _BayesianOptimization(Search):
    def __init__(
        self, settings: BayesianOptimization, space: Space, objectives: Sequence[Objective]
    ) -> None:
        self._settings, self._space, self._objectives = settings, space, objectives
        self._features = _Features(space)
        self._known: set[Architecture] = set()
        self._members: list[Architecture] = []
        self._rows: list[Array] = []
        self._gains: list[list[float]] = []  # per trial and objective; -inf if it did not end well
        self._kernel = _Kernel(0.7, 0.4, 0.1)
        self._next = settings.initial

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal:
        if len(self._members) < self._settings.initial:
            return Proposal(self._space.sample(rng))
        scores = _scores(self._weighed(rng))
        best = [self._members[i] for i in np.argsort(-scores)[:_PARENTS]]
        flying = [p.architecture for p in pending]
        known = self._known.union(flying)
        drawn = self._space.pool(rng, self._settings.pool, best)
        pool = [a for a in drawn if a not in known]
        if not pool:
            return Proposal(self._space.sample(rng))
        x = np.array(self._rows)
        process = _Process(self._kernel, x, scores)
        if flying:
            rows = self._features(flying)
            process = _Process(
                self._kernel, np.vstack([x, rows]), np.append(scores, process.predict(rows)[0])
            )
        mean, deviation = process.predict(self._features(pool))
        top = process.predict(x)[0].max()
        gain = (mean - top) / deviation
        improvement = deviation * (gain * norm.cdf(gain) + norm.pdf(gain))
        return Proposal(pool[int(np.argmax(improvement))])

    def observe(self, trial: Trial) -> None:
        gains = [objective.gain(trial.metrics) for objective in self._objectives]
        well = trial.done and all(map(math.isfinite, gains))
        self._known.add(trial.architecture)
        self._members.append(trial.architecture)
        self._rows.append(self._features([trial.architecture])[0])
        self._gains.append(gains if well else [-math.inf] * len(gains))
        for kept in (self._members, self._rows, self._gains):
            del kept[:-_MOST]
        if len(self._members) >= self._next:
            self._next = math.ceil(self._next * _GROWTH)
            first = np.array([gains[0] for gains in self._gains])
            self._kernel = _fitted(np.array(self._rows), _scores(first))

    def _weighed(self, rng: np.random.Generator) -> Array:
        """One gain a trial: with several objectives the worst of them, weighed at random."""
        gains = np.array(self._gains)
        if gains.shape[1] == 1:
            return gains[:, 0]
        places = np.column_stack([_scores(column) for column in gains.T])
        weights = rng.dirichlet(np.ones(gains.shape[1]))
        found: Array = ((places - places.max(axis=0)) * weights).min(axis=1)
        return found


class _Features:
    """Architectures as rows: one-hot answers, and the places of numbers in their range."""

    def __init__(self, space: Space) -> None:
        self._space = space
        numbers = [c for c in space.choices.values() if _is_number(c)]
        self._places = np.zeros((len(space.columns()), len(numbers)))
        for row, (name, option) in enumerate(space.columns()):
            if _is_number(choice := space.choices[name]):
                place = sorted(choice.options, key=float).index(option)  # type: ignore[arg-type]
                column = numbers.index(choice)
                self._places[row, column] = place / max(1, len(choice.options) - 1)

    def __call__(self, architectures: Sequence[Architecture]) -> Array:
        """n x d."""
        rows = self._space.encode(architectures).astype(np.float64)
        return np.hstack([rows / math.sqrt(2), rows @ self._places])


def _is_number(choice: Choice) -> bool:
    return all(type(option) in (int, float) for option in choice.options)


@dataclass(frozen=True)
class _Kernel:
    """How alike rows are: `linear` is the share of the linear part, `noise` a variance."""

    length: float
    linear: float
    noise: float

    def __call__(self, a: Array, b: Array, scale: float) -> Array:
        """n x m; `scale` is the mean squared distance of rows."""
        inner = a @ b.T
        squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * inner
        near = np.exp(-0.5 * squares / (scale * self.length**2))
        found: Array = self.linear * inner / scale + (1 - self.linear) * near
        return found


class _Process:
    """A Gaussian process with the rows and scores that it was given."""

    def __init__(self, kernel: _Kernel, x: Array, y: Array) -> None:
        self._centre, self._mean = x.mean(0), y.mean()
        self._x, self._kernel = x - self._centre, kernel
        self._scale = max(1e-9, 2 * float(self._x.var(0).sum()))
        covariance = kernel(self._x, self._x, self._scale) + kernel.noise * np.eye(len(x))
        self._root = cholesky(covariance, lower=True)
        self._weights = cho_solve((self._root, True), y - self._mean)
        self._y = y - self._mean

    def predict(self, x: Array) -> tuple[Array, Array]:
        """Mean and deviation of the noiseless values at rows x, n values each."""
        x = x - self._centre
        near = self._kernel(self._x, x, self._scale)
        own = self._kernel.linear * (x**2).sum(1) / self._scale + 1 - self._kernel.linear
        left = solve_triangular(self._root, near, lower=True)
        variance = np.maximum(own - (left**2).sum(0), 1e-9)
        return near.T @ self._weights + self._mean, np.sqrt(variance)

    def likelihood(self) -> float:
        """The logarithm of the marginal likelihood, but for a constant."""
        return float(-0.5 * self._y @ self._weights - np.log(np.diag(self._root)).sum())


def _fitted(x: Array, y: Array) -> _Kernel:
    """The kernel of the grid under which the scores are likeliest."""
    kernels = [_Kernel(*values) for values in product(_LENGTHS, _LINEAR, _NOISE)]
    return max(kernels, key=lambda kernel: _Process(kernel, x, y).likelihood())


def _scores(gains: Array) -> Array:
    """The normal scores of the ranks; equal gains have equal scores."""
    order = np.sort(gains)
    low, high = np.searchsorted(order, gains, "left"), np.searchsorted(order, gains, "right")
    found: Array = ndtri((low + high) / (2 * len(gains)))
    return found
