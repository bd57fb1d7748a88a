"""Trials on their way: what an executor is given for one, and the trial it becomes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netwright.evaluate.job import Evaluation, Job, Outcome
from netwright.objective import Objective
from netwright.record.artifacts import weights_key
from netwright.record.progress import Flight
from netwright.run.plan import Plan
from netwright.store import Store
from netwright.trial import Trial


def evaluation_of(plan: Plan, store: Store, run: str) -> Evaluation:
    """What does the jobs of a run."""
    wanted = [o.metric for o in plan.objectives] + [o.metric for o in plan.limits]
    evaluator = plan.evaluator.for_workers()
    return Evaluation(plan.space, evaluator, plan.limits, plan.targets, wanted, store, run)


def job_of(flight: Flight, seed: int, *, measure: bool = False) -> Job:
    """What an executor is to train by a seed, or only to `measure`."""
    return Job(
        flight.proposal.architecture,
        flight.epochs,
        seed,
        flight.metrics,
        weights_key(flight.number),
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
    )


def seed_of(run_seed: int, number: int) -> int:
    """The seed of a trial's weights and batches: of the run's seed and the trial's number."""
    state = np.random.SeedSequence([run_seed, number, 1]).generate_state(1)
    return int(state[0])
