"""What a run has used of its budget: trials, epochs and seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from netwright.record.progress import Flight
from netwright.record.record import Record
from netwright.run.plan import Plan

Clock = Callable[[], float]
"""Seconds from any beginning, as `time.monotonic` counts them."""


class Spending:
    """Counts what a run uses of its budget.

    `record` is that of the run, `flights` are the trials on their way by number; both are looked at
    anew each time. `clock` counts the seconds of this session, which began `spent` seconds ago.
    """

    def __init__(
        self,
        plan: Plan,
        record: Record,
        flights: Mapping[int, Flight],
        clock: Clock = time.monotonic,
        spent: float = 0.0,
    ) -> None:
        self._bounds, self._epochs_each = plan.bounds, plan.evaluator.epochs
        self._record, self._flights = record, flights
        self._clock, self._before, self._began = clock, record.seconds + spent, clock()

    def seconds(self) -> float:
        """Wall seconds the run has been worked on, in all sessions."""
        return self._before + self._clock() - self._began

    def epochs(self) -> int:
        """Epochs of training of the search, those of trials on their way in full.

        One that goes on counts in full too: what it finds of its candidate is the evaluator's part.
        """
        ended = [t.proposal for t in self._record.history if t.proposal.stage.is_search]
        trained = sum(proposal.epochs or self._epochs_each for proposal in ended)
        return trained + sum(flight.budget.amount for flight in self._flights.values())

    def out_of_trials(self, count: int) -> str | None:
        """Why the search may begin no trial after so many; None if it may."""
        trials = self._bounds.trials
        return f"{trials} trials" if trials is not None and count >= trials else None

    def out_of_epochs(self, wanted: int | None) -> str | None:
        """Why the search may begin no trial of so many epochs; None if it may."""
        bound = self._bounds.epochs
        if bound is None or self.epochs() + (wanted or self._epochs_each) <= bound:
            return None
        return f"{bound} epochs"
