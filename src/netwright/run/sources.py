"""Where the proposals of each stage come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from netwright.record.progress import Flight
from netwright.run.budget import Spending
from netwright.run.late_answers import LateAnswers
from netwright.run.pacing import Pacing
from netwright.run.plan import Plan
from netwright.run.state import RunState
from netwright.trial import BASELINE, SEARCH, Proposal, Stage

_BEFORE_LATE = 3  # well-known networks, of which the best is trained with late answers, too
_STUCK = 300  # proposals of the strategy for one trial before it is drawn at random


@dataclass(frozen=True)
class End:
    """A stage begins no more trials, and why."""

    reason: str


Source = Callable[[int, int], Proposal | End | None]
"""`source(number, attempt)`: a trial's proposal; None is to wait for another trial to end."""


class Sources:
    """Proposals for the trials of a run; `flights` are those on their way, at most `slots`."""

    def __init__(
        self,
        plan: Plan,
        state: RunState,
        spending: Spending,
        pacing: Pacing,
        flights: Mapping[int, Flight],
        slots: int,
    ) -> None:
        self._plan, self._state, self._spending = plan, state, spending
        self._pacing, self._flights, self._slots = pacing, flights, slots
        self._late = LateAnswers(plan, state, slots)

    def search(self, number: int, attempt: int) -> Proposal | End | None:
        """What an older run or the space says, what shared weights name, the strategy's."""
        state, spending = self._state, self._spending
        count = number - state.record.first(SEARCH)
        out_of_trials = spending.out_of_trials(count)
        if attempt == 0 and count < len(state.again) and not out_of_trials:
            return self._entering(number, Proposal(state.again[count]))
        if out_of_trials:
            return End(out_of_trials)
        candidates = state.record.candidates or ()
        late = self._pacing.out_of_time()
        is_first = attempt == self._state.place(number).attempt  # others before were turned down
        if late and is_first and not self._flights and self._pacing.lacks_result():
            return self._pacing.last_hope()
        if late and not (candidates and count == 0):  # shared weights alone are no network
            return End(late)
        if attempt == _STUCK and self._pacing.lacks_result():
            return self._pacing.last_hope()
        if attempt == 0 and count == 0 and not candidates and self._pacing.begins_small:
            return Proposal(self._plan.space.smallest())
        named = candidates[count + attempt :]
        if self._late.trials and self._pending(SEARCH, number) is None:
            return None
        variant = self._late.next(number) if self._is_for_late(count, attempt) else None
        first = self._first(count, attempt)
        proposal: Proposal | End | None
        if variant is not None:
            proposal = variant
        elif first is not None:
            proposal = self._entering(number, first)
        else:
            proposal = Proposal(named[0]) if named else self._ask(SEARCH, number, attempt)
        if isinstance(proposal, Proposal):
            if variant is None:
                proposal = self._late.adopted(proposal, number)
            out_of_epochs = spending.out_of_epochs(proposal.epochs)
            return End(out_of_epochs) if out_of_epochs else proposal
        return proposal

    def baseline(self, number: int, attempt: int) -> Proposal | End | None:
        """Random networks."""
        count = self._as_long() if self._plan.baseline == "same" else self._plan.baseline
        if number - self._state.record.first(BASELINE) >= count:
            return End(f"{count} random networks")
        late = self._pacing.out_of_time(baseline=True)
        if late:
            return End(late)
        proposal = self._ask(BASELINE, number, attempt)
        return replace(proposal, stage=BASELINE) if isinstance(proposal, Proposal) else proposal

    def _first(self, count: int, attempt: int) -> Proposal | None:
        """What the space has to be tried after so many trials, smaller at each attempt.

        That is a well-known network, or until half of the time is over one without a name. Between
        them are the trials for late answers.
        """
        every = self._state.first
        place = count - 1 if self._began_otherwise() else count
        if place >= self._before_late:
            place = max(self._before_late, place - self._late.trials)
        if not 0 <= place < len(every):
            return None
        name, members = every[place]
        if attempt >= len(members) or (name is None and self._is_half_over()):
            return None
        return Proposal(members[attempt], design=name)

    @property
    def _before_late(self) -> int:
        """After how many trials those for late answers come: of well-known networks, or one."""
        named = sum(name is not None for name, _ in self._state.first)
        return max(1, min(_BEFORE_LATE, named))

    def _is_for_late(self, count: int, attempt: int) -> bool:
        """Whether the trial after so many is for late answers."""
        place = count - 1 if self._began_otherwise() else count
        return attempt == 0 and 0 <= place - self._before_late < self._late.trials

    def _began_otherwise(self) -> bool:
        """Whether the first trial is none of these, but small, so as to tell the time."""
        record = self._state.record
        first = record.first(SEARCH)
        ended, place = record.history.numbered(first), self._state.place(first)
        proposal = ended.proposal if ended is not None else place.proposal
        if proposal is None or proposal.design is not None:
            return False
        nameless = [members for name, members in self._state.first[:1] if name is None]
        return not any(proposal.architecture in members for members in nameless)

    def _is_half_over(self) -> bool:
        """Whether half of the time of the search is over; never without a bound on minutes."""
        planned = self._state.record.time_plan
        if planned is None:
            return False
        half = (planned.division.start + self._pacing.search_ends()) / 2
        return self._spending.seconds() >= half

    def _entering(self, number: int, proposal: Proposal) -> Proposal | None:
        """A proposal that is no strategy's, with the budget that a stopper gives new networks."""
        pending = self._pending(SEARCH, number)
        if pending is None:
            return None
        return replace(proposal, budget=self._state.searches.entry(pending))

    def listed(self, stage: Stage) -> Source:
        """What was chosen when the stage began."""

        def source(number: int, attempt: int) -> Proposal | End | None:
            proposals = self._state.record.finalists[stage]
            place = number - self._state.record.first(stage)
            return proposals[place] if place < len(proposals) else End("all finalists")

        return source

    def _as_long(self) -> int:
        """How many random networks could have been trained in the time that the search took."""
        record = self._state.record
        trials = [t.seconds for t in record.history if t.proposal.stage.is_search]
        whole = sum(trials) + sum(epoch["seconds"] for epoch in record.shared.values())
        return math.ceil(whole / max(float(np.mean(trials)), 1e-9)) if trials else 0

    def _ask(self, stage: Stage, number: int, attempt: int) -> Proposal | End | None:
        """A strategy's proposal for a trial, from the results it is to know."""
        pending = self._pending(stage, number)
        if pending is None:
            return None
        rng = np.random.default_rng([self._plan.seed, number, attempt])
        if attempt >= _STUCK:
            return Proposal(self._plan.space.sample(rng))  # whatever the forecast says of it
        proposal = self._state.searches.propose(stage, rng, pending)
        if proposal is not None or self._flights:
            return proposal
        return End("the strategy has nothing more to propose")

    def _pending(self, stage: Stage, number: int) -> list[Proposal] | None:
        """What a strategy is to know of as on its way; None while it lacks a result.

        In the deterministic mode these are the proposals of the trials before this one, of which
        the strategy observed exactly those that ended before the last slots were filled.
        """
        if not self._plan.deterministic:
            return [flight.proposal for flight in self._flights.values()]
        searches, record = self._state.searches, self._state.record
        if not searches.observe_first(stage, record.first(stage), number - self._slots + 1):
            return None
        unseen = searches.unseen() | record.running
        return [unseen[n] for n in sorted(unseen) if n < number]
