"""The minutes of a run: what each training may take, decided once and logged.

A run without a bound on its minutes has no pace to keep: then nothing here says no.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from netwright.evaluate.costs import Costs
from netwright.record.events import SchedulesPlanned, TimePlanned, TurnedDown
from netwright.run.beginning import PASSES, TRAINING, Beginning, for_reference
from netwright.run.budget import Spending
from netwright.run.known_networks import UNLIKE
from netwright.run.plan import Plan
from netwright.run.state import RunState
from netwright.run.timed import (
    TimedSteps,
    in_time,
    seconds_by_steps,
)
from netwright.run.timetable import SLACK, Schedules, Timetable, affordable, long_enough
from netwright.run.trial_length import good_epochs, last_epochs
from netwright.trial import Budget, Proposal, Stage, Trial, ranked

_STARTING = 3.3  # seconds until a worker trains, on an idle machine of two cores
_TIMING = 0.05  # of the seconds, after which no known network is timed that others speak against
_TIMED = 2  # of the best, whose steps are timed before they are trained for longer
_LAST = 0.5  # of what is left, for the last try to train any network at all
_OVER = 1.5  # times its share after which a training is ended,
_GRACE = 3.0  # and so many seconds beyond it at least: a worker's first training takes longer


class Pacing:
    """What a run may still begin; asked by the loop, which logs what is decided.

    `ending` are the seconds of all that follows the last training; None for what the rehearsal of
    the export took. If the first trial `waits` its worker is still to be started.
    """

    def __init__(
        self,
        plan: Plan,
        state: RunState,
        spending: Spending,
        slots: int,
        ending: float | None = None,
        *,
        waits: bool = False,
    ) -> None:
        self._plan, self._state, self._spending = plan, state, spending
        self._slots, self._given = max(1, slots), ending
        starting = _STARTING if waits else 0.0
        self._beginning = Beginning(plan, state, spending, self._slots, starting, ending)
        self._slow: list[float] = []
        self._timing = 0.0  # seconds in which known networks were timed

    # -- at the start -----------------------------------------------------------------------------

    def planned(self, costs: Costs, slowness: float) -> TimePlanned | None:
        """How the minutes are divided; see `Beginning`."""
        return self._beginning.planned(costs, slowness)

    def _scoring(self) -> float:
        """Seconds in which the network and each form score the test part.

        By what the trials of those that may be returned took; a share at most before there are any.
        """
        plan = self._state.record.time_plan
        if not self._beginning.tested or plan is None or self._given is not None:
            return 0.0
        evaluator = self._plan.evaluator
        best = self._ranked()[: self._wanted().finals[-1][0] if self._wanted().finals else 1]
        each = [(t.seconds, self._state.budget_of(t.proposal).amount) for t in best]
        steps = evaluator.steps(Budget(1), {})
        rows = TRAINING * max(1, steps.number * steps.batch)
        passes = (
            max((s / e for s, e in each), default=plan.share.seconds / plan.share.epochs) / rows
        )
        return PASSES * self._beginning.tested * passes

    def left_for_reference(self) -> float | None:
        """Seconds that a classical method may take now; None: any."""
        table = self._table
        if table is None:
            return None
        left = table.whole - self._spending.seconds() - table.end
        return max(0.0, left) + for_reference(table.whole)

    # -- in the search ----------------------------------------------------------------------------

    @property
    def _table(self) -> Timetable | None:
        plan = self._state.record.time_plan
        if plan is None:
            return None
        table = Timetable(**plan.division.to_json())
        return replace(table, end=table.end + self._scoring())

    def search_ends(self) -> float:
        """Seconds since the begin of the run when the search must be over; infinite without.

        A baseline has as much time as the search, or what so many networks take.
        """
        table, ends = self._table, self._explored_by()
        if table is None or not self._plan.baseline:
            return ends
        half = table.start + (ends - table.start) / 2
        if self._plan.baseline == "same":
            return half
        taken = [t.seconds for t in self._state.history if t.proposal.stage.is_search]
        if not taken:
            return half
        return max(half, ends - self._plan.baseline * float(np.mean(taken)) / self._slots)

    def _explored_by(self) -> float:
        """When search and baseline must be over, so that what follows has its time."""
        table = self._table
        if table is None:
            return math.inf
        wanted, best = self._wanted(), self._ranked()
        if wanted.refit and not wanted.finals:
            wanted = replace(wanted, refit=last_epochs(self._plan, wanted.refit))
        told = None
        if best:
            told = lambda place, epochs: self._seconds(best[min(place, len(best) - 1)], epochs)  # noqa: E731
        return table.search_ends(wanted, told, self._beginning.more)

    def out_of_time(self, *, baseline: bool = False) -> str | None:
        """Why the search, or the baseline, may begin no trial now; None if it may."""
        ends = self._explored_by() if baseline else self.search_ends()
        over = self._spending.seconds() >= ends - self._least()
        return f"{self._plan.bounds.minutes:g} minutes" if over else None

    @property
    def begins_small(self) -> bool:
        """Whether nothing is known of what trainings take, so that the first is to be a small one.

        So it is of a user's own training, whose first trials say what others will take.
        """
        paced = self._table is not None and self._plan.stopper is None  # whose budgets begin small
        return paced and not self._state.pace.is_known

    def _least(self) -> float:
        """Half of what the quickest trial took, so that none begins that cannot end.

        All of it where trials are trainings in full: what one took more would be lost to the last.
        """
        taken = [t.seconds for t in self._state.history if t.done and t.proposal.stage.is_search]
        return min(taken, default=0.0) * (1.0 if self._state.trials_are_whole else 0.5)

    def is_too_long(self, proposal: Proposal, costs: Mapping[str, float]) -> bool:
        """Whether a training would take more than a trial may, by what is known of others.

        Well-known networks that others would speak against are timed: they may be unlike them.
        """
        plan, most = self._state.record.time_plan, self.affordable(proposal)
        if most is None or plan is None:
            return False
        recipe = self._plan.space.recipe(proposal.architecture)
        budget = self._state.budget_of(proposal)
        told = self._state.pace.seconds(costs, self._plan.evaluator.steps(budget, recipe))
        if costs.get("macs", 0.0) > plan.share.designs.get(proposal.design or "", math.inf):
            self._slow.append(told or most)
            return True
        if told is None or told <= most:
            return False
        room = _TIMING * plan.division.whole - self._timing
        if proposal.design is not None and told < UNLIKE * most and room > 0:
            began = self._spending.seconds()
            timed = seconds_by_steps(self._plan, proposal.architecture, budget)
            self._timing += self._spending.seconds() - began
            told = told if timed is None else timed
            if told <= (self.affordable_by_steps(proposal) or math.inf):
                return False
        self._slow.append(told)
        return True

    def turned_down(self, stage: Stage) -> TurnedDown | None:
        """What `is_too_long` said yes to since this was asked last; None where that is nothing."""
        slow, self._slow = self._slow, []
        return TurnedDown(stage, len(slow), min(slow), max(slow)) if slow else None

    def lacks_result(self) -> bool:
        """Whether there is time for one more network, and none is done that may be returned."""
        table = self._table
        left = 0.0 if table is None else table.trained_by - self._spending.seconds()
        return left > 0 and not self._ranked()

    def last_hope(self) -> Proposal:
        """The smallest network, with fewer epochs where those of a trial would take too long."""
        smallest, epochs = self._plan.space.smallest(), self._state.budget_of(None).amount
        table = self._table
        seconds = [
            trial.seconds
            for trial in self._state.history
            if trial.status == "timeout" and trial.architecture == smallest
        ]
        if table is None or not seconds or epochs == 1:
            return Proposal(smallest)
        left = table.trained_by - self._spending.seconds()
        fewer = min(epochs - 1, int(epochs * _LAST * left / max(seconds)))
        return Proposal(smallest, Budget(max(1, fewer)))

    def affordable(self, proposal: Proposal) -> float | None:
        """Seconds that a training may seem to take before it is turned down; None: any.

        One with a budget of its own has more by the epochs. A trial that is promoted is not turned
        down: it had its share, and nothing else would be proposed in its place.
        """
        plan = self._state.record.time_plan
        if plan is None or not proposal.stage.explores or proposal.parent is not None:
            return None
        is_first = not self._state.pace.is_known and self._state.budget_of(proposal).amount > 1
        is_last = proposal.architecture == self._plan.space.smallest() and self.lacks_result()
        if is_last and not is_first:  # there are fewer epochs to try yet
            return None
        epochs = self._state.budget_of(proposal).amount
        return plan.share.seconds * max(1.0, epochs / plan.share.epochs)

    def affordable_by_steps(self, proposal: Proposal) -> float | None:
        """Seconds by its own steps after which a training is not begun: a known network has more.

        It was found by such steps that there is time for it, and these vary.
        """
        share = self.affordable(proposal)
        return share if share is None or proposal.design is None else SLACK * share

    def ends_on_time(self, proposal: Proposal) -> bool:
        """Whether the schedule of a training ends with its time: of the last one, if it can."""
        stage, record = proposal.stage, self._state.record
        if self._table is None or record.schedules is None or stage.explores:
            return False
        is_last = stage.is_refit or (stage.is_final and not record.schedules.refit)
        is_whole = proposal.budget is not None and proposal.budget.is_whole
        return (
            is_last
            and is_whole
            and len(record.finalists.get(stage, ())) == 1
            and self._plan.last_ends_on_time
        )

    def limit(self, proposal: Proposal) -> float | None:
        """Seconds after which a training is ended; None: it is not."""
        stage = proposal.stage
        own = self._plan.trial_seconds if stage.explores else None
        plan, table = self._state.record.time_plan, self._table
        if plan is None or table is None:
            return own
        left = max(1.0, table.trained_by - self._spending.seconds())
        share = self.affordable(proposal)
        most = math.inf if share is None else max(_OVER * share, share + _GRACE)
        return min(own or math.inf, left, most)

    def leaves_room(self, trials: Sequence[Trial], *, refit: bool) -> bool:
        """Whether these can be trained once more, and then one of them on all rows, if a refit."""
        table = self._table
        if table is None:
            return True
        each = [self._state.seconds_of(trial) for trial in trials]
        needed = max(max(each), sum(each) / self._slots) + self._beginning.more * max(each) * refit
        return SLACK * needed <= table.trained_by - self._spending.seconds()

    # -- after the search -------------------------------------------------------------------------

    def schedules(self) -> SchedulesPlanned | None:
        """What can be afforded after the search; None where it was decided or nothing binds."""
        table = self._table
        if table is None or self._state.record.schedules is not None:
            return None
        best = self._ranked()
        if not best:
            return SchedulesPlanned((), 0)
        timed = TimedSteps(self._plan)

        def seconds(place: int, epochs: int) -> float:
            trial = best[min(place, len(best) - 1)]
            told = timed.seconds(trial, epochs) if place < _TIMED else None
            return self._seconds(trial, epochs) if told is None else told

        found = affordable(
            self._wanted(),
            seconds,
            table.trained_by - self._spending.seconds(),
            slots=self._slots,
            more=self._beginning.more,
            own=[self._state.budget_of(trial.proposal).amount for trial in best],
            on_time=self._plan.last_ends_on_time,
        )
        return SchedulesPlanned(found.finals, found.refit, found.are_late)

    def in_time(self, refit: Proposal) -> Proposal | None:
        """A refit with the epochs for which there is time, by what its network took; or none."""
        table, before = self._table, self._state.history.numbered(refit.parent)
        if table is None or before is None:
            return refit
        left = table.trained_by - self._spending.seconds()
        most = self._plan.evaluator.full_epochs if self._plan.last_ends_on_time else 0
        return in_time(refit, self._beginning.more * self._state.seconds_of(before), left, most)

    def _wanted(self) -> Schedules:
        plan = self._plan
        own = self._state.budget_of(None).amount
        finals = () if self._state.trials_are_whole else plan.finals
        last = finals[-1][1] if finals else own
        best = self._ranked()
        any_one = best[0].architecture if best else plan.space.smallest()
        variants = len(plan.space.variants(any_one))
        good = good_epochs(plan) if last == plan.evaluator.full_epochs else 0
        return Schedules(finals, last if plan.refit else 0, variants, long_enough(last), good=good)

    def _ranked(self) -> list[Trial]:
        trials = self._state.history.allowed(self._plan.limits)
        return ranked([t for t in trials if t.proposal.stage.is_search], self._plan.objectives)

    def _seconds(self, trial: Trial, epochs: int) -> float:
        """What a network takes for more epochs than its trial had, by what that took."""
        evaluator, recipe = self._plan.evaluator, self._plan.space.recipe(trial.architecture)
        had = evaluator.steps(self._state.budget_of(trial.proposal), recipe)
        wanted = evaluator.steps(Budget(epochs), recipe)
        before, after = (self._state.pace.seconds(trial.metrics, s) for s in (had, wanted))
        taken = self._state.seconds_of(trial)
        if before and after:
            return taken * after / before
        return taken * wanted.number / max(1, had.number)
