"""What a one-shot search names: a network, and what shared weights say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netwright.space import Architecture
from netwright.tasks import shared_score_of


@dataclass(frozen=True)
class SharedCandidate:
    """A network to be trained alone, and its score on the validation part with shared weights.

    `random` ones were drawn without regard to what was learned.
    """

    architecture: Architecture
    score: float
    random: bool

    def to_json(self) -> dict[str, Any]:
        """As the log has it."""
        answers = dict(self.architecture.answers)
        return {
            "answers": answers,
            "score": self.score,
            "random": self.random,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> SharedCandidate:
        """The candidate that `to_json` wrote."""
        architecture = Architecture.from_answers(body["answers"])
        return cls(architecture, shared_score_of(body), body["random"])
