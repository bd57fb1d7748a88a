"""What a search tries first: well-known networks, and what did well on other data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from netwright.oneshot import OneShot
from netwright.run.plan import Plan
from netwright.space import Architecture, Design
from netwright.space.designs import members_of


def first_of_space(plan: Plan) -> dict[str, Any]:
    """What the log of a new run says of what its space has to be tried first.

    These are the members of its designs and then of its portfolio, of each from large to small;
    what the space itself does not allow is left out. Under limits designs begin at the largest that
    the space has, else at their usual size, or where minutes bound what a trial may take at a
    larger one. The portfolio begins at its usual sizes. Together they take half of the trials at
    most. A one-shot search names its candidates itself, and a run with a warm start knows better
    ones.
    """
    if plan.warm_start is not None or isinstance(plan.strategy, OneShot):
        return {}
    most = None if plan.trials is None else max(1, plan.trials // 2)
    bounded, timed = bool(plan.limits), plan.minutes is not None
    told: dict[str, list[dict[str, Any]]] = {}
    tried: set[Architecture] = set()
    for design in plan.space.designs if plan.designs else ():
        if kept := _members(plan, design, bounded=bounded, timed=timed):
            told.setdefault("designs", []).append(_told(kept, name=design.name))
            tried.add(kept[0])
    told = {kind: each[:most] for kind, each in told.items()}
    left = _left(plan, len(told.get("designs", ())))
    for design in plan.space.portfolio if plan.portfolio else ():
        kept = _members(plan, design, bounded=False)
        if kept and kept[0] not in tried and left > len(told.get("portfolio", ())):
            told.setdefault("portfolio", []).append(_told(kept))
            tried.add(kept[0])
    return told


def _left(plan: Plan, designs: int) -> float:
    """How many networks may be tried after so many designs."""
    trials = math.inf if plan.trials is None else plan.trials
    if plan.epochs is not None:
        trials = min(trials, plan.epochs // plan.evaluator.epochs)
    return trials // 2 - designs


def _members(plan: Plan, design: Design, **sizes: bool) -> list[Architecture]:
    """The members that a design is, as `members_of` gives them, but for what may not be tried."""
    space = plan.space
    return [each for each in members_of(space.members, design, **sizes) if space.allows(each)]


def _told(members: Sequence[Architecture], **more: str) -> dict[str, Any]:
    return {**more, "members": [dict(each.answers) for each in members]}
