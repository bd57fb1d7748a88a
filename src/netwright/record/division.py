"""How the minutes of a run are divided, as its log has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Division:
    """How the minutes of a run are divided, in seconds since it began.

    `whole` is the bound, `start` what had passed before the first trial, `end` what test, export
    and report will take, `slots` the number of workers.
    """

    whole: float
    start: float
    end: float
    slots: int

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(**body)


@dataclass(frozen=True)
class Share:
    """What a trial has of the minutes: `epochs` that may take `seconds`.

    `macs` is the bound on multiplications that follows from it, None where there is none, and
    `designs` are such bounds of well-known networks, by name, so that their last training fits.
    """

    epochs: int
    seconds: float
    macs: float | None
    designs: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(**body)
