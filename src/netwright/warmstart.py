"""What a new run knows from an older one, where their architectures agree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from netwright.errors import SettingError
from netwright.plan import Plan
from netwright.record import read_record
from netwright.searches import SEARCH
from netwright.store import Store
from netwright.trial import Trial

_EQUAL = ("objectives", "evaluator", "data", "target")


def known_trials(store: Store, name: str, plan: Plan, settings: dict[str, Any]) -> list[Trial]:
    """The trials of the search stage of the run `name` whose architectures are members here.

    They come without their curves, in the order they ended; `settings` are those of the new run.

    Raises:
        SettingError: The run has other objectives, data or training, so that its metrics mean
            something else here; or none of its trials serves.
        StoreError: There is no such run.
    """
    record = read_record(store, name)
    for key in _EQUAL:
        if record.settings[key] != settings[key]:
            raise SettingError(
                f"`search(warm_start={name!r})` must be a run with the same {key}, got one with "
                f"{record.settings[key]!r}, where it is {settings[key]!r} now."
            )
    found = []
    for trial in record.history:
        if trial.proposal.stage > SEARCH:
            continue
        member = plan.space.adopted(trial.architecture)
        if member is not None:
            proposal = replace(trial.proposal, architecture=member, parent=None, stage=SEARCH)
            found.append(replace(trial, proposal=proposal, curve=()))
    if not found:
        raise SettingError(
            f"`search(warm_start={name!r})` must be a run with trials whose architectures are "
            f"members of {plan.space.name!r}, got {len(record.history)} trials and none that is; "
            "see `Space.adopted`."
        )
    return found
