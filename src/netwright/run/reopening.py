"""A run that is over and goes on: with more trials, epochs or minutes than it had."""

from __future__ import annotations

from netwright.record.events import Reopened
from netwright.record.record import Record
from netwright.run.plan import Plan
from netwright.trial import SEARCH


def reopening(record: Record, plan: Plan) -> Reopened | None:
    """What lets a run go on after its search by a plan with larger bounds; None where they are not.

    Bounds are of all that the run does, and count what it has done. Each must leave more to do.
    """
    if SEARCH not in record.closed and record.status != "failed":
        return None
    bounds = plan.bounds
    if bounds._asdict() == {name: record.settings["budget"][name] for name in bounds._fields}:
        return None
    searched = [t.proposal for t in record.history if t.proposal.stage.is_search]
    epochs = sum(proposal.epochs or plan.evaluator.epochs for proposal in searched)
    spent = (len(searched), record.seconds / 60, epochs)
    if any(most is not None and most <= had for most, had in zip(bounds, spent, strict=True)):
        return None
    return Reopened(*bounds)
