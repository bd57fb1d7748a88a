"""The events of a run's log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netwright.trial import BASELINE, REFIT, SEARCH, Stage


def named_stages(kind: str, body: Mapping[str, Any], finals: int) -> dict[str, Any]:
    """The body of an event, also of one written when stages were numbers, with stages by name.

    They were -1 for the baseline, 0 for the search, then the `finals`, and after them the refit.
    """
    made = dict(body)
    if kind in ("closed", "final"):
        made["stage"] = _named(body["stage"], finals)
    if kind in ("proposed", "rejected", "finished"):
        made["proposal"] = _in_proposal(body["proposal"], finals)
    if kind == "final":
        made["proposals"] = [_in_proposal(each, finals) for each in body["proposals"]]
    if kind == "created" and body.get("known"):
        made["known"] = [
            {**each, "proposal": _in_proposal(each["proposal"], finals)} for each in body["known"]
        ]
    return made


def _in_proposal(body: Mapping[str, Any], finals: int) -> dict[str, Any]:
    return {**body, "stage": _named(body["stage"], finals)}


def _named(stage: str | int, finals: int) -> str:
    if isinstance(stage, str):
        return stage
    known: dict[int, Stage] = {-1: BASELINE, 0: SEARCH, finals + 1: REFIT}
    return (known.get(stage) or Stage.final(stage)).to_json()
