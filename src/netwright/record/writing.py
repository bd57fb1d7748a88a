"""A fact of a run written to its log."""

from __future__ import annotations

from netwright.errors import StoreError
from netwright.record.fact import Fact, TrialFact
from netwright.store import Store


def write(store: Store, run: str, fact: Fact, *, after: int | None = None) -> int:
    """Append a fact to the log of a run; returns the id of its row.

    Raises:
        Conflict: `after` is given, and the last event of the run has another id.
        StoreError: The store does not say which id the event has.
    """
    trial = fact.trial if isinstance(fact, TrialFact) else None
    number: object = store.append(run, fact.kind, fact.to_json(), trial, after=after)
    if type(number) is not int:
        raise StoreError(
            f"`{type(store).__name__}.append(...)` must return the id of the event, a whole number "
            f"above all before, got {number!r}."
        )
    return number
