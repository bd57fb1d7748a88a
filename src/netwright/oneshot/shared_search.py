"""Any strategy searches over a trained supernet, within limits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netwright.evaluate.costs import Costs
from netwright.objective import Objective
from netwright.oneshot.base import Shared, always
from netwright.oneshot.shared_scores import shared_metrics
from netwright.space import Architecture
from netwright.strategies import NSGA2, RegularizedEvolution, Strategy
from netwright.trial import Proposal, Trial, ranked

_ATTEMPTS = 20  # proposals a score, at most, that were scored before or break a limit


def promising(
    shared: Shared,
    finder: Strategy | None,
    rng: np.random.Generator,
    scored_: int,
    count: int,
    goes_on: Callable[[], bool],
) -> list[Architecture]:
    """The best of `scored_` members by the objectives, with what they reach by shared weights.

    Without a finder they are found by evolution, for several objectives by NSGA-II.
    """
    setting = shared.setting
    objectives = setting.objectives
    finder = finder or (NSGA2() if len(objectives) > 1 else RegularizedEvolution())
    found = scored(shared, finder, objectives, setting.costs, rng, scored_, goes_on)
    trials = [
        Trial(number, Proposal(member), "done", metrics)
        for number, (member, metrics) in enumerate(found.items())
    ]
    return [trial.architecture for trial in ranked(trials, objectives)][:count]


def scored(
    shared: Shared,
    finder: Strategy,
    objectives: tuple[Objective, ...],
    costs: Costs,
    rng: np.random.Generator,
    count: int,
    goes_on: Callable[[], bool] = always,
) -> dict[Architecture, dict[str, float]]:
    """What `count` different members within the limits cost, and their metrics by shared weights.

    In the order they were proposed; less where the finder has no more to propose or `goes_on` says
    no, though one at least.
    """
    search = finder.start(costs.within, objectives)
    found: dict[Architecture, dict[str, float]] = {}
    for _ in range(_ATTEMPTS * count):
        if len(found) >= count or (found and not goes_on()):
            break
        proposal = search.propose(rng, [])
        if proposal is None:
            break
        member = proposal.architecture
        if member in found or not costs.keeps(member):
            continue
        wanted: dict[str, float] = {
            o.metric: costs.metric(o.metric, member) for o in objectives if o.metric.target
        }
        found[member] = {**costs.of(member), **wanted, **shared_metrics(shared, member)}
        search.observe(Trial(len(found) - 1, proposal, "done", found[member]))
    return found
