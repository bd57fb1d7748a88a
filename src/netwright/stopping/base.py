"""The contract of a stopper: how long networks are trained, and which of them go on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

from netwright.errors import SettingError
from netwright.objective import Objective
from netwright.space import Space
from netwright.trial import Budget, Proposal, Trial


class Stopper(ABC):
    """Decides which trials go on, over any strategy.

    It does so in two ways: it gives new networks a small budget and later trains some of them for a
    larger one, and it ends trials that are on their way. Settings are the fields of a frozen
    dataclass; `start` returns the state, which is a fold of `observe` over the history.
    """

    cli_name: ClassVar[str]
    """Its name on the command line, as `strategy`, and before the name of one: `NAME-evolution`."""

    ends_trials: ClassVar[bool] = False
    """Whether `goes_on` may say no; which trials it then ends depends on when their news come."""

    @abstractmethod
    def start(self, space: Space, objectives: Sequence[Objective]) -> Stopping:
        """Return the state of a search that has seen nothing yet."""


class Stopping(ABC):
    """The state of a stopper. Only `observe` changes what it answers."""

    @abstractmethod
    def promoted(self, pending: Sequence[Proposal]) -> Proposal | None:
        """Return the next trial that goes on, or None if none is due.

        It has the architecture of a trial that ended, that trial as its parent, and a larger
        budget. `pending` are the proposals in flight.
        """

    def candidates(self, pending: Sequence[Proposal]) -> Sequence[Proposal] | None:
        """Return all of which one is due to go on, the best first; None if there is no choice.

        A strategy that learns from all budgets then chooses which it is, in the place of
        `promoted`. Each is as that would be, and all have one budget.
        """
        return None

    @abstractmethod
    def entry(self, pending: Sequence[Proposal]) -> Budget | None:
        """Return the budget of the next new network; None for the evaluator's own."""

    @abstractmethod
    def observe(self, trial: Trial) -> None:
        """Learn from a trial that ended, whatever its status."""

    def goes_on(self, proposal: Proposal, curve: Sequence[Mapping[str, float]]) -> bool:
        """Say whether a trial on its way goes on, from its metrics after each epoch so far."""
        return True


def budgets_of(epochs: Sequence[int], one_schedule: bool) -> tuple[Budget, ...]:
    """Return budgets of so many epochs: parts of the schedule of the last, or each a whole one."""
    return tuple(Budget(each, epochs[-1] if one_schedule else each) for each in epochs)


def checked_budgets(
    name: str, budgets: Sequence[int], eta: int, one_schedule: bool
) -> tuple[int, ...]:
    """Return the epochs of the budgets of a stopper that promotes the best 1/`eta`.

    Raises:
        SettingError: `budgets` are no rising whole numbers, at least one, `eta` is below 2, or
            `one_schedule` is neither True nor False.
    """
    checked = tuple(budgets)
    whole = checked and all(type(b) is int for b in checked) and checked[0] >= 1
    if not whole or any(a >= b for a, b in pairwise(checked)):
        raise SettingError(
            f"`{name}(budgets=...)` must be epochs from small to large, such as (1, 3, 9), "
            f"got {budgets!r}."
        )
    if type(eta) is not int or eta < 2:
        raise SettingError(f"`{name}(eta=...)` must be a whole number, at least 2, got {eta!r}.")
    if type(one_schedule) is not bool:
        raise SettingError(
            f"`{name}(one_schedule=...)` must be True or False, got {one_schedule!r}."
        )
    return checked
