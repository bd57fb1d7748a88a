"""What strategies share that an ensemble of networks guides: BANANAS, NPENAS and PNAS."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netwright.objective import Objective
from netwright.settings.rules import check_counts
from netwright.space import Architecture, Space
from netwright.strategies.base import Search, Strategy
from netwright.surrogates import Ensemble, features_of, normal_scores
from netwright.trial import Proposal, Trial

Array = NDArray[np.float64]

_TRACED = 16  # candidates of a proposal at most, where tracing a network takes time


@dataclass(frozen=True)
class Guided(Strategy):
    """Proposes one of many mutants of the best trials.

    The first `initial` trials are random. `parents` of the best trials have `candidates` mutants in
    all; the ensemble has `members` networks.

    Raises:
        SettingError: A number below 1, or `initial` or `members` below 2.
    """

    initial: int = 10
    parents: int = 10
    candidates: int = 100
    members: int = 5

    def __post_init__(self) -> None:
        check_counts(self, initial=2, parents=1, candidates=1, members=2)

    @abstractmethod
    def choose(self, rng: np.random.Generator, mean: Array, deviation: Array) -> int:
        """The place of the mutant to propose, by what the ensemble gives each."""

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search: an ensemble that knows nothing."""
        return _Guided(self, space, objectives)


class _Guided(Search):
    def __init__(self, settings: Guided, space: Space, objectives: Sequence[Objective]) -> None:
        self._settings, self._space = settings, space
        self._guide = Guide(space, objectives, settings.members)

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal:
        settings, guide = self._settings, self._guide
        if guide.count < settings.initial:
            return Proposal(self._space.sample(rng))
        mutants = guide.mutants(rng, pending, settings.parents, settings.candidates)
        if not mutants:
            return Proposal(self._space.sample(rng))
        mean, deviation = guide.predict([p.architecture for p in mutants])
        return mutants[settings.choose(rng, mean, deviation)]

    def observe(self, trial: Trial) -> None:
        self._guide.learn(trial)


class Guide:
    """What a search with an ensemble knows: the trials, the best first, and the ensemble itself."""

    def __init__(self, space: Space, objectives: Sequence[Objective], members: int) -> None:
        self._space, self._objectives = space, objectives
        self._features = features_of(space)
        self._ensemble = Ensemble(self._features, members)
        self._keys: set[str] = set()
        self._gains: list[list[float]] = []
        self._trials: list[Proposal] = []  # with the number of each trial as its own parent
        self.count = 0

    def learn(self, trial: Trial) -> None:
        """One more trial, whatever its status."""
        gains = [o.gain(trial.metrics) if trial.done else -math.inf for o in self._objectives]
        gains = gains if all(map(math.isfinite, gains)) else [-math.inf] * len(gains)
        row = int(self._features.rows([trial.architecture])[0])
        self.count += 1
        self._keys.add(self._features.key(row))
        self._gains.append(gains)
        self._trials.append(Proposal(trial.architecture, parent=trial.number))
        self._ensemble.learn(row, self._scores()[-1])

    def best(self, count: int) -> list[Proposal]:
        """The best trials, with their numbers as parents."""
        order = np.argsort(-np.array(self._scores()), kind="stable")
        return [self._trials[i] for i in order[:count]]

    def mutants(
        self, rng: np.random.Generator, pending: Sequence[Proposal], parents: int, count: int
    ) -> list[Proposal]:
        """Mutants of the best that are no known network, and different from each other."""
        best, made = self.best(parents), []
        for place in range(self.affordable(count)):
            parent = best[place % len(best)]
            child = self._space.mutate(parent.architecture, rng)
            made.append(Proposal(child, parent=parent.parent))
        return self.unknown(made, pending)

    def affordable(self, candidates: int) -> int:
        """How many candidates are looked at: fewer where each has to be traced."""
        return candidates if self._features.is_cheap else min(candidates, _TRACED)

    def unknown(self, proposals: Sequence[Proposal], pending: Sequence[Proposal]) -> list[Proposal]:
        """Those of networks that were not tried and are not in flight, each once."""
        found: dict[str, Proposal] = {}
        flying = self._features.rows([p.architecture for p in pending])
        known = self._keys.union(map(self._features.key, flying.tolist()))
        for proposal in proposals:
            key = self._features.key(int(self._features.rows([proposal.architecture])[0]))
            if key not in known:
                found.setdefault(key, proposal)
        return list(found.values())

    def predict(self, architectures: Sequence[Architecture]) -> tuple[Array, Array]:
        """Mean and deviation of what the ensemble gives each."""
        return self._ensemble.predict(self._features.rows(architectures))

    def _scores(self) -> list[float]:
        """One gain a trial: with several objectives the mean of their normal scores."""
        if len(self._objectives) == 1 or not self._gains:
            return [gains[0] for gains in self._gains]
        columns = [normal_scores(column) for column in np.array(self._gains).T]
        mean: list[float] = np.mean(columns, axis=0).tolist()
        return [
            m if math.isfinite(g[0]) else -math.inf for m, g in zip(mean, self._gains, strict=True)
        ]
