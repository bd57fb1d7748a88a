"""Late answers in a search whose trials are trainings in full, since no final follows to try them.

After some well-known networks the best one so far is trained with its other late answers. What
comes then has those of the best. A strategy knows nothing of it: it proposes and observes members
with the first options, as in any search.
"""

from __future__ import annotations

from dataclasses import replace

from netwright.run.plan import Plan
from netwright.run.state import RunState
from netwright.space import Answer, Architecture
from netwright.trial import SEARCH, Proposal, Trial, ranked

_MOST = 2  # trials for late answers, of the few that there is time for


class LateAnswers:
    """Which trials of a search are for late answers, and which answers the others have.

    `slots` are the trials at a time, which with a deterministic plan says what each may know.
    """

    def __init__(self, plan: Plan, state: RunState, slots: int) -> None:
        self._plan, self._state, self._slots = plan, state, slots
        late = [choice for choice in plan.space.choices.values() if choice.late]
        self._others = sum(len(choice.options) - 1 for choice in late)

    @property
    def trials(self) -> int:
        """How many trials are for them: none but where trials are trainings in full."""
        are_whole = self._plan.stopper is None and self._state.trials_are_whole
        return min(_MOST, self._others) if are_whole else 0

    def next(self, number: int) -> Proposal | None:
        """The best network so far with late answers that none was trained with; None if none."""
        best = self._best(number)
        if best is None:
            return None
        begun = [trial.proposal for trial in self._state.history]
        begun += self._state.record.running.values()
        tried = [self._late(proposal.architecture) for proposal in begun]
        for variant in self._plan.space.variants(best.architecture):
            if self._late(variant) not in tried:
                return Proposal(variant, design=best.proposal.design)
        return None

    def adopted(self, proposal: Proposal, number: int) -> Proposal:
        """A proposal with the late answers of the best network so far."""
        best = self._best(number) if self.trials else None
        if best is None:
            return proposal
        late = self._late(best.architecture)
        for variant in self._plan.space.variants(proposal.architecture):
            if late.items() <= variant.answers.items():
                return replace(proposal, architecture=variant)
        return proposal

    def _late(self, architecture: Architecture) -> dict[str, Answer]:
        choices = self._plan.space.choices
        return {name: a for name, a in architecture.answers.items() if choices[name].late}

    def _best(self, number: int) -> Trial | None:
        found = self._state.history.allowed(self._plan.limits, SEARCH)
        if self._plan.deterministic:
            found = [trial for trial in found if trial.number <= number - self._slots]
        order = ranked(found, self._plan.objectives)
        return order[0] if order else None
