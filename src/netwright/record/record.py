"""A run as its log tells it: all that status, report and export need, without the user's code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from netwright.drawing.files import Sketch
from netwright.errors import StoreError
from netwright.objective import Limit, Objective
from netwright.record.artifacts import weights_key
from netwright.record.events import named_stages
from netwright.space import Architecture
from netwright.store import Event, Store
from netwright.tasks import Metric, metrics_of, shared_score_of, upgraded
from netwright.trial import (
    BASELINE,
    SEARCH,
    History,
    Proposal,
    Stage,
    Trial,
    best_of,
    front_of,
    last_final,
)

_SETTINGS = {"space", "strategy", "objectives", "limits", "budget", "finals", "evaluator", "data"}

RunStatus = Literal["unfinished", "interrupted", "done", "failed"]


@dataclass(frozen=True)
class Rejection:
    """A network that was not trained because it broke a limit when it was measured."""

    number: int
    proposal: Proposal
    metrics: Mapping[str, float]
    reason: str


@dataclass
class Record:
    """What the log of a run says.

    `settings` are those the run was created with; `closed` maps a stage to why it ended;
    `confirmed` are metrics of finalists measured again on the idle machine, which replace those of
    their trials; `tested` maps a trial to its metrics on the test part; `sketches` maps a trial to
    the drawing of its network (see `netwright.space.draw`); `seconds` is wall time in all sessions;
    `has_weights` says whether the weights of a trial were kept. Of a one-shot search
    `shared` maps an epoch to what was found in it, and `shared_scores` the networks it named to
    the task's first metric on the validation part with shared weights; `random` are those it drew
    at random. `memory` is how its steps fit in memory.
    """

    name: str
    settings: Mapping[str, Any]
    created: float
    status: RunStatus = "unfinished"
    reason: str = ""
    seconds: float = 0.0
    history: History = field(default_factory=History)
    rejections: list[Rejection] = field(default_factory=list)
    running: dict[int, Proposal] = field(default_factory=dict)
    closed: dict[Stage, str] = field(default_factory=dict)
    confirmed: dict[int, dict[str, float]] = field(default_factory=dict)
    tested: dict[int, dict[str, float]] = field(default_factory=dict)
    reference: Mapping[str, Any] | None = None
    sketches: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    exported: Mapping[str, Any] | None = None
    shared: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    random: set[Architecture] = field(default_factory=set)
    memory: Mapping[str, Any] | None = None
    shared_scores: dict[Architecture, float] = field(default_factory=dict)
    has_weights: Callable[[int], bool] = field(default=lambda trial: False, repr=False)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What is wanted."""
        return tuple(Objective(o["metric"], o["direction"]) for o in self.settings["objectives"])

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics of the task, the one that is searched for first."""
        return metrics_of(self.settings)

    @property
    def metric(self) -> Metric:
        """The first metric of the task: what people ask about first."""
        return self.metrics[0]

    def is_fraction(self, name: str) -> bool:
        """Whether a metric is one that people read in percent."""
        return any(metric.name == name and metric.fraction for metric in self.metrics)

    def tested_score(self, trial: Trial) -> float | None:
        """The task's first metric of a network on the test part; None where it was not scored."""
        return self.tested.get(trial.number, {}).get(self.metric.name)

    @property
    def reference_score(self) -> float | None:
        """The task's first metric of the reference on the test part; None without one."""
        return self.reference.get(self.metric.name) if self.reference else None

    def is_below_reference(self, trial: Trial) -> bool:
        """Whether the reference is better on the test part than this network."""
        name, tested, best = self.metric.name, self.tested_score(trial), self.reference_score
        if tested is None or best is None:
            return False
        gain = self.metric.objective.gain
        return gain({name: tested}) < gain({name: best})

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits, without the objects that measure."""
        return tuple(Limit(o["metric"], o["bound"]) for o in self.settings["limits"])

    @property
    def stage(self) -> Stage:
        """The latest stage with a trial that may be returned; the search if there is none."""
        stages = {t.proposal.stage for t in self.history.allowed(self.limits)}
        return max({SEARCH, *stages} - {BASELINE})

    @property
    def final_stage(self) -> Stage:
        """The latest stage that was scored on the validation part: the one before a refit."""
        return min(self.stage, last_final(len(self.settings["finals"])))

    @property
    def best(self) -> Trial | None:
        """The network that was exported at the end; before, the best of the latest stage.

        Of equals it is one whose weights were kept.
        """
        if self.status == "done" and self.exported is not None:
            return next(t for t in self.history if t.number == self.exported["trial"])
        found = self.history.candidates(self.limits, self.stage)
        kept = [t for t in found if self.has_weights(t.number)]
        return best_of(kept or found, self.objectives[0])

    @property
    def front(self) -> list[Trial]:
        """The trials of the latest stage that no other dominates."""
        return front_of(self.history.candidates(self.limits, self.stage), self.objectives)


def read_record(store: Store, run: str) -> Record:
    """The record of a run.

    Raises:
        StoreError: There is no such run, or its log is damaged.
    """
    events = store.events(run)
    try:
        record = _folded(run, events)
        record.has_weights = lambda trial: store.has(run, weights_key(trial))
        _check(record)
        return record
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise StoreError(
            f"The log of the run {run!r} in {str(store)!r} is damaged or was written by "
            f"another version of netwright ({type(error).__name__}: {error})."
        ) from error


def _folded(run: str, events: list[Event]) -> Record:
    record = Record(run, upgraded(events[0].body), events[0].time)
    session, last = None, events[0].time
    for event in events:
        if event.kind == "session":
            record.seconds += last - session if session is not None else 0.0
            session = event.time
            record.status, record.reason = "unfinished", ""
        body = named_stages(event.kind, event.body, len(record.settings["finals"]))
        _apply(record, replace(event, body=body))
        last = event.time
    record.seconds += last - session if session is not None else 0.0
    return record


def _check(record: Record) -> None:
    """Look at what everyone reads, so that damage is found here."""
    missing = _SETTINGS - record.settings.keys()
    if missing:
        raise KeyError(f"no {min(missing)}")
    _ = record.best, record.limits, record.final_stage
    if record.exported is not None:
        _ = record.exported["trial"], record.exported["directory"]
    for sketch in record.sketches.values():
        Sketch.from_json(sketch)
    if record.status not in get_args(RunStatus):
        raise ValueError(f"status {record.status!r}")


def _apply(record: Record, event: Event) -> None:
    body, number = event.body, event.trial
    if number is not None and event.kind == "proposed":
        record.running[number] = Proposal.from_json(body["proposal"])
    elif number is not None and event.kind == "rejected":
        proposal = record.running.pop(number, None) or Proposal.from_json(body["proposal"])
        record.rejections.append(Rejection(number, proposal, body["metrics"], body["reason"]))
    elif number is not None and event.kind == "finished":
        record.running.pop(number, None)
        record.history.append(Trial.from_json(body))
    elif event.kind == "closed":
        record.closed[Stage.from_json(body["stage"])] = body["reason"]
    elif event.kind == "confirmed":
        record.confirmed = {int(n): metrics for n, metrics in body["trials"].items()}
        record.history = record.history.corrected(record.confirmed)
    elif event.kind == "tested":
        record.tested = {int(n): metrics for n, metrics in body["trials"].items()}
        record.reference = body.get("reference")
    elif event.kind == "sketch" and number is not None:
        record.sketches[number] = body
    elif event.kind == "shared":
        record.shared[body["epoch"]] = body
    elif event.kind == "memory":
        record.memory = body
    elif event.kind == "named":
        record.shared_scores = {
            Architecture.from_answers(each["answers"]): shared_score_of(each)
            for each in body["networks"]
        }
        record.random = {
            Architecture.from_answers(each["answers"])
            for each in body["networks"]
            if each["random"]
        }
    elif event.kind == "exported":
        record.exported = body
    elif event.kind == "interrupted":
        record.status, record.reason = "interrupted", body.get("reason", "")
    elif event.kind == "ended":
        record.status, record.reason = body["status"], body["reason"]
