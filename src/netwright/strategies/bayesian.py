"""Bayesian optimisation: a Gaussian process over networks' graphs, and expected improvement.

Jones, Schonlau and Welch, "Efficient Global Optimization of Expensive Black-Box Functions", 1998;
for architectures as in Kandasamy et al., arXiv 1802.07191, and Ru et al., NAS-BOWL, arXiv
2006.07556. What decides here:

- The kernel compares graphs without what does nothing in them, and answers beside them, in any
  space; see `netwright.surrogates`.
- Gains are replaced by the normal scores of their ranks, so that a few bad networks do not
  stretch the scale. A trial that did not end well ranks last.
- The first trials are far apart: each is, of some random members, the farthest from those before;
  of every second one only members with many weights in a row are looked at. It is the cheapest of
  zero-cost scores: it needs no network, and better ones change nothing: on NAS-Bench-201 the best
  cell came after 12 trials (median of 40 seeds) with this, with none, and with the accuracy after
  12 epochs on other data; after 11 with parameters and 14 with Zen-score. Under limits, which what
  is far or deep tends to break, the first trials are random.
- The acquisition is maximised over all members where these can be read in 8 s or so and kept in
  memory, by the size of some of them (about 80,000 of a space such as NAS-Bench-201, 35,000 of
  cells such as those of DARTS), else over random members and mutants of the best trials (of those
  that have to be traced, a stock is kept that grows with the trials); equal networks are looked at
  once, but where the rows of a table tell them apart. Proposals in flight count as if they had
  their predicted gain (Ginsbourger et al., "Kriging is well-suited to parallelize optimization",
  2010).
- Where a space says what its options usually add to a score (`Space.prior`), that is the mean of
  the process, as far as the trials bear it out (see `netwright.surrogates.prior`), and the first
  trials are the farthest of members of which it thinks well.
- With several objectives each proposal weighs them anew (Knowles, "ParEGO", 2006).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from netwright.objective import Objective
from netwright.settings.rules import check_counts
from netwright.space import Architecture, Space
from netwright.strategies.base import Search, Strategy
from netwright.strategies.fidelities import Fidelities
from netwright.surrogates import Features, Gram, Kernel, features_of
from netwright.surrogates.prior import prior_of
from netwright.trial import Proposal, Trial

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

_PARENTS = 5  # the best trials, whose mutants are looked at
_ENUMERATED = 200_000  # members of a space that are gone through, to be all looked at:
_READ = 800_000  # parts of all, 10 us each, which are those of
_MEASURED = 1000  # some members,
_OWN = 4  # and what a member takes beside its parts, counted as parts
_KEPT = 40 * 10**6  # numbers of each kind that are kept of all members, at most: 320 MB
_EFFORT = 10**8  # candidates times squared trials, at most
_DEAR = 8  # networks that are traced for a proposal, and to be kept after a trial,
_GROUND = 64  # and after the first trials, where tracing takes time
_DEEPEST = 0.3  # of random members that the first trials are chosen from
_DROPPED = 0.05  # of the candidates, so that another attempt looks at others


@dataclass(frozen=True)
class BayesianOptimization(Strategy):
    """Proposes the member that is expected to improve most on the best.

    The first `initial` are random, and far apart. `pool` is how many members are compared for each
    proposal where the space is too large to compare all.

    Raises:
        SettingError: `initial` or `pool` below 2.
    """

    cli_name: ClassVar = "bayesian-optimization"
    learns_budgets: ClassVar = True

    initial: int = 5
    pool: int = 400

    def __post_init__(self) -> None:
        check_counts(self, initial=2, pool=2)

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search: nothing is known yet."""
        return _BayesianOptimization(self, space, objectives)


class _BayesianOptimization(Search):
    def __init__(
        self, settings: BayesianOptimization, space: Space, objectives: Sequence[Objective]
    ) -> None:
        self._settings, self._space, self._objectives = settings, space, objectives
        self._features = features_of(space)
        self._prior = prior_of(space, self._features, objectives)
        self._candidates = Candidates(space, self._features, settings.pool)
        self._rows = np.zeros(0, dtype=np.int64)  # of the first trials
        self._tried: set[str] = set()  # keys of all networks that were observed
        self._count = 0
        self._trials = Fidelities(self._features, settings.initial, self._prior)

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal:
        flying = self._features.rows([p.architecture for p in pending])
        known = self._tried.union(map(self._features.key, flying))
        if self._count < self._settings.initial:
            return Proposal(self._far(rng, np.append(self._rows, flying)))
        several = len(self._objectives) > 1
        weights = rng.dirichlet(np.ones(len(self._objectives))) if several else None
        view = self._trials.view(weights, pending)
        every = self._candidates.every
        predicted = None if every is None else view.everywhere(every.rows)
        if every is not None and predicted is not None:
            left = every.left(rng, known)
            if not left:
                return Proposal(self._space.sample(rng))
            mean, deviation = (values[left] for values in predicted)
            return Proposal(every.members[left[_most_improving(mean, deviation, view.top)]])
        best = self._trials.best(_PARENTS, weights)
        rows, members = self._candidates.drawn(rng, known, best, len(self._trials))
        if not members:
            return Proposal(self._space.sample(rng))
        return Proposal(members[_most_improving(*view.predict(rows), view.top)])

    def preferred(self, candidates: Sequence[Proposal], pending: Sequence[Proposal]) -> Proposal:
        """The one that is expected to improve most on the best of the largest budget."""
        weights = np.full(len(self._objectives), 1 / len(self._objectives))
        view = self._trials.view(weights, pending)
        rows = self._features.rows([p.architecture for p in candidates])
        return candidates[_most_improving(*view.predict(rows), view.top)]

    def observe(self, trial: Trial) -> None:
        gains = [objective.gain(trial.metrics) for objective in self._objectives]
        well = trial.done and all(map(math.isfinite, gains))
        row = int(self._features.rows([trial.architecture])[0])
        self._tried.add(self._features.key(row))
        self._count += 1
        if self._count <= self._settings.initial:
            self._rows = np.append(self._rows, row)
        every = self._candidates.every
        self._trials.append(
            trial.proposal.budget,
            trial.architecture,
            gains if well else [-math.inf] * len(gains),
            *(() if every is None else (every.rows,)),
        )
        if self._count >= self._settings.initial:
            self._candidates.grow(self._count, self._trials.best(_PARENTS))

    def _far(self, rng: np.random.Generator, rows: Rows) -> Architecture:
        """Of some random members the one that is farthest from these rows."""
        if self._space.is_bounded:
            return self._space.sample(rng)
        drawn = list(dict.fromkeys(self._space.sample(rng) for _ in range(self._candidates.few)))
        if self._prior is not None or len(rows) % 2 == 0:
            own = self._features.rows(drawn)
            looks = self._features.depths(own) if self._prior is None else self._prior.of(own)
            best = np.argsort(-looks, kind="stable")[: math.ceil(_DEEPEST * len(drawn))]
            drawn = [drawn[i] for i in best]
        if not len(rows):
            return drawn[0]
        gram = Gram(self._features)
        for row in rows:
            gram.append(int(row))
        near = gram.against(Kernel(linear=0.0), self._features.rows(drawn))
        return drawn[int(np.argmin(near.max(1)))]


def _most_improving(mean: Array, deviation: Array, top: float) -> int:
    """The place of the highest expected improvement on `top`."""
    gain = (mean - top) / deviation
    improvement = deviation * (gain * ndtr(gain) + np.exp(-(gain**2) / 2) / math.sqrt(2 * math.pi))
    return int(np.argmax(improvement))


class Candidates:
    """Members among which the acquisition is maximised."""

    def __init__(self, space: Space, features: Features, pool: int) -> None:
        self._space, self._features, self._pool = space, features, pool
        self.every: Every | None = None
        self._stock: dict[str, Architecture] = {}  # by key
        if features.is_cheap and not space.is_bounded:
            if "every" not in space.memo:
                members = _affordable(features, space.few(_ENUMERATED))
                space.memo["every"] = None if members is None else Every(features, members)
            self.every = space.memo["every"]

    @property
    def few(self) -> int:
        """How many members are looked at for each of the first proposals."""
        return 200 if self._features.is_cheap else 24

    def drawn(
        self,
        rng: np.random.Generator,
        known: set[str],
        best: Sequence[Architecture],
        trials: int,
    ) -> tuple[Rows, list[Architecture]]:
        """Rows and members of networks whose keys are not known, of equal ones only the first."""
        most = max(100, _EFFORT // trials**2)
        count = min(self._pool, most, self._pool if self._features.is_cheap else _DEAR)
        found = self._keyed(self._space.pool(rng, count, best))
        for key in list(self._stock)[-(most - len(found)) :] if len(found) < most else []:
            if rng.random() >= _DROPPED:
                found.setdefault(key, self._stock[key])
        made = [member for key, member in found.items() if key not in known]
        return self._features.rows(made), made

    def grow(self, count: int, best: Sequence[Architecture]) -> None:
        """Lay in more members after a trial, the `count`-th."""
        if self._features.is_cheap:
            return
        rng = np.random.default_rng([count, _DEAR])
        ground = _DEAR if self._space.is_bounded else _GROUND  # which takes longer to draw
        more = self._space.pool(rng, _DEAR if self._stock else ground, best)
        self._stock = {**self._stock, **self._keyed(more)}
        for key in list(self._stock)[: -2 * self._pool]:
            del self._stock[key]

    def _keyed(self, members: Sequence[Architecture]) -> dict[str, Architecture]:
        found: dict[str, Architecture] = {}
        for member, row in zip(members, self._features.rows(members).tolist(), strict=True):
            found.setdefault(self._features.key(row), member)
        return found


def _affordable(
    features: Features, members: list[Architecture] | None
) -> list[Architecture] | None:
    """The members if they can all be read and kept, by the parts and columns of some."""
    if members is not None and len(members) > _MEASURED:
        rows = features.rows(members[:: len(members) // _MEASURED]).tolist()
        parts = sum(features.parts(row) or 0 for row in rows) / len(rows) + _OWN
        columns = sum(map(features.width, range(len(features.scales))))
        if len(members) * parts > _READ or len(members) * columns > _KEPT:
            return None
    return members


class Every:
    """All networks of a space once."""

    def __init__(self, features: Features, members: Sequence[Architecture]) -> None:
        self.places: dict[str, int] = {}
        kept: list[int] = []
        for place, row in enumerate(features.rows(members).tolist()):
            if self.places.setdefault(features.key(row), len(kept)) == len(kept):
                kept.append(place)
        self.members = [members[i] for i in kept]
        self.rows = features.rows(self.members)

    def left(self, rng: np.random.Generator, known: set[str]) -> list[int]:
        """Places of most of those that are not known."""
        mask = rng.random(len(self.rows)) >= _DROPPED
        mask[[self.places[key] for key in known if key in self.places]] = False
        found: list[int] = np.flatnonzero(mask).tolist()
        return found
