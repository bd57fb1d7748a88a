"""The record of a run out of a store, looked through for damage."""

from __future__ import annotations

from typing import get_args

from netwright.drawing.files import Sketch
from netwright.errors import StoreError
from netwright.record.artifacts import weights_key
from netwright.record.record import Record, RunStatus
from netwright.store.base import Store, events_of

_SETTINGS = {"space", "strategy", "objectives", "limits", "budget", "finals", "evaluator", "data"}


def read_record(store: Store, run: str) -> Record:
    """The record of a run.

    Raises:
        StoreError: There is no such run, or its log is damaged.
    """
    events = events_of(store, run)
    record = Record(run, has_weights=lambda trial: store.has(run, weights_key(trial)))
    try:
        for event in events:
            record.apply(event)
        _check(record)
        return record
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise StoreError(
            f"The log of the run {run!r} in {str(store)!r} is damaged or was written by "
            f"another version of netwright ({type(error).__name__}: {error})."
        ) from error


def _check(record: Record) -> None:
    """Look at what everyone reads, so that damage is found here."""
    missing = _SETTINGS - record.settings.keys()
    if missing:
        raise KeyError(f"no {min(missing)}")
    _ = record.best, record.limits, record.final_stage
    for sketch in record.sketches.values():
        Sketch.from_json(sketch)
    if record.status not in get_args(RunStatus):
        raise ValueError(f"status {record.status!r}")
