"""The well-known networks that a search tries first: which, and how large they may be."""

from __future__ import annotations

from typing import Any

from netwright.oneshot import OneShot
from netwright.run.plan import Plan
from netwright.space.designs import members_of


def designs_of(plan: Plan) -> dict[str, Any]:
    """What the log of a new run says of the designs of its space: their members, large ones first.

    Under limits they begin at the largest that the space has, else at their usual size, or where
    minutes bound what a trial may take at a larger one; what the space itself does not allow is
    left out. They take half of the trials at most. A one-shot search names its candidates itself,
    and a run with a warm start knows better ones.
    """
    if not plan.designs or plan.warm_start is not None or isinstance(plan.strategy, OneShot):
        return {}
    space = plan.space
    bounded, timed = bool(plan.limits), plan.minutes is not None
    found = []
    for design in space.designs:
        members = members_of(space.members, design, bounded=bounded, timed=timed)
        if kept := [dict(each.answers) for each in members if space.allows(each)]:
            found.append({"name": design.name, "members": kept})
    most = None if plan.trials is None else max(1, plan.trials // 2)
    return {"designs": found[:most]} if found else {}
