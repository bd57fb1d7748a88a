"""A strategy whose trials a stopper lets go on: the strategy chooses what is new.

Trials of each budget are told to a search of their own, as in Falkner et al., BOHB, arXiv
1807.01774, since their scores do not compare; the one of the largest budget with enough trials
proposes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import numpy as np

from netwright.errors import SettingError
from netwright.objective import Objective
from netwright.space import Architecture, Space
from netwright.stopping.base import Stopper, Stopping
from netwright.trial import Budget, Proposal, Trial, ranked, size_of

_ENOUGH = 10  # trials of a budget before its search proposes
_LEFT_OUT = 100  # networks, of those not to be proposed again, that it is told of at most


class Proposing(Protocol):
    """The state of a strategy, as `netwright.strategies.Search` declares it."""

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal | None:
        """Return what to try next, or None to wait; changes nothing."""

    def observe(self, trial: Trial) -> None:
        """Learn from a trial that ended."""


class Starting(Protocol):
    """What has a state of a search: a strategy, or one under a stopper."""

    def start(self, space: Space, objectives: Sequence[Objective]) -> Proposing:
        """Return the state of a search that has seen nothing yet."""


def started(strategy: Starting, space: Space, objectives: Sequence[Objective]) -> Proposing:
    """Return the state of a strategy's search that has seen nothing yet.

    Raises:
        SettingError: `start` gave no such state.
    """
    search: Any = strategy.start(space, objectives)
    lacking = [name for name in ("propose", "observe") if not callable(getattr(search, name, None))]
    if lacking or isinstance(search, type):
        raise SettingError(
            f"`{type(strategy).__name__}.start(...)` must return a `Search`, which has `propose` "
            f"and `observe`, got {search!r}."
        )
    return cast(Proposing, search)


def checked_proposal(call: str, proposal: object) -> Proposal | None:
    """What `call` proposes, or None.

    Raises:
        SettingError: It is neither.
    """
    if proposal is not None and not isinstance(proposal, Proposal):
        raise SettingError(
            f"`{call}` must return a `Proposal` such as `Proposal(architecture)`, or None, got "
            f"{proposal!r}."
        )
    return proposal


@dataclass(frozen=True)
class Stopped:
    """A strategy under a stopper. It can stand wherever a strategy can."""

    strategy: Starting
    stopper: Stopper

    def start(self, space: Space, objectives: Sequence[Objective]) -> StoppedSearch:
        """Return the state of a search that has seen nothing yet."""
        return StoppedSearch(self, space, objectives)


class StoppedSearch:
    """The state of a stopper, and of a search for each budget."""

    def __init__(self, settings: Stopped, space: Space, objectives: Sequence[Objective]) -> None:
        self._strategy, self._space, self._objectives = settings.strategy, space, objectives
        self._stopping: Stopping = settings.stopper.start(space, objectives)
        if not isinstance(self._stopping, Stopping):
            raise SettingError(
                f"`{type(settings.stopper).__name__}.start(...)` must return a `Stopping`, got "
                f"{self._stopping!r}."
            )
        self._searches: dict[Budget | None, Proposing] = {}
        self._known: dict[Budget | None, dict[Architecture, Trial]] = {}

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal | None:
        """Return a trial that goes on, else a new network; changes nothing."""
        call = f"{type(self._stopping).__name__}.promoted(...)"
        going = checked_proposal(call, self._stopping.promoted(pending))
        if going is not None:
            return replace(going, design=self._design(going.architecture))
        budget = self.entry(pending)
        chooser = self._chooser(budget)
        left_out = self._left_out(budget, chooser)
        search = self._of(chooser)
        call = f"{type(search).__name__}.propose(...)"
        chosen = checked_proposal(call, search.propose(rng, [*pending, *left_out]))
        return chosen and Proposal(chosen.architecture, budget, chosen.parent)

    def entry(self, pending: Sequence[Proposal]) -> Budget | None:
        """Return the budget of a new network, whoever proposes it."""
        return self._stopping.entry(pending)

    def observe(self, trial: Trial) -> None:
        """Tell the search of the trial's budget, and the stopper."""
        budget = trial.proposal.budget
        self._of(budget).observe(trial)
        self._known.setdefault(budget, {}).setdefault(trial.architecture, trial)
        self._stopping.observe(trial)

    def goes_on(self, proposal: Proposal, curve: Sequence[Mapping[str, float]]) -> bool:
        """Say whether a trial on its way goes on."""
        goes_on: object = self._stopping.goes_on(proposal, curve)
        if not isinstance(goes_on, bool | np.bool_):
            raise SettingError(
                f"`{type(self._stopping).__name__}.goes_on(...)` must return True or False, got "
                f"{goes_on!r}."
            )
        return bool(goes_on)

    def _design(self, architecture: Architecture) -> str | None:
        """The name of the design that a network was proposed as."""
        told = (known[architecture] for known in self._known.values() if architecture in known)
        return next((t.proposal.design for t in told if t.proposal.design is not None), None)

    def _of(self, budget: Budget | None) -> Proposing:
        """The search that is told of trials of a budget."""
        if budget not in self._searches:
            self._searches[budget] = started(self._strategy, self._space, self._objectives)
        return self._searches[budget]

    def _chooser(self, entry: Budget | None) -> Budget | None:
        """The budget whose search proposes who enters."""
        rich = [budget for budget, known in self._known.items() if len(known) >= _ENOUGH]
        least = min(self._known, key=size_of, default=entry)
        return max(rich, key=size_of, default=least)

    def _left_out(self, budget: Budget | None, chooser: Budget | None) -> list[Proposal]:
        """Good networks that had the budget already, of which the search that chooses knows not."""
        told = self._known.get(chooser, {})
        known = [t for a, t in self._known.get(budget, {}).items() if t.done and a not in told]
        return [t.proposal for t in ranked(known, self._objectives)[:_LEFT_OUT]]
