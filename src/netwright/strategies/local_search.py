"""Local search: from neighbour to better neighbour, then from another start.

White, Nolen and Savani, "Exploring the Loss Landscape in Neural Architecture Search", arXiv
2005.02960. This is the variant that goes on as soon as a neighbour is better (their "query until
lower"); several `starts` are tried at random first, and the best of them is where it begins.
Departures: with several objectives a neighbour is better if it dominates; and where every
neighbour is worse the search starts anew at random.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netwright.errors import SettingError
from netwright.objective import Objective, dominates
from netwright.space import Architecture, Space
from netwright.strategies.base import Search, Strategy
from netwright.trial import Proposal, Trial


@dataclass(frozen=True)
class LocalSearch(Strategy):
    """Tries the neighbours of the best one in random order, and goes to the first better one.

    `starts` random architectures are tried before, and again when no neighbour is left.

    Raises:
        SettingError: `starts` below 1.
    """

    cli_name: ClassVar = "local-search"

    starts: int = 10

    def __post_init__(self) -> None:
        if type(self.starts) is not int or self.starts < 1:
            raise SettingError(
                "`LocalSearch(starts=...)` must be a whole number, at least 1, "
                f"got {self.starts!r}."
            )

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search: nowhere yet."""
        return _LocalSearch(self, space, objectives)


class _LocalSearch(Search):
    def __init__(
        self, settings: LocalSearch, space: Space, objectives: Sequence[Objective]
    ) -> None:
        self._settings, self._space, self._objectives = settings, space, objectives
        self._tried: set[Architecture] = set()
        self._begin()

    def _begin(self) -> None:
        self._starts = 0
        self._here: tuple[Trial, list[float]] | None = None
        self._neighbours: list[Architecture] = []  # of the best, not tried yet

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal:
        flying = {proposal.architecture for proposal in pending}
        near = [a for a in self._neighbours if a not in flying]
        if self._here is None or not near or self._starts + len(pending) < self._settings.starts:
            return Proposal(self._space.sample(rng))
        return Proposal(near[int(rng.integers(len(near)))], parent=self._here[0].number)

    def observe(self, trial: Trial) -> None:
        self._tried.add(trial.architecture)
        gains = [objective.gain(trial.metrics) for objective in self._objectives]
        self._starts += 1
        well = trial.done and -math.inf not in gains
        if well and (self._here is None or dominates(gains, self._here[1])):
            self._here = trial, gains
            self._neighbours = self._space.neighbours(trial.architecture)
        self._neighbours = [a for a in self._neighbours if a not in self._tried]
        if self._here and not self._neighbours and self._starts >= self._settings.starts:
            self._begin()
