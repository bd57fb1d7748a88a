"""The loop: budgets, deduplication, limits, failures, parallelism and resume, once for all.

Data flows one way: space -> proposal -> evaluation -> trial -> history -> next proposal. Strategies
propose, evaluators measure, executors run; this file acts. Everything that happens is appended to
the log before it is acted on, so a killed run continues from its log and ends where an
uninterrupted one does.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from netwright.evaluate.admission import LATENCY, Admission
from netwright.evaluate.forecast import Forecast
from netwright.evaluate.job import Evaluation, Job, Outcome
from netwright.execute import Executor, Key, Message
from netwright.oneshot import OneShot
from netwright.record.artifacts import weights_key
from netwright.record.events import named_stages
from netwright.record.progress import Flight, Progress
from netwright.run.finals import eligible, finalists, measured_again, refits
from netwright.run.kept_weights import Weights
from netwright.run.plan import Plan
from netwright.run.proposers import Searches
from netwright.run.shared_training import Checkpoint, train_shared
from netwright.space import Architecture
from netwright.space.limits import COSTS
from netwright.store import Store
from netwright.trial import (
    BASELINE,
    REFIT,
    SEARCH,
    History,
    Proposal,
    Stage,
    Trial,
    by_budget,
)

_STUCK = 300  # proposals of the strategy for one trial before the loop draws at random
_ATTEMPTS = 1000  # and before the search is declared exhausted
_SURVEYED = 64  # networks whose costs the forecast starts from, where there is a limit on them

Source = Callable[[int, int], "Proposal | Literal['wait', 'end']"]


@dataclass
class _Place:
    """A trial that is not finished: its next attempt, and its proposal once it has one.

    `measured` is what was measured of the proposal before training, None before that.
    """

    attempt: int = 0
    proposal: Proposal | None = None
    measured: Mapping[str, float] | None = None
    restarts: int = 0


@dataclass
class Loop:
    """One run of a plan against a store. `run` may be called again after a kill: it goes on."""

    plan: Plan
    store: Store
    name: str
    executor: Executor
    watch: Callable[[Progress], None] = lambda progress: None
    history: History = field(default_factory=History)

    def __post_init__(self) -> None:
        plan = self.plan
        self._admission = Admission(plan.space, plan.limits)
        self._forecast = Forecast(plan.space, plan.limits)
        self._space = plan.space.within(self._forecast.excess) if plan.limits else plan.space
        self._searches = Searches(plan, self._space)
        self._open: dict[int, _Place] = {}  # by trial number
        self._flights: dict[int, Flight] = {}
        self._attempts: Counter[int] = Counter()  # jobs that were submitted, by trial number
        self._stages: dict[Stage, list[Proposal]] = {}  # what each final was given
        self._closed: dict[Stage, str] = {}  # stages that are over, and why
        self._known: set[tuple[str, int | None]] = set()  # keys of networks, and epochs
        self._next = 0
        self._first: dict[Stage, int] = {}  # stage -> its first trial number
        self._current, self._stage_began = SEARCH, time.monotonic()
        self._weights = Weights(self.store, self.name, plan.objectives, plan.limits)
        self._rejected = 0
        self._again: list[Architecture] = []  # the best of a run this one was started from
        self._named: list[Architecture] | None = None  # by a one-shot search, the best first
        self._shared: dict[int, float] = {}  # seconds of each epoch of shared training
        self._confirmed = False
        self._active = 0.0  # seconds of earlier sessions
        self._replay()
        self._began = time.monotonic()

    # -- the run, from top to bottom --------------------------------------------------------------

    def run(self) -> None:
        """Search, then the baseline, the finals and the refit; returns when all are done.

        Raises:
            LimitError: A limit cannot be met; the message says the least that can.
            KeyboardInterrupt: Passed on; the run can be resumed.
        """
        with self.store.connected():
            self._run()

    def _run(self) -> None:
        plan = self.plan
        if SEARCH not in self._closed:
            self._admission.check_limits_can_be_met(
                plan.target, plan.evaluator.deployment(plan.space)
            )
        drawing = (SEARCH, BASELINE) if plan.baseline else (SEARCH,)
        if any(stage not in self._closed for stage in drawing):
            self._survey()
        self._log("session", {})
        if isinstance(plan.strategy, OneShot) and self._named is None:
            self._share()
        wanted = [o.metric for o in plan.objectives] + [o.metric for o in plan.limits]
        evaluator = plan.evaluator.for_workers()
        self.executor.start(
            Evaluation(
                plan.space,
                evaluator,
                plan.limits,
                plan.target,
                LATENCY in wanted,
                self.store,
                self.name,
            )
        )
        try:
            self._stage(SEARCH, self._propose)
            if plan.baseline:
                self._stage(BASELINE, self._propose_baseline)
            for number in range(1, len(plan.finals) + 1):
                choose = partial(finalists, plan, self.history, number)
                self._stage(Stage.final(number), self._listed(Stage.final(number), choose))
            self._confirm()
            if plan.refit:
                self._stage(REFIT, self._listed(REFIT, lambda: refits(plan, self._eligible())))
        finally:
            self.executor.stop()

    def _share(self) -> None:
        """Let a one-shot search train all networks at once, and take what it names."""
        minutes = self.plan.budget.minutes

        def seconds_left(share: float) -> float:
            return math.inf if minutes is None else 60 * share * minutes - self.seconds()

        def told(body: Mapping[str, Any]) -> None:
            self._shared[body["epoch"]] = body["seconds"]
            self._log("shared", body)
            self.watch(replace(self.progress(), shared=(body["epoch"], body["of"])))

        checkpoint, planned = Checkpoint(self.store, self.name), partial(self._log, "memory")
        found = train_shared(
            self.plan, checkpoint, seconds_left=seconds_left, planned=planned, told=told
        )
        self._log("named", {"networks": [each.to_json() for each in found]})
        self._named = [each.architecture for each in found]

    def _survey(self) -> None:
        """Let the forecast learn the costs of some random networks, the same for every session."""
        if any(limit.metric in COSTS for limit in self.plan.limits):
            rng = np.random.default_rng([self.plan.seed, _SURVEYED])
            for _ in range(_SURVEYED):
                architecture = self.plan.space.sample(rng)
                costs = self._admission.admit(architecture).metrics
                self._forecast.learn(architecture, {k: v for k, v in costs.items() if k in COSTS})

    def _stage(self, stage: Stage, source: Source) -> None:
        """Keep every slot busy with proposals of `source` until it ends and all have finished."""
        if stage in self._closed:
            return
        self._first.setdefault(stage, self._next)
        self._current, self._stage_began = stage, time.monotonic()
        reason: str | None = None
        while True:
            while reason is None and len(self._flights) < self.executor.slots:
                number = self._vacant()
                if number is None:
                    break
                verdict = self._launch(number, stage, source)
                if verdict == "wait":
                    break
                if verdict != "launched":
                    reason = verdict
            if not self._flights:
                break
            for message in self.executor.wait(0.25):
                self._receive(message)
            self.watch(self.progress())
        self._open.clear()
        self._log("closed", {"stage": stage.to_json(), "reason": reason or ""})
        self._closed[stage] = reason or ""
        self.watch(self.progress())

    def _vacant(self) -> int | None:
        """The next trial number to launch: an interrupted or rejected one, or a new one."""
        for number in sorted(self._open):
            if number not in self._flights:
                return number
        if self.plan.deterministic and any(not f.admitted for f in self._flights.values()):
            return None  # its trial may need another attempt from exactly this state
        return self._next

    def _launch(self, number: int, stage: Stage, source: Source) -> str:
        """Find an admissible proposal for a trial and start it; otherwise say why not."""
        place = self._open.get(number, _Place())
        again = place.proposal is not None
        while place.attempt < _ATTEMPTS:
            proposal = place.proposal or source(number, place.attempt)
            if isinstance(proposal, str):
                return proposal if proposal == "wait" else self._end_reason
            admitted = self._admission.admit(proposal.architecture)
            earlier = self._earlier(proposal)
            reason = admitted.reason if stage.explores else None
            asked = admitted.key, proposal.epochs
            if not again and earlier is None and asked in self._known:
                reason = "known"
            if reason is None:
                break
            if reason != "known":
                self._rejected += 1
            place.attempt, place.proposal, place.measured = place.attempt + 1, None, None
        else:
            return f"no new network within the limits in {_ATTEMPTS} proposals"
        self._known.add(asked)
        if not again:
            body = {
                "attempt": place.attempt,
                "stage": stage.to_json(),
                "proposal": proposal.to_json(),
                "key": admitted.key,
            }
            self._log("proposed", body, number)
        place.proposal = proposal
        self._open[number] = place
        self._next = max(self._next, number + 1)
        epochs = proposal.epochs or self.plan.evaluator.epochs
        metrics = admitted.metrics
        if earlier is not None:
            metrics = dict(earlier.metrics)
            if not stage.is_refit:  # which is scored by nothing but the test part
                metrics = {k: v for k, v in metrics.items() if k in (*COSTS, LATENCY)}
        flight = Flight(number, proposal, epochs, admitted.fingerprint, metrics=metrics)
        self._flights[number] = flight
        if place.measured is not None:  # before it was interrupted
            flight.metrics = {**metrics, **place.measured}
            self._train(flight)
        elif self.plan.target is not None and earlier is None:
            self._submit(flight, measure=True)
        else:
            self._train(flight)
        return "launched"

    def _earlier(self, proposal: Proposal) -> Trial | None:
        """The trial whose network is trained again for another budget: it was measured then."""
        if proposal.epochs is None:
            return None
        parent = next((t for t in self.history if t.number == proposal.parent), None)
        final = not proposal.stage.explores  # which may be a variant of what was measured
        return (
            parent if parent and (final or parent.architecture == proposal.architecture) else None
        )

    def _train(self, flight: Flight) -> None:
        flight.admitted = True
        searching = flight.proposal.stage.explores
        self._submit(flight, self.plan.trial_seconds if searching else None)

    def _submit(
        self, flight: Flight, seconds: float | None = None, *, measure: bool = False
    ) -> None:
        """Give the job of a trial to the executor, as the next attempt at it."""
        self._attempts[flight.number] += 1
        key = Key(flight.number, self._attempts[flight.number])
        job = self._job(flight, measure=measure)
        self.executor.submit(key, job, seconds, alone=measure)

    def _job(self, flight: Flight, *, measure: bool = False) -> Job:
        return Job(
            flight.proposal.architecture,
            flight.epochs,
            _seed(self.plan.seed, flight.number),
            flight.metrics,
            weights_key(flight.number),
            measure,
            flight.proposal.stage.is_refit,
        )

    # -- where proposals come from ----------------------------------------------------------------

    def _propose(self, number: int, attempt: int) -> Proposal | Literal["wait", "end"]:
        budget = self.plan.budget
        count = number - self._first[SEARCH]
        if attempt == 0 and count < len(self._again) and count < (budget.trials or math.inf):
            return Proposal(self._again[count])
        if budget.trials is not None and count >= budget.trials:
            return self._end(f"{budget.trials} trials")
        late = budget.minutes is not None and self.seconds() >= budget.minutes * 60
        if late and not (self._named and count == 0):  # shared weights alone are no network
            return self._end(f"{budget.minutes:g} minutes")
        named = (self._named or [])[count + attempt :]
        proposal = Proposal(named[0]) if named else self._ask(SEARCH, number, attempt)
        if isinstance(proposal, Proposal) and budget.epochs is not None:
            wanted = proposal.epochs or self.plan.evaluator.epochs
            if self._epochs() + wanted > budget.epochs:
                return self._end(f"{budget.epochs} epochs")
        return proposal

    def _propose_baseline(self, number: int, attempt: int) -> Proposal | Literal["wait", "end"]:
        count = self._as_long() if self.plan.baseline == "same" else self.plan.baseline
        if number - self._first[BASELINE] >= count:
            return self._end(f"{count} random networks")
        proposal = self._ask(BASELINE, number, attempt)
        return proposal if isinstance(proposal, str) else replace(proposal, stage=BASELINE)

    def _as_long(self) -> int:
        """How many random networks could have been trained in the time that the search took."""
        trials = [t.seconds for t in self.history if t.proposal.stage.is_search]
        whole = sum(trials) + sum(self._shared.values())
        return math.ceil(whole / max(float(np.mean(trials)), 1e-9)) if trials else 0

    def _ask(self, stage: Stage, number: int, attempt: int) -> Proposal | Literal["wait", "end"]:
        """A strategy's proposal for a trial, from the results it is to know."""
        if self.plan.deterministic:
            upto = number - self.executor.slots + 1
            if not self._searches.observe_first(stage, self._first[stage], upto):
                return "wait"
            unseen = self._searches.unseen()
            unseen |= {n: p.proposal for n, p in self._open.items() if p.proposal is not None}
            pending = [unseen[n] for n in sorted(unseen) if n < number]
        else:
            pending = [f.proposal for f in self._flights.values()]
        rng = np.random.default_rng([self.plan.seed, number, attempt])
        if attempt >= _STUCK:
            return Proposal(self.plan.space.sample(rng))  # whatever the forecast says of it
        proposal = self._searches.propose(stage, rng, pending)
        if proposal is not None:
            return proposal
        return "wait" if self._flights else self._end("the strategy has nothing more to propose")

    def _listed(self, stage: Stage, make: Callable[[], list[Proposal]]) -> Source:
        """The source of a stage whose proposals are chosen once, when it begins."""
        if stage not in self._stages:
            proposals = self._stages[stage] = make()
            self._log(
                "final", {"stage": stage.to_json(), "proposals": [p.to_json() for p in proposals]}
            )
        proposals = self._stages[stage]

        def source(number: int, attempt: int) -> Proposal | Literal["wait", "end"]:
            place = number - self._first[stage]
            return proposals[place] if place < len(proposals) else self._end("all finalists")

        return source

    def _end(self, reason: str) -> Literal["end"]:
        self._end_reason = reason
        return "end"

    # -- what comes back --------------------------------------------------------------------------

    def _receive(self, message: Message) -> None:
        flight = self._flights.get(message.key.trial)
        if flight is None or message.key.attempt != self._attempts[flight.number]:
            return  # late news of an attempt that was given up
        if message.kind == "progress":
            flight.curve.append(dict(message.body))
            return
        outcome = message.body
        if message.kind == "lost":
            status, reason = message.body
            place = self._open[flight.number]
            if status == "failed" and place.restarts == 0:
                place.restarts = 1
                self._log("restarted", {"reason": reason}, flight.number)
                del self._flights[flight.number]
                return
            outcome = Outcome(status, flight.metrics, tuple(flight.curve), reason, flight.seconds())
        if not flight.admitted and outcome.status == "done":
            flight.metrics = outcome.metrics
            self._log("measured", {"metrics": dict(outcome.metrics)}, flight.number)
            self._take_measured(flight.number, flight.proposal.architecture, outcome.metrics)
            self._train(flight)
            return
        del self._flights[flight.number]
        if outcome.status == "rejected":
            self._reject(flight, outcome)
        else:
            self._finish(flight, outcome)

    def _reject(self, flight: Flight, outcome: Outcome) -> None:
        place = self._open[flight.number]
        body = {
            "attempt": place.attempt,
            "proposal": flight.proposal.to_json(),
            "metrics": dict(outcome.metrics),
            "reason": outcome.reason,
        }
        self._log("rejected", body, flight.number)
        self._rejected += 1
        self._learn(flight.proposal.architecture, outcome.metrics)
        place.attempt, place.proposal, place.measured = place.attempt + 1, None, None

    def _take_measured(
        self, number: int, architecture: Architecture, metrics: Mapping[str, float]
    ) -> None:
        self._open[number].measured = metrics
        self._learn(architecture, metrics)

    def _learn(self, architecture: Architecture, metrics: Mapping[str, float]) -> None:
        """The forecast learns what was measured; the costs of the survey are known without."""
        if LATENCY in metrics:
            self._forecast.learn(architecture, {LATENCY: metrics[LATENCY]})

    def _finish(self, flight: Flight, outcome: Outcome) -> None:
        status, reason = outcome.status, outcome.reason
        assert status != "rejected"
        missing = [o.metric for o in self.plan.objectives if o.metric not in outcome.metrics]
        if status == "done" and missing:
            got = ", ".join(outcome.metrics) or "none"
            status, reason = "invalid", f"there is no metric {missing[0]!r}; there are {got}"
        trial = Trial(
            flight.number,
            flight.proposal,
            status,
            outcome.metrics,
            outcome.curve,
            outcome.seconds,
            outcome.cpu_seconds,
            reason,
            flight.fingerprint,
        )
        self._log("finished", trial.to_json(), trial.number)
        self._add(trial)
        self._weights.take(trial)

    def _add(self, trial: Trial) -> None:
        """Take a finished trial into the history and, in its turn, to the strategy."""
        self._open.pop(trial.number, None)
        self.history.append(trial)
        self._searches.take(trial)

    # -- the finalists' latency -------------------------------------------------------------------

    def _eligible(self) -> list[Trial]:
        return eligible(self.plan, self.history, self._weights)

    def _confirm(self) -> None:
        """Measure the networks that may be returned again, now that no other is trained."""
        if self._confirmed or self.plan.target is None:
            return
        found = measured_again(
            self._eligible(),
            self.plan.limits,
            self.executor,
            lambda: self.watch(self.progress()),
        )
        body = {"trials": {str(number): metrics for number, metrics in found.items()}}
        self._log("confirmed", body)
        self._take_confirmed(found)

    def _take_confirmed(self, found: Mapping[int, Mapping[str, float]]) -> None:
        self._confirmed = True
        self.history = self.history.corrected(found)

    # -- log and time -----------------------------------------------------------------------------

    def _log(self, kind: str, body: Mapping[str, Any], trial: int | None = None) -> None:
        self.store.append(self.name, kind, body, trial)

    def seconds(self) -> float:
        """Wall seconds this run has been worked on, in all sessions."""
        return self._active + time.monotonic() - self._began

    def _epochs(self) -> int:
        own = self.plan.evaluator.epochs
        ended = sum(t.proposal.epochs or own for t in self.history if t.proposal.stage.is_search)
        return ended + sum(f.epochs for f in self._flights.values())

    def progress(self) -> Progress:
        """What a person wants to know now."""
        return Progress(
            run=self.name,
            stage=self._current,
            finals=self.plan.finals,
            trials=self.plan.budget.trials,
            minutes=self.plan.budget.minutes,
            epochs=self.plan.budget.epochs,
            objectives=self.plan.objectives,
            limits=self.plan.limits,
            history=self.history,
            flights=tuple(self._flights.values()),
            rejected=self._rejected,
            seconds=self.seconds(),
            epochs_spent=self._epochs(),
            slots=self.executor.slots,
            expected=len(self._stages.get(self._current, ())),
            stage_seconds=time.monotonic() - self._stage_began,
            metric=self.plan.evaluator.metric,
        )

    def _start_warm(self, known: list[Trial]) -> None:
        """Take what another run found out; its best are to be trained again, the rest is told."""
        plan = self.plan
        best = [
            trial
            for trials in by_budget(History(known).allowed(plan.limits))
            for trial in sorted(trials, key=lambda t: -plan.objectives[0].gain(t.metrics))
        ]
        again = best[: plan.finals[0][0] if plan.finals else 1]
        self._again = [trial.architecture for trial in again]
        self._searches.tell([trial for trial in known if trial not in again])
        for trial in known:
            self._learn(trial.architecture, trial.metrics)

    # -- resume -----------------------------------------------------------------------------------

    def _replay(self) -> None:
        """Fold the log of earlier sessions into the state."""
        session: float | None = None
        last = 0.0
        for event in self.store.events(self.name):
            body = named_stages(event.kind, event.body, len(self.plan.finals))
            number = event.trial
            if event.kind == "created" and body.get("known"):
                self._start_warm([Trial.from_json(known) for known in body["known"]])
            elif event.kind == "created":
                again = body.get("again", ())
                self._again = [Architecture.from_answers(answers) for answers in again]
            elif event.kind == "shared":
                self._shared[body["epoch"]] = body["seconds"]
            elif event.kind == "named":
                answers = [each["answers"] for each in body["networks"]]
                self._named = [Architecture.from_answers(each) for each in answers]
            elif event.kind == "session":
                self._active += last - session if session is not None else 0.0
                session = event.time
            elif event.kind == "proposed":
                assert number is not None
                proposal = Proposal.from_json(body["proposal"])
                self._first.setdefault(proposal.stage, number)
                self._next = max(self._next, number + 1)
                self._open[number] = _Place(body["attempt"], proposal)
                self._known.add((body["key"], proposal.epochs))
            elif event.kind == "rejected":
                assert number is not None
                self._rejected += 1
                self._open[number] = _Place(body["attempt"] + 1)
                architecture = Proposal.from_json(body["proposal"]).architecture
                self._learn(architecture, body["metrics"])
            elif event.kind == "measured":
                assert number is not None
                place = self._open[number]
                assert place.proposal is not None
                self._take_measured(number, place.proposal.architecture, body["metrics"])
            elif event.kind == "finished":
                trial = Trial.from_json(body)
                self._add(trial)
                self._weights.take(trial)
            elif event.kind == "final":
                proposals = [Proposal.from_json(p) for p in body["proposals"]]
                self._stages[Stage.from_json(body["stage"])] = proposals
            elif event.kind == "confirmed":
                self._take_confirmed({int(n): m for n, m in body["trials"].items()})
            elif event.kind == "closed":
                self._closed[Stage.from_json(body["stage"])] = body["reason"]
                self._open.clear()  # a trial without a network may be left
            last = event.time
        self._active += last - session if session is not None else 0.0


def _seed(run_seed: int, number: int) -> int:
    """The seed of a trial's weights and batches: of the run's seed and the trial's number."""
    state = np.random.SeedSequence([run_seed, number, 1]).generate_state(1)
    return int(state[0])
