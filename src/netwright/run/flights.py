"""Trials on their way: what an executor is given for one, and the trial it becomes."""

from __future__ import annotations

from netwright.errors import EvaluationError, NetwrightError, SettingError
from netwright.evaluate.job import Evaluation, Job, Outcome, lacks
from netwright.objective import COSTS
from netwright.record.artifacts import spread_key, state_prefix, weights_key
from netwright.record.progress import Flight
from netwright.run.plan import Plan
from netwright.store import Store
from netwright.trial import Trial


def evaluation_of(plan: Plan, store: Store, run: str) -> Evaluation:
    """What does the jobs of a run."""
    wanted = [o.metric for o in plan.objectives] + [o.metric for o in plan.limits]
    evaluator = plan.evaluator.for_workers()
    return Evaluation(
        plan.space, evaluator, plan.limits, plan.targets, wanted, store, run, plan.proxies
    )


def job_of(flight: Flight, candidate: int, *, measure: bool = False, compared: bool = False) -> Job:
    """What an executor is to train, or only to `measure`, of a candidate by its first trial.

    Of one that is to be `compared` with others it is kept how sure its score is.
    """
    return Job(
        flight.proposal.architecture,
        flight.budget,
        flight.seed,
        flight.metrics,
        weights_key(flight.number),
        state_prefix(candidate),
        measure,
        measure,
        flight.proposal.stage.is_refit,
        spread=spread_key(flight.number) if compared else None,
    )


def useless(plan: Plan, outcome: Outcome) -> NetwrightError:
    """What ends a run whose first training shows that none can be of use."""
    missing = [o.metric for o in plan.objectives if o.metric not in outcome.metrics]
    wanted = [o.metric for o in plan.objectives] + [o.metric for o in plan.limits]
    lacking = outcome.reason in {lacks(metric, outcome.metrics) for metric in wanted}
    if not (missing and lacking):
        return EvaluationError(outcome.reason)
    return SettingError(
        f"`{plan.word('objectives')}` must be on metrics that the training gives: "
        f"{lacks(missing[0], outcome.metrics)}.{_remedy(plan, outcome)}".replace("?.", "?")
    )


def _remedy(plan: Plan, outcome: Outcome) -> str:
    """An objective that there is, as it is written where the run was begun."""
    own = [name for name in outcome.metrics if name not in (*COSTS, *plan.measured, *plan.scored)]
    if not own:
        return ""
    if plan.call is not None:
        flag = plan.word("objectives")
        return f" Write `{flag} {own[0]}` if it is to be large, `{flag} -{own[0]}` if small."
    large, small = (f'[{way}("{own[0]}")]' for way in ("maximize", "minimize"))
    word = plan.word("objectives", large)
    return f" Write `{word}` if it is to be large, `{small}` if small."


def trial_of(flight: Flight, outcome: Outcome) -> Trial:
    """The trial that a flight has become."""
    status, reason = outcome.status, outcome.reason
    assert status != "rejected" and status != "unkept"
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
