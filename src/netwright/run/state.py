"""What a run knows at a moment: a fold of its log, also while it runs."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from netwright.errors import StoreError
from netwright.evaluate.costs import Costs
from netwright.evaluate.pace import Pace
from netwright.record.artifacts import STATES, candidate_of
from netwright.record.events import (
    Claimed,
    Created,
    Finished,
    Measured,
    Rejected,
    Reopened,
    StageClosed,
    TimePlanned,
)
from netwright.record.fact import Fact
from netwright.record.place import Place
from netwright.record.record import Record
from netwright.record.writing import write
from netwright.run.candidates import goes_on_from
from netwright.run.kept_weights import Weights
from netwright.run.plan import Plan
from netwright.run.proposers import Searches
from netwright.space import Architecture
from netwright.store import Store
from netwright.store.base import events_of, this_owner
from netwright.trial import SEARCH, Budget, History, Proposal, Trial, by_budget


class RunState:
    """The record of a run, and what its strategies and its costs learned from it.

    It changes by events alone: `append` writes one to the log and then takes what the log has, as
    is done with the events of earlier sessions when a state is made. So a resumed run knows what
    it knew when it was stopped.

    `again` are architectures of an older run that are to be tried first. Where there is none
    `first` are what the space has for that, each at several sizes: well-known networks by name,
    and then others. `owner` names who works on the run; None for this process.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        name: str,
        costs: Costs | None = None,
        owner: str | None = None,
    ) -> None:
        self.plan, self._store, self._name = plan, store, name
        self.owner = owner or f"{this_owner()}:{secrets.token_hex(4)}"
        self.record = Record(name)
        self.costs = costs or plan.costs()
        self.searches = Searches(plan, self.costs.within)
        self.pace = Pace()
        self.weights = Weights(store, name, plan.objectives, plan.limits)
        self.again: Sequence[Architecture] = ()
        self.first: Sequence[tuple[str | None, Sequence[Architecture]]] = ()
        self._take_new()

    @property
    def history(self) -> History:
        """The trials that ended, in the order in which they did."""
        return self.record.history

    def place(self, number: int) -> Place:
        """How far a trial is that is not finished."""
        return self.record.open.get(number, Place())

    def append(self, fact: Fact) -> None:
        """Write an event to the log, and take it.

        Raises:
            Conflict: Someone else wrote to the log since.
            StoreError: The log does not have what was written.
        """
        number = write(self._store, self._name, fact, after=self.record.last)
        self._take_new()
        if self.record.last < number:
            store = type(self._store).__name__
            raise StoreError(
                f"`{store}.events(run, after=...)` must return every event after that id, got none "
                f"of the id {number}, which `{store}.append(...)` gave to the last."
            )

    def claim(self, number: int) -> int:
        """Log that a job of a trial is about to be submitted; returns its attempt.

        It is above all attempts before, also those of earlier sessions and of other controllers.

        Raises:
            Conflict: Someone else wrote to the log since.
        """
        attempt = self.record.attempts.get(number, 0) + 1
        self.append(Claimed(number, attempt, self.owner))
        return attempt

    def is_current(self, number: int, attempt: int) -> bool:
        """Whether no later attempt at a trial was claimed."""
        return self.record.attempts.get(number) == attempt

    def _take_new(self) -> None:
        for event in events_of(self._store, self._name, self.record.last):
            self._learn_from(self.record.apply(event))

    def _learn_from(self, fact: Fact) -> None:
        match fact:
            case Created(known=[_, *_] as known):
                self._start_warm(known)
            case Created(again=again, first=first):
                self.again, self.first = again, first
            case Measured(trial=number, metrics=metrics):
                proposal = self.record.open[number].proposal
                assert proposal is not None
                self.costs.learn(proposal.architecture, metrics)
            case Rejected(proposal=proposal, metrics=metrics):
                self.costs.learn(proposal.architecture, metrics)
            case TimePlanned(examples=examples, known=known, share=share):
                for example in (*examples, *known):
                    self.pace.learn_json(example)
                if share.macs is not None:
                    self.costs.keep_macs(share.macs)
            case StageClosed():
                self._drop_states()
            case Reopened():
                self.searches.catch_up(SEARCH)
            case Finished(result=trial):
                self._learn_pace(trial)
                self.searches.take(trial)
                self.weights.take(trial)

    def budget_of(self, proposal: Proposal | None) -> Budget:
        """What a proposal is trained for; None is one that does not say."""
        if proposal is not None and proposal.budget is not None:
            return proposal.budget
        planned = self.record.time_plan
        return Budget(self.plan.evaluator.epochs if planned is None else planned.share.epochs)

    @property
    def trials_are_whole(self) -> bool:
        """Whether trials of the search are trainings in full, as minutes may make them."""
        return self.budget_of(None).amount > self.plan.evaluator.epochs

    def is_compared(self, proposal: Proposal) -> bool:
        """Whether a network is trained as long as the one that is returned, so that they compare.

        Those of finals are; those of the search where no final follows. So it may be in few
        minutes: one of the well-known networks is trained for long after short trials.
        """
        if proposal.stage.is_search:
            may_be_last = self.plan.minutes is not None and proposal.design is not None
            return not self.plan.finals or self.trials_are_whole or may_be_last
        return proposal.stage.is_final or proposal.stage.is_recheck

    def _learn_pace(self, trial: Trial) -> None:
        """Take in what a training took, at least; that of a refit has other rows."""
        if self._goes_on(trial):  # which took what the rest of its training did
            return
        if trial.status in ("done", "timeout") and not trial.proposal.stage.is_refit:
            recipe = self.plan.space.recipe(trial.architecture)
            steps = self.plan.evaluator.steps(self.budget_of(trial.proposal), recipe)
            self.pace.learn(trial.metrics, steps, trial.seconds)

    def seconds_of(self, trial: Trial) -> float:
        """What a training took, with the parts of it that were trained before."""
        parent = goes_on_from(self.history, trial.proposal)
        before = self.seconds_of(parent) if parent and self._goes_on(trial) else 0.0
        return trial.seconds + before

    def _goes_on(self, trial: Trial) -> bool:
        """Whether a trial may have gone on with the schedule of the one before it."""
        parent, budget = goes_on_from(self.history, trial.proposal), trial.proposal.budget
        known = parent and parent.proposal.budget
        return bool(known and budget and known.horizon == budget.horizon)

    def _drop_states(self) -> None:
        """Delete what candidates kept to go on from: none of a stage that is closed does."""
        for key in self._store.keys(self._name, STATES):
            if candidate_of(key) < self.record.next_number:
                self._store.delete(self._name, key)

    def _start_warm(self, known: list[Trial]) -> None:
        """Take what another run found out; its best are to be trained again, the rest is told."""
        plan = self.plan
        best = [
            trial
            for trials in by_budget(History(known).allowed(plan.limits))
            for trial in sorted(trials, key=lambda t: -plan.objectives[0].gain(t.metrics))
        ]
        again = best[: plan.finals[0][0] if plan.finals else 1]
        self.again = [trial.architecture for trial in again]
        self.searches.tell([trial for trial in known if trial not in again])
        for trial in known:
            self.costs.learn(trial.architecture, trial.metrics)
