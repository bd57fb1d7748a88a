"""The contract of a strategy: it proposes, it observes, and the loop does everything else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from netwright.errors import SpaceError
from netwright.objective import Objective
from netwright.space import Architecture, Space
from netwright.trial import Proposal, Trial

_DRAWS = 20  # answers, all of which rules between choices forbid, before a random member is taken


class Strategy(ABC):
    """Decides what to try next.

    Settings are the fields of a frozen dataclass. `start` returns the state: a fresh `Search` whose
    `propose` changes nothing and whose `observe` is the only thing that does, so that a resumed run
    is the history observed again. Deduplication, limits, budgets, retries and parallelism are the
    loop's.
    """

    cli_name: ClassVar[str] = ""  # each exported class has its own
    cli_aliases: ClassVar[Mapping[str, Mapping[str, object]]] = {}  # with settings they preset
    learns_budgets: ClassVar[bool] = False
    """Whether one search of it learns from trials of all budgets, and may choose which goes on.

    Under a stopper each budget else has a search of its own, as their scores do not compare.
    """

    @abstractmethod
    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search that has seen nothing yet."""


class Search(ABC):
    """The state of a strategy: a fold of `observe` over the history."""

    @abstractmethod
    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal | None:
        """What to try next, or None to wait for a trial to end; changes nothing.

        `rng` is made from the run's seed, the trial's number and the attempt, so that another
        attempt (the last one was over a limit, or known already) gives another proposal.
        `pending` are the proposals in flight.
        """

    @abstractmethod
    def observe(self, trial: Trial) -> None:
        """Learn from a trial that ended, whatever its status."""

    def preferred(self, candidates: Sequence[Proposal], pending: Sequence[Proposal]) -> Proposal:
        """Which of some networks is to be trained for a larger budget; changes nothing.

        It is asked of a strategy that `learns_budgets`. The candidates come in the order of their
        own trials, the best first, and there is one at least.
        """
        return candidates[0]


def allowed(
    draw: Callable[[], Architecture], space: Space, rng: np.random.Generator
) -> Architecture:
    """The first draw that no rule between choices forbids, else a random member.

    It is for strategies that answer choice by choice, which may run into what a rule forbids.
    """
    for _ in range(_DRAWS):
        try:
            return draw()
        except SpaceError:
            continue
    return space.sample(rng)
