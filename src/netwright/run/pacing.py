"""The minutes of a run: what each training may take, decided once and logged.

A run without a bound on its minutes has no pace to keep: then nothing here says no.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from netwright.errors import SettingError
from netwright.evaluate.base import Candidate
from netwright.evaluate.costs import Costs
from netwright.evaluate.pace import Pace
from netwright.network.threads import one_thread
from netwright.record.division import Division, Share
from netwright.record.events import SchedulesPlanned, TimePlanned
from netwright.run.budget import Spending
from netwright.run.plan import Plan
from netwright.run.state import RunState
from netwright.run.timetable import Schedules, Timetable, affordable
from netwright.trial import Proposal, Trial, ranked

_SAMPLED = 40  # networks whose costs are looked at, of which some are timed
_PLACES = (0.0, 0.1, 0.3, 0.6)  # of them by their multiplications, from small to large
_TIMING = 0.04  # of the seconds, after which no more are timed
ENDING = 9.0
"""Seconds for test, export and report on an idle machine."""

_OVER = 1.5  # times its share after which a training is ended


class Pacing:
    """What a run may still begin; asked by the loop, which logs what is decided.

    `ending` are the seconds that test, export and report take on an idle machine.
    """

    def __init__(
        self,
        plan: Plan,
        state: RunState,
        spending: Spending,
        slots: int,
        ending: float = ENDING,
    ) -> None:
        self._plan, self._state, self._spending = plan, state, spending
        self._slots, self._ending = max(1, slots), ending

    # -- at the start -----------------------------------------------------------------------------

    def planned(self, costs: Costs, slowness: float) -> TimePlanned | None:
        """How the minutes are divided, from a few timed steps; None where nothing is to be said.

        `slowness` is how many times longer than on an idle machine things take here.

        Raises:
            SettingError: Start and end alone would break the bound; says the least that works.
        """
        minutes = self._plan.budget.minutes
        before = self._state.record.time_plan
        if minutes is None or (before is not None and before.division.whole == 60 * minutes):
            return None
        if before is not None:  # with other minutes, by what was timed then and trained since
            timed, pace = [dict(each) for each in before.examples], self._state.pace
        else:
            timed, pace = _timed(self._plan, costs, _TIMING * 60 * minutes), Pace()
            for each in timed:
                pace.learn_json(each)
        spent = self._spending.seconds()
        table = Timetable(60 * minutes, spent, self._ending * max(1.0, slowness), self._slots)
        epochs = self._plan.evaluator.epochs
        while epochs > 1 and self._usual(timed, pace, epochs) > table.trial:
            epochs -= 1
        cheapest = self._cheapest(timed, pace, epochs)
        if table.whole < table.least(cheapest):
            least = math.ceil(10 * table.least(cheapest) / 60) / 10
            raise SettingError(
                f"`search(minutes={minutes:g})` must leave time for start, one training and "
                f"export, which take {table.least(cheapest):.0f} s here; the least that works is "
                f"{least:g}."
            )
        share = max(table.trial, 1.2 * cheapest)
        steps = self._plan.evaluator.steps(epochs, {})
        return TimePlanned(
            Division(table.whole, table.start, table.end, self._slots),
            Share(epochs, share, pace.macs(share, steps)),
            () if before is not None else tuple(timed),
        )

    def _cheapest(self, examples: list[dict[str, float]], pace: Pace, epochs: int) -> float:
        """Seconds of the quickest training of those that were timed; 0 where none was."""
        steps = self._plan.evaluator.steps(epochs, {})
        told = [pace.seconds(each, steps) for each in examples]
        return min((seconds for seconds in told if seconds is not None), default=0.0)

    def _usual(self, examples: list[dict[str, float]], pace: Pace, epochs: int) -> float:
        """Seconds of the training in the middle of those that were timed; 0 where none was."""
        steps = self._plan.evaluator.steps(epochs, {})
        told = sorted(seconds for e in examples if (seconds := pace.seconds(e, steps)) is not None)
        return told[len(told) // 2] if told else 0.0

    # -- in the search ----------------------------------------------------------------------------

    @property
    def _table(self) -> Timetable | None:
        plan = self._state.record.time_plan
        return None if plan is None else Timetable(**plan.division.to_json())

    def search_ends(self) -> float:
        """Seconds since the begin of the run when the search must be over; infinite without."""
        table = self._table
        if table is None:
            return math.inf
        wanted, best = self._wanted(), self._ranked()
        told = None
        if best:
            told = lambda place, epochs: self._seconds(best[min(place, len(best) - 1)], epochs)  # noqa: E731
        ends = table.search_ends(wanted, told, self._more)
        if self._plan.baseline == "same":  # which takes as long
            return table.start + (ends - table.start) / 2
        return ends

    def out_of_time(self) -> str | None:
        """Why the search may begin no trial now; None if it may."""
        if self._spending.seconds() >= self.search_ends() - self._least():
            return f"{self._plan.budget.minutes:g} minutes"
        return None

    def _least(self) -> float:
        """Half of what the quickest trial took, so that none begins that cannot end."""
        taken = [t.seconds for t in self._state.history if t.done and t.proposal.stage.is_search]
        return min(taken, default=0.0) / 2

    def is_too_long(self, proposal: Proposal, costs: Mapping[str, float]) -> bool:
        """Whether a training would take more than a trial may, by what is known of others."""
        most = self.affordable(proposal)
        if most is None:
            return False
        recipe = self._plan.space.recipe(proposal.architecture)
        epochs = self._state.epochs_of(proposal)
        told = self._state.pace.seconds(costs, self._plan.evaluator.steps(epochs, recipe))
        return told is not None and told > most

    def lacks_result(self) -> bool:
        """Whether there is time for one more network, and none is done that may be returned."""
        table = self._table
        left = 0.0 if table is None else table.trained_by - self._spending.seconds()
        return left > 0 and not self._ranked()

    def _is_last_hope(self, proposal: Proposal) -> bool:
        """Whether a proposal is the smallest network while nothing else has come of the search."""
        return proposal.architecture == self._plan.space.smallest() and self.lacks_result()

    def affordable(self, proposal: Proposal) -> float | None:
        """Seconds that a training may seem to take before it is turned down; None: any.

        One with a budget of its own has more by the epochs. A trial that is promoted is not turned
        down: it had its share, and nothing else would be proposed in its place.
        """
        plan = self._state.record.time_plan
        if plan is None or not proposal.stage.explores or proposal.parent is not None:
            return None
        if self._is_last_hope(proposal):
            return None
        return plan.share.seconds * max(1.0, self._state.epochs_of(proposal) / plan.share.epochs)

    def limit(self, proposal: Proposal) -> float | None:
        """Seconds after which a training is ended; None: it is not."""
        stage = proposal.stage
        own = self._plan.trial_seconds if stage.explores else None
        plan, table = self._state.record.time_plan, self._table
        if plan is None or table is None:
            return own
        left = max(1.0, table.trained_by - self._spending.seconds())
        share = self.affordable(proposal)
        return min(own or math.inf, left, math.inf if share is None else _OVER * share)

    # -- after the search -------------------------------------------------------------------------

    def schedules(self) -> SchedulesPlanned | None:
        """What can be afforded after the search; None where it was decided or nothing binds."""
        table = self._table
        if table is None or self._state.record.schedules is not None:
            return None
        best = self._ranked()
        if not best:
            return SchedulesPlanned((), 0)
        found = affordable(
            self._wanted(),
            lambda place, epochs: self._seconds(best[min(place, len(best) - 1)], epochs),
            table.trained_by - self._spending.seconds(),
            slots=self._slots,
            more=self._more,
            own=[self._state.epochs_of(trial.proposal) for trial in best],
        )
        return SchedulesPlanned(found.finals, found.refit)

    def _wanted(self) -> Schedules:
        plan = self._plan
        own = self._state.epochs_of(None)
        last = plan.finals[-1][1] if plan.finals else own
        return Schedules(plan.finals, last if plan.refit else 0)

    @cached_property
    def _more(self) -> float:
        """How many times the rows of a trial a refit has."""
        evaluator = self._plan.evaluator
        if not self._plan.refit:
            return 1.0
        trial, whole = evaluator.steps(10, {}), evaluator.for_refit().steps(10, {})
        return max(1.0, whole.number * whole.batch / max(1, trial.number * trial.batch))

    def _ranked(self) -> list[Trial]:
        trials = self._state.history.allowed(self._plan.limits)
        return ranked([t for t in trials if t.proposal.stage.is_search], self._plan.objectives)

    def _seconds(self, trial: Trial, epochs: int) -> float:
        """What a network takes for more epochs than its trial had, by what that took."""
        evaluator, recipe = self._plan.evaluator, self._plan.space.recipe(trial.architecture)
        had = evaluator.steps(self._state.epochs_of(trial.proposal), recipe)
        wanted = evaluator.steps(epochs, recipe)
        before, after = (self._state.pace.seconds(trial.metrics, s) for s in (had, wanted))
        if before and after:
            return trial.seconds * after / before
        return trial.seconds * wanted.number / max(1, had.number)


def _timed(plan: Plan, costs: Costs, most: float) -> list[dict[str, float]]:
    """Networks from small to large, with what their trainings seem to take, as `examples`."""
    rng = np.random.default_rng([plan.seed, _SAMPLED])
    drawn = [plan.space.smallest(), *(plan.space.sample(rng) for _ in range(_SAMPLED))]
    known = {a: costs.admit(a) for a in dict.fromkeys(drawn)}
    within = [a for a, admitted in known.items() if admitted.reason is None] or drawn
    within.sort(key=lambda a: known[a].metrics.get("macs", math.inf))
    picked = dict.fromkeys(within[int(place * (len(within) - 1))] for place in _PLACES)
    examples: list[dict[str, float]] = []
    spent = 0.0
    with one_thread():
        for architecture in picked:
            candidate = Candidate(plan.space, architecture, plan.seed)
            steps = plan.evaluator.steps(plan.evaluator.epochs, candidate.recipe)
            seconds = plan.evaluator.time_steps(candidate, plan.evaluator.epochs)
            if seconds is None:
                continue
            figures = {k: known[architecture].metrics.get(k, 0.0) for k in ("params", "macs")}
            examples.append(
                {**figures, "steps": steps.number, "batch": steps.batch, "seconds": seconds}
            )
            spent += 5 * seconds / max(1, steps.number)  # about as many steps as were run
            if spent > most:
                break
    return examples
