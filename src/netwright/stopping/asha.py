"""ASHA: successive halving that never waits for a rung to fill.

Li et al., "A System for Massively Parallel Hyperparameter Tuning", arXiv 1810.05934, algorithm 2,
with the bracket that begins at the least budget. Budgets are epochs that are named one by one. What
was trained before is trained anew from the start for its next budget, unless the setting
`one_schedule` says otherwise. Over a strategy that learns from trials of all budgets, one goes on
for every eta that ended, and the strategy chooses which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from netwright.objective import Objective
from netwright.space import Architecture, Space
from netwright.stopping.base import Stopper, Stopping, budgets_of, checked_budgets
from netwright.trial import Budget, Proposal, Trial, ranked


@dataclass(frozen=True)
class ASHA(Stopper):
    """Promotes a network as soon as it is among the best 1/eta that had its budget so far.

    `budgets` are epochs, from small to large. Workers never wait, so it suits many of them. With
    `one_schedule` each budget is a part of the schedule of the largest, and a promoted network goes
    on where it stood; otherwise each is a whole schedule of its own.

    Raises:
        SettingError: `budgets` are no rising whole numbers, at least one, `eta` is below 2, or
            `one_schedule` is neither True nor False.
    """

    cli_name: ClassVar = "asha"

    budgets: tuple[int, ...] = (1, 3, 9)
    eta: int = 3
    one_schedule: bool = False

    def __post_init__(self) -> None:
        checked = checked_budgets("ASHA", self.budgets, self.eta, self.one_schedule)
        object.__setattr__(self, "budgets", checked)

    def start(self, space: Space, objectives: Sequence[Objective]) -> Stopping:
        """Return the state of a search in which no network was trained."""
        return _Rungs(self, objectives)


class _Rungs(Stopping):
    def __init__(self, settings: ASHA, objectives: Sequence[Objective]) -> None:
        self._settings, self._objectives = settings, objectives
        self._budgets = budgets_of(settings.budgets, settings.one_schedule)
        self._rungs: dict[Budget | None, dict[Architecture, Trial]] = {b: {} for b in self._budgets}

    def promoted(self, pending: Sequence[Proposal]) -> Proposal | None:
        """The best that may go on, from the largest budget down."""
        flying = {(p.architecture, p.budget) for p in pending}
        for here, above in reversed(list(pairwise(self._budgets))):
            ended = self._rungs[here]
            done = ranked([t for t in ended.values() if t.done], self._objectives)
            for trial in done[: len(ended) // self._settings.eta]:
                there = trial.architecture, above
                if trial.architecture not in self._rungs[above] and there not in flying:
                    return Proposal(*there, trial.number)
        return None

    def candidates(self, pending: Sequence[Proposal]) -> Sequence[Proposal]:
        """All that have not gone on, where fewer than 1/eta have, from the largest budget down."""
        for here, above in reversed(list(pairwise(self._budgets))):
            ended = self._rungs[here]
            went = {*self._rungs[above], *(p.architecture for p in pending if p.budget == above)}
            left = [t for t in ended.values() if t.done and t.architecture not in went]
            if left and len(went) < len(ended) // self._settings.eta:
                order = ranked(left, self._objectives)
                return [Proposal(t.architecture, above, t.number) for t in order]
        return ()

    def entry(self, pending: Sequence[Proposal]) -> Budget:
        return self._budgets[0]

    def observe(self, trial: Trial) -> None:
        if trial.proposal.budget in self._rungs:
            self._rungs[trial.proposal.budget].setdefault(trial.architecture, trial)
