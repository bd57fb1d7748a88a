"""The median rule: a trial that learns worse than half of those before it is ended on its way.

Golovin et al., "Google Vizier: A Service for Black-Box Optimization", KDD 2017, section 3.2.1: a
trial is stopped at an epoch if its best value so far is below the median of what the other trials
had on average until that epoch. Only trials that ended well, of the same budget, are compared with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import ClassVar

from netwright.errors import SettingError
from netwright.objective import Objective
from netwright.space import Space
from netwright.stopping.base import Stopper, Stopping
from netwright.trial import Budget, Proposal, Trial


@dataclass(frozen=True)
class MedianStopping(Stopper):
    """Ends a trial whose best epoch so far is below the median of the trials before it.

    The first objective is looked at, after `after` epochs, once `trials` have ended well. A trial
    that is ended has the status `preempted`. Which ones are depends on when their news come, so it
    cannot go with `deterministic=True`.

    Raises:
        SettingError: `after` or `trials` is no whole number, at least 1.
    """

    cli_name: ClassVar = "median"
    ends_trials: ClassVar = True

    after: int = 1
    trials: int = 5

    def __post_init__(self) -> None:
        for name, value in {"after": self.after, "trials": self.trials}.items():
            if type(value) is not int or value < 1:
                raise SettingError(
                    f"`MedianStopping({name}=...)` must be a whole number, at least 1, "
                    f"got {value!r}."
                )

    def start(self, space: Space, objectives: Sequence[Objective]) -> Stopping:
        """Return the state of a search in which no trial has ended."""
        return _Curves(self, objectives[0])


class _Curves(Stopping):
    def __init__(self, settings: MedianStopping, objective: Objective) -> None:
        self._settings, self._objective = settings, objective
        self._ended: dict[Budget | None, list[list[float]]] = {}  # curves of gains

    def promoted(self, pending: Sequence[Proposal]) -> None:
        return None

    def entry(self, pending: Sequence[Proposal]) -> None:
        return None

    def observe(self, trial: Trial) -> None:
        if trial.done and trial.curve:
            self._ended.setdefault(trial.proposal.budget, []).append(self._gains(trial.curve))

    def goes_on(self, proposal: Proposal, curve: Sequence[Mapping[str, float]]) -> bool:
        """Compare the best epoch with the median of the averages of others until then."""
        gains = self._gains(curve)
        if len(gains) < self._settings.after:
            return True
        reached = [
            fmean(other[: len(gains)])
            for other in self._ended.get(proposal.budget, ())
            if len(other) >= len(gains)
        ]
        return len(reached) < self._settings.trials or max(gains) >= median(reached)

    def _gains(self, curve: Sequence[Mapping[str, float]]) -> list[float]:
        """The gain after each epoch that has one."""
        gains = (self._objective.gain(point) for point in curve)
        return [gain for gain in gains if gain > -math.inf]
