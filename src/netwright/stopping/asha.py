"""ASHA: successive halving that never waits for a rung to fill.

Li et al., "A System for Massively Parallel Hyperparameter Tuning", arXiv 1810.05934, algorithm 2,
with the bracket that begins at the least budget. Budgets are epochs that are named one by one. What
was trained before is trained anew from the start for its next budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from netwright.objective import Objective
from netwright.space import Architecture, Space
from netwright.stopping.base import Stopper, Stopping, checked_budgets
from netwright.trial import Proposal, Trial, ranked


@dataclass(frozen=True)
class ASHA(Stopper):
    """Promotes a network as soon as it is among the best 1/eta that had its budget so far.

    `budgets` are epochs, from small to large. Workers never wait, so it suits many of them.

    Raises:
        SettingError: `budgets` are no rising whole numbers, at least one, or `eta` is below 2.
    """

    cli_name: ClassVar = "asha"

    budgets: tuple[int, ...] = (1, 3, 9)
    eta: int = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "budgets", checked_budgets("ASHA", self.budgets, self.eta))

    def start(self, space: Space, objectives: Sequence[Objective]) -> Stopping:
        """Return the state of a search in which no network was trained."""
        return _Rungs(self, objectives)


class _Rungs(Stopping):
    def __init__(self, settings: ASHA, objectives: Sequence[Objective]) -> None:
        self._settings, self._objectives = settings, objectives
        self._rungs: dict[int, dict[Architecture, Trial]] = {b: {} for b in settings.budgets}

    def promoted(self, pending: Sequence[Proposal]) -> Proposal | None:
        """The best that may go on, from the largest budget down."""
        flying = {(p.architecture, p.epochs) for p in pending}
        budgets = self._settings.budgets
        for here, above in reversed(list(pairwise(budgets))):
            ended = self._rungs[here]
            done = ranked([t for t in ended.values() if t.done], self._objectives)
            for trial in done[: len(ended) // self._settings.eta]:
                there = trial.architecture, above
                if trial.architecture not in self._rungs[above] and there not in flying:
                    return Proposal(*there, trial.number)
        return None

    def entry(self, pending: Sequence[Proposal]) -> int:
        return self._settings.budgets[0]

    def observe(self, trial: Trial) -> None:
        if trial.proposal.epochs in self._rungs:
            self._rungs[trial.proposal.epochs].setdefault(trial.architecture, trial)
