"""Predictive termination: who will hardly beat the best is ended."""

import math

import pytest

from netwright.errors import SettingError
from netwright.objective import maximize, minimize
from netwright.space import Architecture
from netwright.stopping import LearningCurve
from netwright.testing.spaces import SPACES
from netwright.trial import STATUSES, Budget, Proposal, Trial

BUDGET = Budget(20)
PROPOSAL = Proposal(Architecture({"a": 1}), BUDGET)


def curve(end: float, epochs: int, metric: str = "accuracy", sign: int = 1):
    """An exponential curve up to its end."""
    values = [end - 0.6 * math.exp(-epoch / 3) for epoch in range(1, epochs + 1)]
    return tuple({"epoch": e, metric: sign * value} for e, value in enumerate(values, 1))


def state(*ends: float, objective=maximize("accuracy"), sign=1, budget=BUDGET, **settings):  # noqa: B008
    begun = LearningCurve(**settings).start(SPACES["flat"](), (objective,))
    proposal = Proposal(PROPOSAL.architecture, budget)
    for number, end in enumerate(ends):
        points = curve(end, 20, objective.metric, sign)
        begun.observe(Trial(number, proposal, "done", {}, points))
    return begun


def test_who_ends_below_the_best_is_ended_and_who_may_be_above_goes_on() -> None:
    begun = state(0.9, 0.6, 0.5)
    assert begun.goes_on(PROPOSAL, curve(0.95, 8))
    assert not begun.goes_on(PROPOSAL, curve(0.7, 8))
    assert begun.goes_on(PROPOSAL, curve(0.7, 3))  # it is not yet asked


def test_what_is_minimised_is_turned_around() -> None:
    begun = state(0.9, 0.6, 0.5, objective=minimize("loss"), sign=-1)
    assert begun.goes_on(PROPOSAL, curve(0.95, 8, "loss", -1))
    assert not begun.goes_on(PROPOSAL, curve(0.7, 8, "loss", -1))


def test_a_larger_probability_ends_more() -> None:
    points = curve(0.9, 5)
    assert state(0.9, 0.9, 0.9).goes_on(PROPOSAL, points)
    assert not state(0.9, 0.9, 0.9, probability=0.99).goes_on(PROPOSAL, points)


def test_a_bound_ends_who_can_hardly_reach_what_is_near_it() -> None:
    """A line upwards is soon above the bound: it is hardly between the best and that."""
    rising = [{"epoch": e, "accuracy": 0.1 + 0.08 * e} for e in range(1, 6)]
    best = 0.9995
    assert state(best, best, best).goes_on(PROPOSAL, rising)
    assert not state(best, best, best, bound=1.0).goes_on(PROPOSAL, rising)
    turned = [{"epoch": e, "loss": 1 - point["accuracy"]} for e, point in enumerate(rising, 1)]
    begun = LearningCurve(trials=1, bound=0.0).start(SPACES["flat"](), (minimize("loss"),))
    begun.observe(Trial(0, PROPOSAL, "done", {}, ({"epoch": 20, "loss": 1 - best},)))
    assert not begun.goes_on(PROPOSAL, turned)


def test_who_may_be_compared() -> None:
    """Enough trials that are done, with a curve, of the same budget, and epochs with a value."""
    bad = curve(0.4, 10)
    assert not state(0.9, 0.9, trials=2).goes_on(PROPOSAL, bad)
    assert state(0.9, 0.9, trials=3).goes_on(PROPOSAL, bad)
    assert state(0.9, 0.9, trials=2, least=11).goes_on(PROPOSAL, bad)
    assert state(0.9, 0.9, trials=2, budget=Budget(30)).goes_on(PROPOSAL, bad)
    assert state(0.9, 0.9, trials=2).goes_on(PROPOSAL, curve(0.4, 10, "loss"))
    begun = state(trials=1)
    for number, status in enumerate(STATUSES[1:]):
        begun.observe(Trial(number, PROPOSAL, status, {}, curve(0.9, 20)))
    begun.observe(
        Trial(9, PROPOSAL, "done", {"accuracy": 0.9})
    )  # of another run, without its curve
    assert begun.goes_on(PROPOSAL, bad)
    begun.observe(Trial(10, PROPOSAL, "done", {}, curve(0.9, 20)))
    assert not begun.goes_on(PROPOSAL, bad)


def test_epochs_without_a_value_are_left_out() -> None:
    """As of a metric that is measured now and then; NaN and infinity are no values either."""
    begun = state(0.9, 0.9, 0.9)
    holes = [dict(point) for point in curve(0.4, 12)]
    del holes[0]["accuracy"]
    holes[2]["accuracy"], holes[4]["accuracy"] = math.nan, math.inf
    assert not begun.goes_on(PROPOSAL, holes)
    assert begun.goes_on(PROPOSAL, holes[:6])  # three values
    assert begun.goes_on(PROPOSAL, [{"epoch": 1.0, "accuracy": math.nan}] * 9)


def test_the_budget_of_the_evaluator_is_what_others_had() -> None:
    begun = state(0.9, 0.9, 0.9, budget=None)
    proposal = Proposal(PROPOSAL.architecture)
    assert not begun.goes_on(proposal, curve(0.4, 10))
    assert begun.goes_on(proposal, curve(0.4, 20))  # it is over in any case


def test_one_epoch_leaves_nothing_to_end() -> None:
    begun = LearningCurve(least=2, trials=1).start(SPACES["flat"](), (maximize("accuracy"),))
    proposal = Proposal(PROPOSAL.architecture, Budget(1))
    for number in range(3):
        begun.observe(Trial(number, proposal, "done", {}, curve(0.9, 1)))
    assert begun.goes_on(proposal, curve(0.2, 1))


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"least": 1}, "a whole number, at least 2, got 1"),
        ({"trials": 0}, "a whole number, at least 1, got 0"),
        ({"trials": True}, "a whole number, at least 1, got True"),
        ({"probability": 0.0}, "a number between 0 and 1, got 0.0"),
        ({"probability": 1}, "a number between 0 and 1, got 1"),
        ({"probability": "5 %"}, "a number between 0 and 1, got '5 %'"),
        ({"bound": math.inf}, "a finite number or None, got inf"),
    ],
)
def test_settings_are_checked(given: dict, rule: str) -> None:
    (name,) = given
    with pytest.raises(SettingError, match=rf"`LearningCurve\({name}=...\)` must be {rule}"):
        LearningCurve(**given)
