"""Successive halving and Hyperband: many networks for a short budget, the best of them for longer.

Jamieson and Talwalkar, arXiv 1502.07943; Li et al., "Hyperband", arXiv 1603.06560. The networks
that enter are a strategy's choice: random as in the paper, or any. Departures:

- Budgets are epochs that are named one by one, so that a table's own can be taken.
- A network that has had the budget it is promoted to, in another bracket, is not trained again.
- A bracket that waits for trials does not hold up workers: the next one begins.
- What was trained before is trained anew from the start for its next budget, unless the setting
  `one_schedule` says otherwise.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import ClassVar

from netwright.objective import Objective
from netwright.space import Architecture, Space
from netwright.stopping.base import Stopper, Stopping, budgets_of, checked_budgets
from netwright.trial import Budget, Proposal, Trial, ranked


@dataclass(frozen=True)
class Halving(Stopper):
    """Brackets in which at each of `budgets` epochs the best 1/`eta` go on to the next.

    With `one_schedule` each budget is a part of the schedule of the largest, and a promoted network
    goes on where it stood; otherwise each is a whole schedule of its own.

    Raises:
        SettingError: `budgets` are no rising whole numbers, at least one, `eta` is below 2, or
            `one_schedule` is neither True nor False.
    """

    budgets: tuple[int, ...] = (1, 3, 9)
    eta: int = 3
    one_schedule: bool = False

    def __post_init__(self) -> None:
        name = type(self).__name__
        checked = checked_budgets(name, self.budgets, self.eta, self.one_schedule)
        object.__setattr__(self, "budgets", checked)

    @abstractmethod
    def brackets(self) -> list[tuple[int, ...]]:
        """Return how many networks each bracket has at its budgets, the last being the largest."""

    def start(self, space: Space, objectives: Sequence[Objective]) -> Stopping:
        """Return the state of a search in which no bracket has begun."""
        return _Brackets(self, space, objectives)


@dataclass(frozen=True)
class Hyperband(Halving):
    """Brackets of successive halving, from those that begin with the least budget to the largest.

    `budgets` are epochs, from small to large; at each one the best 1/`eta` of a bracket go on to
    the next. With `one_schedule` each budget is a part of the schedule of the largest, and a
    promoted network goes on where it stood; otherwise each is a whole schedule of its own.

    Raises:
        SettingError: `budgets` are no rising whole numbers, at least one, `eta` is below 2, or
            `one_schedule` is neither True nor False.
    """

    cli_name: ClassVar = "hyperband"

    def brackets(self) -> list[tuple[int, ...]]:
        """Return how many networks each bracket has at its budgets, the last being the largest."""
        most = len(self.budgets) - 1
        return [
            _sizes(math.ceil((most + 1) / (steps + 1) * self.eta**steps), steps, self.eta)
            for steps in range(most, -1, -1)
        ]


@dataclass(frozen=True)
class SuccessiveHalving(Halving):
    """One bracket after another that begins with the least budget, with eta^(budgets - 1) networks.

    The settings are those of `Hyperband`.

    Raises:
        SettingError: `budgets` are no rising whole numbers, at least one, `eta` is below 2, or
            `one_schedule` is neither True nor False.
    """

    cli_name: ClassVar = "successive-halving"

    def brackets(self) -> list[tuple[int, ...]]:
        """Return the one bracket."""
        most = len(self.budgets) - 1
        return [_sizes(self.eta**most, most, self.eta)]


def _sizes(first: int, steps: int, eta: int) -> tuple[int, ...]:
    return tuple(max(1, first // eta**step) for step in range(steps + 1))


@dataclass(eq=False)
class _Rung:
    """One budget of a bracket: how many networks it is for, who is due, and whose trial ended."""

    budget: Budget
    size: int
    due: dict[Architecture, Trial] = field(default_factory=dict)  # with the trial of less budget
    ended: list[Trial] = field(default_factory=list)

    @property
    def free(self) -> int:
        return self.size - len(self.ended)


class _Brackets(Stopping):
    def __init__(self, settings: Halving, space: Space, objectives: Sequence[Objective]) -> None:
        self._budgets = budgets_of(settings.budgets, settings.one_schedule)
        self._objectives = objectives
        kinds = settings.brackets()
        members = space.few(max(max(sizes) for sizes in kinds)) or ()
        most = len(members) or math.inf  # a bracket does not wait for more networks than there are
        self._kinds = [tuple(int(min(size, most)) for size in sizes) for sizes in kinds]
        self._open: list[list[_Rung]] = []  # brackets that are not over
        self._begun = 0
        self._known: dict[tuple[Architecture, Budget | None], Trial] = {}

    def promoted(self, pending: Sequence[Proposal]) -> Proposal | None:
        flying = {(p.architecture, p.budget) for p in pending}
        for (architecture, budget), trial in self._due().items():
            if (architecture, budget) not in flying:
                return Proposal(architecture, budget, trial.number)
        return None

    def entry(self, pending: Sequence[Proposal]) -> Budget:
        """The budget at which the first bracket begins that has a free place there."""
        flying = {(p.architecture, p.budget) for p in pending}
        entering = Counter(budget for _, budget in flying - self._due().keys())
        for first, *_ in self._brackets():
            taken = min(first.free, entering[first.budget])
            if taken < first.free:
                break
            entering[first.budget] -= taken
        return first.budget

    def observe(self, trial: Trial) -> None:
        self._known.setdefault((trial.architecture, trial.proposal.budget), trial)
        if not self._awaited(trial):
            self._enter(trial)

    def _due(self) -> dict[tuple[Architecture, Budget | None], Trial]:
        """Who is to be trained for a next budget, those of the largest budgets first."""
        return {
            (a, rung.budget): t for b in self._open for rung in b[::-1] for a, t in rung.due.items()
        }

    def _awaited(self, trial: Trial) -> bool:
        """Give a trial to the brackets in which it is due; whether there are such."""
        places = [
            (bracket, place)
            for bracket in self._open
            for place, rung in enumerate(bracket)
            if rung.budget == trial.proposal.budget and trial.architecture in rung.due
        ]
        for bracket, place in places:
            del bracket[place].due[trial.architecture]
            bracket[place].ended.append(trial)
            self._promote(bracket, place)
        return bool(places)

    def _enter(self, trial: Trial) -> None:
        """Give a trial to the first bracket that has a place at its beginning, if one has."""
        for bracket in islice(self._brackets(), len(self._open) + len(self._kinds)):
            if bracket[0].budget == trial.proposal.budget and bracket[0].free:
                bracket[0].ended.append(trial)
                self._promote(bracket, 0)
                return

    def _promote(self, bracket: list[_Rung], place: int) -> None:
        """Choose who goes on, as far as all have ended; a bracket that is over is dropped."""
        while not bracket[place].free:
            done = [t for t in bracket[place].ended if t.done]
            if place + 1 == len(bracket) or not done:
                self._open.remove(bracket)
                return
            place += 1
            rung = bracket[place]
            chosen = ranked(done, self._objectives)[: rung.size]
            rung.size = len(chosen)
            for trial in chosen:
                known = self._known.get((trial.architecture, rung.budget))
                if known is None:
                    rung.due[trial.architecture] = trial
                else:
                    rung.ended.append(known)

    def _brackets(self) -> Iterator[list[_Rung]]:
        """The brackets that are not over, and after them new ones without end."""
        place = 0
        while True:
            if place == len(self._open):
                sizes = self._kinds[self._begun % len(self._kinds)]
                budgets = self._budgets[-len(sizes) :]
                self._open.append([_Rung(b, n) for b, n in zip(budgets, sizes, strict=True)])
                self._begun += 1
            yield self._open[place]
            place += 1
