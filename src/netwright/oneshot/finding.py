"""Any strategy searches over a trained supernet, within limits."""

from __future__ import annotations

import numpy as np

from netwright.evaluate.admission import LATENCY
from netwright.objective import Objective
from netwright.oneshot.base import Shared
from netwright.oneshot.costs import Costs
from netwright.oneshot.scoring import shared_accuracy
from netwright.space import Architecture
from netwright.strategies import NSGA2, RegularizedEvolution, Strategy
from netwright.trial import Proposal, Trial, ranked

_ATTEMPTS = 20  # proposals a score, at most, that were scored before or break a limit


def promising(
    shared: Shared, finder: Strategy | None, rng: np.random.Generator, scored_: int, count: int
) -> list[Architecture]:
    """The best of `scored_` members by the objectives, with their shared accuracies.

    Without a finder they are found by evolution, for several objectives by NSGA-II.
    """
    setting = shared.setting
    objectives = setting.objectives
    finder = finder or (NSGA2() if len(objectives) > 1 else RegularizedEvolution())
    found = scored(shared, finder, objectives, setting.costs, rng, scored_)
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
    known: dict[Architecture, float] | None = None,
) -> dict[Architecture, dict[str, float]]:
    """What `count` different members within the limits cost, and their shared `accuracy`.

    In the order they were proposed; less where the finder has no more to propose. `known` are
    shared accuracies that need no score, to which the new ones are added.
    """
    known = {} if known is None else known
    search = finder.start(costs.within, objectives)
    found: dict[Architecture, dict[str, float]] = {}
    for _ in range(_ATTEMPTS * count):
        proposal = search.propose(rng, []) if len(found) < count else None
        if proposal is None:
            break
        member = proposal.architecture
        if member in found or not costs.keeps(member):
            continue
        if member not in known:
            known[member] = shared_accuracy(shared, member)
        asked = {o.metric for o in objectives} & {LATENCY}
        wanted = {name: costs.metric(name, member) for name in asked}
        found[member] = {**costs.of(member), **wanted, "accuracy": known[member]}
        search.observe(Trial(len(found) - 1, proposal, "done", found[member]))
    return found
