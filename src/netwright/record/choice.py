"""A network of the last stage beside the best one, as the log has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

DESIGN = "design"
"""What stands for a cost in the choice of a network that was taken as it is a well-known one."""


@dataclass(frozen=True)
class Finalist:
    """The trial of a network, its score, and how far that is behind the best one's.

    `score` is the mean of the first objective over its trainings, `seeds` of them, and `error` the
    standard error of that on `rows` rows. `behind` is 0 or more, and `behind_error` the standard
    error of that difference, on the same rows where both answered the same. Errors are None where
    nothing is known of rows. One that is `tied` cannot be told from the best one.
    """

    trial: int
    score: float
    seeds: int
    error: float | None
    rows: int | None
    behind: float
    behind_error: float | None
    tied: bool

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(**body)
