"""ASHA: a network goes on as soon as it is among the best third of its rung."""

from itertools import pairwise

import numpy as np
import pytest

from netwright.errors import SettingError
from netwright.objective import maximize
from netwright.stopping import ASHA, Stopped
from netwright.strategies import RandomSearch, Strategy
from netwright.testing.spaces import SPACES
from netwright.testing.strategies import drive
from netwright.trial import Budget, Proposal, Trial, ranked

ONE = (maximize("accuracy"),)


def test_rungs_grow_as_in_the_paper() -> None:
    """Algorithm 2: promote if a third of the rung allows it, from the top; else begin anew."""
    space = SPACES["huge"]()
    state = ASHA(budgets=(1, 3, 9)).start(space, ONE)
    members = [space.sample(np.random.default_rng(i)) for i in range(9)]
    number, parents = 0, []
    for place, member in enumerate(members):  # each worse than all before
        state.observe(
            Trial(number, Proposal(member, Budget(1)), "done", {"accuracy": 1 - place / 10})
        )
        number += 1
        promoted = state.promoted([])
        assert (promoted is not None) == ((place + 1) % 3 == 0)
        if promoted is None:
            continue
        assert (promoted.architecture, promoted.epochs) == (members[len(parents)], 3)
        assert state.promoted([promoted]) is None  # it is in flight
        parents.append(promoted.parent)
        state.observe(Trial(number, promoted, "done", {"accuracy": 1 - len(parents) / 10}))
        number += 1
    last = state.promoted([])  # three had 3 epochs: the best of them goes on
    assert (last.architecture, last.epochs, last.parent) == (members[0], 9, 3)
    assert parents == [0, 1, 2]


def test_who_is_better_than_those_before_goes_on_at_once() -> None:
    """It need not wait until a rung is full, as in successive halving."""
    space = SPACES["huge"]()
    state = ASHA(budgets=(1, 3)).start(space, ONE)
    for number in range(5):
        proposal = Proposal(space.sample(np.random.default_rng(number)), Budget(1))
        state.observe(Trial(number, proposal, "done", {"accuracy": number / 10}))
        assert number < 2 or state.promoted([]).parent == number


def test_the_best_third_of_each_rung_goes_on() -> None:
    space = SPACES["huge"]()
    search = Stopped(RandomSearch(), ASHA(budgets=(1, 3, 9))).start(space, ONE)
    trials = drive(search, space, 130, workers=2)
    rungs = [[t for t in trials if t.proposal.epochs == epochs] for epochs in (1, 3, 9)]
    assert len(rungs[0]) > len(rungs[1]) > len(rungs[2]) > 1
    for rung, above in pairwise(rungs):
        best = ranked(rung, ONE)[: len(rung) // 3]
        left = {t.architecture for t in best} - {t.architecture for t in above}
        assert len(left) <= 2  # those in flight


def test_a_trial_that_failed_counts_in_its_rung_and_does_not_go_on() -> None:
    space = SPACES["huge"]()
    state = ASHA(budgets=(1, 3)).start(space, ONE)
    for number, status in enumerate(["failed", "oom", "done"]):
        member = space.sample(np.random.default_rng(number))
        state.observe(Trial(number, Proposal(member, Budget(1)), status, {"accuracy": 0.5}))
    assert state.promoted([]).parent == 2


def test_of_a_strategy_that_chooses_one_goes_on_for_each_third() -> None:
    """It may be any that has not gone on: the count alone is the stopper's."""
    space = SPACES["huge"]()
    state = ASHA(budgets=(1, 3), eta=3).start(space, ONE)
    members = [space.sample(np.random.default_rng(i)) for i in range(6)]
    for number, member in enumerate(members):
        state.observe(Trial(number, Proposal(member, Budget(1)), "done", {"accuracy": number / 10}))
    due = state.candidates([])
    assert [p.parent for p in due] == [5, 4, 3, 2, 1, 0]
    assert {p.epochs for p in due} == {3}
    assert [p.parent for p in state.candidates([due[3]])] == [5, 4, 3, 1, 0]
    assert not state.candidates([due[3], due[0]])
    state.observe(Trial(6, due[3], "failed", {}))
    assert [p.parent for p in state.candidates([])] == [5, 4, 3, 1, 0]


class _Last(Strategy):
    """Draws at random, and lets the worst go on."""

    learns_budgets = True

    def start(self, space, objectives):
        drawn = RandomSearch().start(space, objectives)
        drawn.preferred = lambda candidates, pending: candidates[-1]
        return drawn


def test_a_strategy_that_learns_from_all_budgets_chooses_who_goes_on() -> None:
    space = SPACES["huge"]()
    trials = drive(Stopped(_Last(), ASHA(budgets=(1, 3), eta=3)).start(space, ONE), space, 40)
    longer = [t for t in trials if t.proposal.epochs == 3]
    assert len(longer) >= 8
    for trial in longer:
        before = [t for t in trials if t.number < trial.number and t.proposal.epochs == 1]
        went = {t.architecture for t in longer if t.number < trial.number}
        left = ranked([t for t in before if t.architecture not in went], ONE)
        assert trial.architecture == left[-1].architecture


def test_what_is_chosen_must_be_a_candidate() -> None:
    space = SPACES["huge"]()
    search = Stopped(_Last(), ASHA(budgets=(1, 3), eta=3)).start(space, ONE)
    for trial in drive(search, space, 3):
        assert trial.done
    other = Proposal(space.sample(np.random.default_rng(99)), Budget(3))
    search._one.preferred = lambda candidates, pending: other
    with pytest.raises(SettingError, match=r"preferred.*must return one of the candidates"):
        search.propose(np.random.default_rng(0), [])
