"""What trainings seem to take, by a few steps of some networks of a space, and what then fits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from netwright.evaluate.base import Candidate
from netwright.evaluate.costs import Costs
from netwright.evaluate.pace import Pace
from netwright.network.threads import one_thread
from netwright.run.plan import Plan
from netwright.run.timetable import HOPED
from netwright.space import Architecture
from netwright.trial import Budget, Proposal, Trial

_SAMPLED = 16  # networks whose costs are looked at, of which some are timed
_PLACES = (0.0, 0.1, 0.3, 0.6)  # of them by their multiplications, from small to large
_REFIT = 1.05  # times what it seems to take, that a refit is given
_SHORTER = 0.7  # of the epochs of a refit, at least


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
            figures = {k: known[architecture].metrics.get(k, 0.0) for k in ("params", "macs")}
            found = some_steps(plan, Candidate(plan.space, architecture, plan.seed))
            examples += ({**figures, **each} for each in found)
            spent += seconds_of(found)
            if spent > most:
                break
    return examples


def seconds_of(examples: Sequence[Mapping[str, float]]) -> float:
    """What it took to time examples: of each as many steps as are timed."""
    return sum(5 * each["seconds"] / max(1.0, each["steps"]) for each in examples)


def some_steps(plan: Plan, candidate: Candidate) -> list[dict[str, float]]:
    """What a trial of a network seems to take, and a full training if it has other batches."""
    evaluator, batches = plan.evaluator, set[int]()
    examples: list[dict[str, float]] = []
    for epochs in (evaluator.epochs, evaluator.full_epochs):
        number, batch = evaluator.steps(Budget(epochs), candidate.recipe)
        if batch in batches:
            continue
        batches.add(batch)
        seconds = evaluator.time_steps(candidate, Budget(epochs))
        if seconds is not None:
            examples.append({"steps": number, "batch": batch, "seconds": seconds})
    return examples


def seconds_each(
    plan: Plan, pace: Pace, examples: Sequence[dict[str, float]], epochs: int
) -> list[float]:
    """Seconds that the networks that were timed take for so many epochs, the quickest first."""
    steps = plan.evaluator.steps(Budget(epochs), {})
    networks = {(each["macs"], each["params"]): each for each in examples}
    told = (pace.seconds(each, steps) for each in networks.values())
    return sorted(seconds for seconds in told if seconds is not None)


def middle(told: Sequence[float]) -> float:
    """Of some seconds, in their order, those in the middle; 0 where there are none."""
    return told[len(told) // 2] if told else 0.0


def small(told: Sequence[float]) -> float:
    """Of some seconds, in their order, those next to the least; 0 where there are none."""
    return told[min(1, len(told) - 1)] if told else 0.0


def largest_in(plan: Plan, pace: Pace, seconds: float, epochs: int) -> float | None:
    """The multiplications of a network that trains for so many epochs in so many seconds.

    None where nothing bounds them.
    """
    if seconds == math.inf:
        return None
    return pace.macs(seconds, plan.evaluator.steps(Budget(epochs), {}))


def seconds_by_macs(plan: Plan, pace: Pace, macs: float, epochs: int) -> float:
    """Seconds that a network of so many multiplications seems to take; 0 where nothing is known."""
    return pace.seconds({"macs": macs}, plan.evaluator.steps(Budget(epochs), {})) or 0.0


def in_time(refit: Proposal, seconds: float, left: float, most: int = 0) -> Proposal | None:
    """A refit that seems to take so many seconds, with the epochs that fit; None where too few do.

    A refit of fewer than 70 % of the epochs is taken to be worth less than the network there is.
    One whose schedule ends on time has rather too many of them, up to `most`.
    """
    share = left / max(1e-9, _REFIT * seconds)
    if refit.budget is None or not refit.budget.is_whole:
        return refit
    if share < _SHORTER:
        return None
    wanted = refit.budget.amount
    if most:
        epochs = min(max(wanted, most), int(share * _REFIT / HOPED * wanted))
    else:
        epochs = min(wanted, int(share * wanted))
    return replace(refit, budget=Budget(max(1, epochs)))


def seconds_by_steps(plan: Plan, architecture: Architecture, budget: Budget) -> float | None:
    """What a training of a network seems to take by some steps; None where none can be timed."""
    with one_thread():
        return plan.evaluator.time_steps(Candidate(plan.space, architecture, plan.seed), budget)


class TimedSteps:
    """What networks that had a trial take for other epochs, by some steps that are timed now.

    A trial has few rows in a step, and a longer training more of them: by the seconds of its trial
    alone the last training of a run of one minute was ended before it was over.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._steps: dict[tuple[int, int], float | None] = {}  # by trial and rows in a step

    def seconds(self, trial: Trial, epochs: int) -> float | None:
        """Seconds of a training of so many epochs; None where steps cannot be timed."""
        evaluator, recipe = self._plan.evaluator, self._plan.space.recipe(trial.architecture)
        number, batch = evaluator.steps(Budget(epochs), recipe)
        key = trial.number, batch
        if key not in self._steps:
            whole = seconds_by_steps(self._plan, trial.architecture, Budget(epochs))
            self._steps[key] = None if whole is None else whole / max(1, number)
        step = self._steps[key]
        return None if step is None else step * number
