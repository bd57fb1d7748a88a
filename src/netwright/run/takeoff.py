"""What goes on next: who gets a free slot, what it trains, and the job it is given."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netwright.evaluate.costs import Admitted, Costs
from netwright.execute import Executor, Key
from netwright.record import events
from netwright.record.progress import Flight
from netwright.record.turned_down import scores_told
from netwright.run.candidates import first_of, seed_for, trained_before
from netwright.run.flights import job_of
from netwright.run.pacing import Pacing
from netwright.run.plan import Plan
from netwright.run.sources import End, Source
from netwright.run.state import RunState
from netwright.trial import Proposal, Stage

_ATTEMPTS = 1000  # proposals for one trial before the search is declared exhausted


@dataclass(frozen=True)
class _Chosen:
    """A proposal that a trial may train; `attempt` and `refused` as in `Proposed`."""

    proposal: Proposal
    admitted: Admitted
    attempt: int
    refused: int = 0


class Takeoff:
    """Puts trials on their way, which are then in `flights` by their numbers.

    A job is claimed in the log before it is submitted; its key follows from the claim.
    """

    def __init__(
        self,
        plan: Plan,
        state: RunState,
        costs: Costs,
        pacing: Pacing,
        executor: Executor,
        flights: dict[int, Flight],
    ) -> None:
        self._plan, self._state, self._costs, self._pacing = plan, state, costs, pacing
        self._executor, self._flights = executor, flights

    def next(self, stage: Stage, source: Source) -> End | bool:
        """Put one trial of a stage on its way; False is to wait for another to end."""
        number = self._vacant()
        chosen = None if number is None else self._choose(number, stage, source)
        if number is None or chosen is None:
            return False
        if isinstance(chosen, End):
            return chosen
        self._launch(number, chosen)
        return True

    def train(self, flight: Flight) -> None:
        """Let the network of a trial be trained, which keeps the limits as far as is known."""
        flight.admitted = True
        self._submit(flight, self._pacing.limit(flight.proposal))

    def _vacant(self) -> int | None:
        """The next trial number to launch: an interrupted or rejected one, or a new one."""
        record = self._state.record
        waiting = [number for number in record.open if number not in self._flights]
        if waiting:
            return min(waiting)
        if self._plan.deterministic and any(not f.admitted for f in self._flights.values()):
            return None  # its trial may need another attempt from exactly this state
        return record.next_number

    def _choose(self, number: int, stage: Stage, source: Source) -> _Chosen | End | None:
        """What a trial is to train: what it did before it was interrupted, or a new network."""
        place, refused = self._state.place(number), 0
        if place.proposal is not None:
            admitted = self._costs.admit(place.proposal.architecture)
            return _Chosen(place.proposal, admitted, place.attempt)
        for attempt in range(place.attempt, _ATTEMPTS):
            proposal = source(number, attempt)
            if not isinstance(proposal, Proposal):
                return proposal
            admitted = self._costs.admit(proposal.architecture)
            is_new = (admitted.key, proposal.budget) not in self._state.record.tried
            if not is_new and trained_before(self._state.history, proposal) is None:
                continue
            if admitted.reason is None and self._pacing.is_too_long(proposal, admitted.metrics):
                refused += 1
                continue
            if admitted.reason is None or not stage.explores:
                return _Chosen(proposal, admitted, attempt, refused)
            refused += 1
        told = scores_told(self._state.record)
        reason = f"no new network within the limits in {_ATTEMPTS} proposals"
        return End(f"{reason}: {told}" if told else reason)

    def _launch(self, number: int, chosen: _Chosen) -> None:
        """Put a trial on its way: measure its network if that is to be done, else train it."""
        proposal, admitted, place = chosen.proposal, chosen.admitted, self._state.place(number)
        seed = place.seed
        if seed is None:  # a new trial, or one of a log of the time before seeds were written
            seed = seed_for(self._state.history, self._plan.seed, number, proposal)
        if place.proposal is None:
            key, refused = admitted.key, chosen.refused
            self._state.append(
                events.Proposed(number, chosen.attempt, proposal, key, refused, seed)
            )
        metrics, earlier = admitted.metrics, trained_before(self._state.history, proposal)
        if earlier is not None:
            metrics = dict(earlier.metrics)
            if not proposal.stage.is_refit:  # which is scored by nothing but the test part
                before_training = self._plan.measured | self._plan.scored
                known = {k: v for k, v in metrics.items() if k in before_training}
                metrics = {**admitted.metrics, **known}
        budget, fingerprint = self._state.budget_of(proposal), admitted.fingerprint
        flight = Flight(number, proposal, budget, seed, fingerprint, metrics=metrics)
        self._flights[number] = flight
        if place.measured is not None:  # before it was interrupted
            flight.metrics = {**metrics, **place.measured}
            self.train(flight)
        elif (self._plan.targets or self._plan.proxies) and earlier is None:
            self._submit(flight, measure=True)
        else:
            self.train(flight)

    def _submit(self, flight: Flight, limit: float | None = None, *, measure: bool = False) -> None:
        """Claim the next attempt at the job of a trial, and give it to the executor."""
        candidate = first_of(self._state.history, flight.number, flight.proposal)
        compared = self._state.is_compared(flight.proposal)
        job = job_of(flight, candidate, measure=measure, compared=compared)
        if limit is not None:
            job = replace(
                job,
                seconds=limit,
                affordable=self._pacing.affordable_by_steps(flight.proposal),
                ends_on_time=self._pacing.ends_on_time(flight.proposal),
            )
        flight.limit = limit = job.ended_after
        key = Key(flight.number, self._state.claim(flight.number))
        self._executor.submit(key, job, limit, alone=measure and bool(self._plan.targets))
