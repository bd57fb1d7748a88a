"""What trainings seem to take, by a few steps of some networks of a space."""

from __future__ import annotations

import math

import numpy as np

from netwright.evaluate.base import Candidate
from netwright.evaluate.costs import Costs
from netwright.network.threads import one_thread
from netwright.run.plan import Plan
from netwright.trial import Budget

_SAMPLED = 40  # networks whose costs are looked at, of which some are timed
_PLACES = (0.0, 0.1, 0.3, 0.6)  # of them by their multiplications, from small to large


def timed_examples(plan: Plan, costs: Costs, most: float) -> list[dict[str, float]]:
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
            steps = plan.evaluator.steps(Budget(plan.evaluator.epochs), candidate.recipe)
            seconds = plan.evaluator.time_steps(candidate, Budget(plan.evaluator.epochs))
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
