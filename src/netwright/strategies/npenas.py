"""NPENAS: evolution whose children are chosen by a predictor.

Wei, Niu, Tang, Wang, Hu and Liang, "NPENAS: Neural Predictor Guided Evolution for Neural
Architecture Search", arXiv 2003.12857 (the variant with a predictor of performance, NPENAS-NP): the
best trials have many mutants, of which the ones predicted best are trained. Departures: the
predictor is the ensemble of `netwright.surrogates`, not a graph network; one child at a time is
chosen instead of ten, so that each trial is learned from before the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netwright.objective import Objective
from netwright.space import Space
from netwright.strategies.bananas import Guide, check_counts
from netwright.strategies.base import Search, Strategy
from netwright.trial import Proposal, Trial


@dataclass(frozen=True)
class Npenas(Strategy):
    """Proposes the mutant of good trials that is predicted to be the best.

    The first `initial` trials are random. `parents` of the best trials have `candidates` mutants in
    all; the predictor has `members` networks.

    Raises:
        SettingError: A number below 1, or `initial` or `members` below 2.
    """

    initial: int = 10
    parents: int = 10
    candidates: int = 100
    members: int = 5

    def __post_init__(self) -> None:
        check_counts(self, initial=2, parents=1, candidates=1, members=2)

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search: a predictor that knows nothing."""
        return _Npenas(self, space, objectives)


class _Npenas(Search):
    def __init__(self, settings: Npenas, space: Space, objectives: Sequence[Objective]) -> None:
        self._settings, self._space = settings, space
        self._guide = Guide(space, objectives, settings.members)

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal:
        if self._guide.count < self._settings.initial:
            return Proposal(self._space.sample(rng))
        mutants = self._guide.mutants(
            rng, pending, self._settings.parents, self._settings.candidates
        )
        if not mutants:
            return Proposal(self._space.sample(rng))
        mean, _ = self._guide.predict([p.architecture for p in mutants])
        return mutants[int(np.argmax(mean))]

    def observe(self, trial: Trial) -> None:
        self._guide.learn(trial)
