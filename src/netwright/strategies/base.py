"""The contract of a strategy: it proposes, it observes, and the loop does everything else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from netwright.objective import Objective
from netwright.space import Space
from netwright.trial import Proposal, Trial


class Strategy(ABC):
    """Decides what to try next.

    Settings are the fields of a frozen dataclass. `start` returns the state: a fresh `Search` whose
    `propose` changes nothing and whose `observe` is the only thing that does, so that a resumed run
    is the history observed again. Deduplication, limits, budgets, retries and parallelism are the
    loop's.
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
