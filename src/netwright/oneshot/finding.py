"""Any strategy searches over a trained supernet, within limits."""

from __future__ import annotations

import numpy as np

from netwright.objective import Objective
from netwright.oneshot.base import Shared
from netwright.oneshot.costs import Costs
from netwright.oneshot.scoring import shared_accuracy
from netwright.space import Architecture
from netwright.strategies import Strategy
from netwright.trial import Trial

_ATTEMPTS = 20  # proposals a score, at most, that were scored before or break a limit


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
        found[member] = {**costs.of(member), "accuracy": known[member]}
        search.observe(Trial(len(found) - 1, proposal, "done", found[member]))
    return found
