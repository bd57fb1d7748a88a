"""Proposals, trials and the history they make: the only state of a run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import total_ordering
from typing import Any, Literal, get_args, overload

import numpy as np

from netwright.errors import SettingError
from netwright.objective import Limit, Objective, crowding, undominated
from netwright.space import Architecture

Status = Literal["done", "failed", "invalid", "timeout", "oom", "preempted"]
STATUSES: tuple[Status, ...] = get_args(Status)


_KINDS = ("search", "baseline", "final", "recheck", "refit")  # in the order they follow in


@total_ordering
@dataclass(frozen=True)
class Stage:
    """A part of a run: the search, random networks beside it, the finals 1, 2, ..., and the refit.

    In the recheck, after the last final, those are trained again that its rows could not tell
    apart. Stages are ordered as they follow each other. `number` is that of a final, else 0.
    """

    kind: Literal["search", "baseline", "final", "recheck", "refit"]
    number: int = 0

    def __post_init__(self) -> None:
        if self.kind not in _KINDS or (self.number >= 1) != (self.kind == "final"):
            raise ValueError(
                f"`Stage(kind, number)` must be one of {', '.join(_KINDS)}, with a number from 1 "
                f"for a final alone, got {self.kind!r} and {self.number!r}."
            )

    @classmethod
    def final(cls, number: int) -> Stage:
        """The final of this number, from 1."""
        return cls("final", number)

    @property
    def is_search(self) -> bool:
        """Whether the strategy proposes here."""
        return self.kind == "search"

    @property
    def is_baseline(self) -> bool:
        """Whether random networks are trained here, to compare the search with."""
        return self.kind == "baseline"

    @property
    def is_final(self) -> bool:
        """Whether the best of the stage before are trained for longer here."""
        return self.kind == "final"

    @property
    def is_recheck(self) -> bool:
        """Whether finalists are trained again as long, by another seed, to be told apart."""
        return self.kind == "recheck"

    @property
    def is_refit(self) -> bool:
        """Whether what was chosen is trained on the validation part too."""
        return self.kind == "refit"

    @property
    def explores(self) -> bool:
        """Whether networks are tried here that were not chosen from an earlier stage."""
        return self.is_search or self.is_baseline

    def __lt__(self, other: Stage) -> bool:
        if not isinstance(other, Stage):
            return NotImplemented
        return (_KINDS.index(self.kind), self.number) < (_KINDS.index(other.kind), other.number)

    def __str__(self) -> str:
        return f"final {self.number}" if self.is_final else self.kind

    def to_json(self) -> str:
        """`search`, `baseline`, `final 1`, ..., `recheck` or `refit`."""
        return str(self)

    @classmethod
    def from_json(cls, text: str) -> Stage:
        """The stage that `to_json` wrote.

        Raises:
            ValueError: There is no such stage.
        """
        kind, _, number = text.partition(" ")
        return cls(kind, int(number or 0))  # type: ignore[arg-type]


SEARCH, BASELINE = Stage("search"), Stage("baseline")
RECHECK, REFIT = Stage("recheck"), Stage("refit")


def last_final(count: int) -> Stage:
    """The last stage that is scored on the validation part, in a run of so many finals."""
    return Stage.final(count) if count else SEARCH


@dataclass(frozen=True)
class Budget:
    """How long to train: `amount` epochs of a schedule that is `horizon` epochs long.

    Without a horizon it is the whole schedule. Budgets of one horizon are parts of one training:
    what the shorter one leaves is where the longer one goes on.

    Raises:
        SettingError: They are no whole numbers, or not 1 <= amount <= horizon.
    """

    amount: int
    horizon: int = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        given: int | None = self.horizon
        if given is None:
            object.__setattr__(self, "horizon", self.amount)
        whole = type(self.amount) is int and type(self.horizon) is int
        if not (whole and 1 <= self.amount <= self.horizon):
            raise SettingError(
                "`Budget(amount, horizon)` must be whole numbers of epochs, at least 1, and the "
                f"amount no more than the horizon, got {self.amount!r} and {self.horizon!r}."
            )

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole schedule, to its end."""
        return self.amount == self.horizon

    def __str__(self) -> str:
        return str(self.amount) if self.is_whole else f"{self.amount} of {self.horizon}"

    def to_json(self) -> dict[str, int]:
        """A JSON object."""
        return {"amount": self.amount, "horizon": self.horizon}

    @classmethod
    def from_json(cls, body: Mapping[str, int]) -> Budget:
        """The budget that `to_json` wrote."""
        return cls(body["amount"], body["horizon"])


def size_of(budget: Budget | None) -> tuple[int, int]:
    """What budgets are ordered by: epochs, and of as many the end of a schedule; None is least."""
    return (0, 0) if budget is None else (budget.amount, -budget.horizon)


@dataclass(frozen=True)
class Proposal:
    """What is to be evaluated: an architecture, a budget, and where it came from.

    `budget` None means the evaluator's own. `parent` is the number of the trial whose architecture
    was changed, or that goes on. `design` is the name of the well-known network that it is.

    Raises:
        SettingError: The budget is neither a `Budget` nor None.
    """

    architecture: Architecture
    budget: Budget | None = None
    parent: int | None = None
    stage: Stage = SEARCH
    design: str | None = None

    def __post_init__(self) -> None:
        if self.budget is not None and not isinstance(self.budget, Budget):
            raise SettingError(
                "`Proposal(budget=...)` must be a `netwright.Budget` or None, got "
                f"{self.budget!r}; for so many epochs give `Budget(epochs)`."
            )

    @property
    def epochs(self) -> int | None:
        """The epochs of its budget; None for the evaluator's own."""
        return None if self.budget is None else self.budget.amount

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "architecture": dict(self.architecture.answers),
            "budget": None if self.budget is None else self.budget.to_json(),
            "parent": self.parent,
            "stage": self.stage.to_json(),
            **({"design": self.design} if self.design is not None else {}),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Proposal:
        """The proposal that `to_json` wrote; older ones have `epochs` of a whole schedule."""
        architecture = Architecture.from_answers(body["architecture"])
        stage = Stage.from_json(body["stage"])
        if "budget" in body:
            budget = None if body["budget"] is None else Budget.from_json(body["budget"])
        else:
            budget = None if body["epochs"] is None else Budget(body["epochs"])
        return cls(architecture, budget, body["parent"], stage, body.get("design"))


@dataclass(frozen=True)
class Trial:
    """A proposal that was evaluated.

    `metrics` are floats by name, "latency_ms@pytorch" where a target measured it; `curve` has one
    mapping an epoch; `seconds` is wall time, `cpu_seconds` processor time of the worker;
    `reason` says why a trial is not `done`; `fingerprint` is that of the built network. `seed` is
    the candidate's: its weights and the order of its batches follow from it. None where the log is
    of the time before it was written.
    """

    number: int
    proposal: Proposal
    status: Status
    metrics: Mapping[str, float] = field(default_factory=dict)
    curve: tuple[Mapping[str, float], ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    reason: str = ""
    fingerprint: str = ""
    seed: int | None = None

    @property
    def architecture(self) -> Architecture:
        """The architecture that was evaluated."""
        return self.proposal.architecture

    @property
    def trained_epochs(self) -> int | None:
        """After how many epochs it was over; None where it reported none."""
        last = self.curve[-1].get("epoch", math.nan) if self.curve else math.nan
        return int(last) if math.isfinite(last) and last >= 1 else None

    @property
    def done(self) -> bool:
        """Whether the trial ended well, with metrics."""
        return self.status == "done"

    def to_json(self) -> dict[str, Any]:
        """A JSON object; NaN and infinities become None."""
        return {
            "number": self.number,
            "proposal": self.proposal.to_json(),
            "status": self.status,
            "metrics": metrics_to_json(self.metrics),
            "curve": [metrics_to_json(point) for point in self.curve],
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "reason": self.reason,
            "fingerprint": self.fingerprint,
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Trial:
        """The trial that `to_json` wrote."""
        return cls(
            number=body["number"],
            proposal=Proposal.from_json(body["proposal"]),
            status=body["status"],
            metrics=metrics_from_json(body["metrics"]),
            curve=tuple(metrics_from_json(point) for point in body["curve"]),
            seconds=body["seconds"],
            cpu_seconds=body["cpu_seconds"],
            reason=body["reason"],
            fingerprint=body["fingerprint"],
            seed=body.get("seed"),
        )


class History(Sequence[Trial]):
    """The trials in the order of their completion. Appended to by the loop only."""

    def __init__(self, trials: Sequence[Trial] = ()) -> None:
        self._trials = list(trials)
        self._by_number = {trial.number: trial for trial in trials}

    def append(self, trial: Trial) -> None:
        """Add a trial that has just ended."""
        self._trials.append(trial)
        self._by_number[trial.number] = trial

    def numbered(self, number: int | None) -> Trial | None:
        """The trial of this number, None if it has not ended."""
        return None if number is None else self._by_number.get(number)

    def corrected(self, metrics: Mapping[int, Mapping[str, float]]) -> History:
        """A copy in which metrics of some trials, by number, were measured anew.

        They replace those of every trial of the same architecture.
        """
        anew = {t.architecture: metrics[t.number] for t in self if t.number in metrics}
        return History(
            [replace(t, metrics={**t.metrics, **anew.get(t.architecture, {})}) for t in self]
        )

    @overload
    def __getitem__(self, index: int) -> Trial: ...

    @overload
    def __getitem__(self, index: slice) -> list[Trial]: ...

    def __getitem__(self, index: int | slice) -> Trial | list[Trial]:
        return self._trials[index]

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self._trials)

    def allowed(self, limits: Sequence[Limit], stage: Stage | None = None) -> list[Trial]:
        """The trials that are done, keep every limit, and are of `stage` if one is given."""
        return [
            trial
            for trial in self._trials
            if trial.done
            and (stage is None or trial.proposal.stage == stage)
            and not any(limit.excess(trial.metrics) for limit in limits)
        ]

    def candidates(self, limits: Sequence[Limit], stage: Stage) -> list[Trial]:
        """The allowed ones of a stage that had the largest budget, so that they compare.

        A refit may end after the epoch that was best; its figures are of before, and compare.
        """
        found = self.allowed(limits, stage)
        return found if stage.is_refit else next(iter(by_budget(found)), [])


def by_budget(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Trials whose scores compare, those of the largest budget first; each architecture once.

    All are of one budget unless a stopper names budgets, as Hyperband does.
    """
    groups: dict[Budget | None, list[Trial]] = {}
    seen: set[Architecture] = set()
    for trial in sorted(trials, key=lambda t: size_of(t.proposal.budget), reverse=True):
        if trial.proposal.budget is None or trial.architecture not in seen:
            groups.setdefault(trial.proposal.budget, []).append(trial)
        seen.add(trial.architecture)
    return list(groups.values())


def best_of(trials: Sequence[Trial], objective: Objective) -> Trial | None:
    """The trial with the largest gain, the earliest of equals; None when there is none."""
    ranked = sorted(trials, key=lambda t: (-objective.gain(t.metrics), t.number))
    return ranked[0] if ranked and objective.gain(ranked[0].metrics) > -math.inf else None


def front_of(trials: Sequence[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    """The trials that no other dominates, sorted by the last objective from small to large."""
    gains = [[o.gain(t.metrics) for o in objectives] for t in trials]
    whole = [i for i, gain in enumerate(gains) if -math.inf not in gain]
    seen: dict[tuple[float, ...], int] = {}
    for place in undominated(np.array([gains[i] for i in whole]).reshape(-1, len(objectives))):
        seen.setdefault(tuple(gains[whole[place]]), whole[place])
    return sorted(
        (trials[i] for i in seen.values()), key=lambda t: t.metrics[objectives[-1].metric]
    )


def ranked(trials: Sequence[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    """Trials from best to worst: by gain for one objective, else by front and then by crowding.

    Non-dominated sorting and crowding distance as in NSGA-II (Deb et al., 2002). Trials that lack a
    metric are left out; equals keep the order of their numbers.
    """
    whole = [t for t in trials if all(o.gain(t.metrics) > -math.inf for o in objectives)]
    left = sorted(whole, key=lambda t: t.number)
    if len(objectives) == 1:
        return sorted(left, key=lambda t: -objectives[0].gain(t.metrics))
    order: list[Trial] = []
    while left:
        front = front_of(left, objectives)
        gains = [[o.gain(t.metrics) for o in objectives] for t in front]
        spread = crowding(np.array(gains))
        order += [front[i] for i in sorted(range(len(front)), key=lambda i: -spread[i])]
        taken = {t.number for t in front}
        left = [t for t in left if t.number not in taken]
    return order


def metrics_to_json(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Metrics as a JSON object, which has neither NaN nor infinities: they become None."""
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def metrics_from_json(body: Mapping[str, float | None]) -> dict[str, float]:
    """The metrics that `metrics_to_json` wrote; None becomes NaN."""
    return {name: math.nan if value is None else value for name, value in body.items()}
