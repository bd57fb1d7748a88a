"""The strategies of a run, each told of its own trials: as they end or, if asked, in order.

They compute on one thread: the other cores are the workers', and the matrices are small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from netwright.errors import SettingError
from netwright.network.threads import one_thread
from netwright.oneshot import OneShot
from netwright.run.plan import Plan
from netwright.space import Architecture, Space
from netwright.stopping.over import Proposing, Stopped, checked_proposal, started
from netwright.strategies import RandomSearch
from netwright.trial import BASELINE, SEARCH, Budget, Proposal, Stage, Trial


class Searches:
    """The search of a plan and its baseline.

    In deterministic mode a trial waits until `observe_first` lets its strategy observe it, so that
    what a strategy knows does not depend on which worker was quicker.
    """

    def __init__(self, plan: Plan, space: Space) -> None:
        # What a one-shot search names comes first; more trials than that are random.
        strategy = RandomSearch() if isinstance(plan.strategy, OneShot) else plan.strategy
        self._stopped = None
        if plan.stopper is not None:
            self._stopped = Stopped(strategy, plan.stopper).start(space, plan.objectives)
        self._searches: dict[Stage, Proposing] = {
            SEARCH: self._stopped or started(strategy, space, plan.objectives),
            BASELINE: RandomSearch().start(space, plan.objectives),
        }
        self._strategy, self._stopper, self._space = strategy, plan.stopper, plan.space
        self._told: set[int] = set()  # numbers of the trials that were observed
        self._in_order = plan.deterministic
        self._waiting: dict[int, Trial] = {}  # by number: finished, not yet observed
        self._observed = {SEARCH: 0, BASELINE: 0}

    def take(self, trial: Trial) -> None:
        """A trial that has ended; those of finals are nobody's."""
        if not trial.proposal.stage.explores:
            return
        trial = replace(trial, proposal=self._as_proposed(trial.proposal))
        if self._in_order:
            self._waiting[trial.number] = trial
        else:
            self._observe(trial.proposal.stage, trial)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Let the search know trials of another run, before its own."""
        for trial in trials:
            self._observe(SEARCH, trial)

    def observe_first(self, stage: Stage, first: int, upto: int) -> bool:
        """Let the strategy observe exactly its trials `first`, ... before `upto`; False if not in.

        Both count the trials of the run; `first` is the first of the stage.
        """
        while first + self._observed[stage] < upto:
            trial = self._waiting.pop(first + self._observed[stage], None)
            if trial is None:
                return False
            self._observe(stage, trial)
            self._observed[stage] += 1
        return True

    def catch_up(self, stage: Stage) -> None:
        """Let the strategy observe all trials that have ended, as they do when a search is over."""
        for number in sorted(n for n, t in self._waiting.items() if t.proposal.stage == stage):
            self._observe(stage, self._waiting.pop(number))
            self._observed[stage] += 1

    def unseen(self) -> dict[int, Proposal]:
        """Proposals of finished trials that were not observed yet, by number."""
        return {number: trial.proposal for number, trial in self._waiting.items()}

    def propose(
        self, stage: Stage, rng: np.random.Generator, pending: Sequence[Proposal]
    ) -> Proposal | None:
        """The next proposal of a stage's strategy; None when it has no more.

        Raises:
            SettingError: It is no proposal, of another space, or its parent is no trial.
        """
        search = self._searches[stage]
        with one_thread():
            found: object = search.propose(rng, [self._as_proposed(each) for each in pending])
        call = f"{type(search).__name__}.propose(...)"
        proposal = checked_proposal(call, found)
        if proposal is not None:
            self._check(self._called(stage, call), proposal)
        return proposal

    def entry(self, pending: Sequence[Proposal]) -> Budget | None:
        """The budget of a network that the strategy did not propose; None for the evaluator's."""
        return None if self._stopped is None else self._stopped.entry(pending)

    def goes_on(self, proposal: Proposal, curve: Sequence[Mapping[str, float]]) -> bool:
        """Say whether a trial on its way goes on, from its metrics after each epoch so far."""
        if self._stopped is None or not proposal.stage.is_search:
            return True
        return self._stopped.goes_on(proposal, curve)

    def _as_proposed(self, proposal: Proposal) -> Proposal:
        """As a strategy knows it: with the first options of late choices, whatever was trained."""
        early = self._space.members.early(proposal.architecture)
        return proposal if early is proposal.architecture else replace(proposal, architecture=early)

    def _called(self, stage: Stage, call: str) -> str:
        """Whose proposal it is, for who wrote the strategy: under a stopper it may be either's."""
        if self._stopped is None or not stage.is_search:
            return call
        return f"{type(self._strategy).__name__} under {type(self._stopper).__name__}"

    def _check(self, call: str, proposal: Proposal) -> None:
        """Refuse an architecture of another space, and a parent that the strategy was not told of.

        Raises:
            SettingError: Says which of the two.
        """
        architecture: object = proposal.architecture
        if not isinstance(architecture, Architecture) or not self._space.contains(architecture):
            raise SettingError(
                f"`{call}` must propose a member of the space {self._space.name!r} that `start` "
                f"was given, got {architecture!r}."
            )
        if proposal.parent is not None and proposal.parent not in self._told:
            raise SettingError(
                f"`{call}` must give as `parent` the number of a trial that was observed, or None, "
                f"got {proposal.parent!r}."
            )

    def _observe(self, stage: Stage, trial: Trial) -> None:
        self._told.add(trial.number)
        with one_thread():
            self._searches[stage].observe(trial)
