"""NSGA-II: a population sorted into fronts, and within a front by how lonely its members are.

Deb, Pratap, Agarwal and Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II",
IEEE Transactions on Evolutionary Computation 6, 2002; for architectures as in Lu et al., NSGA-Net,
arXiv 1810.03522. Departures:

- A child is a cross of two parents, answer by answer, or a mutant of one, or both; see
  `Space.cross`.
- Workers do not wait for a generation to end: children are bred from the last whole one.
- A trial that did not end well never enters the population.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from netwright.errors import SettingError
from netwright.objective import Objective, crowding
from netwright.space import Architecture, Space
from netwright.strategies.base import Search, Strategy
from netwright.trial import Proposal, Trial

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NSGA2(Strategy):
    """Breeds from the winners of tournaments of two; for several objectives, and for one as well.

    `population` members are kept; `crossover` is how likely two parents are crossed, `mutation` how
    likely what comes of it is mutated (what was not crossed always is).

    Raises:
        SettingError: `population` below 2, or a probability outside 0 to 1.
    """

    cli_name: ClassVar = "nsga2"

    population: int = 20
    crossover: float = 0.5
    mutation: float = 0.8

    def __post_init__(self) -> None:
        if type(self.population) is not int or self.population < 2:
            raise SettingError(
                "`NSGA2(population=...)` must be a whole number, at least 2, "
                f"got {self.population!r}."
            )
        for name in ("crossover", "mutation"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise SettingError(f"`NSGA2({name}=...)` must be from 0 to 1, got {value!r}.")

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search: an empty population."""
        return _NSGA2(self, space, objectives)


@dataclass(frozen=True)
class _Member:
    architecture: Architecture
    number: int
    gains: tuple[float, ...]


class _NSGA2(Search):
    def __init__(self, settings: NSGA2, space: Space, objectives: Sequence[Objective]) -> None:
        self._settings, self._space, self._objectives = settings, space, objectives
        self._parents: list[_Member] = []  # best first, once there is a whole generation
        self._children: list[_Member] = []

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal:
        if not self._parents:
            return Proposal(self._space.sample(rng))
        settings, first = self._settings, self._winner(rng)
        child = first.architecture
        crossed = rng.random() < settings.crossover
        if crossed:
            child = self._space.cross(child, self._winner(rng).architecture, rng)
        if not crossed or child == first.architecture or rng.random() < settings.mutation:
            child = self._space.mutate(child, rng)
        return Proposal(child, parent=first.number)

    def observe(self, trial: Trial) -> None:
        gains = tuple(objective.gain(trial.metrics) for objective in self._objectives)
        if not trial.done or -np.inf in gains:
            return
        self._children.append(_Member(trial.architecture, trial.number, gains))
        if len(self._children) == self._settings.population:
            everyone = self._parents + self._children
            order = sorted_by_fronts(np.array([m.gains for m in everyone]))
            self._parents = [everyone[i] for i in order[: self._settings.population]]
            self._children = []

    def _winner(self, rng: np.random.Generator) -> _Member:
        """The better of two; members are in order."""
        return self._parents[int(rng.integers(len(self._parents), size=2).min())]


def sorted_by_fronts(gains: Array) -> list[int]:
    """Places of n members (n x m gains, larger being better) from best to worst.

    First by front, then from lonely to crowded; equals keep their order.
    """
    ranks = fronts(gains)
    lonely = np.zeros(len(gains))
    for rank in range(int(ranks.max()) + 1):
        members = np.flatnonzero(ranks == rank)
        lonely[members] = crowding(gains[members])
    order: list[int] = np.lexsort((-lonely, ranks)).tolist()
    return order


def fronts(gains: Array) -> NDArray[np.int64]:
    """The front of each of n members: 0 for those that no other dominates, and so on."""
    better = np.asarray((gains[:, None] > gains[None]).any(axis=2))
    dominating = better & ~better.T
    above = dominating.sum(0)  # how many dominate each
    ranks = np.full(len(gains), -1, dtype=np.int64)
    rank = 0
    while (ranks < 0).any():
        members = np.flatnonzero((above == 0) & (ranks < 0))
        ranks[members] = rank
        above = above - dominating[members].sum(0)
        rank += 1
    return ranks
