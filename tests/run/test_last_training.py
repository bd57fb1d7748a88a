"""A last training whose schedule ends with the minutes, and known networks that fit into them."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from test_pacing import Ticking
from torch import nn

from netwright.cli.output import _trial
from netwright.data import from_arrays
from netwright.evaluate.job import Evaluation, Job, _OutOfTime
from netwright.evaluate.pace import Pace
from netwright.evaluate.training import Training
from netwright.record.division import Division, Share
from netwright.record.events import (
    FinalistsChosen,
    Finished,
    Proposed,
    SchedulesPlanned,
    TimePlanned,
)
from netwright.record.writing import write
from netwright.report.sections import _epochs
from netwright.run.fingerprint import settings_of
from netwright.run.known_networks import KnownNetwork, timed_designs
from netwright.run.loop import Loop
from netwright.run.plan import Plan
from netwright.run.sources import End
from netwright.run.timed import in_time
from netwright.run.timetable import HOPED, Timetable
from netwright.run.trial_length import TrialLength, last_epochs
from netwright.space import Choose, Design, Space, ensembled
from netwright.store import MemoryStore
from netwright.trial import REFIT, SEARCH, Budget, Proposal, Stage, Trial

FINAL = Stage.final(1)


def training(rows: int = 2400, **changes) -> Training:
    x = np.random.default_rng(0).normal(size=(rows, 4))
    data = from_arrays(x, (x[:, 0] > 0).astype(int))
    return Training(data, **{"folds": 1, **changes})


def wide() -> Space:
    def network(choose: Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
        width = choose.width("width", 100, 400, step=100)
        return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, outputs))

    return Space(network, (4,), 2, designs=[Design("wide", {}, {"width": 1}, usual=400)])


def plan_of(**changes) -> Plan:
    given = {"space": wide(), "evaluator": training(), "targets": (), "minutes": 1}
    return Plan(**{**given, **changes})


def loop_of(plan: Plan, name: str = "a", *, schedules: SchedulesPlanned | None = None) -> Loop:
    store = MemoryStore("last-training")
    store.clear()
    store.create(name, settings_of(plan))
    write(store, name, TimePlanned(Division(60.0, 0.0, 5.0, 1), Share(2, 3.0, None), ()))
    write(store, name, schedules or SchedulesPlanned((), 40))
    return Loop(plan, store, name, Ticking(1.0), clock=lambda: 0.0, ending=5)


def last(
    plan: Plan,
    stage: Stage = REFIT,
    count: int = 1,
    budgets: Callable[[int], Budget] = Budget,
    **given,
) -> bool:
    loop = loop_of(plan, **given)
    proposals = tuple(
        Proposal(plan.space.smallest(), budgets(9 + i), 0, stage) for i in range(count)
    )
    write(loop.store, loop.name, FinalistsChosen(stage, proposals))
    again = Loop(plan, loop.store, loop.name, Ticking(1.0), clock=lambda: 0.0, ending=5)
    return again.pacing.ends_on_time(proposals[0])


def test_the_last_training_has_a_schedule_that_ends_on_time() -> None:
    assert last(plan_of())
    assert last(plan_of(), FINAL, schedules=SchedulesPlanned(((1, 40),), 0))


def test_no_other_training_has_one() -> None:
    assert not last(plan_of(), SEARCH)
    assert not last(plan_of(), FINAL)  # a refit follows
    assert not last(plan_of(), count=2)  # which are compared
    assert not last(plan_of(), budgets=lambda epochs: Budget(epochs, 40))  # the best of a schedule
    assert not last(plan_of(finals=((2, 40),)))  # who says how long knows why
    assert not last(plan_of(refit=False, evaluator=training(folds=2)))  # one after the other
    assert not last(plan_of(space=ensembled(wide(), 2)))


@pytest.mark.parametrize(
    ("left", "most", "epochs"),
    [(105, 0, 100), (84, 0, 80), (60, 0, None), (84, 300, 105), (400, 300, 300), (60, 300, None)],
)
def test_a_refit_has_the_epochs_for_which_there_is_time(left, most, epochs) -> None:
    """100 epochs seem to take 100 s; one that ends on time has more of them than that."""
    refit = Proposal(wide().smallest(), Budget(100), 1, REFIT)
    found = in_time(refit, 100.0, left, most)
    assert (None if found is None else found.budget.amount) == epochs
    assert HOPED == 0.8


def test_a_name_for_a_run_leaves_open_what_nobody_said() -> None:
    named = plan_of().named("b")
    assert named.run == "b" and named.leaves_epochs_open
    assert not plan_of(finals=((2, 9),)).named("b").leaves_epochs_open
    assert plan_of(finals=((2, 9),)).named("b").finals == ((2, 9),)


class Paced(Training):
    """A training of which a step takes a microsecond for each 1,000 multiplications of a row."""

    def time_steps(self, candidate, budget) -> float:
        steps = self.steps(budget, candidate.recipe)
        macs = candidate.space.survey(candidate.architecture).macs
        return steps.number * 1e-9 * macs * steps.batch


def designs_of(space: Space) -> list[tuple[str, list]]:
    sizes = [space.architecture({"width": width}) for width in (400, 300, 200, 100)]
    return [("wide", sizes)]


def paced() -> Paced:
    x = np.random.default_rng(0).normal(size=(2400, 4))
    data = from_arrays(x, (x[:, 0] > 0).astype(int))
    return Paced(data, epochs=3, full_epochs=160, folds=1)


@pytest.mark.parametrize(
    ("bound", "width", "fits"), [(1.0, 400, True), (0.05, 200, True), (0.01, 100, False)]
)
def test_known_networks_are_as_large_as_their_last_training_allows(bound, width, fits) -> None:
    """20 epochs of 1,920 rows are 38,400 rows: 0.09 s with a width of 400, of 2,400 MACs."""
    plan = plan_of(evaluator=paced())
    found = timed_designs(
        plan, plan.costs(), designs_of(plan.space), Pace(), Budget(20), bound, most=1e9
    )
    assert found.most == {"wide": 6 * width}
    assert [each.costs["macs"] for each in found.fitting] == ([6 * width] if fits else [])
    assert found.examples and {each["macs"] for each in found.examples} == {2400}  # timed once


def test_a_size_that_seems_much_too_slow_is_not_timed() -> None:
    plan, slow = plan_of(evaluator=paced()), Pace()
    steps = plan.evaluator.steps(Budget(20), {})
    for macs in (600.0, 2400.0):
        slow.learn({"macs": macs}, steps, 1e-3 * macs)
    found = timed_designs(
        plan, plan.costs(), designs_of(plan.space), slow, Budget(20), bound=0.16, most=1e9
    )
    assert {each["macs"] for each in found.examples} == {1200}  # 1.2 s is within 8 times of it
    assert found.most == {"wide": 1200}


def test_no_design_is_timed_after_its_share_of_the_minutes() -> None:
    plan = plan_of(evaluator=paced())
    designs = [("wide", designs_of(plan.space)[0][1]), ("other", designs_of(plan.space)[0][1])]
    found = timed_designs(plan, plan.costs(), designs, Pace(), Budget(20), bound=1.0, most=0.0)
    assert list(found.most) == ["wide"]


def test_trials_are_so_short_that_known_networks_fit() -> None:
    plan, pace = plan_of(), Pace()
    epochs = plan.evaluator.epochs
    steps = plan.evaluator.steps(Budget(epochs), {})
    timed = {"params": 1e3, "macs": 1e3, "steps": steps.number, "batch": steps.batch}
    pace.learn_json(timed | {"seconds": 0.3})
    known = KnownNetwork({"macs": 1e3, "params": 1e3}, Pace())
    known.pace.learn_json(timed | {"seconds": 6.0})
    table = Timetable(60, 0.0, 0.0, slots=1)

    def trial(*networks: KnownNetwork) -> tuple[int, float]:
        given = [timed | {"seconds": 0.3}], pace, 0.0, 1.0, networks
        return TrialLength(plan, table, *given).decided()

    assert trial()[0] == epochs
    shorter, seconds = trial(known)
    assert 1 < shorter < epochs and seconds <= table.trial
    slow = KnownNetwork(known.costs, Pace())
    slow.pace.learn_json(timed | {"seconds": 600.0})
    assert trial(slow) == (2, pytest.approx(table.known_trial))  # three of them in a quarter
    assert table.known_trial == pytest.approx(60 / 4 / 3) and table.trial < table.known_trial


def test_a_size_beyond_what_fits_is_turned_down_without_being_timed() -> None:
    plan = plan_of()
    store = MemoryStore("too-large")
    store.clear()
    store.create("a", settings_of(plan))
    share = Share(2, 1e9, None, {"wide": 1200.0})
    write(store, "a", TimePlanned(Division(60.0, 0.0, 5.0, 1), share, ()))
    pacing = Loop(plan, store, "a", Ticking(1.0), clock=lambda: 0.0, ending=5).pacing
    proposal = Proposal(plan.space.architecture({"width": 400}), design="wide")
    assert pacing.is_too_long(proposal, {"macs": 2400.0})
    assert not pacing.is_too_long(proposal, {"macs": 1200.0})
    assert not pacing.is_too_long(replace(proposal, design=None), {"macs": 2400.0})
    assert pacing.turned_down(SEARCH).count == 1


def test_a_log_without_bounds_of_known_networks_still_opens() -> None:
    share = Share(2, 3.0, None, {"wide": 1200.0})
    assert Share.from_json(share.to_json()) == share
    assert Share.from_json({"epochs": 2, "seconds": 3.0, "macs": None}) == replace(
        share, designs={}
    )


@pytest.mark.parametrize(("folds", "more"), [(1, 1.25), (3, 0.5), (5, 0.25)])
def test_a_refit_has_fewer_rows_than_a_trial_of_folds(folds, more) -> None:
    plan = plan_of(evaluator=training(1000, folds=folds))
    beginning = loop_of(plan).pacing._beginning
    assert beginning.more == pytest.approx(more, rel=0.1)
    assert loop_of(plan_of(refit=False)).pacing._beginning.more == 1.0


@pytest.mark.parametrize(
    ("changes", "epochs"),
    [({}, 60), ({"evaluator": training(1000, folds=3)}, 30), ({"finals": ((2, 30),)}, 30),
     ({"space": ensembled(wide(), 2)}, 30)],
    ids=["open", "folds", "said", "ensemble"],
)  # fmt: skip
def test_after_trainings_in_full_that_were_shorter_the_last_is_as_long_as_it_can(
    changes, epochs
) -> None:
    plan = plan_of(**changes)
    full = plan.evaluator.full_epochs
    assert last_epochs(plan, 30) == (full if epochs == 60 else 30)


@pytest.mark.parametrize(("own", "left"), [(3, 0.5), (20, 1.0)])
def test_a_training_in_full_begins_only_where_it_can_end(own, left) -> None:
    """A short trial if half of one can."""
    plan = plan_of(refit=False, evaluator=training(epochs=3, full_epochs=40))
    store = MemoryStore("ends")
    store.clear()
    store.create("a", settings_of(plan))
    write(store, "a", TimePlanned(Division(60.0, 0.0, 5.0, 1), Share(own, 30.0, None), ()))
    proposal, costs = Proposal(plan.space.smallest()), {"macs": 1.0, "params": 1.0}
    write(store, "a", Proposed(0, 0, proposal, "0", 0, 1))
    trained = Trial(0, proposal, "done", {"accuracy": 0.5, **costs}, seconds=8.0)
    write(store, "a", Finished(0, trained))
    now = [0.0]
    pacing = Loop(plan, store, "a", Ticking(1.0), clock=lambda: now[0], ending=5).pacing
    ends = pacing.search_ends()
    assert 0 < ends < 60
    now[0] = ends - 8.0 * left - 0.01
    assert pacing.out_of_time() is None
    now[0] = ends - 8.0 * left + 0.01
    assert pacing.out_of_time() == "1 minutes"


def test_known_networks_are_timed_for_a_small_part_of_the_minutes_only(monkeypatch) -> None:
    plan = plan_of(evaluator=paced())
    loop = loop_of(plan)
    now, timed = [0.0], []

    def seconds(*given) -> float:
        timed.append(given)
        now[0] += 2.0
        return 1e9

    monkeypatch.setattr("netwright.run.pacing.seconds_by_steps", seconds)
    pacing = Loop(plan, loop.store, "a", Ticking(1.0), clock=lambda: now[0], ending=5).pacing
    pacing._state.pace.learn({"macs": 2400.0}, plan.evaluator.steps(Budget(2), {}), 6.0)
    proposal = Proposal(plan.space.architecture({"width": 400}), design="wide")
    assert all(pacing.is_too_long(proposal, {"macs": 2400.0}) for _ in range(5))
    assert len(timed) == 2  # of 3 seconds


def test_the_last_hope_is_given_once_though_others_were_turned_down_before(monkeypatch) -> None:
    plan = plan_of()
    sources = loop_of(plan)._sources
    hope = Proposal(plan.space.smallest())
    monkeypatch.setattr(sources._pacing, "out_of_time", lambda: "1 minutes")
    monkeypatch.setattr(sources._pacing, "lacks_result", lambda: True)
    monkeypatch.setattr(sources._pacing, "last_hope", lambda: hope)
    monkeypatch.setattr(sources._state, "place", lambda number: SimpleNamespace(attempt=3))
    assert sources.search(0, 3) is hope
    assert isinstance(sources.search(0, 4), End)


@pytest.mark.parametrize(
    ("fits", "over", "is_ended"), [(False, 0.1, True), (True, 2.9, False), (True, 3.1, True)]
)
def test_a_training_that_ends_by_itself_has_time_to_be_scored(
    monkeypatch, fits, over, is_ended
) -> None:
    now = [0.0]
    monkeypatch.setattr("netwright.evaluate.job.time", SimpleNamespace(monotonic=lambda: now[0]))
    plan = plan_of()
    job = Job(plan.space.smallest(), Budget(9), 0, {}, seconds=10.0, ends_on_time=fits)
    context = Evaluation(plan.space, plan.evaluator, ())._context(job, lambda news: None)
    assert (context.elapsed is not None) == fits
    now[0] = 9.7
    context.check()
    assert not fits or context.elapsed() == pytest.approx(1.0)
    now[0] = 10.0 + over
    with pytest.raises(_OutOfTime) if is_ended else nullcontext():
        context.check()


def test_a_trial_says_how_many_epochs_it_had() -> None:
    curve = tuple({"epoch": float(epoch), "loss": 1.0} for epoch in range(1, 24))
    made = Trial(3, Proposal(wide().smallest(), Budget(40), stage=REFIT), "done", curve=curve)
    assert made.trained_epochs == 23
    assert _epochs(made) == "23 of 40"
    assert _trial(made)["epochs"] == 23
    whole = replace(made, proposal=replace(made.proposal, budget=Budget(23)))
    assert _epochs(whole) == "23"
    alone = replace(made, curve=())
    assert alone.trained_epochs is None and _epochs(alone) == "40" and _trial(alone)["epochs"] == 40


def test_known_networks_leave_time_for_the_test_part() -> None:
    """Four passes over 480 rows, where training goes three times over 1,440 in each epoch."""
    plan = plan_of()
    data = plan.evaluator.data
    assert (len(data.train), len(data.test)) == (1440, 480)
    share = loop_of(plan).pacing._beginning._scoring(Budget(20))
    assert share == pytest.approx(4 * 480 / (3 * 20 * 1440), rel=0.05)


def test_trainings_in_full_are_compared_only_where_a_known_network_fits_into_one() -> None:
    """Random ones would fit six times; a known one is as large as its last training allows."""
    plan, pace = plan_of(), Pace()
    steps = plan.evaluator.steps(Budget(plan.evaluator.full_epochs), {})
    timed = {"params": 1e3, "macs": 1e3, "steps": steps.number, "batch": steps.batch}
    timed["seconds"] = 4.0
    pace.learn_json(timed)
    table = Timetable(60, 0.0, 0.0, slots=1)

    def epochs(*known: KnownNetwork) -> int:
        return TrialLength(plan, table, [timed], pace, 0.0, 1.0, known).decided()[0]

    def taking(seconds: float) -> KnownNetwork:
        network = KnownNetwork({"macs": 1e3, "params": 1e3}, Pace())
        network.pace.learn_json(timed | {"seconds": seconds})
        return network

    usual = plan.evaluator.epochs
    assert epochs() > usual
    assert epochs(taking(8.0), taking(30.0)) > usual
    assert epochs(taking(30.0)) <= usual
