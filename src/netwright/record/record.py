"""A run as its log tells it: the one fold of the events, while it runs and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from netwright.objective import Limit, MetricName, Objective
from netwright.record.events import (
    CandidatesNamed,
    Chosen,
    Claimed,
    Confirmed,
    Created,
    Ended,
    Examined,
    Exported,
    FinalistsChosen,
    Finished,
    Interrupted,
    Judged,
    Measured,
    MemoryPlanned,
    Noted,
    Proposed,
    Rehearsed,
    Rejected,
    Reopened,
    Restarted,
    SchedulesPlanned,
    SessionBegan,
    SharedEpoch,
    Sketched,
    StageClosed,
    Tested,
    TimePlanned,
    TurnedDown,
)
from netwright.record.fact import Fact, TrialFact
from netwright.record.place import Place, Rejection
from netwright.record.rows import read
from netwright.space import Architecture
from netwright.store.base import Event
from netwright.targets import logged
from netwright.tasks import Metric, metrics_of, upgraded
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
    last_final,
)

RunStatus = Literal["unfinished", "interrupted", "done", "failed"]


@dataclass
class Record:
    """What the log of a run says.

    It changes by `apply` alone, which takes the next event. `settings` are those the run was
    created with; `seconds` is wall time in all sessions; `last` is the id of the last event.

    Of trials: `open` are those that are not finished, by number; `next_number` is that of the next
    new one, `firsts` those of the first of each stage; `tried` are the networks that were proposed
    (their key, and budget); `refused` counts proposals that cost more than a limit allows, before
    they were measured. `attempts` maps a trial to the last attempt at a job of it, also when
    it has ended. `closed` maps a stage to why it ended, `finalists` one to what it trains.

    Of a bound on the minutes: `time_plan` is how they are divided, `schedules` what can be afforded
    after the search; None where there is no bound, or before that was known. `too_slow` are, by the
    seconds of the share that a trial had then, how many networks were turned down since their
    training was forecast to take more, and the seconds of the least and of the largest forecast.

    Of results: `confirmed` are metrics of finalists measured again on the idle machine, which
    replace those of their trials (`remeasured`: whether that was done); `choice` is which network
    of the last stage was taken, None where its figure decided, and `judged` how far the network of
    the run is from what it is compared with; `tested` maps a trial to
    its metrics on the test part; `sketches` maps a trial to the drawing of its network (see
    `netwright.drawing.Sketch`) and `examined` to what it answers on the test part in detail (see
    `netwright.tasks.examined`); `has_weights` says whether the weights of a trial were kept.
    `rehearsal` is how the export was tried before, `reopened` how often the run went on after its
    end, `losses` has what could not be done at the end,
    by its step.

    Of a one-shot search: `shared` maps an epoch to what was logged of it; `candidates` are the
    networks it named, None before that, `shared_scores` their first metric of the task on the
    validation part with shared weights, and `random` those that were drawn at random. `memory` is
    how its steps fit in memory.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    created: float = 0.0
    status: RunStatus = "unfinished"
    reason: str = ""
    seconds: float = 0.0
    history: History = field(default_factory=History)
    rejections: list[Rejection] = field(default_factory=list)
    attempts: dict[int, int] = field(default_factory=dict)
    open: dict[int, Place] = field(default_factory=dict)
    next_number: int = 0
    firsts: dict[Stage, int] = field(default_factory=dict)
    tried: set[tuple[str, Budget | None]] = field(default_factory=set)
    refused: int = 0
    closed: dict[Stage, str] = field(default_factory=dict)
    finalists: dict[Stage, tuple[Proposal, ...]] = field(default_factory=dict)
    time_plan: TimePlanned | None = None
    schedules: SchedulesPlanned | None = None
    too_slow: dict[float, tuple[int, float, float]] = field(default_factory=dict)
    remeasured: bool = False
    confirmed: dict[int, Mapping[str, float]] = field(default_factory=dict)
    choice: Chosen | None = None
    judged: Judged | None = None
    tested: dict[int, Mapping[str, float]] = field(default_factory=dict)
    reference: Mapping[str, Any] | None = None
    sketches: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    examined: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    exported: Exported | None = None
    rehearsal: Rehearsed | None = None
    reopened: int = 0
    losses: dict[str, str] = field(default_factory=dict)
    shared: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    candidates: tuple[Architecture, ...] | None = None
    shared_scores: dict[Architecture, float] = field(default_factory=dict)
    random: set[Architecture] = field(default_factory=set)
    memory: Mapping[str, Any] | None = None
    last: int = 0
    time: float | None = None  # of the last event of a session
    old_target: str | None = None  # of metrics that do not say theirs
    has_weights: Callable[[int], bool] = field(
        default=lambda trial: False, repr=False, compare=False
    )

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What is wanted."""
        return tuple(
            Objective(MetricName(o["metric"]), o["direction"]) for o in self.settings["objectives"]
        )

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics of the task, or of own training, that of the first objective first."""
        return metrics_of(self.settings)

    @property
    def metric(self) -> Metric:
        """The metric of the first objective, or of the task: what people ask about first."""
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

    @property
    def reference_name(self) -> str:
        """What the reference is called, with its rows where they are not all; empty without one."""
        if not self.reference:
            return ""
        name, rows = self.reference["name"], self.reference.get("rows", 0)
        of = self.reference.get("of", rows)
        return f"{name} (on {rows:,} of {of:,} rows)" if rows < of else str(name)

    @property
    def notes(self) -> list[str]:
        """What a person must know of the result: what could not be done, and which forms lack.

        Forms that failed in the rehearsal are told as long as there is no export.
        """
        known, best = self.exported or self.rehearsal, self.best
        forms = known.notes if known is not None else ()
        told = [text for text in self.losses.values() if not _said(text, forms)]
        told += forms
        if best is not None and (untrained := self.untrained(best)):
            told.append(untrained)
        if self.reopened and len(self.tested) > 1 and len(self.objectives) == 1:
            told.append(f"The run went on after its end: {len(self.tested)} networks were tested.")
        return list(dict.fromkeys(told))

    def untrained(self, trial: Trial) -> str:
        """What must be said of a network whose training left it as it was; empty for others."""
        return f"NOT TRAINED: {trial.reason}." if trial.done and trial.reason else ""

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits, without the objects that measure."""
        return tuple(
            Limit(MetricName(o["metric"]), o["bound"], least=o.get("least", False))
            for o in self.settings["limits"]
        )

    @property
    def stage(self) -> Stage:
        """The latest stage with a trial that may be returned; the search if there is none."""
        return max(self._stages)

    @property
    def final_stage(self) -> Stage:
        """The latest stage that was scored on the validation part: the one before a refit."""
        last = last_final(len(self.settings["finals"]))
        return max(stage for stage in self._stages if stage <= last)

    @property
    def _stages(self) -> set[Stage]:
        stages = {t.proposal.stage for t in self.history.allowed(self.limits)}
        return {SEARCH, *stages} - {BASELINE, RECHECK}

    @property
    def best(self) -> Trial | None:
        """The network that was exported at the end; before, the best of the latest stage.

        Of equals it is one whose weights were kept.
        """
        if self.status == "done" and self.exported is not None:
            return next(t for t in self.history if t.number == self.exported.number)
        found = self.history.candidates(self.limits, self.stage)
        return self.taken([t for t in found if self.has_weights(t.number)] or found)

    def taken(self, trials: Sequence[Trial]) -> Trial | None:
        """Of trials of the latest stage the one of the network that was chosen, else the best."""
        chosen = None if self.choice is None else self.history.numbered(self.choice.number)
        own = [t for t in trials if chosen and t.architecture == chosen.architecture]
        return best_of(own or trials, self.objectives[0])

    @property
    def front(self) -> list[Trial]:
        """The trials of the latest stage that no other dominates."""
        return front_of(self.history.candidates(self.limits, self.stage), self.objectives)

    @property
    def running(self) -> dict[int, Proposal]:
        """The proposals of trials that are not finished, by number."""
        return {n: place.proposal for n, place in self.open.items() if place.proposal is not None}

    def first(self, stage: Stage) -> int:
        """The number of the first trial of a stage, also before it has one."""
        return self.firsts.get(stage, self.next_number)

    # -- the fold ---------------------------------------------------------------------------------

    def apply(self, event: Event) -> Fact:
        """Take the next event of the log; returns what it says.

        Raises:
            LookupError, TypeError, ValueError: It is damaged, or of a version with other kinds.
        """
        if event.kind == "created":
            self.old_target = logged.old_target(event.body)
        body = logged.with_targets(event.kind, event.body, self.old_target)
        fact = read(replace(event, body=body), len(self.settings.get("finals", ())))
        begins = isinstance(fact, SessionBegan | Reopened)
        if self.time is not None and not begins:
            self.seconds += event.time - self.time
        self.time = event.time if begins or self.time is not None else None
        if isinstance(fact, TrialFact):
            self._apply_to_trial(fact)
        elif isinstance(fact, Created):
            self.settings, self.created = logged.upgraded(upgraded(fact.body)), event.time
        else:
            self._apply_to_run(fact)
        self.last = event.id
        return fact

    def _apply_to_trial(self, fact: TrialFact) -> None:
        number = fact.trial
        place = self.open.get(number, Place())
        match fact:
            case Proposed(attempt=attempt, proposal=proposal, seed=seed):
                self.open[number] = replace(
                    place, attempt=attempt, proposal=proposal, measured=None, seed=seed
                )
                self.firsts.setdefault(proposal.stage, number)
                self.next_number = max(self.next_number, number + 1)
                self.tried.add((fact.key, proposal.budget))
                self.refused += fact.refused
            case Claimed(attempt=attempt, owner=owner):
                self.attempts[number] = attempt
                if number in self.open:
                    self.open[number] = replace(place, owner=owner)
            case Measured(metrics=metrics):
                self.open[number] = replace(place, measured=metrics)
            case Rejected(proposal=proposal, metrics=metrics, reason=reason):
                share = self.time_plan.share.seconds if self.time_plan else None
                self.rejections.append(Rejection(number, proposal, metrics, reason, share))
                self.open[number] = Place(fact.attempt + 1, restarts=place.restarts)
            case Restarted():
                self.open[number] = replace(place, restarts=place.restarts + 1)
            case Finished(result=trial):
                self.open.pop(number, None)
                self.history.append(trial)
            case Sketched(body=body):
                self.sketches[number] = body
            case Examined(body=body):
                self.examined[number] = body

    def _apply_to_run(self, fact: Fact) -> None:
        match fact:
            case SessionBegan():
                self.status, self.reason = "unfinished", ""
            case Reopened():
                self._reopen(fact)
            case Rehearsed():
                self.rehearsal = fact
            case StageClosed(stage=stage, reason=reason):
                self.closed[stage] = reason
                self.open.clear()
            case TimePlanned():
                self.time_plan = fact
            case TurnedDown(count=count, least=least, largest=largest):
                share = self.time_plan.share.seconds if self.time_plan else 0.0
                before = self.too_slow.get(share, (0, least, largest))
                ends = min(least, before[1]), max(largest, before[2])
                self.too_slow[share] = (before[0] + count, *ends)
            case SchedulesPlanned():
                self.schedules = fact
            case FinalistsChosen(stage=stage, proposals=proposals):
                self.finalists[stage] = proposals
            case Confirmed(trials=trials):
                self.remeasured, self.confirmed = True, dict(trials)
                self.history = self.history.corrected(trials)
            case Chosen():
                self.choice = fact
            case Judged():
                self.judged = fact
            case Tested(trials=trials, reference=reference):
                self.tested = {**self.tested, **trials}
                self.reference = reference or self.reference
            case SharedEpoch(body=body):
                self.shared[fact.epoch] = body
            case MemoryPlanned(body=body):
                self.memory = body
            case CandidatesNamed(networks=networks):
                self.candidates = tuple(each.architecture for each in networks)
                self.shared_scores = {each.architecture: each.score for each in networks}
                self.random = {each.architecture for each in networks if each.random}
            case Noted(step=step, text=text):
                self.losses.pop(step, None)
                if text:
                    self.losses[step] = text
            case Exported():
                self.exported = fact
            case Interrupted(reason=reason):
                self.status, self.reason = "interrupted", reason
            case Ended(status=status, reason=reason):
                self.status, self.reason = status, reason

    def _reopen(self, fact: Reopened) -> None:
        """Let the search go on after its trials so far, and whatever follows it be chosen anew."""
        self.settings, self.reopened = fact.among(self.settings), self.reopened + 1
        self.status, self.reason = "unfinished", ""
        searched = sum(trial.proposal.stage.is_search for trial in self.history)
        self.firsts = {s: n for s, n in self.firsts.items() if s == BASELINE}
        self.firsts[SEARCH] = self.next_number - searched
        self.closed = {s: why for s, why in self.closed.items() if s == BASELINE}
        self.finalists, self.schedules, self.remeasured, self.choice = {}, None, False, None
        self.open.clear()
        if fact.minutes is None:
            self.time_plan = None


def _said(text: str, notes: Sequence[str]) -> bool:
    """Whether a text is made of some of these notes, so that it says nothing beside them."""
    for note in notes:
        text = text.replace(note, "")
    return not text.strip()
