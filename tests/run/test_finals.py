"""The finals: who is chosen of which trials, and latency measured again on the idle machine."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import pytest
from test_loop import plan, size

from netwright.evaluate.function import Function
from netwright.evaluate.job import Outcome
from netwright.execute import Executor, Message
from netwright.objective import limits_from, maximize, minimize
from netwright.record.artifacts import weights_key
from netwright.run.choice import Scored
from netwright.run.finals import (
    as_in_long,
    eligible,
    finalists,
    measured_again,
    only_refits,
    refits,
)
from netwright.run.kept_weights import Weights
from netwright.run.plan import Plan
from netwright.space import Architecture, Choose, Design, Space
from netwright.store import SQLiteStore
from netwright.testing.spaces import SPACES
from netwright.trial import REFIT, SEARCH, Budget, History, Proposal, Stage, Status, Trial

LATENCY = "latency_ms@pytorch"
FIRST, SECOND = Stage.final(1), Stage.final(2)


class Scripted(Executor):
    """Answers each measurement with the next latency of a list; None is a lost worker."""

    def __init__(self, answers: Sequence[float | dict[str, float] | None]) -> None:
        self._answers, self._news = list(answers), list[Message]()
        self.measured: list[int] = []

    @property
    def slots(self) -> int:
        return 2

    def start(self, work) -> None: ...

    def cancel(self, key) -> None: ...

    def stop(self) -> None: ...

    def submit(self, key, job, seconds=None, *, alone=False) -> None:
        assert alone
        assert job.measure
        self.measured.append(key.trial)
        answer = self._answers.pop(0)
        if answer is None:
            self._news = [Message("lost", key, ("failed", "the worker ended"))]
        else:
            metrics = answer if isinstance(answer, dict) else {LATENCY: answer}
            outcome = Outcome("done", metrics)
            self._news = [Message("progress", key, {}), Message("ended", key, outcome)]

    def wait(self, seconds: float) -> list[Message]:
        news, self._news = self._news[:1], self._news[1:]
        return news


def trial(
    number: int,
    accuracy: float = 0.5,
    stage: Stage = SEARCH,
    *,
    epochs: int | None = None,
    status: Status = "done",
    **metrics: float,
) -> Trial:
    """A trial whose network differs from that of every other number in four answers."""
    answers = dict.fromkeys("abcd", number)
    proposal = Proposal(Architecture(answers), epochs and Budget(epochs), None, stage)
    return Trial(number, proposal, status, {"accuracy": accuracy} | metrics)


@pytest.mark.parametrize(
    ("answers", "times", "expected"),
    [
        ([0.9, 7.0], 1, 0.9),  # within the limit: once is enough
        ([1.0, 7.0], 1, 1.0),
        ([1.2, 0.8, 7.0], 2, 0.8),
        ([1.2, 1.4, 1.3, 0.1], 3, 1.2),  # over it each time: the least counts
        ([1.4, 1.2, 1.3], 3, 1.2),
        ([1.4, None, 0.1], 2, 1.4),
        ([None, 0.1], 1, None),
        ([{}, 0.1], 1, None),  # it can be run no more
    ],
)
def test_the_least_of_three_measurements_counts(answers, times, expected) -> None:
    executor, waited, attempts = Scripted(answers), list[int](), count(1)
    limits = limits_from({"params": 0.1, LATENCY: 1.0})
    found = measured_again(
        [trial(4, **{LATENCY: 5.0})],
        limits,
        {LATENCY},
        executor,
        lambda number: next(attempts),
        lambda: waited.append(1),
    )
    assert found == ({} if expected is None else {4: {LATENCY: expected}})
    assert executor.measured == [4] * times
    assert len(waited) < 2 * times


def test_each_that_had_a_latency_is_measured_again() -> None:
    executor = Scripted([3.0, 2.0])
    trials = [trial(0, **{LATENCY: 1.0}), trial(1), trial(2, **{LATENCY: 1.0})]
    found = measured_again(trials, (), {LATENCY}, executor, lambda number: 1, lambda: None)
    assert found == {0: {LATENCY: 3.0}, 2: {LATENCY: 2.0}}
    assert executor.measured == [0, 2]


def test_finalists_are_of_the_stage_before_done_and_within_the_limits() -> None:
    made = plan(limits=limits_from({"params": 10}), finals=((3, 4), (2, 9)))
    history = History(
        [
            trial(0, 0.5, params=1),
            trial(1, 0.9, params=11),
            trial(2, 0.6, params=10),
            trial(3, 0.8, status="failed", params=1),
            trial(4, 0.95, -1, params=1),  # of the baseline
            trial(5, math.nan, params=1),
            trial(6, 0.7, params=2),
            trial(7, 0.4, params=2),
            trial(8, 0.1, FIRST, params=1),
            trial(9, 0.2, FIRST, params=1),
            trial(10, 0.3, FIRST, params=1),
            trial(11, 0.9, FIRST, params=11),
        ]
    )
    first = finalists(made, history, 1)
    assert [(p.parent, p.epochs, p.stage) for p in first] == [
        (6, 4, FIRST),
        (2, 4, FIRST),
        (0, 4, FIRST),
    ]
    assert [p.architecture for p in first] == [history[n].architecture for n in (6, 2, 0)]


def test_the_last_final_takes_the_best_of_the_one_before() -> None:
    made = plan(finals=((3, 4), (2, 9)))
    space, history = made.space, History()
    members = list(dict.fromkeys([space.smallest(), *space.neighbours(space.smallest())]))
    for number, accuracy in enumerate((0.9, 0.1, 0.3, 0.2)):
        proposal = Proposal(members[number], Budget(4), None, FIRST if number else SEARCH)
        history.append(Trial(number, proposal, "done", {"accuracy": accuracy}))
    chosen = finalists(made, history, 2)
    assert [(p.parent, p.epochs, p.stage) for p in chosen] == [(2, 9, SECOND), (3, 9, SECOND)]


def test_what_had_more_epochs_goes_first_into_the_finals() -> None:
    made = plan(finals=((3, 20), (1, 30)))
    history = History(
        [trial(0, 0.9, epochs=1), trial(1, 0.8, epochs=1), trial(2, 0.3, epochs=9), trial(3, 0.2)]
    )
    assert [p.parent for p in finalists(made, history, 1)] == [2, 0, 1]


def test_a_near_copy_does_not_count_among_those_that_cost_more() -> None:
    made = plan(finals=((4, 2), (2, 9)))
    copy = Proposal(Architecture(dict.fromkeys("abc", 0) | {"d": 9}), None, None, SEARCH)
    history = History(
        [
            trial(0, 0.9, macs=1.0),
            trial(1, 0.8, macs=1.0),
            Trial(2, copy, "done", {"accuracy": 0.7, "macs": 50.0}),  # one answer beside trial 0
            trial(3, 0.65, macs=0.5),
            trial(4, 0.6, macs=10.0),
            trial(5, 0.5, macs=20.0),
        ]
    )
    assert [p.parent for p in finalists(made, history, 1)] == [0, 1, 4, 5]


def test_the_refit_is_of_the_best_or_of_the_front_with_the_epochs_it_had() -> None:
    found = [
        trial(3, 0.9, SECOND, epochs=9, params=30),
        trial(4, 0.8, SECOND, epochs=9, params=10),
        trial(5, 0.7, SECOND, epochs=9, params=20),
        trial(6, 0.9, SECOND, params=40),
    ]
    one = plan(finals=((3, 4), (2, 9)), evaluator=Function(size, epochs=7))
    assert [(p.parent, p.epochs, p.stage) for p in refits(one, found)] == [(3, 9, REFIT)]
    assert [(p.parent, p.epochs) for p in refits(one, found[3:])] == [(6, 7)]
    assert refits(one, []) == []
    two = plan(finals=((3, 4),), objectives=(maximize("accuracy"), minimize("params")))
    assert [(p.parent, p.stage) for p in refits(two, found)] == [(4, REFIT), (3, REFIT)]
    assert [p.architecture for p in refits(one, found)] == [found[0].architecture]


def test_where_only_short_trials_tell_the_best_well_known_network_is_trained_for_long() -> None:
    def known(number: int, accuracy: float) -> Trial:
        made = trial(number, accuracy, params=9)
        return replace(made, proposal=replace(made.proposal, design="plain"))

    one = plan(limits=limits_from({"params": 10}))
    others = [trial(3, 0.9, params=9), trial(4, 0.8, params=9)]
    designs = [known(5, 0.7), known(6, 0.6), replace(known(7, 0.95), metrics={"params": 11.0})]
    history = History([*others, *designs])

    def chosen(kept: Sequence[Trial], made=one) -> list[tuple[int | None, int | None, Stage]]:
        found = only_refits(made, history, kept, Budget(40), alone)
        return [(p.parent, p.epochs, p.stage) for p in found]

    assert chosen(others) == [(5, 40, REFIT)]
    assert chosen([*others, designs[1]]) == [(6, 40, REFIT)]  # which was measured again
    assert only_refits(one, History(others), others, Budget(40), alone)[0].parent == 3
    two = plan(objectives=(maximize("accuracy"), minimize("params")))
    assert chosen(others, two) == [(3, 40, REFIT)]


def alone(trial: Trial) -> Scored:
    """A trial by itself, of which it is not known how sure it is."""
    return Scored(trial, trial.metrics.get("accuracy", 0.0), 1, None, None)


@pytest.mark.parametrize(("error", "parent"), [(0.02, 4), (0.03, 3), (None, 4)])
def test_where_short_trials_tell_nothing_the_first_known_network_is_trained(error, parent) -> None:
    """The difference is 0.04: between errors of 0.028 and 0.042."""
    made = [trial(3, 0.7, params=9), trial(4, 0.74, params=9)]
    designs = [replace(t, proposal=replace(t.proposal, design="plain")) for t in made]

    def score(trial: Trial) -> Scored:
        return replace(alone(trial), error=error)

    found = only_refits(plan(), History(designs), designs, Budget(40), score)
    assert [p.parent for p in found] == [parent]


def late_plan(**changes) -> Plan:
    def recipe(choose: Choose) -> dict[str, object]:
        return {"way": choose.value("way", ["none", "shifted", "mixed"], late=True)}

    known = Design("plain", {}, long={"way": "mixed"})
    space = Space(SPACES["flat"]().network, (4,), 3, recipe=recipe, designs=[known])
    given = {"space": space, "evaluator": Function(size, full_epochs=80), "finals": None,
             "minutes": 9, "deterministic": False}  # fmt: skip
    return plan(**{**given, **changes})


@pytest.mark.parametrize(
    ("budget", "way"), [(Budget(49), "none"), (Budget(50), "mixed"), (Budget(50, 80), "none")]
)
def test_a_design_is_trained_for_long_as_it_is_then(budget, way) -> None:
    """Half of the full 80 epochs at least, by the clock that may end it after 80 % of them."""
    made = late_plan()
    refit = Proposal(made.space.smallest(), budget, 3, REFIT, "plain")
    trained = Trial(3, Proposal(made.space.smallest(), design="plain"), "done", {"accuracy": 0.5})
    found = as_in_long(made, History([trained]), refit)
    assert found.architecture["way"] == way
    assert (found.design, found.budget, found.parent) == ("plain", budget, 3)


def test_what_was_tried_or_said_stays_in_a_long_training() -> None:
    made = late_plan()
    usual, shifted, mixed = made.space.variants(made.space.smallest())
    refit = Proposal(usual, Budget(80), 3, REFIT, "plain")
    failed = Trial(4, Proposal(mixed), "failed")

    def found(*tried: Architecture, made: Plan = made, refit: Proposal = refit) -> Architecture:
        trials = [Trial(i, Proposal(each), "done") for i, each in enumerate(tried)]
        return as_in_long(made, History([*trials, failed]), refit).architecture

    assert found(usual, shifted) == mixed
    assert found(usual, mixed) == usual
    assert found(usual, made=late_plan(finals=((2, 80),))) == usual
    assert found(usual, made=late_plan(minutes=None, trials=9)) == usual
    assert found(usual, refit=replace(refit, design=None)) == usual


def test_what_may_be_returned_is_of_the_latest_stage_and_has_weights(tmp_path) -> None:
    made = plan(finals=((3, 4), (2, 9)), limits=limits_from({"params": 10}))
    store = SQLiteStore(tmp_path / "runs.db")
    store.create("a", {})
    weights = Weights(store, "a", made.objectives, made.limits)
    trials = [
        trial(0, params=1),
        trial(1, 0.9, params=1),
        trial(2, stage=FIRST, params=1),
        trial(3, stage=FIRST, params=2),
        trial(4, stage=SECOND, params=11),
    ]
    for each in trials:
        if each.number != 2:
            store.put("a", weights_key(each.number), b"weights")
    found = [eligible(made, History(trials[:end]), weights) for end in (0, 2, 4, 5)]
    assert [[t.number for t in each] for each in found] == [[], [0, 1], [3], [3]]
    last = trial(5, stage=SECOND, params=10)
    store.put("a", weights_key(5), b"weights")
    assert eligible(made, History([*trials, last]), weights) == [last]
