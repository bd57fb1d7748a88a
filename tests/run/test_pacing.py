"""Minutes and a user's own training: what it takes is learned from the first trials."""

import os
from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from netwright import maximize
from netwright.cli.output import document
from netwright.data import from_arrays
from netwright.evaluate.base import Candidate
from netwright.evaluate.function import Function
from netwright.evaluate.job import TRAINING_SECONDS, _OutOfTime
from netwright.evaluate.pace import Pace
from netwright.evaluate.training import Training
from netwright.execute import Inline
from netwright.record.division import Division, Share
from netwright.record.events import (
    Rehearsed,
    Rejected,
    SchedulesPlanned,
    TimePlanned,
    TurnedDown,
)
from netwright.record.reading import read_record
from netwright.record.record import Record
from netwright.record.turned_down import slow_told
from netwright.record.writing import write
from netwright.report.sections import failures
from netwright.run.beginning import _ASIDE
from netwright.run.designs import first_of_space
from netwright.run.fingerprint import settings_of
from netwright.run.known_networks import largest_known
from netwright.run.loop import Loop
from netwright.run.pacing import _STARTING
from netwright.run.plan import Plan
from netwright.run.timed import TimedSteps, timed_examples
from netwright.run.timetable import Timetable
from netwright.run.trial_length import TrialLength
from netwright.space import Choose, Design, Space
from netwright.spaces import mlp
from netwright.store import MemoryStore
from netwright.testing.spaces import SPACES
from netwright.trial import BASELINE, SEARCH, Budget, Proposal, Trial


class Ticking(Inline):
    """An executor whose clock a training moves on, by its parameters and to its limit."""

    def __init__(self, each: float) -> None:
        super().__init__()
        self.now, self.each, self.limit = 0.0, each, float("inf")

    def __call__(self) -> float:
        return self.now

    def submit(self, key, job, seconds=None, *, alone=False) -> None:
        self.limit = float("inf") if seconds is None else seconds
        super().submit(key, job, seconds, alone=alone)

    def train(self, model: nn.Module, epochs: int) -> float:
        seconds = epochs * self.each * sum(p.numel() for p in model.parameters())
        self.now += min(seconds, self.limit)
        if seconds > self.limit:
            raise _OutOfTime("it took too long")
        return 0.5 + epochs / 100


def ran(
    monkeypatch, each: float, *, rehearsed: float | None = None, **changes
) -> tuple[Record, float]:
    """The record of a run of ten minutes, and the seconds until its last training was over."""
    clock = Ticking(each)
    monkeypatch.setattr("netwright.evaluate.job.time.perf_counter", clock)
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))
    given = {
        "space": SPACES["huge"](),
        "evaluator": Function(clock.train, epochs=2, full_epochs=6),
        "strategy": "random",
        "objectives": (maximize("accuracy"),),
        "targets": (),
        "minutes": 10,
    }
    plan = Plan(**{**given, **changes})
    store = MemoryStore("pacing")
    store.clear()
    store.create("a", settings_of(plan))
    if rehearsed is not None:
        write(store, "a", Rehearsed(1, 5.0, rehearsed, ()))
    ending = None if rehearsed is not None else 30
    loop = Loop(plan, store, "a", clock, clock=clock, ending=ending)
    loop.run()
    return read_record(store, "a"), loop.spending.seconds()


def smallest_size() -> int:
    space = SPACES["huge"]()
    return sum(p.numel() for p in space.build(space.smallest(), seed=0).parameters())


@pytest.mark.parametrize("baseline", [0, "same", 400])
@pytest.mark.parametrize("each", [0.005, 0.05])
def test_all_trainings_are_over_in_time(monkeypatch, each, baseline) -> None:
    record, seconds = ran(monkeypatch, each, baseline=baseline)
    assert 0.6 * 570 <= seconds <= 570
    assert record.best is not None
    assert record.time_plan is not None and record.closed[SEARCH] == "10 minutes"
    share = record.time_plan.share.seconds
    tried = [t for t in record.history if t.proposal.stage.explores]
    assert all(t.seconds <= max(1.5 * share, share + 3) + 1e-6 for t in tried)
    if baseline:
        assert sum(t.proposal.stage == BASELINE for t in tried) >= 2


def test_the_first_trial_is_a_small_one_and_says_what_others_take(monkeypatch) -> None:
    record, _ = ran(monkeypatch, 20 / smallest_size())
    first, *rest = sorted(record.history, key=lambda t: t.number)
    assert first.done and first.architecture == SPACES["huge"]().smallest()
    assert sum(t.status == "timeout" for t in rest) <= 3
    assert record.time_plan is not None
    share = record.time_plan.share.seconds
    assert record.too_slow.keys() == {share}
    count, least, largest = record.too_slow[share]
    assert count >= 1 and share < least <= largest
    told = document(record)["too_slow"]
    assert told == [{"networks": count, "least": least, "largest": largest, "share": share}]
    assert f"and a trial has {share:.3g} s" in slow_told(record)


def test_what_was_turned_down_is_told_by_the_share_that_decided_it(monkeypatch) -> None:
    """A run that goes on with other minutes has another share of them."""
    record, _ = ran(monkeypatch, 20 / smallest_size())
    first = record.time_plan
    before = slow_told(record)
    longer = replace(first, share=replace(first.share, seconds=3 * first.share.seconds))
    share, store = first.share.seconds, MemoryStore("pacing")
    write(store, "a", longer)
    assert before and slow_told(read_record(store, "a")) == before.replace("has", "had then")
    write(store, "a", TurnedDown(SEARCH, 2, 5 * share, 6 * share))
    write(store, "a", TurnedDown(SEARCH, 1, 4 * share, 4 * share))
    metrics = {TRAINING_SECONDS: 5 * share}
    write(store, "a", Rejected(99, 1, Proposal(SPACES["huge"]().smallest()), metrics, "too long"))
    record = read_record(store, "a")
    told = f"; 3 networks were not trained since that would have taken {4 * share:.3g} to "
    told += f"{6 * share:.3g} s, and a trial has {3 * share:.3g} s"
    assert slow_told(record).endswith(told)
    assert document(record)["too_slow"][-1]["share"] == 3 * share
    assert f"longer than the {3 * share:.3g} s that were" in failures(record)


def test_where_no_trial_fits_the_smallest_network_has_fewer_epochs(monkeypatch) -> None:
    record, seconds = ran(monkeypatch, 100 / smallest_size())
    assert seconds <= 570
    assert record.best is not None and record.best.proposal.epochs is not None


def test_the_rehearsed_export_is_what_is_kept_for_the_end(monkeypatch) -> None:
    record, seconds = ran(monkeypatch, 0.005, rehearsed=80.0)
    assert record.time_plan is not None
    assert record.time_plan.division.end == 80.0 + _ASIDE
    assert seconds <= 600 - 80 - _ASIDE


@pytest.mark.parametrize(
    ("changes", "kept"),
    [({}, True), ({"export": False}, False), ({"export": False, "out": "best"}, True)],
)
def test_no_time_is_kept_for_an_export_that_nobody_wants(changes, kept, monkeypatch) -> None:
    clock = Ticking(1.0)
    evaluator = Function(clock.train, epochs=2)
    plan = Plan(SPACES["huge"](), evaluator, targets=(), minutes=10, **changes)
    store = MemoryStore("pacing-export")
    store.clear()
    store.create("a", settings_of(plan))
    loop = Loop(plan, store, "a", clock, clock=clock)
    planned = loop.pacing.planned(plan.costs(), 1.0)
    assert planned is not None and (planned.division.end > _ASIDE) == kept


@pytest.mark.parametrize(("each", "is_long"), [(0.02, True), (0.2, False)])
def test_late_answers_are_tried_where_the_last_final_is_long(monkeypatch, each, is_long) -> None:
    def recipe(choose: Choose) -> dict[str, object]:
        return {"strength": choose.value("strength", [0, 1, 2], late=True)}

    space = Space(SPACES["flat"]().network, (4,), 3, recipe=recipe)
    record, seconds = ran(monkeypatch, each, space=space, finals=((2, 40),))
    finals = [t for t in record.history if t.proposal.stage.is_final]
    strengths = {t.architecture["strength"] for t in finals}
    assert strengths == ({0, 1, 2} if is_long else {0})
    assert max(t.proposal.epochs for t in finals) >= 20
    assert all(t.done for t in finals) and seconds <= 570


def trial_of(minutes: float, seconds: float, **changes) -> tuple[int, float]:
    """Epochs and seconds of a trial, where the usual one would take so many seconds."""
    kind = changes.pop("kind", "table")
    x = np.random.default_rng(0).normal(size=(60, 4) if kind == "table" else (60, 16))
    data = from_arrays(x, (x[:, 0] > 0).astype(int), kind=kind)
    training, larger = Training(data, **changes.pop("training", {})), changes.pop("larger", None)
    plan = Plan(**{"space": mlp(data.signature.input.sizes, 2), "evaluator": training,
                   "targets": (), "minutes": minutes, "refit": False, "designs": False,
                   **changes})  # fmt: skip
    steps, pace = training.steps(Budget(training.epochs), {}), Pace()
    timed = {"params": 1e3, "macs": 1e3, "steps": steps.number, "batch": steps.batch}
    pace.learn_json(timed | {"seconds": seconds})
    if larger is not None:
        pace.learn_json(timed | {"macs": 1e5, "seconds": larger})
    store = MemoryStore("trials")
    store.clear()
    store.create("a", settings_of(plan) | first_of_space(plan))
    first = Loop(plan, store, "a", Ticking(1.0)).state.first
    largest = largest_known(plan.costs(), [(n, m) for n, m in first if n is not None])
    table = Timetable(60 * minutes, 0.0, 0.0, slots=1)
    given = [timed | {"seconds": seconds}], pace, largest, 1.0
    return TrialLength(plan, table, *given).decided()


def test_where_some_trainings_in_full_are_affordable_trials_are_those() -> None:
    usual = Training(from_arrays(np.zeros((60, 4)), np.arange(60) % 2))
    assert (usual.epochs, usual.full_epochs) == (100, 200)
    assert trial_of(1, 4.0) == (200, 10.0)  # a sixth of the minute
    nearly, seconds = trial_of(1, 7.0)
    assert 100 < nearly < 200 and seconds == 10.0
    assert trial_of(1, 0.1) == (100, pytest.approx(3.75))  # for hundreds finals are better
    few, _ = trial_of(1, 30.0)
    assert few < 20


def test_trainings_in_full_are_shorter_where_a_known_network_would_not_fit_else() -> None:
    """Down to those of a good last training, and no further."""

    def network(choose: Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
        width = choose.width("width", 100, 20_000, step=100)
        return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, outputs))

    def length(width: int, **changes) -> int:
        wide = Design("wide", {}, {"width": 1}, usual=width)
        space = Space(network, (4,), 2, designs=[wide])
        changes = {"designs": True, "larger": 40.0, **changes}  # of 100,000 multiplications
        return trial_of(1, 4.0, space=space, **changes)[0]

    assert length(400) == 200
    assert 100 < length(2000) < 140
    assert length(20_000) == 75  # which are 150 steps
    assert length(20_000, limits={"macs": 2400}) == 200
    assert length(20_000, designs=False) == 200


def test_trials_of_few_rows_have_so_many_steps_that_they_say_something() -> None:
    """Networks are smaller instead; where there is time for none so long trials are short ones."""
    usual = 24 / 100  # epochs of series, of two steps each
    assert trial_of(1, 4.0 * usual, kind="series") == (128, 10.0)
    length, seconds = trial_of(1, 11.0 * usual, kind="series")
    assert 75 <= length < 85 and seconds == 10.0
    length, seconds = trial_of(1, 60.0 * usual, kind="series")
    assert 2 <= length < 24 and seconds == pytest.approx(3.75)


@pytest.mark.parametrize(
    "changes",
    [{"training": {"epochs": 90}}, {"training": {"full_epochs": 190}}, {"finals": ((2, 200),)},
     {"stopper": "hyperband"}, {"strategy": "darts"}],
    ids=str,
)  # fmt: skip
def test_epochs_that_were_asked_for_are_kept(changes) -> None:
    assert trial_of(1, 4.0, **changes)[0] <= 100


def test_a_short_training_has_some_seconds_beyond_its_share(monkeypatch) -> None:
    """A worker's first training takes longer than what its steps take."""
    clock = Ticking(1.0)
    plan = Plan(SPACES["huge"](), Function(clock.train, epochs=2), targets=(), minutes=10)
    store = MemoryStore("grace")
    store.clear()
    store.create("a", settings_of(plan))
    write(store, "a", TimePlanned(Division(600.0, 0.0, 30.0, 1), Share(2, 0.2, None), ()))
    pacing = Loop(plan, store, "a", clock, clock=clock, ending=30).pacing
    trial = Proposal(plan.space.sample(np.random.default_rng(1)))
    assert pacing.limit(trial) == pytest.approx(3.2)


def trained_plan() -> Plan:
    x = np.random.default_rng(0).normal(size=(2400, 4))
    data = from_arrays(x, (x[:, 0] > 0).astype(int))
    training = Training(data, epochs=3, full_epochs=160)
    return Plan(space=mlp(data.shape, 2), evaluator=training, targets=(), minutes=1)


def test_steps_are_timed_once_for_each_number_of_rows(monkeypatch) -> None:
    plan, asked = trained_plan(), []
    given = Training.time_steps

    def timed(self: Training, candidate: Candidate, budget: Budget) -> float | None:
        asked.append(self.steps(budget, candidate.recipe).batch)
        return given(self, candidate, budget)

    monkeypatch.setattr(Training, "time_steps", timed)
    steps, trial = TimedSteps(plan), Trial(0, Proposal(plan.space.smallest()), "done", {})
    half, calls = steps.seconds(trial, 160), len(asked)
    assert half and steps.seconds(trial, 320) == pytest.approx(2 * half)
    assert len(asked) == calls and set(asked) == {128}
    steps.seconds(trial, 3)
    assert set(asked) == {16, 128}
    costs = plan.costs()
    examples = timed_examples(plan, costs, 1e9)
    assert {each["batch"] for each in examples} == {16, 128}


@pytest.mark.parametrize(
    ("finals", "refit", "expected"),
    [((), 40, Budget(40)), ((), 3, None), ((), 0, None), (((2, 20),), 20, None)],
)
def test_a_refit_is_longer_than_short_trials_alone(finals, refit, expected) -> None:
    plan = trained_plan()
    store = MemoryStore("much-longer")
    store.clear()
    store.create("a", settings_of(plan))
    write(store, "a", SchedulesPlanned(finals, refit))
    assert Loop(plan, store, "a", Ticking(1.0))._much_longer() == expected


@pytest.mark.parametrize(
    ("in_process", "cores", "load"),
    [(True, 1, 1.0), (False, 2, 1.0), (False, 1, 1.0), (False, 1, 3.0)],
)
def test_the_start_of_workers_counts_as_start(monkeypatch, in_process, cores, load) -> None:
    """But where a core is left for it while the minutes are divided."""
    clock = Ticking(1.0)
    monkeypatch.setattr(Ticking, "in_process", property(lambda self: in_process))
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    plan = Plan(SPACES["huge"](), Function(clock.train, epochs=2), targets=(), minutes=10)
    store = MemoryStore("starting")
    store.clear()
    store.create("a", settings_of(plan))
    loop = Loop(plan, store, "a", clock, clock=clock, ending=30)
    told = loop.pacing.planned(plan.costs(), load)
    waits = not in_process and cores == 1
    assert told is not None and told.division.start == (_STARTING * load if waits else 0.0)
