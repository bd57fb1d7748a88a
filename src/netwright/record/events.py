"""The events of a run's log: one class for each kind, with what it says and its JSON.

The store keeps an event as a row: an id, a time, a kind, the number of a trial and a body. Here a
fact becomes a row; in `record.rows` a row becomes a fact. In `record.record` they add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from netwright.record.choice import Finalist
from netwright.record.division import Division, Share
from netwright.record.fact import (
    Fact,
    Metrics,
    MetricsByTrial,
    TrialFact,
    WholeFact,
    WholeTrialFact,
)
from netwright.record.judged import Beside
from netwright.record.shared_candidate import SharedCandidate
from netwright.space import Architecture
from netwright.trial import Proposal, Stage, Trial


@dataclass(frozen=True)
class Created(WholeFact):
    """The run was created; the body is its settings, and what it knows of an older run.

    `known` are trials of one with the same data and training; `again` are architectures of one on
    other data, to be tried first. Without such a run `first` is what the space has for that.
    """

    kind = "created"

    @property
    def known(self) -> list[Trial]:
        """The trials of an older run that the strategy is to know."""
        return [Trial.from_json(body) for body in self.body.get("known", ())]

    @property
    def again(self) -> list[Architecture]:
        """The architectures of an older run on other data that are tried first."""
        return [Architecture.from_answers(answers) for answers in self.body.get("again", ())]

    @property
    def first(self) -> list[tuple[str | None, list[Architecture]]]:
        """Designs by name and then others without one; the members of each, large ones first."""
        return [
            (each.get("name"), [Architecture.from_answers(answers) for answers in each["members"]])
            for each in (*self.body.get("designs", ()), *self.body.get("portfolio", ()))
        ]


@dataclass(frozen=True)
class SessionBegan(Fact):
    """A process began, or went on, to work on the run."""

    kind = "session"


@dataclass(frozen=True)
class StageClosed(Fact):
    """A stage is over, and why."""

    kind = "closed"

    stage: Stage
    reason: str


@dataclass(frozen=True)
class Reopened(Fact):
    """A run that was over goes on with its search, within other bounds of all of it."""

    kind = "reopened"

    trials: int | None
    minutes: float | None
    epochs: int | None

    def among(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a run with these bounds, also in the call that it is begun by."""
        bounds = {"trials": self.trials, "minutes": self.minutes, "epochs": self.epochs}
        call = settings["call"]
        return {
            **settings,
            "budget": {**settings["budget"], **bounds},
            "call": None if call is None else {**call, **bounds},
        }


@dataclass(frozen=True)
class FinalistsChosen(Fact):
    """What a final or the refit is to train."""

    kind = "final"

    stage: Stage
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True)
class Rehearsed(Fact):
    """The export was tried before the first training, with networks that were not trained.

    `networks` were tried in the `seconds`; `ending` are those of a whole export, where minutes are
    bounded. `notes` say which forms cannot be made, and why.
    """

    kind = "rehearsed"

    networks: int
    seconds: float
    ending: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TimePlanned(Fact):
    """How the minutes are divided, and what a trial has of them.

    `examples` are random networks whose steps were timed: params, macs, steps, batch, seconds; and
    `known` are such of well-known ones.
    """

    kind = "time"

    division: Division
    share: Share
    examples: tuple[Mapping[str, float], ...]
    known: tuple[Mapping[str, float], ...] = ()


@dataclass(frozen=True)
class TurnedDown(Fact):
    """So many proposals in a row would have taken more seconds than their share of the minutes.

    `least` and `largest` are what their trainings were forecast to take.
    """

    kind = "slow"

    stage: Stage
    count: int
    least: float
    largest: float


@dataclass(frozen=True)
class SchedulesPlanned(Fact):
    """What can be afforded after the search: finals of (networks, epochs), and epochs of the refit.

    A refit of 0 epochs is none. `late`: whether a last final that is long tries late answers.
    """

    kind = "schedules"

    finals: tuple[tuple[int, int], ...]
    refit: int
    late: bool = True


@dataclass(frozen=True)
class Confirmed(Fact):
    """Metrics of finalists, by trial, that were measured again on the idle machine."""

    kind = "confirmed"

    trials: MetricsByTrial


@dataclass(frozen=True)
class Chosen(Fact):
    """Which network of the last stage is taken, and how far the best is before each, best first.

    `cost` is the metric by which it was taken of those that rows cannot tell apart, or "design"
    where it was for being a well-known network; empty where it is the best.
    """

    kind = "chosen"

    number: int
    cost: str
    finalists: tuple[Finalist, ...]


@dataclass(frozen=True)
class Judged(Fact):
    """How far the network of this number is from what it is compared with, and how sure that is."""

    kind = "judged"

    number: int
    others: tuple[Beside, ...]


@dataclass(frozen=True)
class Tested(Fact):
    """Metrics on the test part by trial, and those of a classical method to compare with."""

    kind = "tested"

    trials: MetricsByTrial
    reference: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Noted(Fact):
    """A step of the end could not be done, and why; without `text` it was done after all.

    `step` is test, reference, judge, sketch, costs, export or out.
    """

    kind = "noted"

    step: str
    text: str


@dataclass(frozen=True)
class Exported(Fact):
    """A network was exported to a folder of the run's files.

    `tested` says whether it had been scored on the test part by then.
    """

    kind = "exported"

    number: int
    tested: bool
    directory: str
    checks: Mapping[str, Any]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The body of its row; there the trial's number is `trial`."""
        body = super().to_json()
        return {"trial": body.pop("number"), **body}

    @classmethod
    def from_json(cls, body: Mapping[str, Any], trial: int | None = None) -> Self:
        """The fact that `to_json` wrote."""
        return super().from_json({"number": body["trial"], "notes": (), **body})


@dataclass(frozen=True)
class Interrupted(Fact):
    """The run was stopped by its user, and can go on."""

    kind = "interrupted"

    reason: str = ""


@dataclass(frozen=True)
class Ended(Fact):
    """The run is over: `done` or `failed`."""

    kind = "ended"

    status: Literal["done", "failed"]
    reason: str


# -- shared weights --------------------------------------------------------------------------------


@dataclass(frozen=True)
class SharedEpoch(WholeFact):
    """An epoch of shared training: `epoch` of how many (`of`), `seconds`, and its metrics."""

    kind = "shared"

    @property
    def epoch(self) -> int:
        """Its number, from 1."""
        return int(self.body["epoch"])


@dataclass(frozen=True)
class MemoryPlanned(WholeFact):
    """How the steps of shared training fit in memory."""

    kind = "memory"


@dataclass(frozen=True)
class CandidatesNamed(Fact):
    """The networks that shared training found, in the order in which they are to be trained."""

    kind = "named"

    networks: tuple[SharedCandidate, ...]


# -- trials ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Proposed(TrialFact):
    """A trial got a proposal that may be trained.

    `attempt` counts the proposals it was offered; `refused` of them since the last event on the
    trial cost more than a limit allows. `key` is equal for proposals of the same network. `seed` is
    the candidate's, None in logs of the time before it was written.
    """

    kind = "proposed"

    attempt: int
    proposal: Proposal
    key: str
    refused: int = 0
    seed: int | None = None


@dataclass(frozen=True)
class Claimed(TrialFact):
    """A controller gave a job of the trial to its executor, as this attempt at it, from 1.

    News of an attempt before the last are late. `owner` names the process among all that may work
    on the run.
    """

    kind = "claimed"

    attempt: int
    owner: str


@dataclass(frozen=True)
class Measured(TrialFact):
    """Its network was measured and keeps the limits."""

    kind = "measured"

    metrics: Metrics


@dataclass(frozen=True)
class Rejected(TrialFact):
    """Its network was measured and broke a limit: the trial needs another proposal."""

    kind = "rejected"

    attempt: int
    proposal: Proposal
    metrics: Metrics
    reason: str


@dataclass(frozen=True)
class Restarted(TrialFact):
    """Its worker was lost, and it begins anew."""

    kind = "restarted"

    reason: str


@dataclass(frozen=True)
class Finished(TrialFact):
    """It ended, well or not. The body is the trial."""

    kind = "finished"

    result: Trial

    def to_json(self) -> dict[str, Any]:
        """The body of its row: the trial."""
        return self.result.to_json()

    @classmethod
    def from_json(cls, body: Mapping[str, Any], trial: int | None = None) -> Self:
        """The fact that `to_json` wrote."""
        result = Trial.from_json(body)
        return cls(result.number, result)


@dataclass(frozen=True)
class Sketched(WholeTrialFact):
    """Its network was drawn; the body is the drawing (see `netwright.drawing.Sketch`)."""

    kind = "sketch"


@dataclass(frozen=True)
class Examined(WholeTrialFact):
    """What its network answers on the test part in detail (see `netwright.tasks.examined`)."""

    kind = "examined"


KINDS: Mapping[str, type[Fact]] = {
    each.kind: each
    for each in list(globals().values())
    if isinstance(each, type) and issubclass(each, Fact) and "kind" in vars(each)
}
"""Each kind of fact by its name, in the order in which they stand here."""
