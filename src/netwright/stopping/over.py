"""A strategy whose trials a stopper lets go on: the strategy chooses what is new.

A strategy that learns from trials of all budgets is told of them all, and may choose which one goes
on. For others trials of each budget are told to a search of their own, as in Falkner et al., BOHB,
arXiv 1807.01774, since their scores do not compare; the one of the largest budget with enough
trials proposes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, cast

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


class Choosing(Proposing, Protocol):
    """The state of a strategy that learns from trials of all budgets."""

    def preferred(self, candidates: Sequence[Proposal], pending: Sequence[Proposal]) -> Proposal:
        """Return which of some is to be trained for a larger budget; changes nothing."""


class Starting(Protocol):
    """What has a state of a search: a strategy, or one under a stopper."""

    learns_budgets: ClassVar[bool]

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

    learns_budgets: ClassVar = False

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
        self._one: Choosing | None = None
        if settings.strategy.learns_budgets:
            self._one = cast(Choosing, started(self._strategy, space, objectives))
        self._searches: dict[Budget | None, Proposing] = {}  # where each budget has its own
        self._known: dict[Budget | None, dict[Architecture, Trial]] = {}

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal | None:
        """Return a trial that goes on, else a new network; changes nothing."""
        going = self._going(pending)
        if going is not None:
            return replace(going, design=self._design(going.architecture))
        budget = self.entry(pending)
        search, left_out = self._chooser(budget)
        call = f"{type(search).__name__}.propose(...)"
        chosen = checked_proposal(call, search.propose(rng, [*pending, *left_out]))
        return chosen and Proposal(chosen.architecture, budget, chosen.parent)

    def _going(self, pending: Sequence[Proposal]) -> Proposal | None:
        """The trial that goes on, if one is due: the stopper's choice, or that of the strategy."""
        if self._one is not None:
            candidates = self._stopping.candidates(pending)
            if candidates is not None:
                going = self._one.preferred(candidates, pending) if candidates else None
                if going is not None and going not in candidates:
                    raise SettingError(
                        f"`{type(self._one).__name__}.preferred(...)` must return one of the "
                        f"candidates that it was given, got {going!r}."
                    )
                return going
        call = f"{type(self._stopping).__name__}.promoted(...)"
        return checked_proposal(call, self._stopping.promoted(pending))

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
        if self._one is not None:
            return self._one
        if budget not in self._searches:
            self._searches[budget] = started(self._strategy, self._space, self._objectives)
        return self._searches[budget]

    def _chooser(self, entry: Budget | None) -> tuple[Proposing, list[Proposal]]:
        """The search that proposes who enters, and what it is to leave out.

        That of the largest budget with enough trials, and good networks that had the entry's
        budget already, of which it knows nothing.
        """
        if self._one is not None:
            return self._one, []
        rich = [budget for budget, known in self._known.items() if len(known) >= _ENOUGH]
        least = min(self._known, key=size_of, default=entry)
        chooser = max(rich, key=size_of, default=least)
        told = self._known.get(chooser, {})
        known = [t for a, t in self._known.get(entry, {}).items() if t.done and a not in told]
        left_out = ranked(known, self._objectives)[:_LEFT_OUT]
        return self._of(chooser), [t.proposal for t in left_out]
