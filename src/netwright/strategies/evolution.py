"""Regularized evolution: a population that forgets its oldest member, not its worst.

Real, Aggarwal, Huang and Le, "Regularized Evolution for Image Classifier Architecture Search",
arXiv 1802.01548, algorithm 1. Departures:

- With several objectives the winner of a tournament is drawn from the members of the sample that
  no other dominates; with one objective this is the paper's rule.
- A trial that did not end well never enters the population.
- Until the population is full, proposals in flight count towards it, so that workers do not
  breed from a population of one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netwright.errors import SettingError
from netwright.objective import Objective, dominates
from netwright.space import Space
from netwright.strategies.base import Search, Strategy
from netwright.trial import Proposal, Trial


@dataclass(frozen=True)
class RegularizedEvolution(Strategy):
    """Mutates the winner of a tournament; the population keeps the latest trials.

    `population` is P of the paper, `sample` is S, the size of a tournament. The paper's P=100,
    S=25 is meant for 20,000 trials; the defaults suit some hundred.

    Raises:
        SettingError: `population` below 2, or `sample` not within 1..population.
    """

    cli_name: ClassVar = "regularized-evolution"
    cli_aliases: ClassVar = {"evolution": {}}

    population: int = 20
    sample: int = 6

    def __post_init__(self) -> None:
        if self.population < 2:
            raise SettingError(
                f"`RegularizedEvolution(population=...)` must be at least 2, got {self.population}."
            )
        if not 1 <= self.sample <= self.population:
            raise SettingError(
                "`RegularizedEvolution(sample=...)` must be from 1 to the population "
                f"{self.population}, got {self.sample}."
            )

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search: an empty population."""
        return _RegularizedEvolution(self, space, objectives)


class _RegularizedEvolution(Search):
    def __init__(
        self, settings: RegularizedEvolution, space: Space, objectives: Sequence[Objective]
    ) -> None:
        self._settings, self._space, self._objectives = settings, space, objectives
        self._population: deque[tuple[Trial, list[float]]] = deque(maxlen=settings.population)
        self._born = 0  # trials that ever entered the population

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal:
        if not self._population or self._born + len(pending) < self._settings.population:
            return Proposal(self._space.sample(rng))
        size = min(self._settings.sample, len(self._population))
        drawn = rng.choice(len(self._population), size=size, replace=False)
        members = [self._population[int(i)] for i in drawn]
        front = [m for m in members if not any(dominates(other[1], m[1]) for other in members)]
        parent = front[int(rng.integers(len(front)))][0]
        child = self._space.mutate(parent.architecture, rng)
        return Proposal(child, parent=parent.number)

    def observe(self, trial: Trial) -> None:
        gains = [objective.gain(trial.metrics) for objective in self._objectives]
        if trial.done and -np.inf not in gains:
            self._born += 1
            self._population.append((trial, gains))
