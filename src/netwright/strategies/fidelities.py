"""What trials of several budgets say of networks: a Gaussian process for each, on that of less.

Kennedy and O'Hagan, "Predicting the output from a complex computer code when fast approximations
are available", Biometrika 2000, computed level by level as in Le Gratiet and Garnier, arXiv
1210.0686: the scores of a budget are a multiple of what the next smaller one makes of the networks,
and a process of their own. Departures:

- Gains of each budget are replaced by the normal scores of their ranks, since a few bad networks
  would stretch the scale. Who had more is chosen among who had less, so that scores of two budgets
  do not compare: the multiple has an offset.
- The multiple is drawn to that of a usual correlation while few networks had both budgets, and the
  deviation to what that correlation leaves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from netwright.space import Architecture
from netwright.surrogates.everywhere import Everywhere
from netwright.surrogates.features import Array, Features
from netwright.surrogates.gaussian_process import (
    Gram,
    Kernel,
    Posterior,
    extended,
    likeliest,
    root_of,
)
from netwright.surrogates.prior import Prior
from netwright.surrogates.quantiles import normal_scores
from netwright.trial import Budget, Proposal, size_of

Rows = NDArray[np.int64]

_GROWTH = 1.2  # the kernel is fitted again when there are so many times the trials
_MOST, _LEFT = 600, 400  # trials that are looked at; when there are more, so many are kept
_KEPT = 40 * 10**6  # numbers that are kept of all members, at most: 320 MB
_UNEXPLAINED = 0.1  # of the variance of a budget's scores, at least
_LEAST = 1e-6  # a variance
_NONE = np.zeros(0, dtype=np.int64)


class Fidelities:
    """The trials of all budgets: their gains, and the processes that these are fitted by.

    A kernel is fitted once there are `initial` trials of a budget, and again as they grow. What a
    `prior` says stands below the smallest budget, as that stands below the next.
    """

    def __init__(self, features: Features, initial: int, prior: Prior | None = None) -> None:
        self._features, self._initial, self._prior = features, initial, prior
        self._levels: dict[Budget | None, _Level] = {}  # from the smallest budget on

    def __len__(self) -> int:
        """The number of trials that are looked at, of the budget with most of them."""
        return max((len(level.members) for level in self._levels.values()), default=0)

    def append(
        self,
        budget: Budget | None,
        architecture: Architecture,
        gains: Sequence[float],
        every: Rows = _NONE,
    ) -> None:
        """Add a trial with its gains by objective, minus infinity if it did not end well.

        The budget None, the evaluator's own, is taken to be the largest. `every` are the rows of
        all members, where the prediction of all is to be kept.
        """
        if budget not in self._levels:
            self._levels[budget] = _Level(self._features, self._initial)
            self._levels = dict(sorted(self._levels.items(), key=lambda each: _order(each[0])))
        row = int(self._features.rows([architecture])[0])
        smaller = list(takewhile(lambda each: each[0] != budget, self._levels.items()))
        below = partial(self._view, smaller, None, ())
        self._levels[budget].append(architecture, row, list(gains), below, every)

    def view(self, weights: Array | None = None, pending: Sequence[Proposal] = ()) -> View:
        """What all trials say of networks, in the scores of the largest budget.

        Of several objectives a trial has the worst gain, by `weights`; without them the first
        counts. Proposals in flight are taken to have what is predicted of them, and of smaller
        budgets that they did not have.

        Raises:
            ValueError: There are no trials.
        """
        view = self._view(self._levels.items(), weights, pending)
        if not isinstance(view, View):
            raise ValueError("There are no trials to learn from.")
        return view

    def best(self, count: int, weights: Array | None = None) -> list[Architecture]:
        """The best networks, those of the largest budget first."""
        found: dict[Architecture, None] = {}
        for level in reversed(self._levels.values()):
            order = np.argsort(-level.scores(weights), kind="stable")
            found |= dict.fromkeys(level.members[place] for place in order[:count])
        return list(found)[:count]

    def _view(
        self,
        levels: Iterable[tuple[Budget | None, _Level]],
        weights: Array | None,
        pending: Sequence[Proposal],
    ) -> View | Prior | None:
        """What some budgets say together, from the smallest on; without any, the prior."""
        view: View | Prior | None = self._prior
        for budget, level in levels:
            flying = [
                p.architecture
                for p in pending
                if _order(budget) <= _order(p.budget) and p.architecture not in level.known
            ]
            rows = self._features.rows(flying) if flying else _NONE
            view = View(level, level.scores(weights), view, rows)
        return view


def _order(budget: Budget | None) -> tuple[bool, tuple[int, int]]:
    return budget is None, size_of(budget)


class View:
    """What the trials of a budget and of all smaller ones say.

    `top` is the highest of the noiseless scores of the networks that had the budget, and `spread`
    their variance.
    """

    correlation: ClassVar = 0.7  # that is usual, with the scores of the next larger budget,
    doubt: ClassVar = 4.0  # which counts as that of so many networks

    def __init__(
        self, level: _Level, scores: Array, below: View | Prior | None, flying: Rows
    ) -> None:
        self._below, self._everywhere = below, level.everywhere
        self._rest = _Rest.of(level.gram.rows, scores, below)
        self._scores, self._root = self._rest.scores, level.root
        self._process = Posterior(level.gram, level.kernel, self._scores, level.root)
        fitted = self._process.fitted + self._rest.explained
        self.top, self.spread = float(fitted.max()), max(float(fitted.var()), _LEAST)
        if len(flying):
            self._believe(level, flying)
        self._stretch = self._rest.stretch(self._root)

    def predict(self, rows: Rows) -> tuple[Array, Array]:
        """Mean and deviation of the noiseless scores of m rows, m values each."""
        below = None if self._below is None else self._below.predict(rows)
        return self._joined(self._process.predict(rows), below)

    def everywhere(self, every: Rows) -> tuple[Array, Array] | None:
        """The same of the rows of all members; None where that is not kept."""
        if self._below is None:
            if self._everywhere is None:
                return None
            return self._everywhere.predict(self._scores, self._root)
        below = self._below.everywhere(every)
        if below is None:
            return None
        if self._everywhere is None:  # of few trials, so that it takes no longer
            return self._joined(self._process.predict(every), below)
        return self._joined(self._everywhere.predict(self._scores, self._root), below)

    def _joined(
        self, own: tuple[Array, Array], below: tuple[Array, Array] | None
    ) -> tuple[Array, Array]:
        if below is None:
            return own
        mean = own[0] + self._rest.multiple(below[0])
        return mean, np.hypot(own[1] * self._stretch, self._rest.slope * below[1])

    def _believe(self, level: _Level, flying: Rows) -> None:
        """Count what is in flight as if it had the scores that are predicted."""
        gram, root = level.gram.copy(), level.root
        believed = self._process.predict(flying)[0]
        for row in flying:
            gram.append(int(row))
            root = extended(root, gram, level.kernel)
        self._scores, self._root = np.append(self._scores, believed), root
        self._rest = self._rest.of_more(self._scores)
        self._process = Posterior(gram, level.kernel, self._scores, root)
        if self._everywhere is not None:
            self._everywhere = self._everywhere.believing(gram, level.kernel, root, len(flying))


@dataclass(frozen=True)
class _Rest:
    """What the smaller budget leaves of n scores, `scores`, and how it explains them.

    `slope` times its mean less `offset` is what it explains; `variance` is that which the rest is
    expected to have, None where there is no smaller budget.
    """

    scores: Array
    explained: Array | float = 0.0
    slope: float = 0.0
    offset: float = 0.0
    variance: float | None = None
    doubt: float = 0.0

    @classmethod
    def of(cls, rows: Rows, scores: Array, below: View | Prior | None) -> _Rest:
        """Fit the scores of networks in n rows by what the smaller budget says of them."""
        if below is None:
            return cls(scores)
        mean = below.predict(rows)[0]
        offset, count = float(mean.mean()), len(rows)
        squares = float(((mean - offset) ** 2).sum()) + below.doubt * below.spread
        spread = math.sqrt(squares / (count + below.doubt))
        leaning = float((mean - offset) @ (scores - scores.mean())) / spread
        usual = below.doubt * below.correlation
        correlation = max(0.0, (leaning + usual) / (count + below.doubt))
        explained = correlation / spread * (mean - offset)
        unexplained = max(1 - correlation**2, _UNEXPLAINED)
        slope = correlation / spread
        return cls(scores - explained, explained, slope, offset, unexplained, below.doubt)

    def of_more(self, scores: Array) -> _Rest:
        """The same with more scores after the first, which are explained by nothing."""
        return replace(self, scores=scores)

    def multiple(self, mean: Array) -> Array:
        """What the mean of the smaller budget, m values, explains."""
        return self.slope * (mean - self.offset)

    def stretch(self, root: Array) -> float:
        """What deviations are multiplied by: the variance of few scores tells little.

        `root` is the factor of the kernel's matrix of the scores.
        """
        if self.variance is None:
            return 1.0
        centred = self.scores - self.scores.mean()
        solved = solve_triangular(root, centred, lower=True, check_finite=False)
        count, squares = len(centred), float(solved @ solved)
        expected = (squares + self.doubt * self.variance) / (count + self.doubt)
        return math.sqrt(expected / max(squares / count, 1e-9))


class _Level:
    """The trials of one budget."""

    def __init__(self, features: Features, initial: int) -> None:
        self.gram = Gram(features)
        self.members: list[Architecture] = []
        self.known: set[Architecture] = set()  # also those that were forgotten
        self.kernel, self.root = Kernel(), np.zeros((0, 0))
        self.everywhere: Everywhere | None = None
        self._gains: list[list[float]] = []
        self._next = initial

    def append(
        self,
        architecture: Architecture,
        row: int,
        gains: list[float],
        below: Callable[[], View | Prior | None],
        every: Rows,
    ) -> None:
        """One more trial; `below` is what smaller budgets say, `every` the rows of all members."""
        self.members.append(architecture)
        self.known.add(architecture)
        self._gains.append(gains)
        self.gram.append(row)
        if len(self.members) > _MOST:
            self._forget()
        elif len(self.members) >= self._next:
            self._next = math.ceil(self._next * _GROWTH)
            rest = _Rest.of(self.gram.rows, self.scores(None), below())
            self.kernel = likeliest(self.gram, rest.scores)
            self.root = root_of(self.gram, self.kernel)
            self._look_everywhere(every)
        else:
            self.root = extended(self.root, self.gram, self.kernel)
            if self.everywhere is not None:
                self.everywhere.append(self.gram, self.kernel, self.root)

    def scores(self, weights: Array | None) -> Array:
        """The normal scores of n trials: of several gains the worst by `weights`, or the first."""
        gains = np.array(self._gains)
        if weights is None or gains.shape[1] == 1:
            return normal_scores(gains[:, 0])
        places = np.column_stack([normal_scores(column) for column in gains.T])
        return normal_scores(((places - places.max(axis=0)) * weights).min(axis=1))

    def _look_everywhere(self, every: Rows) -> None:
        """Keep the posterior at all members, if they are known and not too many."""
        if not len(every) or len(every) * min(self._next, _MOST) > _KEPT:
            self.everywhere = None
            return
        if self.everywhere is None:
            self.everywhere = Everywhere(self.gram, every)
        self.everywhere.restart(self.gram, self.kernel, self.root)

    def _forget(self) -> None:
        """Keep the best trials and the latest ones, half of each."""
        order = np.argsort([-gains[0] for gains in self._gains], kind="stable")
        best = set(order[: _LEFT // 2].tolist())
        late = [i for i in reversed(range(len(self._gains))) if i not in best]
        kept = sorted([*best, *late[: _LEFT - len(best)]])
        self.members = [self.members[i] for i in kept]
        self._gains = [self._gains[i] for i in kept]
        self.gram.keep(np.array(kept))
        self.root = root_of(self.gram, self.kernel)
        if self.everywhere is not None:
            self.everywhere.restart(self.gram, self.kernel, self.root)
