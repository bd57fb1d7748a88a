"""How far a trial is, and what became of proposals that it did not train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netwright.trial import Proposal


@dataclass(frozen=True)
class Rejection:
    """A network that was not trained because it broke a limit when it was measured.

    `share` are the seconds that a trial had then of the minutes, if these were bounded.
    """

    number: int
    proposal: Proposal
    metrics: Mapping[str, float]
    reason: str
    share: float | None = None


@dataclass(frozen=True)
class Place:
    """A trial that is not finished: its next attempt, and its proposal once it has one.

    `measured` is what was measured of the proposal before training, None before that; `restarts`
    counts the workers it lost. `seed` is that of its candidate, None where the log does not say;
    `owner` is who works on it.
    """

    attempt: int = 0
    proposal: Proposal | None = None
    measured: Mapping[str, float] | None = None
    restarts: int = 0
    seed: int | None = None
    owner: str = ""
