"""Successive halving and Hyperband: who is promoted, when, and what waits for whom."""

import numpy as np
import pytest

from netwright.errors import SettingError
from netwright.objective import maximize
from netwright.space import Space
from netwright.stopping import Hyperband, Stopped, Stopper, SuccessiveHalving
from netwright.stopping.over import StoppedSearch
from netwright.strategies import Auto, RandomSearch, RegularizedEvolution, Strategy
from netwright.testing.spaces import SPACES
from netwright.testing.strategies import drive, score
from netwright.trial import Budget, Proposal, Trial

ONE = (maximize("accuracy"),)


RANDOM = RandomSearch()


def begun(stopper: Stopper, space: Space, strategy: Strategy = RANDOM) -> StoppedSearch:
    return Stopped(strategy, stopper).start(space, ONE)


def epochs(trials: list[Trial]) -> list[int | None]:
    return [t.proposal.epochs for t in trials]


def test_brackets_are_those_of_the_paper() -> None:
    """Li et al., table 1: R = 81, eta = 3."""
    found = Hyperband(budgets=(1, 3, 9, 27, 81)).brackets()
    assert found == [(81, 27, 9, 3, 1), (34, 11, 3, 1), (15, 5, 1), (8, 2), (5,)]


def test_brackets_follow_one_another() -> None:
    space = SPACES["huge"]()
    trials = drive(begun(Hyperband(budgets=(1, 3, 9)), space), space, 9 + 3 + 1 + 5 + 1 + 3 + 9)
    expected = [1] * 9 + [3] * 3 + [9] + [3] * 5 + [9] + [9] * 3 + [1] * 9
    assert epochs(trials) == expected


@pytest.mark.parametrize("workers", [1, 4])
def test_the_best_third_goes_on(workers: int) -> None:
    space = SPACES["huge"]()
    search = begun(SuccessiveHalving(budgets=(2, 6, 18)), space)
    trials = drive(search, space, 60, workers=workers)
    first = [t for t in trials if t.proposal.epochs == 2][:9]
    second = [t for t in trials if t.proposal.epochs == 6][:3]
    third = next(t for t in trials if t.proposal.epochs == 18)

    def best(among: list[Trial], count: int) -> set[int]:
        order = sorted(among, key=lambda t: -t.metrics["accuracy"])
        return {t.number for t in order[:count]}

    assert {t.proposal.parent for t in second} == best(first, 3)
    assert third.proposal.parent in best(second, 1)
    by_number = {t.number: t for t in trials}
    for trial in [*second, third]:
        assert trial.architecture == by_number[trial.proposal.parent].architecture


def test_a_bracket_that_waits_does_not_hold_up_workers() -> None:
    space = SPACES["huge"]()
    search = begun(SuccessiveHalving(budgets=(1, 3)), space)
    flying = []
    for number in range(5):
        flying.append(search.propose(np.random.default_rng(number), flying))
    assert [p.epochs for p in flying] == [1] * 5  # three of the first bracket, two of the second
    for number in (3, 4, 0, 1):
        search.observe(Trial(number, flying[number], "done", score(flying[number])))
    # Trials are those of whichever bracket has a place: three have ended, so one is promoted.
    promoted = search.propose(np.random.default_rng(9), [flying[2]])
    best = max((3, 4, 0), key=lambda n: score(flying[n])["accuracy"])
    assert (promoted.epochs, promoted.parent) == (3, best)


def test_failed_trials_are_never_promoted() -> None:
    space = SPACES["huge"]()
    search = begun(SuccessiveHalving(budgets=(1, 3)), space)
    for number in range(6):  # two brackets in which all fail
        proposal = search.propose(np.random.default_rng(number), [])
        assert proposal.epochs == 1
        search.observe(Trial(number, proposal, "oom"))
    for number, status in enumerate(["failed", "done", "timeout"], 6):
        proposal = search.propose(np.random.default_rng(number), [])
        search.observe(Trial(number, proposal, status, score(proposal)))
    assert search.propose(np.random.default_rng(9), []).parent == 7


def test_what_had_the_budget_before_is_not_trained_again() -> None:
    space = SPACES["huge"]()
    search = begun(SuccessiveHalving(budgets=(1, 3)), space)
    members = [space.sample(np.random.default_rng(i)) for i in range(3)]
    best = max(members, key=lambda m: score(Proposal(m))["accuracy"])
    search.observe(Trial(0, Proposal(best, Budget(3)), "done", {"accuracy": 0.5}))
    for number, member in enumerate(members, 1):
        proposal = Proposal(member, Budget(1))
        search.observe(Trial(number, proposal, "done", score(proposal)))
    assert search.propose(np.random.default_rng(9), []).epochs == 1  # the next bracket


def test_a_small_space_fills_no_bracket_but_its_own_size() -> None:
    members = SPACES["conditional"]().few(10_000)[:5]
    chosen = SPACES["conditional"]().among(members)
    search = begun(SuccessiveHalving(budgets=(1, 3, 9)), chosen)
    for number, member in enumerate(members):
        proposal = Proposal(member, Budget(1))
        search.observe(Trial(number, proposal, "done", score(proposal)))
    assert search.propose(np.random.default_rng(0), []).epochs == 3


def test_the_search_of_the_largest_budget_with_enough_trials_chooses() -> None:
    """Evolution that saw ten trials of the largest budget breeds from these alone."""
    space = SPACES["huge"]()
    search = begun(Hyperband(budgets=(1, 3)), space, RegularizedEvolution(population=2, sample=1))
    for number in range(10):
        proposal = Proposal(space.sample(np.random.default_rng(number)), Budget(3))
        search.observe(Trial(number, proposal, "done", score(proposal)))
    parents = {search.propose(np.random.default_rng(i), []).parent for i in range(20)}
    assert parents == {8, 9}


def test_who_had_the_least_budget_does_not_enter_again() -> None:
    """Though the search that chooses, that of the largest budget, knows nothing of it."""
    space = SPACES["conditional"]()
    search = begun(SuccessiveHalving(budgets=(1, 3)), space, Auto())
    members = space.few(10_000)
    for number, member in enumerate(members[:30]):
        proposal = Proposal(member, Budget(3 if number < 12 else 1))
        search.observe(Trial(number, proposal, "done", score(proposal)))
    entering = []
    for number in range(40):
        proposal = search.propose(np.random.default_rng(number), entering)
        if proposal.epochs == 1:
            assert proposal.architecture not in members[12:30]
            entering.append(proposal)
        else:
            search.observe(Trial(100 + number, proposal, "done", score(proposal)))
    assert len(entering) > 20


@pytest.mark.parametrize("budgets", [(), (3, 1), (1, 1), (0, 2), (1.5, 3), (True, 2)])
def test_budgets_rise(budgets: tuple) -> None:
    with pytest.raises(SettingError, match=r"Hyperband\(budgets=\.\.\.\)"):
        Hyperband(budgets=budgets)


@pytest.mark.parametrize("eta", [1, 2.5, True])
def test_eta_is_a_whole_number(eta: object) -> None:
    with pytest.raises(SettingError, match=r"SuccessiveHalving\(eta=\.\.\.\)"):
        SuccessiveHalving(eta=eta)
