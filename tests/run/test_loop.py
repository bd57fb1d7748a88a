"""The loop: budgets, limits, failures, resume, and the same seed giving the same run."""

import errno
import json
import math
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from netwright.errors import LimitError, StoreError
from netwright.evaluate.base import Candidate, Context, Evaluator, Result
from netwright.evaluate.costs import Costs
from netwright.evaluate.function import Function
from netwright.execute import Executor, Inline, Message, Processes
from netwright.objective import Limit, limits_from, maximize, minimize
from netwright.oneshot import DARTS
from netwright.record.reading import read_record
from netwright.run.finals import promoted
from netwright.run.fingerprint import settings_of
from netwright.run.loop import Loop
from netwright.run.plan import Plan
from netwright.run.workers import starts_early
from netwright.space import Architecture, Choose, Space
from netwright.stopping import ASHA, Hyperband, Stopper, SuccessiveHalving
from netwright.store import SQLiteStore, sqlite
from netwright.strategies import (
    RandomSearch,
    RegularizedEvolution,
    Search,
    Strategy,
)
from netwright.targets import FileArtifact, Target
from netwright.testing.spaces import SPACES
from netwright.trial import BASELINE, SEARCH, Budget, Proposal, Stage, Trial


def size(model: nn.Module, epochs: int) -> dict[str, float]:
    """A metric that follows from the network alone."""
    return {"accuracy": math.tanh(sum(p.numel() for p in model.parameters()) / 300) + epochs / 1e6}


def plan(**changes) -> Plan:
    given = {
        "space": SPACES["huge"](),
        "evaluator": Function(size),
        "strategy": RegularizedEvolution(population=6, sample=3),
        "objectives": (maximize("accuracy"),),
        "limits": (),
        "trials": 25,
        "targets": (),
        "finals": ((4, 2), (2, 3)),
        "deterministic": True,
    }
    if {"minutes", "epochs"} & changes.keys():
        given["trials"] = None
    return Plan(**given | changes)


def loop(path: Path, made: Plan, executor: Executor | None = None, name: str = "a") -> Loop:
    store = SQLiteStore(path / "runs.db")
    if name not in store.runs():
        store.create(name, settings_of(made))
    return Loop(made, store, name, executor or Inline())


def listed(trials) -> list[str]:
    """Trials as text, without their times, in the order of their numbers."""
    rows = [t.to_json() | {"seconds": 0, "cpu_seconds": 0} for t in trials]
    return [json.dumps(row, sort_keys=True) for row in sorted(rows, key=lambda r: r["number"])]


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


class Stopping(Inline):
    """Stops the run, as a kill would, after so many messages."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._left = after

    def wait(self, seconds: float) -> list[Message]:
        self._left -= 1
        if self._left < 0:
            raise SystemError("killed")
        return super().wait(seconds)


class Elsewhere(Inline):
    """Does the jobs here, and says that workers of their own do; notes when they started."""

    in_process = False
    started_after: str | None = None

    def start(self, work) -> None:
        self.started_after = self.last()
        super().start(work)


@pytest.mark.parametrize(("cores", "after"), [(2, "session"), (1, "time")])
def test_workers_start_while_the_minutes_are_divided(tmp_path, monkeypatch, cores, after) -> None:
    """Where a core is left for that."""
    executor = Elsewhere()
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    made = loop(tmp_path, plan(minutes=10, deterministic=False), executor)
    executor.last = lambda: made.store.events("a")[-1].kind
    monkeypatch.setattr(made, "_fill", lambda *given: sys.exit("so far"))
    with pytest.raises(SystemExit):
        made.run()
    assert executor.started_after == after


def test_workers_do_not_wait_while_a_one_shot_search_trains(monkeypatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert starts_early(plan(), Elsewhere())
    assert not starts_early(SimpleNamespace(strategy=DARTS()), Elsewhere())


def test_stages_follow_each_other(tmp_path: Path) -> None:
    made = loop(tmp_path, plan(baseline=5))
    made.run()
    stages = [t.proposal.stage for t in made.history]
    finals = [Stage.final(1)] * 4 + [Stage.final(2)] * 2
    assert stages == [SEARCH] * 25 + [BASELINE] * 5 + finals
    assert [t.number for t in made.history] == list(range(36))
    best = promoted(made.history[:25], made.plan.objectives, 4)
    firsts = [t for t in made.history if t.proposal.stage == Stage.final(1)]
    assert [t.proposal.parent for t in firsts] == [t.number for t in best]
    assert {t.proposal.epochs for t in firsts} == {2}
    record = read_record(made.store, "a")
    assert record.best.proposal.stage == Stage.final(2)
    assert record.closed[SEARCH] == "25 trials"


def test_no_network_is_tried_twice(tmp_path: Path) -> None:
    space = SPACES["flat"]()
    made = loop(tmp_path, plan(space=space, trials=1000, finals=()))
    made.run()
    prints = [t.fingerprint for t in made.history]
    assert len(prints) == len(set(prints)) == space.count() == 24
    assert "no new network" in read_record(made.store, "a").closed[SEARCH]


def test_a_network_over_a_limit_is_never_trained(tmp_path: Path) -> None:
    space = SPACES["conditional"]()
    trained: list[int] = []

    def train(model: nn.Module, epochs: int) -> dict[str, float]:
        trained.append(sum(p.numel() for p in model.parameters()))
        return size(model, epochs)

    limits = limits_from({"params": 60})
    made = loop(tmp_path, plan(space=space, evaluator=Function(train), limits=limits))
    made.run()
    assert trained
    assert max(trained) <= 60
    assert max(sum(p.numel() for p in space.build(m).parameters()) for m in space.enumerate()) > 60


def test_a_limit_that_cannot_be_met_says_the_least_that_can() -> None:
    space = SPACES["conditional"]()
    least = min(
        sum(p.numel() for p in space.build(member).parameters()) for member in space.enumerate()
    )
    with pytest.raises(LimitError, match=f"params <= 5 cannot be met: the least .* is {least}"):
        Costs(space, limits_from({"params": 5})).check_can_be_met()
    Costs(space, limits_from({"params": least})).check_can_be_met()


@pytest.mark.parametrize(
    ("strategy", "stopper"),
    [
        (RandomSearch(), None),
        (RegularizedEvolution(6, 3), None),
        (RandomSearch(), Hyperband()),
        (RegularizedEvolution(6, 3), ASHA()),
    ],
)
@pytest.mark.parametrize("after", [0, 1, 7, 24, 26, 29])
def test_a_resumed_run_equals_an_uninterrupted_one(
    tmp_path: Path, strategy: Strategy, stopper: Stopper | None, after: int
) -> None:
    limits = limits_from({"params": 100_000})
    made = plan(strategy=strategy, stopper=stopper, limits=limits, baseline=3)
    whole = loop(tmp_path, made, name="whole")
    whole.run()
    with pytest.raises(SystemError):
        loop(tmp_path, made, Stopping(after)).run()
    again = loop(tmp_path, made)
    again.run()
    assert listed(again.history) == listed(whole.history)
    twice = loop(tmp_path, made)
    twice.run()
    assert listed(twice.history) == listed(whole.history)


class Counted(Target):
    """A target whose latency follows from the network, and which counts what it is asked."""

    metrics = ("latency_ms",)
    name = "counted"
    fingerprint = "counted"

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def prepare(self, module, signature, calibration=()) -> FileArtifact:
        size = sum(p.numel() for p in module.parameters())
        return FileArtifact(signature, repr(size).encode(), ".txt")

    def measure(self, artifacts) -> list[dict[str, float]]:
        self.asked += [artifact.content for artifact in artifacts]
        return [{"latency_ms": int(artifact.content) / 100} for artifact in artifacts]


def on_counted(space: Space, share: float) -> tuple[Limit, ...]:
    """A limit on latency that so large a share of random networks keep."""
    costs, rng = Costs(space, (), [Counted()]), np.random.default_rng(0)
    found = [costs.metric("latency_ms@counted", space.sample(rng)) for _ in range(50)]
    return limits_from({"latency_ms@counted": float(np.quantile(found, share))})


@pytest.mark.parametrize(
    "after", [15, *(pytest.param(n, marks=pytest.mark.thorough) for n in (1, 2, 40))]
)
def test_what_was_measured_is_not_measured_again(tmp_path: Path, after) -> None:
    target, limits = Counted(), on_counted(SPACES["huge"](), 0.3)
    made = plan(limits=limits, targets=(target,), finals=(), trials=20)
    whole = loop(tmp_path, made, name="whole")
    whole.run()
    once, target.asked = len(target.asked), []
    assert len(whole.history) == 20
    assert max(t.metrics["latency_ms@counted"] for t in whole.history) <= limits[0].bound
    with pytest.raises(SystemError):
        loop(tmp_path, made, Stopping(after)).run()
    again = loop(tmp_path, made)
    again.run()
    assert listed(again.history) == listed(whole.history)
    assert len(target.asked) == once


def test_the_weights_of_the_front_are_kept_and_no_others(tmp_path: Path) -> None:
    made = loop(tmp_path, plan(objectives=(maximize("accuracy"), minimize("params")), finals=()))
    made.run()
    kept = {int(key[6:-12]) for key in made.store.keys("a", "trial-")}
    front = {t.number for t in read_record(made.store, "a").front}
    assert front <= kept
    assert len(kept) < 25


# -- several budgets -------------------------------------------------------------------------------


def test_a_network_is_trained_once_a_budget_and_is_a_finalist_once(tmp_path: Path) -> None:
    """Short budgets give higher scores here: what decides is the largest budget, not the score."""

    def shrinking(model: nn.Module, epochs: int) -> dict[str, float]:
        return {"accuracy": size(model, 0)["accuracy"] / epochs}

    stopper = SuccessiveHalving(budgets=(1, 3, 9))
    made = plan(
        strategy=RandomSearch(),
        stopper=stopper,
        evaluator=Function(shrinking),
        targets=(Counted(),),
        limits=limits_from({"latency_ms@counted": 1e6}),
        trials=13 * 3,
        finals=((5, 20),),
    )
    run = loop(tmp_path, made)
    run.run()
    searched = [t for t in run.history if t.proposal.stage.is_search]
    assert [t.proposal.epochs for t in searched].count(9) == 3
    jobs = [(t.fingerprint, t.proposal.epochs) for t in searched]
    assert len(set(jobs)) == len(jobs)
    finals = [t for t in run.history if t.proposal.stage == Stage.final(1)]
    assert len({t.architecture for t in finals}) == 5
    longest = {t.number for t in searched if t.proposal.epochs == 9}
    assert longest < {t.proposal.parent for t in finals}
    first = [t for t in searched if t.proposal.epochs == 1]
    assert len(made.targets[0].asked) >= len(first)
    by_number = {t.number: t for t in searched}
    for trial in searched:
        if trial.proposal.epochs > 1:  # its latency is what was measured at first
            parent = by_number[trial.proposal.parent]
            assert trial.metrics["latency_ms@counted"] == parent.metrics["latency_ms@counted"]


def test_the_weights_of_the_largest_budget_are_kept(tmp_path: Path) -> None:
    def shrinking(model: nn.Module, epochs: int) -> dict[str, float]:
        return {"accuracy": size(model, 0)["accuracy"] / epochs}

    evaluator, trials = Function(shrinking), 6  # 3 + 1, and 2 of the next bracket
    halved = {"strategy": RandomSearch(), "stopper": SuccessiveHalving(budgets=(1, 3))}
    made = loop(tmp_path, plan(**halved, evaluator=evaluator, trials=trials, finals=()))
    made.run()
    best = read_record(made.store, "a").best
    assert best.proposal.epochs == 3
    kept = {int(key[6:-12]) for key in made.store.keys("a", "trial-")}
    assert kept == {best.number}


def test_epochs_of_proposals_are_what_the_budget_counts(tmp_path: Path) -> None:
    stopper = SuccessiveHalving(budgets=(1, 3))
    made = loop(tmp_path, plan(strategy=RandomSearch(), stopper=stopper, epochs=8, finals=()))
    made.run()
    assert [t.proposal.epochs for t in made.history] == [1, 1, 1, 3, 1, 1]
    assert read_record(made.store, "a").closed[SEARCH] == "8 epochs"


# -- failures --------------------------------------------------------------------------------------


class Moody(Evaluator):
    """Fails in every way in turn; the trial's number decides."""

    epochs = 1
    full_epochs = 1

    def evaluate(self, candidate: Candidate, budget: Budget, context: Context) -> Result:
        mood = int(candidate.architecture.id, 16) % 5
        if mood == 0:
            raise RuntimeError("a layer\nwent wrong")
        if mood == 1:
            raise MemoryError("too big")
        if mood == 2:
            return Result({"accuracy": math.nan}, status="failed", reason="diverged")
        if mood == 3:
            sys.exit(98)
        return Result({"accuracy": 0.5}, model=candidate.build())


def test_failures_are_trials_and_the_run_goes_on(tmp_path: Path) -> None:
    made = loop(tmp_path, plan(evaluator=Moody(), trials=40, finals=((2, 1),)))
    made.run()
    statuses = {t.status for t in made.history}
    assert statuses == {"done", "failed", "oom"}
    reasons = {re.sub(r"line \d+", "line n", t.reason) for t in made.history if not t.done}
    assert reasons == {
        "RuntimeError: a layer (test_loop.py, line n)",
        "out of memory: too big",
        "diverged",
        "SystemExit: 98 (test_loop.py, line n)",
    }
    record = read_record(made.store, "a")
    assert record.best.metrics["accuracy"] == 0.5
    assert len(record.history) == len(made.history)


class Twice(Strategy):
    """Proposes the same two members for ever, then nothing."""

    def start(self, space, objectives) -> Search:
        members = [space.smallest(), *space.neighbours(space.smallest())[:1]]

        class State(Search):
            def propose(self, rng, pending):
                return Proposal(members[int(rng.integers(2))])

            def observe(self, trial: Trial) -> None:
                pass

        return State()


def test_a_full_disk_ends_the_run_in_a_sentence_and_it_goes_on_later(
    tmp_path: Path, monkeypatch
) -> None:
    def full(path: Path, content: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    made = plan(trials=3, finals=((2, 1),))
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "write_whole", full)
        with pytest.raises(StoreError, match=r"trial-0\.safetensors.* written .*No space left"):
            loop(tmp_path, made).run()
    resumed = loop(tmp_path, made)
    assert all(trial.done for trial in resumed.history)
    resumed.run()
    assert [t.status for t in resumed.history] == ["done"] * 5


def test_a_strategy_that_repeats_itself_is_helped_out(tmp_path: Path) -> None:
    made = loop(tmp_path, plan(strategy=Twice(), trials=6, finals=()))
    made.run()
    assert len({t.fingerprint for t in made.history}) == 6


@pytest.mark.parametrize(
    ("budget", "trials"), [({"epochs": 7}, 7), ({"trials": 9, "epochs": 5}, 5)]
)
def test_epochs_are_a_budget(tmp_path: Path, budget: dict[str, int], trials: int) -> None:
    made = loop(tmp_path, plan(**budget, finals=()))
    made.run()
    assert len(made.history) == trials


class Ticking:
    """A clock that a training moves on: by a second for ten parameters."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def train(self, model: nn.Module, epochs: int) -> dict[str, float]:
        self.now += epochs * parameters(model) / 10
        return size(model, epochs)


def test_minutes_are_for_search_finals_and_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Ticking()
    monkeypatch.setattr("netwright.evaluate.job.time.perf_counter", clock)
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))
    evaluator = Function(clock.train, epochs=1, full_epochs=9)
    made = plan(evaluator=evaluator, minutes=10, finals=((3, 3), (1, 9)))
    store = SQLiteStore(tmp_path / "runs.db")
    store.create("a", settings_of(made))
    run = Loop(made, store, "a", Inline(), clock=clock, spent=20, ending=100)
    run.run()
    record = read_record(store, "a")
    assert record.time_plan is not None and record.time_plan.division.start == 20
    assert record.closed[SEARCH] == "10 minutes"
    searched = sum(t.seconds for t in record.history if t.proposal.stage.is_search)
    assert 0.4 * 480 <= searched <= 480
    assert run.spending.seconds() <= 500  # a hundred are kept for the end
    assert record.schedules is not None
    assert [t.proposal.stage for t in record.history if t.proposal.stage.is_final]


def test_promoted_trials_are_not_turned_down_for_their_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Ticking()
    monkeypatch.setattr("netwright.evaluate.job.time.perf_counter", clock)
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))
    evaluator = Function(clock.train, epochs=1, full_epochs=9)
    stopper = SuccessiveHalving(budgets=(1, 3, 9))
    made = plan(evaluator=evaluator, stopper=stopper, minutes=20, finals=())
    store = SQLiteStore(tmp_path / "runs.db")
    store.create("a", settings_of(made))
    Loop(made, store, "a", Inline(), clock=clock, ending=0).run()
    record = read_record(store, "a")
    assert {t.proposal.epochs for t in record.history} == {1, 3, 9}
    assert record.closed[SEARCH] == "20 minutes"


def test_a_run_that_goes_on_with_other_minutes_is_planned_anew(tmp_path: Path) -> None:
    clock = Ticking()
    evaluator = Function(clock.train, epochs=2, full_epochs=2)
    first = plan(evaluator=evaluator, minutes=2, finals=(), trials=3)
    store = SQLiteStore(tmp_path / "runs.db")
    store.create("a", settings_of(first))
    Loop(first, store, "a", Inline(), clock=clock, ending=0).run()
    longer = plan(evaluator=evaluator, minutes=50, finals=(), trials=3)
    Loop(longer, store, "a", Inline(), clock=clock, ending=0).run()
    time_plan = read_record(store, "a").time_plan
    assert time_plan is not None
    assert time_plan.division.whole == 3000
    assert [e.kind for e in store.events("a")].count("time") == 2


# -- several workers -------------------------------------------------------------------------------


def test_workers_in_deterministic_mode_repeat_themselves(tmp_path: Path) -> None:
    made = plan(finals=((2, 2),))
    runs = []
    for name in ("one", "two"):
        runs.append(loop(tmp_path, made, Processes(2), name))
        runs[-1].run()
    assert listed(runs[0].history) == listed(runs[1].history)


def test_a_trial_that_hangs_is_a_timeout(tmp_path: Path) -> None:
    def train(model: nn.Module, epochs: int) -> float:
        import time

        time.sleep(60)
        return 1.0

    made = plan(evaluator=Function(train), trials=1, finals=(), trial_minutes=0.5 / 60)
    ran = loop(tmp_path, made, Processes(1))
    ran.run()
    assert [t.status for t in ran.history] == ["timeout"]


def test_a_worker_that_dies_twice_fails_its_trial_alone(tmp_path: Path) -> None:
    def train(model: nn.Module, epochs: int) -> float:
        import os

        os._exit(7)

    ran = loop(tmp_path, plan(evaluator=Function(train), trials=1), Processes(1))
    ran.run()
    assert [(t.status, t.reason) for t in ran.history] == [
        ("failed", "the worker ended with exit status 7")
    ]
    assert [e.kind for e in ran.store.events("a")].count("restarted") == 1


def test_the_last_final_trains_each_late_answer(tmp_path: Path) -> None:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        return nn.Linear(inputs[0], classes, bias=choose.value("bias", [True, False]))

    def recipe(choose: Choose) -> dict[str, float]:
        return {"mix": choose.value("mix", [0, 1, 2], late=True)}

    def train(model: nn.Module, epochs: int, recipe: dict[str, float]) -> dict[str, float]:
        return {"accuracy": 0.5 + (0.1 if epochs == 3 else -0.1) * recipe["mix"]}

    space = Space(network, 4, 2, recipe=recipe)
    made = plan(space=space, evaluator=Function(train), trials=2, finals=((2, 2), (1, 3)))
    ran = loop(tmp_path, made)
    ran.run()
    mixes = {
        stage: [t.architecture["mix"] for t in ran.history if t.proposal.stage == stage]
        for stage in (SEARCH, Stage.final(1), Stage.final(2))
    }
    assert list(mixes.values()) == [[0, 0], [0, 0], [0, 1, 2]]
    best = read_record(ran.store, "a").best
    assert best is not None
    assert best.architecture["mix"] == 2


def test_what_was_measured_is_not_what_a_function_says(tmp_path: Path) -> None:
    train = Function(lambda model, epochs: {"accuracy": 0.5, "params": -1.0})
    ran = loop(tmp_path, plan(evaluator=train, trials=2, finals=()))
    ran.run()
    for trial in ran.history:
        model = ran.plan.space.build(trial.architecture)
        assert trial.metrics["params"] == sum(p.numel() for p in model.parameters())


def test_half_of_the_first_final_goes_to_networks_that_cost_more() -> None:
    def trial(number: int, accuracy: float, macs: float) -> Trial:
        proposal = Proposal(Architecture(dict.fromkeys("abc", number)))
        return Trial(number, proposal, "done", {"accuracy": accuracy, "macs": macs})

    cheap = [trial(i, 0.9 - i / 100, 10.0 - i) for i in range(6)]
    large = [trial(6, 0.7, 20.0), trial(7, 0.6, 15.0), trial(8, 0.5, 90.0), trial(9, 0.4, 95.0)]
    objectives = (maximize("accuracy"),)
    assert [t.number for t in promoted([*large, *cheap], objectives, 4)] == [0, 1, 6, 8]
    assert [t.number for t in promoted(cheap, objectives, 4)] == [0, 1, 2, 3]
    assert [t.number for t in promoted(cheap[:3], objectives, 8)] == [0, 1, 2]
    assert [t.number for t in promoted([*large, *cheap], objectives, 1)] == [0]
    assert promoted([], objectives, 4) == []


def test_networks_that_hardly_differ_take_one_place_while_there_are_others() -> None:
    def trial(number: int, accuracy: float, **answers: int) -> Trial:
        proposal = Proposal(Architecture(answers))
        return Trial(number, proposal, "done", {"accuracy": accuracy, "macs": 1.0})

    first = trial(0, 0.9, a=1, b=1, c=1, d=1)
    near = [trial(1, 0.89, a=1, b=1, c=2, d=2), trial(2, 0.88, a=1, b=1, c=1)]
    far = [trial(3, 0.8, a=2, b=2, c=2, d=1), trial(4, 0.7, a=3, e=1)]
    objectives = (maximize("accuracy"),)
    assert [t.number for t in promoted([first, *near, *far], objectives, 3)] == [0, 3, 4]
    assert [t.number for t in promoted([first, *near, *far], objectives, 4)] == [0, 1, 3, 4]
    assert [t.number for t in promoted([first, *near], objectives, 2)] == [0, 1]


class Listening(Inline):
    """Notes which tasks are to run alone, and which measure."""

    def __init__(self) -> None:
        super().__init__()
        self.alone: list[bool] = []
        self.measure: list[bool] = []

    def submit(self, key, job, seconds=None, *, alone=False) -> None:
        self.alone.append(alone)
        self.measure.append(job.measure)
        super().submit(key, job, seconds, alone=alone)


def test_what_measures_a_latency_runs_alone_and_nothing_else_does(tmp_path: Path) -> None:
    executor = Listening()
    made = plan(space=SPACES["flat"](), targets=(Counted(),), trials=5, finals=((2, 2),))
    loop(tmp_path, made, executor).run()
    assert executor.alone == executor.measure == [True, False] * 5 + [False] * 2 + [True] * 2


def test_a_time_limit_is_for_trials_and_not_for_finals(tmp_path: Path) -> None:
    given: list[float | None] = []

    class Timed(Inline):
        def submit(self, key, job, seconds=None, *, alone=False) -> None:
            given.append(seconds)
            super().submit(key, job, seconds, alone=alone)

    made = plan(
        space=SPACES["flat"](),
        trials=3,
        baseline=1,
        finals=((2, 2),),
        trial_minutes=9.0 / 60,
    )
    loop(tmp_path, made, Timed()).run()
    assert given == [9.0] * 4 + [None] * 2


def test_each_trial_has_a_seed_of_its_own_that_follows_from_that_of_the_run(tmp_path: Path) -> None:
    seeds: dict[str, list[int]] = {}
    drawn: dict[str, list[Architecture]] = {}
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):

        def train(model: nn.Module, epochs: int, name: str = name) -> dict[str, float]:
            seeds.setdefault(name, []).append(torch.initial_seed())
            return size(model, epochs)

        made = plan(evaluator=Function(train), seed=seed, trials=6, finals=((2, 2),))
        run = loop(tmp_path, made, name=name)
        run.run()
        drawn[name] = [t.architecture for t in run.history]
    assert len({*seeds["first"], *seeds["other"]}) == 2 * (6 + 2)
    assert seeds["again"] == seeds["first"]
    assert drawn["again"] == drawn["first"]
    assert not {*drawn["first"]} & {*drawn["other"]}


class Children(Strategy):
    """Each proposal is a child of the trial before it, with a budget of its own."""

    def start(self, space, objectives) -> Search:
        trials: list[Trial] = []

        class State(Search):
            def propose(self, rng, pending) -> Proposal:
                return Proposal(space.sample(rng), Budget(2), trials[-1].number if trials else None)

            def observe(self, trial: Trial) -> None:
                trials.append(trial)

        return State()


def test_a_child_does_not_inherit_what_was_measured_of_its_parent(tmp_path: Path) -> None:
    made = plan(
        space=SPACES["flat"](),
        strategy=Children(),
        targets=(Counted(),),
        trials=8,
        finals=(),
    )
    run = loop(tmp_path, made)
    run.run()
    assert [t.proposal.parent for t in run.history] == [None, *range(7)]
    for trial in run.history:
        count = parameters(made.space.build(trial.architecture))
        assert trial.metrics["params"] == count
        assert trial.metrics["latency_ms@counted"] == count / 100
