"""The minutes of a run: what each training may take, decided once and logged.

A run without a bound on its minutes has no pace to keep: then nothing here says no.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from netwright.errors import SettingError
from netwright.evaluate.costs import Costs
from netwright.evaluate.pace import Pace
from netwright.record.division import Division, Share
from netwright.record.events import SchedulesPlanned, TimePlanned, TurnedDown
from netwright.run.budget import Spending
from netwright.run.plan import Plan
from netwright.run.state import RunState
from netwright.run.timed import (
    TimedSteps,
    in_time,
    seconds_by_steps,
    seconds_each,
    timed_examples,
)
from netwright.run.timetable import SLACK, Schedules, Timetable, affordable, long_enough
from netwright.run.trial_length import good_epochs, trial_length
from netwright.trial import Budget, Proposal, Stage, Trial, ranked

_TIMING = 0.04  # of the seconds, after which no more are timed
_ENDING = 9.0  # seconds of an export on an idle machine, where none was rehearsed
_ASIDE = 1.0  # second for what comes after the export
_REFERENCE = 0.04  # of the minutes, that a classical method may take to compare with,
_REFERENCE_MOST = 20.0  # and so many seconds at most
_PASSES = 6  # over the test part: of the network, three times, and of each form
_TRAINING = 3.0  # passes over a row that training on it takes
_STARTING = 3.3  # seconds until a worker trains, on an idle machine of two cores
_TIMED = 2  # of the best, whose steps are timed before they are trained for longer
_UNLIKE = 8.0  # times its share that a well-known network may seem to take, to be timed itself
_LAST = 0.5  # of what is left, for the last try to train any network at all
_OVER = 1.5  # times its share after which a training is ended,
_GRACE = 3.0  # and so many seconds beyond it at least: a worker's first training takes longer


class Pacing:
    """What a run may still begin; asked by the loop, which logs what is decided.

    `ending` are the seconds of all that follows the last training; None for what the rehearsal of
    the export took. Jobs that are not `in_process` wait for their workers to start.
    """

    def __init__(
        self,
        plan: Plan,
        state: RunState,
        spending: Spending,
        slots: int,
        ending: float | None = None,
        in_process: bool = True,
    ) -> None:
        self._plan, self._state, self._spending = plan, state, spending
        self._starting = 0.0 if in_process else _STARTING
        self._slots, self._given = max(1, slots), ending
        self._slow: list[float] = []

    # -- at the start -----------------------------------------------------------------------------

    def planned(self, costs: Costs, slowness: float) -> TimePlanned | None:
        """How the minutes are divided, from a few timed steps; None where nothing is to be said.

        `slowness` is how many times longer than on an idle machine things take here.

        Raises:
            SettingError: Start and end alone would break the bound; says the least that works.
        """
        minutes = self._plan.bounds.minutes
        before = self._state.record.time_plan
        if minutes is None or (before is not None and before.division.whole == 60 * minutes):
            return None
        if before is not None:  # with other minutes, by what was timed then and trained since
            timed, pace = [dict(each) for each in before.examples], self._state.pace
        else:
            timed, pace = timed_examples(self._plan, costs, _TIMING * 60 * minutes), Pace()
            for each in timed:
                pace.learn_json(each)
        spent = self._spending.seconds() + self._starting * slowness
        ending = self._ending(60 * minutes, slowness)
        table = Timetable(60 * minutes, spent, ending, self._slots)
        epochs, share = trial_length(
            self._plan, table, timed, pace, self._largest_design(costs), self._more
        )
        cheapest = min(seconds_each(self._plan, pace, timed, epochs), default=0.0)
        if table.whole < table.least(cheapest):
            least = math.ceil(10 * table.least(cheapest) / 60) / 10
            raise SettingError(
                f"`search(minutes={minutes:g})` must leave time for start, one training and "
                f"export, which take {table.least(cheapest):.0f} s here; the least that works is "
                f"{least:g}."
            )
        share = max(share, 1.2 * cheapest)
        steps = self._plan.evaluator.steps(Budget(epochs), {})
        return TimePlanned(
            Division(table.whole, table.start, table.end, self._slots),
            Share(epochs, share, pace.macs(share, steps)),
            () if before is not None else tuple(timed),
        )

    def _largest_design(self, costs: Costs) -> float:
        """The multiplications of the largest well-known network within the limits; 0 without."""
        most = 0.0
        for name, members in self._state.first:
            kept = None if name is None else next(filter(costs.keeps, members), None)
            if kept is not None:
                most = max(most, costs.admit(kept).metrics.get("macs", 0.0))
        return most

    def _ending(self, whole: float, slowness: float) -> float:
        """Seconds after the last training, but for those that the rows of the test part take."""
        if self._given is not None:
            return self._given
        exporting = self._exporting(slowness) if self._plan.export or self._plan.out else 0.0
        ending = exporting + _ASIDE
        return ending + (min(_REFERENCE_MOST, _REFERENCE * whole) if self._tested else 0.0)

    def _exporting(self, slowness: float) -> float:
        """Seconds of a whole export: as the rehearsal took, else by the load of the machine."""
        rehearsed = self._state.record.rehearsal
        if rehearsed is not None and rehearsed.ending is not None:
            return rehearsed.ending
        return _ENDING * max(1.0, slowness)

    @property
    def _tested(self) -> int:
        """Rows of the test part."""
        data = self._plan.evaluator.data
        return 0 if data is None else len(data.test)

    def _scoring(self) -> float:
        """Seconds in which the network and each form score the test part.

        By what the trials of those that may be returned took; a share at most before there are any.
        """
        plan = self._state.record.time_plan
        if not self._tested or plan is None or self._given is not None:
            return 0.0
        evaluator = self._plan.evaluator
        best = self._ranked()[: self._wanted().finals[-1][0] if self._wanted().finals else 1]
        each = [(t.seconds, self._state.budget_of(t.proposal).amount) for t in best]
        steps = evaluator.steps(Budget(1), {})
        rows = _TRAINING * max(1, steps.number * steps.batch)
        passes = (
            max((s / e for s, e in each), default=plan.share.seconds / plan.share.epochs) / rows
        )
        return _PASSES * self._tested * passes

    def left_for_reference(self) -> float | None:
        """Seconds that a classical method may take now; None: any."""
        table = self._table
        if table is None:
            return None
        left = table.whole - self._spending.seconds() - table.end
        return max(0.0, left) + min(_REFERENCE_MOST, _REFERENCE * table.whole)

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
        told = None
        if best:
            told = lambda place, epochs: self._seconds(best[min(place, len(best) - 1)], epochs)  # noqa: E731
        return table.search_ends(wanted, told, self._more)

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
        """Half of what the quickest trial took, so that none begins that cannot end."""
        taken = [t.seconds for t in self._state.history if t.done and t.proposal.stage.is_search]
        return min(taken, default=0.0) / 2

    def is_too_long(self, proposal: Proposal, costs: Mapping[str, float]) -> bool:
        """Whether a training would take more than a trial may, by what is known of others.

        Well-known networks that others would speak against are timed: they may be unlike them.
        """
        most = self.affordable(proposal)
        if most is None:
            return False
        recipe = self._plan.space.recipe(proposal.architecture)
        budget = self._state.budget_of(proposal)
        told = self._state.pace.seconds(costs, self._plan.evaluator.steps(budget, recipe))
        if told is None or told <= most:
            return False
        if proposal.design is not None and told < _UNLIKE * most:
            timed = seconds_by_steps(self._plan, proposal.architecture, budget)
            told = told if timed is None else timed
            if told <= most:
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
        needed = max(max(each), sum(each) / self._slots) + self._more * max(each) * refit
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
            more=self._more,
            own=[self._state.budget_of(trial.proposal).amount for trial in best],
        )
        return SchedulesPlanned(found.finals, found.refit, found.are_late)

    def in_time(self, refit: Proposal) -> Proposal | None:
        """A refit with the epochs for which there is time, by what its network took; or none."""
        table, before = self._table, self._state.history.numbered(refit.parent)
        if table is None or before is None:
            return refit
        left = table.trained_by - self._spending.seconds()
        return in_time(refit, self._more * self._state.seconds_of(before), left)

    def _wanted(self) -> Schedules:
        plan = self._plan
        own = self._state.budget_of(None).amount
        finals = plan.finals if own <= plan.evaluator.epochs else ()  # else trials were as long
        last = finals[-1][1] if finals else own
        best = self._ranked()
        any_one = best[0].architecture if best else plan.space.smallest()
        variants = len(plan.space.variants(any_one))
        good = good_epochs(plan) if last == plan.evaluator.full_epochs else 0
        return Schedules(finals, last if plan.refit else 0, variants, long_enough(last), good=good)

    @cached_property
    def _more(self) -> float:
        """How many times the rows of a trial a refit has."""
        evaluator = self._plan.evaluator
        refitting = evaluator.for_refit() if self._plan.refit else None
        if refitting is None:
            return 1.0
        trial, whole = evaluator.steps(Budget(10), {}), refitting.steps(Budget(10), {})
        return max(1.0, whole.number * whole.batch / max(1, trial.number * trial.batch))

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
