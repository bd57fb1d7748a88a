"""History is the only state: a run that was interrupted ends as one that was not.

Nothing is killed here. A run is stopped between two messages of its executor, where its log is what
a kill would leave, and goes on in a new `Loop`. The spaces have few networks, so that draws repeat.
"""

import random
import time
from contextlib import suppress
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path

import numpy as np
import pytest
from test_hard_limits import Refitting, Slower
from test_loop import Counted, Stopping, listed, loop, parameters, plan, size
from torch import nn

from netwright.evaluate.function import Function
from netwright.execute import Executor, Inline, Message
from netwright.objective import limits_from, maximize, minimize
from netwright.record.artifacts import weights_key
from netwright.record.reading import read_record
from netwright.run.fingerprint import settings_of
from netwright.run.loop import Loop
from netwright.run.plan import Plan
from netwright.space import Choose, Space
from netwright.stopping import Hyperband, Stopper
from netwright.store import SQLiteStore
from netwright.strategies import RandomSearch, RegularizedEvolution, Search, Strategy
from netwright.trial import REFIT, SEARCH, Proposal, Stage


class Several(Inline):
    """Runs its tasks in this process, at most so many submitted at a time, and in any order.

    `order` is the seed of the order in which those that wait are run, None for the order they came
    in. After `after` messages it stops the run, as a kill would.
    """

    def __init__(self, slots: int, order: int | None = None, after: float = np.inf) -> None:
        super().__init__()
        self._slots, self._left = slots, after
        self._random = None if order is None else random.Random(order)
        self.submitted: list[tuple[int, bool, bool]] = []  # trial, alone, to measure

    @property
    def slots(self) -> int:
        return self._slots

    def submit(self, key, job, seconds=None, *, alone=False) -> None:
        assert len(self._jobs) < self._slots
        self.submitted.append((key.trial, alone, job.measure))
        super().submit(key, job, seconds, alone=alone)

    def wait(self, seconds: float) -> list[Message]:
        self._left -= 1
        if self._left < 0:
            raise SystemError("killed")
        if self._random is not None and self._jobs:
            self._jobs.rotate(self._random.randrange(len(self._jobs)))
        return super().wait(seconds)


def few(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    """Twenty networks, no two of one size."""
    width = choose.width("width", 1, 10)
    return nn.Sequential(nn.Linear(4, width), nn.Linear(width, classes, choose.value("b", [0, 1])))


@pytest.fixture(scope="module")
def small() -> Space:
    return Space(few, 4, 3)


def stopped_and_resumed(path: Path, made: Plan, stopping: Executor, executor: Executor) -> Loop:
    """The run "a", stopped by the one executor if it comes so far, then ended by the other."""
    with suppress(SystemError):
        loop(path, made, stopping).run()
    again = loop(path, made, executor)
    again.run()
    return again


@pytest.mark.parametrize(
    ("strategy", "stopper"),
    [(RandomSearch(), None), (RegularizedEvolution(4, 2), None), (RandomSearch(), Hyperband())],
)
@pytest.mark.parametrize("deterministic", [False, True])
def test_no_network_is_tried_twice_by_a_resumed_run(
    tmp_path: Path,
    small: Space,
    strategy: Strategy,
    stopper: Stopper | None,
    deterministic: bool,
) -> None:
    made = plan(
        space=small,
        strategy=strategy,
        stopper=stopper,
        deterministic=deterministic,
        trials=17,
        baseline=2,
        finals=((2, 2),),
    )
    whole = loop(tmp_path, made, name="whole")
    whole.run()
    for after in (3, 9, 14, 18):
        folder = tmp_path / str(after)
        again = stopped_and_resumed(folder, made, Stopping(after), Inline())
        assert listed(again.history) == listed(whole.history)
        jobs = [(t.fingerprint, t.proposal.epochs) for t in again.history[:19]]
        assert len(set(jobs)) == 19


class Noting(Strategy):
    """Draws at random, and notes what it knew and what was in flight at each proposal."""

    def __init__(self) -> None:
        self.known: list[list[int]] = []
        self.pending: list[list[Proposal]] = []

    def start(self, space, objectives) -> Search:
        noted, seen = self, list[int]()

        class State(Search):
            def propose(self, rng, pending) -> Proposal:
                noted.known.append(list(seen))
                noted.pending.append(list(pending))
                return Proposal(space.sample(rng))

            def observe(self, trial) -> None:
                seen.append(trial.number)

        return State()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_in_deterministic_mode_a_trial_is_proposed_from_all_but_the_last_of_each_worker(
    tmp_path: Path, workers: int
) -> None:
    """Trial k, counted from 1, from exactly the first k - N results, in the order of the trials."""
    noting = Noting()
    made = plan(strategy=noting, trials=12, finals=())
    run = loop(tmp_path, made, Several(workers, order=5))
    run.run()
    assert len(run.history) == 12
    assert noting.known == [list(range(k - workers)) for k in range(1, 13)]
    trials = sorted(run.history, key=lambda t: t.number)
    for number, pending in enumerate(noting.pending):
        assert pending == [t.proposal for t in trials[max(0, number + 1 - workers) : number]]


def test_without_deterministic_mode_a_trial_is_proposed_from_all_results(tmp_path: Path) -> None:
    noting = Noting()
    made = plan(strategy=noting, trials=12, finals=(), deterministic=False)
    run = loop(tmp_path, made, Several(3, order=5))
    run.run()
    ended = [t.number for t in run.history]
    assert ended != sorted(ended)
    assert noting.known == [ended[: max(0, k - 2)] for k in range(12)]
    trials = sorted(run.history, key=lambda t: t.number)
    for number, (known, pending) in enumerate(zip(noting.known, noting.pending, strict=True)):
        assert pending == [t.proposal for t in trials[:number] if t.number not in known]


@pytest.mark.parametrize("limit", [{}, {"latency_ms@counted": 0.6}])
def test_in_deterministic_mode_neither_order_nor_interruption_matters(
    tmp_path: Path, small: Space, limit: dict[str, float]
) -> None:
    made = plan(
        space=small,
        strategy=RegularizedEvolution(4, 2),
        trials=10,
        limits=limits_from(limit),
        targets=(Counted(),) if limit else (),
        baseline=1,
        finals=((3, 2), (1, 3)),
    )
    runs = [stopped_and_resumed(tmp_path / "whole", made, Several(3, None, 0), Several(3))]
    for order, after in ((1, 4), (2, 7), (3, 12), (4, 17), (5, 21)):
        folder = tmp_path / str(order)
        stopping, going_on = Several(3, order, after), Several(3, 10 * order)
        runs.append(stopped_and_resumed(folder, made, stopping, going_on))
    assert len(runs[0].history) == 15
    for run in runs[1:]:
        assert listed(run.history) == listed(runs[0].history)
    assert [t.number for t in runs[1].history] != [t.number for t in runs[2].history]


@pytest.mark.parametrize("after", [1, 5, 7])
def test_a_resumed_run_draws_its_baseline_within_the_limits_as_before(
    tmp_path: Path, after
) -> None:
    """What was surveyed before the search narrows the draws of the baseline too."""

    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        first, second = (choose.width(name, 1, 12) for name in ("first", "second"))
        return nn.Sequential(
            nn.Linear(4, first), nn.Linear(first, second), nn.Linear(second, classes)
        )

    made = plan(
        space=Space(network, 4, 3),
        strategy=RandomSearch(),
        limits=limits_from({"params": 45}),
        trials=4,
        baseline=6,
        finals=(),
    )
    whole = loop(tmp_path, made, name="whole")
    whole.run()
    again = stopped_and_resumed(tmp_path, made, Stopping(after), Inline())
    assert listed(again.history) == listed(whole.history)


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_trial_that_found_no_network_is_no_place_in_the_finals(
    tmp_path: Path, small: Space, after: int
) -> None:
    """A search may end while its last trial has no network within the limits, and be resumed."""
    target = Counted()
    made = plan(
        space=small,
        limits=limits_from({"latency_ms@counted": 0.3}),
        targets=(target,),
        trials=100,
        finals=((3, 2), (2, 3)),
    )
    whole = loop(tmp_path, made, name="whole")
    whole.run()
    record = read_record(whole.store, "whole")
    assert "no new network" in record.closed[SEARCH]
    searched = [t for t in whole.history if t.proposal.stage.is_search]
    assert 3 < len(searched) < 20
    events = whole.store.events("whole")
    kinds = [e.kind for e in events]
    kinds = kinds[: kinds.index("final")]
    count = kinds.count("rejected") + kinds.count("measured") + kinds.count("finished")
    again = stopped_and_resumed(tmp_path, made, Stopping(count + after), Inline())
    assert listed(again.history) == listed(whole.history)


def test_a_resumed_run_keeps_the_weights_that_an_uninterrupted_one_does(
    tmp_path: Path, small: Space
) -> None:
    made = plan(
        space=small,
        objectives=(maximize("accuracy"), minimize("params")),
        trials=12,
        baseline=2,
        finals=((2, 2),),
    )
    whole = loop(tmp_path, made, name="whole")
    whole.run()
    kept = {n for n in range(16) if whole.store.has("whole", weights_key(n))}
    assert {14, 15} < kept  # of the finals
    assert not {12, 13} & kept  # of the baseline
    for after in (2, 8, 12):
        folder = tmp_path / str(after)
        again = stopped_and_resumed(folder, made, Stopping(after), Inline())
        assert again.store.keys("a") == whole.store.keys("whole") != []
        for key in again.store.keys("a"):
            assert again.store.read("a", key) == whole.store.read("whole", key)


def test_the_record_of_a_resumed_run_is_that_of_an_uninterrupted_one(
    tmp_path: Path, small: Space
) -> None:
    made = plan(
        space=small,
        limits=limits_from({"latency_ms@counted": 0.6}),
        targets=(Counted(),),
        trials=6,
        baseline=1,
        finals=((2, 2),),
    )
    whole = loop(tmp_path, made, name="whole")
    whole.run()
    again = stopped_and_resumed(tmp_path, made, Stopping(7), Inline())
    records = [read_record(each.store, each.name) for each in (whole, again)]
    for record in records:
        assert record.running == {}
        assert record.rejections
        assert listed(record.history) == listed(whole.history)
    unlike = {"name": "", "last": 0, **dict.fromkeys(("created", "seconds", "time"), 0.0)}
    first, second = (
        replace(record, settings={}, history=[], attempts={}, **unlike)  # it was claimed anew
        for record in records
    )
    assert first == second


class Dying(SQLiteStore):
    """Stops the run, as a kill would, right after it has logged so many events."""

    def __init__(self, path: Path, last: int) -> None:
        super().__init__(path)
        self._left = last

    def append(self, run, kind, body, trial=None, *, after=None) -> int:
        number = super().append(run, kind, body, trial, after=after)
        self._left -= 1
        if self._left == 0:
            raise SystemError("killed")
        return number


def killed(path: Path, made: Plan, last: int) -> Loop:
    """The run "a", killed after so many events, then ended."""
    store = Dying(path, last)
    store.create("a", settings_of(made))
    with pytest.raises(SystemError):
        Loop(made, store, "a", Inline()).run()
    again = Loop(made, SQLiteStore(store.path), "a", Inline())
    again.run()
    return again


def steps(run: Loop) -> list[tuple[str, int, int]]:
    """What was logged, without sessions and what they claim: kind, trial and attempt."""
    left_out = ("created", "session", "claimed")
    events = [e for e in run.store.events(run.name) if e.kind not in left_out]
    return [(e.kind, -1 if e.trial is None else e.trial, e.body.get("attempt", 0)) for e in events]


def test_a_run_may_be_killed_after_any_event(tmp_path: Path, small: Space) -> None:
    """And nothing that was logged is done again: no network is measured or trained twice.

    What is measured again on the idle machine is logged as a whole, so that it begins anew.
    """
    target, trained = Counted(), []

    def train(model: nn.Module, epochs: int) -> dict[str, float]:
        trained.append(parameters(model))
        return size(model, epochs)

    made = plan(
        space=small,
        evaluator=Function(train),
        strategy=RegularizedEvolution(2, 2),
        limits=limits_from({"latency_ms@counted": 0.5}),
        targets=(target,),
        trials=4,
        baseline=1,
        finals=((2, 2),),
    )
    whole = loop(tmp_path, made, name="whole")
    whole.run()
    kinds = [e.kind for e in whole.store.events("whole")][1:]
    assert {"proposed", "rejected", "measured", "finished", "final", "confirmed"} < {*kinds}
    once, jobs = len(target.asked), len(trained)
    confirming = len(kinds[: kinds.index("confirmed")])
    while kinds[confirming - 1] == "claimed":
        confirming -= 1
    for last in range(1, len(kinds) + 1):
        target.asked.clear()
        trained.clear()
        again = killed(tmp_path / f"{last}.db", made, last)
        assert listed(again.history) == listed(whole.history), f"killed after event {last}"
        begun = range(confirming + 2, kinds.index("confirmed") + 1)
        assert len(target.asked) == once + (begun.index(last) + 1 if last in begun else 0)
        assert len(trained) == jobs
        assert steps(again) == steps(whole)
        logged = again.store.events("a")
        assert [e.kind for e in logged].count("session") == 2
        claims = [(e.trial, e.body["attempt"]) for e in logged if e.kind == "claimed"]
        assert len({*claims}) == len(claims)


def test_what_was_confirmed_before_a_kill_decides_who_is_trained_last(
    tmp_path: Path, small: Space
) -> None:
    made = plan(
        space=small,
        evaluator=Refitting(size),
        limits=limits_from({"latency_ms@counted": 2.0}),
        targets=(Slower(40),),
        trials=8,
        finals=((6, 2),),
        refit=True,
    )
    whole = loop(tmp_path, made, name="whole")
    whole.run()
    last = [e.kind for e in whole.store.events("whole")].index("confirmed")
    run = killed(tmp_path / "killed.db", replace(made, targets=(Slower(40),)), last)
    assert [t.proposal.stage for t in run.history] == [
        *[SEARCH] * 8,
        *[Stage.final(1)] * 6,
        REFIT,
    ]
    assert max(t.metrics["latency_ms@counted"] for t in run.history) == 9.0
    assert run.history[-1].metrics["latency_ms@counted"] <= 0.4
    assert listed(run.history) == listed(whole.history)


def test_what_was_over_a_limit_before_a_kill_narrows_the_draws_after_it(tmp_path: Path) -> None:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        first, second = (choose.width(name, 1, 12) for name in ("first", "second"))
        return nn.Sequential(
            nn.Linear(4, first), nn.Linear(first, second), nn.Linear(second, classes)
        )

    made = plan(
        space=Space(network, 4, 3),
        strategy=RandomSearch(),
        limits=limits_from({"latency_ms@counted": 0.5}),
        targets=(Counted(),),
        trials=12,
        finals=(),
    )
    whole = loop(tmp_path, made, name="whole")
    whole.run()
    events = [e.kind for e in whole.store.events("whole")]
    rejected = [place for place, kind in enumerate(events) if kind == "rejected"]
    assert len(rejected) > 18
    for last in (rejected[9], *rejected[-3:], rejected[-1] + 1):
        again = killed(tmp_path / f"{last}.db", made, last)
        assert listed(again.history) == listed(whole.history)
        assert steps(again) == steps(whole)


def test_the_seconds_of_all_sessions_count(tmp_path: Path, small: Space, monkeypatch) -> None:
    """By the times of the log, without the time between two sessions."""
    clock = count(0, 1000)
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    made = plan(space=small, trials=6, finals=())
    expected = 0.0
    for _ in range(3):
        with pytest.raises(SystemError):
            loop(tmp_path, made, Stopping(1)).run()
        next(clock)
    store = SQLiteStore(tmp_path / "runs.db")
    events = store.events("a")
    begins = [i for i, e in enumerate(events) if e.kind == "session"]
    for first, end in pairwise([*begins, len(events)]):
        expected += events[end - 1].time - events[first].time
    assert expected > 3000
    assert read_record(store, "a").seconds == expected
    assert loop(tmp_path, made).spending.seconds() // 1000 == expected // 1000
