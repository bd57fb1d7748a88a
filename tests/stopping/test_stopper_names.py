"""Stoppers by name, alone and before the name of a strategy."""

import pytest

import netwright as nw
from netwright.errors import SettingError
from netwright.oneshot.names import PROPOSING, search_named, strategy_named
from netwright.stopping import Stopped
from netwright.stopping.names import STOPPERS
from netwright.testing.exports import STOPPERS as EXPORTED
from netwright.testing.spaces import SPACES


def test_every_exported_stopper_has_a_name() -> None:
    assert {named.made_by for named in STOPPERS.values()} == set(EXPORTED)
    assert set(STOPPERS) < set(PROPOSING)


def test_a_strategy_may_choose_who_enters() -> None:
    made = strategy_named("--strategy", "hyperband-local-search", (4, 12, 36, 108))
    assert made == Stopped(nw.LocalSearch(), nw.Hyperband(budgets=(4, 12, 36, 108)))
    expected = Stopped(nw.RandomSearch(), nw.SuccessiveHalving())
    assert search_named("--strategy", "successive-halving") == expected
    assert search_named("--strategy", "median-evolution") == Stopped(
        nw.RegularizedEvolution(), nw.MedianStopping()
    )
    assert strategy_named("--strategy", "random", (1, 2)) == nw.RandomSearch()


def test_a_ladder_is_cut_out_of_the_budgets_there_are() -> None:
    made = strategy_named("--strategy", "asha", range(1, 21))
    assert made == Stopped(nw.RandomSearch(), nw.ASHA(budgets=(2, 6, 20)))
    with pytest.raises(SettingError, match="`--strategies hyperband` needs a signal of several"):
        strategy_named("--strategies", "hyperband", ())


@pytest.mark.parametrize("name", ["hyperbnd", "hyperband-evolutoin", "hyperband-hyperband"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(SettingError, match=r"`--strategy.*` must be one of .*auto, .*got"):
        strategy_named("--strategy", name)


def test_a_search_takes_a_name_or_a_stopper(tmp_path) -> None:
    def search(**given) -> nw.Run:
        settings = {"trials": 4, "finals": [], "workers": 0, "store": "memory://stoppers"} | given
        return nw.search(SPACES["flat"](), lambda model, epochs: epochs / 10, **settings)

    nw.MemoryStore("stoppers").clear()
    plans = [
        search(strategy="successive-halving-evolution", run="a").plan,
        search(strategy="evolution", stopper="successive-halving", run="b").plan,
        search(strategy=nw.RegularizedEvolution(), stopper=nw.SuccessiveHalving(), run="c").plan,
    ]
    assert {plan.strategy for plan in plans} == {nw.RegularizedEvolution()}
    assert {plan.stopper for plan in plans} == {nw.SuccessiveHalving()}
    run = search(stopper=nw.SuccessiveHalving(budgets=(1, 2)), run="d")
    assert [t.proposal.epochs for t in run.record.history] == [1, 1, 1, 2]
    assert run.record.settings["stopper"]["name"] == "SuccessiveHalving"
    for given, part in (
        ({"stopper": "hyperbnd"}, r"must be one of .*did you mean 'hyperband'"),
        ({"stopper": 3}, r"`search\(stopper=...\)` must be a Stopper such as"),
        ({"stopper": "asha", "strategy": "hyperband"}, "has the stopper Hyperband"),
        ({"stopper": "median", "deterministic": True}, "deterministic=True\\)` cannot repeat"),
        ({"stopper": "asha", "strategy": "gdas"}, r"is for strategies, got strategy=GDAS\(\)"),
    ):
        with pytest.raises(SettingError, match=part):
            search(**given)
    with pytest.raises(nw.NetwrightError, match="cannot go on with another stopper"):
        search(strategy="evolution", stopper="hyperband", run="a")
