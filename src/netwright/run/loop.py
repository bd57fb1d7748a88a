"""The loop: the stages of a run one after the other, on as many workers as there are.

Data flows one way: space -> proposal -> evaluation -> trial -> history -> next proposal. Strategies
propose, evaluators measure, executors run; the loop acts, with deduplication, limits and attempts
in `takeoff`, and failures in `landing`. What is known (`state`) changes by
events alone, which are written to the log first. So a killed run continues from its log and ends
where an uninterrupted one does. Beside it the loop knows only which trials are on their way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from netwright.evaluate.costs import Costs
from netwright.execute import Executor
from netwright.oneshot import OneShot
from netwright.record import events
from netwright.record.progress import Flight, Progress
from netwright.run.budget import Clock, Spending
from netwright.run.choice import Scored, chosen, rechecks, scored
from netwright.run.finals import (
    as_in_long,
    eligible,
    finalists,
    has_trained,
    measured_again,
    only_refits,
    refits,
)
from netwright.run.flights import evaluation_of
from netwright.run.landing import Landing
from netwright.run.pacing import Pacing
from netwright.run.plan import Plan
from netwright.run.shared_training import Checkpoint, train_shared
from netwright.run.sources import End, Source, Sources
from netwright.run.state import RunState
from netwright.run.takeoff import Takeoff
from netwright.run.timetable import long_enough
from netwright.run.workers import news, slowness, starts_early
from netwright.store import Store
from netwright.trial import (
    BASELINE,
    RECHECK,
    REFIT,
    SEARCH,
    Budget,
    History,
    Proposal,
    Stage,
    Trial,
)


class Loop:
    """One run of a plan against a store. `run` may be called again after a kill: it goes on.

    `watch` is told of the progress several times a second; `clock` counts the seconds, of which
    `spent` had passed before; `ending` seconds are kept for what follows the loop, None for as many
    as the rehearsal of the export took. `costs` are those of the plan, with what was measured
    before; None for nothing yet. `owner` names who works on the run; None for this process.
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
        owner: str | None = None,
    ) -> None:
        self.plan, self.store, self.name = plan, store, name
        self.executor, self._watch, self._clock = executor, watch, clock
        self._costs = costs or plan.costs()
        self.state = RunState(plan, store, name, self._costs, owner)
        self._flights: dict[int, Flight] = {}  # by the numbers of their trials
        self.spending = Spending(plan, self.state.record, self._flights, clock, spent)
        self._early = starts_early(plan, executor)
        waits = not (executor.in_process or self._early)
        self.pacing = Pacing(plan, self.state, self.spending, executor.slots, ending, waits=waits)
        self._sources = Sources(
            plan, self.state, self.spending, self.pacing, self._flights, executor.slots
        )
        self._takeoff = Takeoff(plan, self.state, self._costs, self.pacing, executor, self._flights)
        self._landing = Landing(plan, self.state, self._takeoff, executor, self._flights)
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
        evaluation = evaluation_of(plan, self.store, self.name)
        if self._early:
            self.executor.start(evaluation)
        try:
            time_plan = self.pacing.planned(self._costs, slowness())
            if time_plan is not None:
                self.state.append(time_plan)
            drawing = {SEARCH, BASELINE} if plan.baseline else {SEARCH}
            if drawing - record.closed.keys():
                self._costs.survey_some(plan.seed)
            if isinstance(plan.strategy, OneShot) and record.candidates is None:
                self._share()
            if not self._early:
                self.executor.start(evaluation)
            self._fill(SEARCH, self._sources.search)
            if plan.baseline:
                self._fill(BASELINE, self._sources.baseline)
            plan = self._afforded()
            for number in range(1, len(plan.finals) + 1):
                choose = partial(finalists, plan, self.history, number, late=self._are_long(plan))
                self._final(Stage.final(number), choose)
            self._confirm()
            self._settle(plan)
            if plan.refit:
                self._final(REFIT, partial(self._refits, plan))
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

    def _refits(self, plan: Plan) -> list[Proposal]:
        """Who is trained last, for as long as before, or as the time allows if that was short."""
        if (longer := self._much_longer()) is not None:
            kept, given = self._eligible(), (self.store, self.name, plan.objectives[0])
            again = only_refits(plan, self.history, kept, longer, lambda t: scored(*given, [t]))
        else:
            again = refits(plan, self._taken(), self.state.budget_of(None))
            again = [*filter(None, map(self.pacing.in_time, again))] if len(again) == 1 else again
        return [as_in_long(self.plan, self.history, each) for each in again]

    def _much_longer(self) -> Budget | None:
        """The budget of the refit where it is all that follows short trials."""
        planned, own = self.state.record.schedules, self.state.budget_of(None)
        if planned is None or planned.finals or planned.refit <= own.amount:
            return None
        return Budget(planned.refit)

    def _are_long(self, plan: Plan) -> bool:
        """Whether the last final of a plan is for late answers too, and not too short for them."""
        wanted, planned = self.plan.finals, self.state.record.schedules
        if planned is not None and not planned.late:
            return False
        return not wanted or not plan.finals or plan.finals[-1][1] >= long_enough(wanted[-1][1])

    def _final(self, stage: Stage, choose: Callable[[], list[Proposal]]) -> None:
        """A stage whose proposals are chosen once, when it begins; none is trained twice."""
        if stage not in self.state.record.finalists:
            chosen = [p for p in choose() if not has_trained(self.history, self.state.weights, p)]
            self.state.append(events.FinalistsChosen(stage, tuple(chosen)))
        self._fill(stage, self._sources.listed(stage))

    def _fill(self, stage: Stage, source: Source) -> None:
        """Keep every slot busy with proposals of `source` until it ends and all have finished."""
        if stage in self.state.record.closed:
            return
        self._stage, self._stage_began = stage, self._clock()
        end: End | None = None
        while True:
            while end is None and len(self._flights) < self.executor.slots:
                begun = self._takeoff.next(stage, source)
                if (slow := self.pacing.turned_down(stage)) is not None:
                    self.state.append(slow)
                if isinstance(begun, End):
                    end = begun
                elif not begun:
                    break
            if not self._flights:
                break
            for message in news(self.executor, 0.25):
                self._landing.receive(message)
            self._watch(self.progress())
        self.state.append(events.StageClosed(stage, end.reason if end is not None else ""))
        self._watch(self.progress())

    # -- between the stages, and for who watches --------------------------------------------------

    def _eligible(self) -> list[Trial]:
        return eligible(self.plan, self.history, self.state.weights)

    def _confirm(self) -> None:
        """Measure the networks that may be returned again, now that no other is trained."""
        if self.state.record.remeasured or not self.plan.targets:
            return
        plan, kept = self.plan, self._eligible()
        watch = lambda: self._watch(self.progress())  # noqa: E731
        claim, executor = self.state.claim, self.executor
        found = measured_again(kept, plan.limits, plan.measured, executor, claim, watch)
        self.state.append(events.Confirmed(found))

    def _settle(self, plan: Plan) -> None:
        """Choose the network that is returned; those that rows cannot tell apart are trained again.

        So it is with one objective. With several the front is returned, as it was measured.
        """
        record = self.state.record
        if len(plan.objectives) > 1 or record.choice is not None or self._much_longer():
            return
        again = rechecks(self._scored()) if plan.finals else []
        trials = [trial for p in again if (trial := self.history.numbered(p.parent)) is not None]
        if RECHECK in record.finalists or (
            trials and self.pacing.leaves_room(trials, refit=plan.refit)
        ):
            self._final(RECHECK, lambda: again)
        choice = chosen(plan, self._scored(), again=RECHECK in record.finalists)
        if choice is not None:
            self.state.append(choice)

    def _scored(self) -> list[Scored]:
        """The networks that may be returned, each by all its trainings of one length.

        Where one of those that were trained again failed, the first trainings count.
        """
        history, proposals = self.history, self.state.record.finalists.get(RECHECK, ())
        again = {t.proposal.parent: t for t in history if t.proposal.stage == RECHECK and t.done}
        whole = all(proposal.parent in again for proposal in proposals)
        given = (self.store, self.name, self.plan.objectives[0])
        return [
            scored(*given, [t, *([again[t.number]] if whole and t.number in again else [])])
            for t in self._eligible()
        ]

    def _taken(self) -> list[Trial]:
        """The networks that may be returned, or the one of them that was chosen."""
        found, choice = self._eligible(), self.state.record.choice
        return [t for t in found if choice and t.number == choice.number] or found

    def progress(self) -> Progress:
        """What a person wants to know now."""
        record, bounds = self.state.record, self.plan.bounds
        return Progress(
            run=self.name,
            stage=self._stage,
            finals=self.plan.finals if record.schedules is None else record.schedules.finals,
            planned=record.time_plan,
            search_ends=self.pacing.search_ends(),
            trials=bounds.trials,
            minutes=bounds.minutes,
            epochs=bounds.epochs,
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
            metric=record.metric,
        )
