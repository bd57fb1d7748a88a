"""What a person wants to know of a run while it goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from netwright.objective import Limit, Objective
from netwright.record.events import TimePlanned
from netwright.tasks import USUAL, Metric
from netwright.trial import (
    BASELINE,
    RECHECK,
    SEARCH,
    Budget,
    History,
    Proposal,
    Stage,
    Trial,
    best_of,
    front_of,
)


@dataclass
class Flight:
    """A trial on its way: its proposal and seed, the budget it was given, the curve so far.

    `limit` are the seconds after which its training is ended, None where it is not.
    """

    number: int
    proposal: Proposal
    budget: Budget
    seed: int
    fingerprint: str = ""
    admitted: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)
    curve: list[Mapping[str, float]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    limit: float | None = None

    def seconds(self) -> float:
        """Wall seconds since it began."""
        return time.monotonic() - self.began


@dataclass(frozen=True)
class Progress:
    """A view of a run at one moment.

    `trials`, `minutes` and `epochs` are the bounds of the search, None where there is none;
    `expected` is how many trials the present final has; `seconds` is wall time in all sessions,
    `stage_seconds` that of the present stage in this session. While a one-shot search trains all
    networks at once, `shared` has its epochs: done, and in all. `metric` is the task's first;
    `planned` is how the minutes are divided, None without a bound, and `search_ends` when the
    search is to be over, in seconds as `seconds` counts them.
    """

    run: str
    stage: Stage
    finals: tuple[tuple[int, int], ...]
    trials: int | None
    minutes: float | None
    epochs: int | None
    objectives: tuple[Objective, ...]
    limits: tuple[Limit, ...]
    history: History
    flights: tuple[Flight, ...]
    rejected: int
    seconds: float
    epochs_spent: int
    slots: int
    expected: int
    stage_seconds: float
    shared: tuple[int, int] | None = None
    metric: Metric = USUAL[0]
    planned: TimePlanned | None = None
    search_ends: float = math.inf

    def counts(self) -> dict[str, int]:
        """Trials of the present stage by status, with `running`; `rejected` are of the search."""
        found = {"done": 0, "failed": 0, "running": len(self.flights), "rejected": self.rejected}
        for trial in self.history:
            if trial.proposal.stage == self.stage:
                found["done" if trial.done else "failed"] += 1
        return found

    def best(self) -> Trial | None:
        """The best trial within the limits so far, of the latest stage that has one."""
        stages = {t.proposal.stage for t in self.history} - {BASELINE, RECHECK}
        for stage in sorted(stages, reverse=True):
            best = best_of(self.history.candidates(self.limits, stage), self.objectives[0])
            if best is not None:
                return best
        return None

    def front(self) -> list[Trial]:
        """The trials of the search that no other dominates, within the limits."""
        return front_of(self.history.candidates(self.limits, SEARCH), self.objectives)

    def share(self) -> float | None:
        """How much of the present stage is done, 0 to 1; None if it cannot be said."""
        if self.shared is not None:
            return self.shared[0] / self.shared[1]
        if not self.stage.explores:
            counts = self.counts()
            running = sum(len(f.curve) / max(f.budget.amount, 1) for f in self.flights)
            ended = counts["done"] + counts["failed"]
            return min(1.0, (ended + running) / self.expected) if self.expected else None
        shares = []
        if self.trials and self.stage.is_search:
            counts = self.counts()
            shares.append((counts["done"] + counts["failed"]) / self.trials)
        if self.minutes:
            shares.append(self.seconds / (60 * self.minutes))
        if self.epochs:
            shares.append(self.epochs_spent / self.epochs)
        return min(1.0, max(shares)) if shares else None
