"""What comes back: the news of trials on their way, and the events that they become."""

from __future__ import annotations

from netwright.errors import StoreError
from netwright.evaluate.job import Outcome
from netwright.execute import Executor, Key, Message
from netwright.record import events
from netwright.record.progress import Flight
from netwright.run.flights import trial_of, useless
from netwright.run.plan import Plan
from netwright.run.state import RunState
from netwright.run.takeoff import Takeoff


class Landing:
    """Takes news of the trials in `flights`; one that was only measured goes on by `takeoff`."""

    def __init__(
        self,
        plan: Plan,
        state: RunState,
        takeoff: Takeoff,
        executor: Executor,
        flights: dict[int, Flight],
    ) -> None:
        self._plan, self._state, self._takeoff = plan, state, takeoff
        self._executor, self._flights = executor, flights

    def receive(self, message: Message) -> None:
        """Take one message; late news of an attempt that was given up is nothing.

        Raises:
            StoreError: What was trained could not be stored.
            SettingError, EvaluationError: The first training shows that none can be of use.
        """
        key, body = message.key, message.body
        flight = self._flights.get(key.trial)
        if flight is None or not self._state.is_current(*key):
            return
        if message.kind == "progress":
            flight.curve.append(dict(body))
            if not self._state.searches.goes_on(flight.proposal, flight.curve):
                self._preempt(flight, key)
        elif message.kind == "lost":
            self._lose(flight, *body)
        else:
            self._end(flight, body)

    def _lose(self, flight: Flight, status: str, reason: str) -> None:
        """A trial lost its worker: it begins anew, once, if nobody knows why; else it ended."""
        if status in ("failed", "preempted") and self._state.place(flight.number).restarts == 0:
            del self._flights[flight.number]
            self._state.append(events.Restarted(flight.number, reason))
            return
        curve, seconds = tuple(flight.curve), flight.seconds()
        if status == "timeout" and flight.limit is not None:
            seconds = min(seconds, flight.limit)  # a worker that had to start took longer
        self._end(flight, Outcome(status, flight.metrics, curve, reason, seconds))  # type: ignore[arg-type]

    def _end(self, flight: Flight, outcome: Outcome) -> None:
        """A job is over: its network was measured, broke a limit then, or was trained.

        Raises:
            StoreError: What was trained could not be stored.
            SettingError, EvaluationError: No trial of the run can be of use.
        """
        number = flight.number
        if outcome.status == "unkept":
            raise StoreError(outcome.reason)
        if not flight.admitted and outcome.status == "done":
            flight.metrics = outcome.metrics
            self._state.append(events.Measured(number, outcome.metrics))
            self._takeoff.train(flight)
            return
        del self._flights[number]
        if outcome.status == "rejected":
            attempt, found = self._state.place(number).attempt, outcome.metrics
            self._state.append(
                events.Rejected(number, attempt, flight.proposal, found, outcome.reason)
            )
        else:
            self._finish(flight, outcome)

    def _preempt(self, flight: Flight, key: Key) -> None:
        """End a trial on its way, with the metrics of its last epoch."""
        self._executor.cancel(key)
        del self._flights[flight.number]
        last = {name: value for name, value in flight.curve[-1].items() if name != "epoch"}
        epochs = f"{len(flight.curve)} of {flight.budget.amount} epochs"
        reason = f"the stopper ended it after {epochs}"
        metrics, curve = {**flight.metrics, **last}, tuple(flight.curve)
        self._finish(flight, Outcome("preempted", metrics, curve, reason, flight.seconds()))

    def _finish(self, flight: Flight, outcome: Outcome) -> None:
        trial = trial_of(flight, outcome)
        self._state.append(events.Finished(flight.number, trial))
        if outcome.for_all and not any(t.done for t in self._state.history):
            error = useless(self._plan, outcome)
            self._state.append(events.Ended("failed", str(error)))
            raise error
