"""PNAS: from small networks to larger ones, each level chosen by what a predictor learned below.

Liu, Zoph, Neumann, Shlens, Hua, Li, Fei-Fei, Yuille, Huang and Murphy, "Progressive Neural
Architecture Search", arXiv 1712.00559. Its levels are the blocks of a cell; here the level of a
network in any space is how many parts of its graph are left when what does nothing is taken out (or
how many questions it answers, where networks cannot be traced or tracing takes time): a cell's
operations, or a network's depth. Departures: expansions are mutants of the best of the levels below
that have the next level's size, not all of them; the predictor is the ensemble of
`netwright.surrogates`; and when the last level is full, the search goes on with mutants of the best
of whatever size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netwright.objective import Objective
from netwright.settings.rules import check_counts
from netwright.space import Architecture, Space
from netwright.strategies.base import Search, Strategy
from netwright.strategies.guided import Guide
from netwright.surrogates import features_of
from netwright.trial import Proposal, Trial

_SAMPLED = 200  # members whose levels say which there are
_STEPS = 4  # mutations that an expansion may take


@dataclass(frozen=True)
class PNAS(Strategy):
    """Tries `beam` networks of each level, then goes on from the best of them.

    Of `candidates` expansions the one that is predicted best is proposed; the predictor has
    `members` networks.

    Raises:
        SettingError: A number below 1, or `members` below 2.
    """

    cli_name: ClassVar = "pnas"

    beam: int = 8
    candidates: int = 100
    members: int = 5

    def __post_init__(self) -> None:
        check_counts(self, beam=1, candidates=1, members=2)

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search: the first level, with nothing tried."""
        return _PNAS(self, space, objectives)


class _PNAS(Search):
    def __init__(self, settings: PNAS, space: Space, objectives: Sequence[Objective]) -> None:
        self._settings, self._space = settings, space
        self._guide = Guide(space, objectives, settings.members)
        self._level = levels_of(space)
        self._sampled = _by_level(space, self._level)
        self._levels = sorted(self._sampled)
        self._tried = dict.fromkeys(self._levels, 0)

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal | None:
        flying = [self._level(p.architecture) for p in pending]
        settings, guide = self._settings, self._guide
        open_levels = [n for n in self._levels if self._tried[n] < self._room(n)]
        if not open_levels:
            mutants = guide.mutants(rng, pending, settings.beam, settings.candidates)
            return self._best(mutants) or Proposal(self._space.sample(rng))
        level = open_levels[0]
        if self._tried[level] + flying.count(level) >= self._room(level):
            return None  # what is in flight fills the level; the next is chosen by its results
        found = self._expansions(rng, pending, level)
        return self._best(found) or Proposal(self._drawn(rng, level))

    def observe(self, trial: Trial) -> None:
        self._guide.learn(trial)
        level = self._level(trial.architecture)
        if level in self._tried:
            self._tried[level] += 1

    def _room(self, level: int) -> int:
        """How many are tried of a level: no more than there may be."""
        return min(self._settings.beam, len(self._sampled[level]))

    def _expansions(
        self, rng: np.random.Generator, pending: Sequence[Proposal], level: int
    ) -> list[Proposal]:
        """Mutants of the best so far that have this level's size."""
        best = self._guide.best(self._settings.beam)
        made = []
        for place in range(self._guide.affordable(self._settings.candidates) if best else 0):
            parent = best[place % len(best)]
            child = parent.architecture
            for _ in range(_STEPS):
                child = self._space.mutate(child, rng)
                if self._level(child) == level:
                    made.append(Proposal(child, parent=parent.parent))
                    break
        return self._guide.unknown(made, pending)

    def _drawn(self, rng: np.random.Generator, level: int) -> Architecture:
        members = self._sampled[level]
        return members[int(rng.integers(len(members)))]

    def _best(self, proposals: Sequence[Proposal]) -> Proposal | None:
        if not proposals:
            return None
        mean, _ = self._guide.predict([p.architecture for p in proposals])
        return proposals[int(np.argmax(mean))]


def levels_of(space: Space) -> Callable[[Architecture], int]:
    """How many parts a network has, or how many questions it answers.

    Parts are counted where that takes no time, or all networks answer as many questions.
    """
    features = features_of(space)

    def level(architecture: Architecture) -> int:
        parts = features.parts(int(features.rows([architecture])[0]))
        return len(architecture.answers) if parts is None else parts

    def answers(architecture: Architecture) -> int:
        return len(architecture.answers)

    varied = len({answers(member) for member in _some(space)}) > 1
    return answers if varied and not features.is_cheap else level


def _some(space: Space) -> list[Architecture]:
    """Random members, and the smallest and largest."""
    rng = np.random.default_rng(0)
    drawn = [space.smallest(), space.largest(), *(space.sample(rng) for _ in range(_SAMPLED))]
    return list(dict.fromkeys(drawn))


def _by_level(space: Space, level: Callable[[Architecture], int]) -> dict[int, list[Architecture]]:
    found: dict[int, list[Architecture]] = {}
    for member in _some(space):
        found.setdefault(level(member), []).append(member)
    return found
