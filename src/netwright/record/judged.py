"""How far a network is from another model, how sure that is, and that in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from netwright.tasks import Metric

_SURE = 0.9  # of the better side, from which on one model is called better


@dataclass(frozen=True)
class Beside:
    """The network of a run beside a reference or a well-known network, `name`, on some rows.

    `difference` is how much better the network's metric is, below 0 if it is worse, and `error` its
    standard error, on the same `rows` of a `part`.
    """

    kind: Literal["reference", "design"]
    name: str
    metric: str
    part: Literal["test", "validation"]
    rows: int
    difference: float
    error: float

    @property
    def probability(self) -> float:
        """How probable it is, from 0 to 1, that the network is better on all such rows.

        The normal approximation; one half where the two cannot be told apart at all.
        """
        if not self.error:
            return 0.5 + 0.5 * ((self.difference > 0) - (self.difference < 0))
        return 0.5 * (1 + math.erf(self.difference / self.error / math.sqrt(2)))

    @property
    def verdict(self) -> Literal["better", "below", "not told apart"]:
        """What is said of it: one of them is better only where 90 % or more speak for it."""
        sure = self.probability
        if sure >= _SURE:
            return "better"
        return "below" if sure <= 1 - _SURE else "not told apart"

    def told(self, metric: Metric) -> str:
        """It in a sentence; `metric` is that of this name."""
        size, error = (_shown(metric, abs(self.difference)), _shown(metric, self.error))
        unit = " points" if metric.fraction else ""
        by = f"{size} ± {error}{unit} of {metric.name}"
        known = self.name if self.kind == "reference" else f"{self.name}, a well-known network,"
        where = f"on {self.rows:,} {self.part} rows"
        sure = self.probability
        more = max(sure, 1 - sure)
        most = "more than 99 %" if more > 0.99 else f"{100 * more:.0f} %"
        side = "better" if self.difference >= 0 else "worse"
        if self.verdict == "better":
            told = f"Beats {known} by {by} {where} ({most} sure)."
        elif self.verdict == "below":
            told = f"Is below {known} by {by} {where} ({most} sure)."
        else:
            told = f"Cannot be told from {known} yet: {by} {side} {where} ({most} sure)."
        if self.part == "validation":
            told += " These rows also chose it, so this is a little too good."
        return told

    def summary(self) -> dict[str, Any]:
        """It with what follows from it, for who reads JSON."""
        return self.to_json() | {"probability": self.probability, "verdict": self.verdict}

    def to_json(self) -> dict[str, Any]:
        """As the log has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(**body)


def _shown(metric: Metric, value: float) -> str:
    """A difference as people read it: of shares in points of a hundred."""
    return f"{100 * value:.1f}" if metric.fraction else f"{value:.2g}"
