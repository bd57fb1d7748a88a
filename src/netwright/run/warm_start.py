"""What a new run knows from an older one, where their architectures agree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from netwright.errors import SettingError
from netwright.record.reading import read_record
from netwright.record.record import Record
from netwright.run.finals import promoted
from netwright.run.fingerprint import comparable
from netwright.run.plan import Plan
from netwright.space import adopted
from netwright.store import Store
from netwright.trial import SEARCH, Trial, by_budget

_EQUAL = ("evaluator", "data", "targets", "fingerprints")
_CARRIED = 5  # of the best networks of a run on other data, as many as differ


def known_from(store: Store, name: str, plan: Plan, settings: dict[str, Any]) -> dict[str, Any]:
    """What the log of a new run says of the run `name`; `settings` are those of the new run.

    Of a run with the same data, training and targets these are the trials of its search whose
    architectures are members here, `known`, without their curves, in the order they ended. Of any
    other its metrics mean something else here; then it is some of its best architectures, `again`.

    Raises:
        SettingError: The run has other objectives, or none of its trials serves.
        StoreError: There is no such run.
    """
    record = read_record(store, name)
    if record.settings["objectives"] != settings["objectives"]:
        raise SettingError(
            f"`search(warm_start={name!r})` must be a run with the same objectives, got one with "
            f"{record.settings['objectives']!r}, where it is {settings['objectives']!r} now."
        )
    found = _members(record, plan)
    if not found:
        raise SettingError(
            f"`search(warm_start={name!r})` must be a run with trials whose architectures are "
            f"members of {plan.space.name!r}, got {len(record.history)} trials and none that is; "
            "see `netwright.space.adopted`."
        )
    then = record.settings
    if all(comparable(k, then.get(k)) == comparable(k, settings[k]) for k in _EQUAL):
        return {"known": [trial.to_json() for trial in found]}
    good = [t for t in found if t.done]
    best = promoted(next(iter(by_budget(good)), []), plan.objectives, _CARRIED)
    return {"again": [dict(trial.architecture.answers) for trial in best]}


def _members(record: Record, plan: Plan) -> list[Trial]:
    found = []
    for trial in record.history:
        if not trial.proposal.stage.explores:
            continue
        member = adopted(plan.space, trial.architecture)
        if member is not None:
            proposal = replace(trial.proposal, architecture=member, parent=None, stage=SEARCH)
            found.append(replace(trial, proposal=proposal, curve=()))
    return found
