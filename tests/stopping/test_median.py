"""The median rule: who learns worse than half of the others is ended."""

import pytest

from netwright.errors import SettingError
from netwright.objective import maximize, minimize
from netwright.space import Architecture
from netwright.stopping import MedianStopping
from netwright.testing.spaces import SPACES
from netwright.trial import Budget, Proposal, Trial

PROPOSAL = Proposal(Architecture({"a": 1}))


def curve(*values: float, metric: str = "accuracy") -> tuple[dict[str, float], ...]:
    return tuple({"epoch": place, metric: value} for place, value in enumerate(values, 1))


def state(*curves, objective=maximize("accuracy"), **settings):  # noqa: B008 - it is frozen
    begun = MedianStopping(**settings).start(SPACES["flat"](), (objective,))
    for number, each in enumerate(curves):
        begun.observe(Trial(number, PROPOSAL, "done", {"accuracy": 0.5}, each))
    return begun


def test_the_best_epoch_is_compared_with_the_median_of_averages() -> None:
    """Averages after two epochs are 1/4, 3/8 and 3/4."""
    begun = state(curve(0.125, 0.375), curve(0.25, 0.5), curve(0.5, 1.0), trials=3)
    assert begun.goes_on(PROPOSAL, curve(0.0, 0.375))
    assert begun.goes_on(PROPOSAL, curve(0.375, 0.0))
    assert not begun.goes_on(PROPOSAL, curve(0.37, 0.1))
    assert not begun.goes_on(PROPOSAL, curve(0.24))  # after one the median is 1/4
    assert begun.goes_on(PROPOSAL, curve(0.25))
    assert begun.goes_on(PROPOSAL, curve(0.0, 0.0, 0.0))  # no other had so many


def test_what_is_minimised_is_turned_around() -> None:
    loss = [curve(*values, metric="loss") for values in ((3.0, 1.0), (2.0, 2.0), (1.0, 1.0))]
    begun = state(*loss, objective=minimize("loss"), trials=3)
    assert begun.goes_on(PROPOSAL, curve(2.5, 2.0, metric="loss"))
    assert not begun.goes_on(PROPOSAL, curve(2.5, 2.1, metric="loss"))


def test_who_may_be_compared() -> None:
    """Trials that are done, of the same budget, enough of them, after enough epochs."""
    good, bad = curve(0.9, 0.9), curve(0.1, 0.1)
    assert state(good, good, trials=3).goes_on(PROPOSAL, bad)
    assert not state(good, good, trials=2).goes_on(PROPOSAL, bad)
    assert state(good, good, trials=2, after=3).goes_on(PROPOSAL, bad)
    assert state(good, good, trials=2).goes_on(Proposal(PROPOSAL.architecture, Budget(9)), bad)
    begun = state(trials=2)
    for number in range(4):
        begun.observe(Trial(number, PROPOSAL, "failed", {}, good))
    assert begun.goes_on(PROPOSAL, bad)
    assert begun.goes_on(PROPOSAL, curve(0.1, metric="loss"))  # nothing to compare yet


@pytest.mark.parametrize("given", [{"after": 0}, {"trials": 1.5}, {"after": True}])
def test_settings_are_checked(given: dict) -> None:
    with pytest.raises(SettingError, match=r"`MedianStopping\(.*\)` must be a whole number"):
        MedianStopping(**given)
