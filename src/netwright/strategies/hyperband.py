"""Successive halving and Hyperband: many networks for a short budget, the best of them for longer.

Jamieson and Talwalkar, arXiv 1502.07943; Li et al., "Hyperband", arXiv 1603.06560. The networks
that enter are another strategy's choice: random as in the paper, or any. Departures:

- Budgets are epochs that are named one by one, so that a table's own can be taken.
- As in Falkner et al., BOHB, arXiv 1807.01774, trials of each budget are told to a search of their
  own, since their scores do not compare; the one of the largest budget with enough trials proposes.
- A network that has had the budget it is promoted to, in another bracket, is not trained again.
- A bracket that waits for trials does not hold up workers: the next one begins.
- What was trained before is trained anew from the start for its next budget.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import ClassVar

import numpy as np

from netwright.errors import SettingError
from netwright.objective import Objective
from netwright.space import Architecture, Space
from netwright.strategies.base import Search, Strategy
from netwright.strategies.random_search import RandomSearch
from netwright.trial import Proposal, Trial, ranked

_ENOUGH = 10  # trials of a budget before its search proposes
_LEFT_OUT = 100  # networks, of those not to be proposed again, that it is told of at most


@dataclass(frozen=True)
class Hyperband(Strategy):
    """Brackets of successive halving, from those that begin with the least budget to the largest.

    `strategy` chooses the networks that enter. `budgets` are epochs, from small to large; at each
    one the best 1/`eta` of a bracket go on to the next.

    Raises:
        SettingError: `budgets` are no rising whole numbers, at least one, or `eta` is below 2.
    """

    cli_name: ClassVar = "hyperband"

    strategy: Strategy = field(default_factory=RandomSearch)
    budgets: tuple[int, ...] = (1, 3, 9)
    eta: int = 3

    def __post_init__(self) -> None:
        name, budgets = type(self).__name__, tuple(self.budgets)
        object.__setattr__(self, "budgets", budgets)
        whole = budgets and all(type(b) is int for b in budgets) and budgets[0] >= 1
        if not whole or any(a >= b for a, b in pairwise(budgets)):
            raise SettingError(
                f"`{name}(budgets=...)` must be epochs from small to large, such as (1, 3, 9), "
                f"got {self.budgets!r}."
            )
        if type(self.eta) is not int or self.eta < 2:
            raise SettingError(
                f"`{name}(eta=...)` must be a whole number, at least 2, got {self.eta!r}."
            )

    def brackets(self) -> list[tuple[int, ...]]:
        """How many networks each bracket has at its budgets, the last of which is the largest."""
        most = len(self.budgets) - 1
        return [
            _sizes(math.ceil((most + 1) / (steps + 1) * self.eta**steps), steps, self.eta)
            for steps in range(most, -1, -1)
        ]

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search: no bracket has begun."""
        return _Hyperband(self, space, objectives)


@dataclass(frozen=True)
class SuccessiveHalving(Hyperband):
    """One bracket after another that begins with the least budget, with eta^(budgets - 1) networks.

    The settings are those of `Hyperband`.
    """

    cli_name: ClassVar = "successive-halving"

    def brackets(self) -> list[tuple[int, ...]]:
        """The one bracket."""
        most = len(self.budgets) - 1
        return [_sizes(self.eta**most, most, self.eta)]


def _sizes(first: int, steps: int, eta: int) -> tuple[int, ...]:
    return tuple(max(1, first // eta**step) for step in range(steps + 1))


@dataclass(eq=False)
class _Rung:
    """One budget of a bracket: how many networks it is for, who is due, and whose trial ended."""

    epochs: int
    size: int
    due: dict[Architecture, Trial] = field(default_factory=dict)  # with the trial of less budget
    ended: list[Trial] = field(default_factory=list)

    @property
    def free(self) -> int:
        return self.size - len(self.ended)


class _Hyperband(Search):
    def __init__(self, settings: Hyperband, space: Space, objectives: Sequence[Objective]) -> None:
        self._settings, self._space, self._objectives = settings, space, objectives
        kinds = settings.brackets()
        members = space.few(max(max(sizes) for sizes in kinds)) or ()
        most = len(members) or math.inf  # a bracket does not wait for more networks than there are
        self._kinds = [tuple(int(min(size, most)) for size in sizes) for sizes in kinds]
        self._open: list[list[_Rung]] = []  # brackets that are not over
        self._begun = 0
        self._searches: dict[int | None, Search] = {}  # by epochs
        self._known: dict[int | None, dict[Architecture, Trial]] = {}  # by epochs

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal | None:
        flying = {(p.architecture, p.epochs) for p in pending}
        due = {
            (a, rung.epochs): t for b in self._open for rung in b[::-1] for a, t in rung.due.items()
        }
        for (architecture, epochs), trial in due.items():
            if (architecture, epochs) not in flying:
                return Proposal(architecture, epochs, trial.number)
        entering = Counter(epochs for _, epochs in flying - due.keys())
        for first, *_ in self._brackets():
            taken = min(first.free, entering[first.epochs])
            if taken < first.free:
                break
            entering[first.epochs] -= taken
        chooser = self._chooser()
        left_out = self._left_out(first.epochs, chooser)
        chosen = self._of(chooser).propose(rng, [*pending, *left_out])
        return chosen and Proposal(chosen.architecture, first.epochs, chosen.parent)

    def observe(self, trial: Trial) -> None:
        epochs = trial.proposal.epochs
        self._of(epochs).observe(trial)
        self._known.setdefault(epochs, {}).setdefault(trial.architecture, trial)
        if not self._awaited(trial):
            self._enter(trial)

    def _awaited(self, trial: Trial) -> bool:
        """Give a trial to the brackets in which it is due; whether there are such."""
        places = [
            (bracket, place)
            for bracket in self._open
            for place, rung in enumerate(bracket)
            if rung.epochs == trial.proposal.epochs and trial.architecture in rung.due
        ]
        for bracket, place in places:
            del bracket[place].due[trial.architecture]
            bracket[place].ended.append(trial)
            self._promote(bracket, place)
        return bool(places)

    def _enter(self, trial: Trial) -> None:
        """Give a trial to the first bracket that has a place at its beginning, if one has."""
        for bracket in islice(self._brackets(), len(self._open) + len(self._kinds)):
            if bracket[0].epochs == trial.proposal.epochs and bracket[0].free:
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
                known = self._known.get(rung.epochs, {}).get(trial.architecture)
                if known is None:
                    rung.due[trial.architecture] = trial
                else:
                    rung.ended.append(known)

    def _brackets(self) -> Iterator[list[_Rung]]:
        """The brackets that are not over, and behind them new ones without end."""
        place = 0
        while True:
            if place == len(self._open):
                sizes = self._kinds[self._begun % len(self._kinds)]
                budgets = self._settings.budgets[-len(sizes) :]
                self._open.append([_Rung(b, n) for b, n in zip(budgets, sizes, strict=True)])
                self._begun += 1
            yield self._open[place]
            place += 1

    def _of(self, epochs: int | None) -> Search:
        """The search that is told of trials of so many epochs."""
        if epochs not in self._searches:
            made = self._settings.strategy.start(self._space, self._objectives)
            self._searches[epochs] = made
        return self._searches[epochs]

    def _chooser(self) -> int | None:
        """The epochs whose search proposes who enters."""
        rich = [epochs for epochs, known in self._known.items() if len(known) >= _ENOUGH]
        return max(rich, key=lambda epochs: epochs or 0, default=self._settings.budgets[0])

    def _left_out(self, epochs: int, chooser: int | None) -> list[Proposal]:
        """Good networks that had the budget already, of which the search that chooses knows not."""
        told = self._known.get(chooser, {})
        known = [t for a, t in self._known.get(epochs, {}).items() if t.done and a not in told]
        return [t.proposal for t in ranked(known, self._objectives)[:_LEFT_OUT]]
