"""Trials on their way: what an executor is given for one, and the trial it becomes."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.evaluate.job import Evaluation, Job, Outcome
from netwright.objective import Objective
from netwright.record.artifacts import state_prefix, weights_key
from netwright.record.progress import Flight
from netwright.run.plan import Plan
from netwright.store import Store
from netwright.trial import Trial


def evaluation_of(plan: Plan, store: Store, run: str) -> Evaluation:
    """What does the jobs of a run."""
    wanted = [o.metric for o in plan.objectives] + [o.metric for o in plan.limits]
    evaluator = plan.evaluator.for_workers()
    return Evaluation(plan.space, evaluator, plan.limits, plan.targets, wanted, store, run)


def job_of(flight: Flight, candidate: int, *, measure: bool = False) -> Job:
    """What an executor is to train, or only to `measure`, of a candidate by its first trial."""
    return Job(
        flight.proposal.architecture,
        flight.budget,
        flight.seed,
        flight.metrics,
        weights_key(flight.number),
        state_prefix(candidate),
        measure,
        flight.proposal.stage.is_refit,
    )


def trial_of(flight: Flight, outcome: Outcome, objectives: Sequence[Objective]) -> Trial:
    """The trial that a flight has become; `invalid` where it lacks the metric of an objective."""
    status, reason = outcome.status, outcome.reason
    assert status != "rejected" and status != "unkept"
    missing = [o.metric for o in objectives if o.metric not in outcome.metrics]
    if status == "done" and missing:
        got = ", ".join(outcome.metrics) or "none"
        status, reason = "invalid", f"there is no metric {missing[0]!r}; there are {got}"
    return Trial(
        flight.number,
        flight.proposal,
        status,
        outcome.metrics,
        outcome.curve,
        outcome.seconds,
        outcome.cpu_seconds,
        reason,
        flight.fingerprint,
        flight.seed,
    )
