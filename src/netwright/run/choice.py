"""Which network of the last stage is taken where rows cannot tell the best ones apart.

The one-standard-error rule of Breiman, Friedman, Olshen and Stone (1984, section 3.4.3): of the
networks whose score is within one standard error of the best, the cheapest is taken. It departs
from the book in three ways. The error is that of the difference on the same rows, which is smaller
than that of the best score, so fewer networks count as tied. After finals, up to three of them
are first trained once more by another seed, as long as before; then the means are compared. And
what is taken for its cost is within half of the error: accuracy comes first, and at a whole one the
dearer network is better five times of six.

Of few rows, where nearly all are tied, it is the first of the well-known networks among them.

Everything is decided by what the log and the store have, and the decision is logged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load

from netwright.objective import Objective
from netwright.record.artifacts import spread_key
from netwright.record.choice import DESIGN, Finalist
from netwright.record.events import Chosen
from netwright.run.plan import Plan
from netwright.store import Store
from netwright.tasks.spread import Spread, mean_spread
from netwright.trial import RECHECK, Proposal, Trial

MOST = 3
"""Networks that are trained again to be told apart, at most."""

_FEW_ROWS = 200  # below which a well-known network is taken of those that are tied
_ALIKE = 1.05  # times the least cost that is not more
_CHEAPER = 0.5  # of the error, that a network may be behind which is taken for its cost
RETURNED = "_standard_error"
"""What stands after a metric's name in that of its standard error, where a training gives both."""


@dataclass(frozen=True)
class Scored:
    """A network with the mean gain of its trainings, and what is known of how sure that is."""

    trial: Trial
    gain: float
    seeds: int
    spread: Spread | None
    error: float | None

    def error_beside(self, other: Scored) -> float | None:
        """The standard error of the difference from another; None where nothing is known of it.

        Where rows cannot be compared one by one, as if the two were of different rows.
        """
        if self.spread is not None and other.spread is not None:
            paired = self.spread.error_beside(other.spread)
            if paired is not None and math.isfinite(paired):
                return paired
        if self.error is None or other.error is None:
            return None
        return math.hypot(self.error, other.error)


def spread_in(store: Store, run: str, key: str) -> Spread | None:
    """What is kept by a key; None where that is nothing, or damaged."""
    if not store.has(run, key):
        return None
    try:
        return Spread.from_tensors(load(store.read(run, key)))
    except (SafetensorError, KeyError, ValueError):
        return None


def scored(store: Store, run: str, objective: Objective, trials: Sequence[Trial]) -> Scored:
    """A network by its trainings, the first of which is the one that may be returned."""
    first, *_ = trials
    gain = float(np.mean([objective.gain(trial.metrics) for trial in trials]))
    found = [spread_in(store, run, spread_key(trial.number)) for trial in trials]
    spreads = [each for each in found if each is not None]
    spread = mean_spread(spreads) if len(spreads) == len(trials) else None
    returned = [trial.metrics.get(f"{objective.metric}{RETURNED}") for trial in trials]
    errors = [each for each in returned if each is not None and math.isfinite(each) and each >= 0]
    error = float(np.mean(errors)) if len(errors) == len(trials) else None
    if spread is not None and math.isfinite(spread.error):
        error = spread.error
    return Scored(first, gain, len(trials), spread, error)


def tied(found: Sequence[Scored]) -> list[Scored]:
    """The best one, the earliest of equals, and those that cannot be told from it, best first."""
    order = sorted(found, key=lambda each: (-each.gain, each.trial.number))
    best, *others = order
    return [best, *(each for each in others if _is_tied(best, each))]


def earliest(found: Sequence[Scored]) -> Trial:
    """Of the best one and those that cannot be told from it, which was tried first."""
    return min((each.trial for each in tied(found)), key=lambda trial: trial.number)


def _is_tied(best: Scored, other: Scored, errors: float = 1.0) -> bool:
    error = best.error_beside(other)
    return error is not None and best.gain - other.gain <= errors * error


def rechecks(found: Sequence[Scored]) -> list[Proposal]:
    """Up to three of those that cannot be told from the best, to be trained once more; or none."""
    again = [each.trial for each in tied(found)[:MOST]] if found else []
    if len(again) < 2:
        return []
    return [
        Proposal(t.architecture, t.proposal.budget, t.number, RECHECK, t.proposal.design)
        for t in again
    ]


def chosen(plan: Plan, found: Sequence[Scored], *, again: bool) -> Chosen | None:
    """The decision among networks; None where nothing is known of how sure their scores are.

    Where some were trained `again`, it is between these.
    """
    if not any(each.error is not None for each in found):
        return None
    seeds = max(each.seeds for each in found) if again else 1
    compared = [each for each in found if each.seeds >= seeds]
    same = tied(compared)
    best = same[0]
    order = sorted(found, key=lambda x: (x not in compared, -x.gain, x.trial.number))
    known = _known(same)
    near = [best, *(each for each in same[1:] if _is_tied(best, each, _CHEAPER))]
    cost = _cost(plan, near) if len(near) > 1 and known is None else ""
    taken = known or best
    if cost:
        most = _ALIKE * min(each.trial.metrics[cost] for each in near)
        taken = next(each for each in near if each.trial.metrics[cost] <= most)
    sign = 1 if plan.objectives[0].direction == "maximize" else -1
    rows = [
        Finalist(
            each.trial.number,
            sign * each.gain,
            each.seeds,
            each.error,
            None if each.spread is None else each.spread.rows,
            best.gain - each.gain,
            best.error_beside(each) if each is not best else None,
            each in same,
        )
        for each in order
    ]
    reason = "" if taken is best else DESIGN if known else cost
    return Chosen(taken.trial.number, reason, tuple(rows))


def _known(same: Sequence[Scored]) -> Scored | None:
    """Of tied networks the well-known one that is tried first, where few rows scored them.

    Then nearly all are tied, and what is known of networks says more than these rows: on ArrowHead
    a random one was right of two more of 36 series than MiniRocket, and came to 77 % of the test
    part, where MiniRocket comes to 84.
    """
    spread = same[0].spread
    if spread is None or spread.rows >= _FEW_ROWS:
        return None
    known = [each for each in same if each.trial.proposal.design is not None]
    return min(known, key=lambda each: each.trial.number, default=None)


def _cost(plan: Plan, same: Sequence[Scored]) -> str:
    """What the cheapest is told by: what a limit measures on a target, else MACs, else parameters.

    Empty where not all have one of them.
    """
    measured = [str(limit.metric) for limit in plan.limits if limit.metric.target is not None]
    for name in (*measured, "macs", "params"):
        if all(name in each.trial.metrics for each in same):
            return name
    return ""
