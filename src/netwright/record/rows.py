"""Rows of a log become facts again, also those that earlier versions wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netwright.record.events import KINDS
from netwright.record.fact import Fact
from netwright.store import Event
from netwright.trial import BASELINE, REFIT, SEARCH, Stage


def read(event: Event, finals: int) -> Fact:
    """The fact of a row, in a run of so many finals.

    Raises:
        LookupError, TypeError, ValueError: It is damaged, or of a version with other kinds.
    """
    body = _with_named_stages(event.kind, event.body, finals)
    return KINDS[event.kind].from_json(body, event.trial)


def _with_named_stages(kind: str, body: Mapping[str, Any], finals: int) -> Mapping[str, Any]:
    """A body of the time when stages were numbers, with stages by name; any other as it is.

    They were -1 for the baseline, 0 for the search, then the `finals`, and after them the refit.
    """

    def named(given: Mapping[str, Any]) -> dict[str, Any]:
        stage = given["stage"]
        if not isinstance(stage, int):
            return dict(given)
        known: dict[int, Stage] = {-1: BASELINE, 0: SEARCH, finals + 1: REFIT}
        return {**given, "stage": (known.get(stage) or Stage.final(stage)).to_json()}

    if kind in ("closed", "final"):
        body = named(body)
    if kind in ("proposed", "rejected", "finished"):
        body = {**body, "proposal": named(body["proposal"])}
    if kind == "final":
        body = {**body, "proposals": [named(each) for each in body["proposals"]]}
    if kind == "created" and body.get("known"):
        trials = [{**each, "proposal": named(each["proposal"])} for each in body["known"]]
        body = {**body, "known": trials}
    return body
