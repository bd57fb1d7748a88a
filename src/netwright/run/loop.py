"""The loop: deduplication, limits, failures, parallelism and resume, once for all.

Data flows one way: space -> proposal -> evaluation -> trial -> history -> next proposal. Strategies
propose, evaluators measure, executors run; this file acts. What is known (`state`) changes by
events alone, which are written to the log first. So a killed run continues from its log and ends
where an uninterrupted one does. Beside it the loop knows only which trials are on their way.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from netwright.errors import StoreError
from netwright.evaluate.costs import Admitted, Costs
from netwright.evaluate.job import Outcome
from netwright.execute import Executor, Key, Message
from netwright.oneshot import OneShot
from netwright.record import events
from netwright.record.progress import Flight, Progress
from netwright.run.budget import Clock, Spending
from netwright.run.finals import eligible, finalists, measured_again, refits
from netwright.run.flights import evaluation_of, job_of, seed_of, trial_of
from netwright.run.pacing import Pacing
from netwright.run.plan import Plan
from netwright.run.shared_training import Checkpoint, train_shared
from netwright.run.sources import End, Source, Sources
from netwright.run.state import RunState
from netwright.store import Store
from netwright.trial import BASELINE, REFIT, SEARCH, History, Proposal, Stage, Trial

_ATTEMPTS = 1000  # proposals for one trial before the search is declared exhausted


@dataclass(frozen=True)
class _Chosen:
    """A proposal that a trial may train; `attempt` and `refused` as in `Proposed`."""

    proposal: Proposal
    admitted: Admitted
    attempt: int
    refused: int = 0


class Loop:
    """One run of a plan against a store. `run` may be called again after a kill: it goes on.

    `watch` is told of the progress several times a second; `clock` counts the seconds, of which
    `spent` had passed before; `ending` seconds are kept for what follows the loop, None for as many
    as the rehearsal of the export took. `costs` are those of the plan, with what was measured
    before; None for nothing yet.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        name: str,
        executor: Executor,
        watch: Callable[[Progress], None] = lambda progress: None,
        clock: Clock = time.monotonic,
        spent: float = 0.0,
        ending: float | None = None,
        costs: Costs | None = None,
    ) -> None:
        self.plan, self.store, self.name = plan, store, name
        self.executor, self._watch, self._clock = executor, watch, clock
        self._costs = costs or plan.costs()
        self.state = RunState(plan, store, name, self._costs)
        self._flights: dict[int, Flight] = {}  # by the numbers of their trials
        self._attempts: Counter[int] = Counter()  # jobs that were submitted, by trial
        self.spending = Spending(plan, self.state.record, self._flights, clock, spent)
        self.pacing = Pacing(plan, self.state, self.spending, executor.slots, ending)
        self._sources = Sources(
            plan, self.state, self.spending, self.pacing, self._flights, executor.slots
        )
        self._stage, self._stage_began = SEARCH, clock()

    @property
    def history(self) -> History:
        """The trials that ended, in the order in which they did."""
        return self.state.history

    # -- the run, from top to bottom --------------------------------------------------------------

    def run(self) -> None:
        """Search, then the baseline, the finals and the refit; returns when all are done.

        Raises:
            KeyboardInterrupt: Passed on; the run can be resumed.
            StoreError: The store cannot be written, such as on a full disk; the run can be resumed.
        """
        with self.store.connected():
            self._run()

    def _run(self) -> None:
        plan, record = self.plan, self.state.record
        self.state.append(events.SessionBegan())
        time_plan = self.pacing.planned(self._costs, _slowness())
        if time_plan is not None:
            self.state.append(time_plan)
        drawing = {SEARCH, BASELINE} if plan.baseline else {SEARCH}
        if drawing - record.closed.keys():
            self._costs.survey_some(plan.seed)
        if isinstance(plan.strategy, OneShot) and record.candidates is None:
            self._share()
        self.executor.start(evaluation_of(plan, self.store, self.name))
        try:
            self._fill(SEARCH, self._sources.search)
            if plan.baseline:
                self._fill(BASELINE, self._sources.baseline)
            plan = self._afforded()
            for number in range(1, len(plan.finals) + 1):
                self._final(Stage.final(number), partial(finalists, plan, self.history, number))
            self._confirm()
            if plan.refit:
                epochs = self.state.epochs_of(None)
                self._final(REFIT, lambda: refits(plan, self._eligible(), epochs))
        finally:
            self.executor.stop()

    def _share(self) -> None:
        """Let a one-shot search train all networks at once, and take what it names."""

        def told(body: Mapping[str, Any]) -> None:
            self.state.append(events.SharedEpoch(body))
            self._watch(replace(self.progress(), shared=(body["epoch"], body["of"])))

        found = train_shared(
            self.plan,
            self._costs.with_limits(self.plan.limits),  # whose draws learn from the log alone
            Checkpoint(self.store, self.name),
            seconds_left=lambda share: share * self.pacing.search_ends() - self.spending.seconds(),
            planned=lambda body: self.state.append(events.MemoryPlanned(body)),
            told=told,
        )
        self.state.append(events.CandidatesNamed(tuple(found)))

    def _afforded(self) -> Plan:
        """The plan with the finals and the refit for which there is time."""
        schedules = self.pacing.schedules()
        if schedules is not None:
            self.state.append(schedules)
        known = self.state.record.schedules
        if known is None:
            return self.plan
        return replace(self.plan, finals=known.finals, refit=known.refit > 0)

    def _final(self, stage: Stage, choose: Callable[[], list[Proposal]]) -> None:
        """A stage whose proposals are chosen once, when it begins."""
        if stage not in self.state.record.finalists:
            self.state.append(events.FinalistsChosen(stage, tuple(choose())))
        self._fill(stage, self._sources.listed(stage))

    def _fill(self, stage: Stage, source: Source) -> None:
        """Keep every slot busy with proposals of `source` until it ends and all have finished."""
        if stage in self.state.record.closed:
            return
        self._stage, self._stage_began = stage, self._clock()
        end: End | None = None
        while True:
            while end is None and len(self._flights) < self.executor.slots:
                number = self._vacant()
                chosen = None if number is None else self._choose(number, stage, source)
                if (slow := self.pacing.turned_down(stage)) is not None:
                    self.state.append(slow)
                if number is None or chosen is None:
                    break
                if isinstance(chosen, End):
                    end = chosen
                else:
                    self._launch(number, chosen)
            if not self._flights:
                break
            for message in self.executor.wait(0.25):
                self._receive(message)
            self._watch(self.progress())
        self.state.append(events.StageClosed(stage, end.reason if end is not None else ""))
        self._watch(self.progress())

    # -- what goes on next ------------------------------------------------------------------------

    def _vacant(self) -> int | None:
        """The next trial number to launch: an interrupted or rejected one, or a new one."""
        record = self.state.record
        waiting = [number for number in record.open if number not in self._flights]
        if waiting:
            return min(waiting)
        if self.plan.deterministic and any(not f.admitted for f in self._flights.values()):
            return None  # its trial may need another attempt from exactly this state
        return record.next_number

    def _choose(self, number: int, stage: Stage, source: Source) -> _Chosen | End | None:
        """What a trial is to train: what it did before it was interrupted, or a new network."""
        place, refused = self.state.place(number), 0
        if place.proposal is not None:
            admitted = self._costs.admit(place.proposal.architecture)
            return _Chosen(place.proposal, admitted, place.attempt)
        for attempt in range(place.attempt, _ATTEMPTS):
            proposal = source(number, attempt)
            if not isinstance(proposal, Proposal):
                return proposal
            admitted = self._costs.admit(proposal.architecture)
            is_new = (admitted.key, proposal.epochs) not in self.state.record.tried
            if not is_new and self._earlier(proposal) is None:
                continue
            if admitted.reason is None and self.pacing.is_too_long(proposal, admitted.metrics):
                refused += 1
                continue
            if admitted.reason is None or not stage.explores:
                return _Chosen(proposal, admitted, attempt, refused)
            refused += 1
        return End(f"no new network within the limits in {_ATTEMPTS} proposals")

    def _launch(self, number: int, chosen: _Chosen) -> None:
        """Put a trial on its way: measure its network if that is to be done, else train it."""
        proposal, admitted, place = chosen.proposal, chosen.admitted, self.state.place(number)
        if place.proposal is None:
            key = admitted.key
            self.state.append(
                events.Proposed(number, chosen.attempt, proposal, key, chosen.refused)
            )
        metrics, earlier = admitted.metrics, self._earlier(proposal)
        if earlier is not None:
            metrics = dict(earlier.metrics)
            if not proposal.stage.is_refit:  # which is scored by nothing but the test part
                known = {k: v for k, v in metrics.items() if k in self.plan.measured}
                metrics = {**admitted.metrics, **known}
        epochs = self.state.epochs_of(proposal)
        flight = Flight(number, proposal, epochs, admitted.fingerprint, metrics=metrics)
        self._flights[number] = flight
        if place.measured is not None:  # before it was interrupted
            flight.metrics = {**metrics, **place.measured}
            self._train(flight)
        elif self.plan.targets and earlier is None:
            self._submit(flight, measure=True)
        else:
            self._train(flight)

    def _earlier(self, proposal: Proposal) -> Trial | None:
        """The trial whose network is trained again for another budget: it was measured then."""
        parent = self.history.numbered(proposal.parent)
        if proposal.epochs is None or parent is None:
            return None
        chosen = not proposal.stage.explores  # which may be a variant of what was measured
        return parent if chosen or parent.architecture == proposal.architecture else None

    def _began_as(self, flight: Flight) -> int:
        """The number of the trial that a promoted one goes on from: it has that one's seed."""
        number, proposal = flight.number, flight.proposal
        while proposal.stage.is_search and (parent := self._earlier(proposal)) is not None:
            number, proposal = parent.number, parent.proposal
        return number

    def _train(self, flight: Flight) -> None:
        flight.admitted = True
        self._submit(flight, self.pacing.limit(flight.proposal))

    def _submit(self, flight: Flight, limit: float | None = None, *, measure: bool = False) -> None:
        """Give the job of a trial to the executor, as the next attempt at it."""
        self._attempts[flight.number] += 1
        key = Key(flight.number, self._attempts[flight.number])
        seed = seed_of(self.plan.seed, self._began_as(flight))
        job = job_of(flight, seed, measure=measure)
        if limit is not None:
            job = replace(job, seconds=limit, affordable=self.pacing.affordable(flight.proposal))
        self.executor.submit(key, job, limit, alone=measure)

    # -- what comes back --------------------------------------------------------------------------

    def _receive(self, message: Message) -> None:
        number, outcome = message.key.trial, message.body
        flight = self._flights.get(number)
        if flight is None or message.key.attempt != self._attempts[number]:
            return  # late news of an attempt that was given up
        if message.kind == "progress":
            flight.curve.append(dict(message.body))
            if not self.state.searches.goes_on(flight.proposal, flight.curve):
                self._preempt(flight, message.key)
            return
        if message.kind == "lost":
            status, reason = message.body
            if status in ("failed", "preempted") and self.state.place(number).restarts == 0:
                self.state.append(events.Restarted(number, reason))
                del self._flights[number]
                return
            outcome = Outcome(status, flight.metrics, tuple(flight.curve), reason, flight.seconds())
        if outcome.status == "unkept":
            raise StoreError(outcome.reason)
        if not flight.admitted and outcome.status == "done":
            flight.metrics = outcome.metrics
            self.state.append(events.Measured(number, outcome.metrics))
            self._train(flight)
            return
        del self._flights[number]
        if outcome.status == "rejected":
            attempt, found = self.state.place(number).attempt, outcome.metrics
            fact = events.Rejected(number, attempt, flight.proposal, found, outcome.reason)
            self.state.append(fact)
        else:
            self._finish(flight, outcome)

    def _finish(self, flight: Flight, outcome: Outcome) -> None:
        trial = trial_of(flight, outcome, self.plan.objectives)
        self.state.append(events.Finished(flight.number, trial))

    def _preempt(self, flight: Flight, key: Key) -> None:
        """End a trial on its way, with the metrics of its last epoch."""
        self.executor.cancel(key)
        del self._flights[flight.number]
        last = {name: value for name, value in flight.curve[-1].items() if name != "epoch"}
        reason = f"the stopper ended it after {len(flight.curve)} of {flight.epochs} epochs"
        metrics, curve = {**flight.metrics, **last}, tuple(flight.curve)
        self._finish(flight, Outcome("preempted", metrics, curve, reason, flight.seconds()))

    def _eligible(self) -> list[Trial]:
        return eligible(self.plan, self.history, self.state.weights)

    def _confirm(self) -> None:
        """Measure the networks that may be returned again, now that no other is trained."""
        if self.state.record.remeasured or not self.plan.targets:
            return
        plan, kept = self.plan, self._eligible()
        found = measured_again(
            kept, plan.limits, plan.measured, self.executor, lambda: self._watch(self.progress())
        )
        self.state.append(events.Confirmed(found))

    def progress(self) -> Progress:
        """What a person wants to know now."""
        record, budget = self.state.record, self.plan.budget
        return Progress(
            run=self.name,
            stage=self._stage,
            finals=self.plan.finals if record.schedules is None else record.schedules.finals,
            planned=record.time_plan,
            search_ends=self.pacing.search_ends(),
            trials=budget.trials,
            minutes=budget.minutes,
            epochs=budget.epochs,
            objectives=self.plan.objectives,
            limits=self.plan.limits,
            history=self.history,
            flights=tuple(self._flights.values()),
            rejected=record.refused + len(record.rejections),
            seconds=self.spending.seconds(),
            epochs_spent=self.spending.epochs(),
            slots=self.executor.slots,
            expected=len(record.finalists.get(self._stage, ())),
            stage_seconds=self._clock() - self._stage_began,
            metric=self.plan.evaluator.metric,
        )


def _slowness() -> float:
    """How many times longer than on an idle machine things take, by the processes that run here."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1.0, (load + 1) / cores)
