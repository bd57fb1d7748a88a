"""The first trials are the best of random networks by proxies; then the strategy proposes."""

import numpy as np
import pytest

import netwright as nw
from netwright.errors import SettingError
from netwright.strategies.names import by_name
from netwright.testing.spaces import SPACES
from netwright.testing.strategies import ONE, drive
from netwright.trial import Proposal


def test_the_first_are_the_best_of_their_share() -> None:
    space = SPACES["huge"]()
    made = nw.ProxyFirst(nw.RandomSearch(), (nw.Params(),), pool=12, first=3)
    for number, trial in enumerate(drive(made.start(space, ONE), space, 3)):
        rng = np.random.default_rng([0, number, 0])
        share = [space.survey(space.sample(rng)).params for _ in range(4)]
        assert space.survey(trial.architecture).params == max(share)


def test_the_strategy_knows_the_first_trials_and_goes_on() -> None:
    space = SPACES["huge"]()
    then = nw.RegularizedEvolution(population=3, sample=2)
    search = nw.ProxyFirst(then, (nw.Params(),), pool=8, first=3).start(space, ONE)
    trials = drive(search, space, 6)
    alone = then.start(space, ONE)
    for trial in trials[:3]:
        alone.observe(trial)
    wanted = alone.propose(np.random.default_rng([0, 3, 0]), [])
    assert wanted is not None and wanted.parent is not None
    assert trials[3].proposal == wanted


def test_what_is_in_flight_or_known_is_not_proposed_again() -> None:
    space = SPACES["flat"]()
    search = nw.ProxyFirst(nw.RandomSearch(), (nw.Params(),), pool=200, first=4).start(space, ONE)
    pending: list[Proposal] = []
    for number in range(4):
        proposal = search.propose(np.random.default_rng(number), pending)
        assert proposal is not None
        pending.append(proposal)
    assert len({proposal.architecture for proposal in pending}) == 4


def test_networks_that_no_proxy_can_score_are_proposed_all_the_same() -> None:
    space = SPACES["one_point"]()  # without an activation
    search = nw.ProxyFirst(nw.RandomSearch(), (nw.NASWOT(),), pool=8, first=2).start(space, ONE)
    assert search.propose(np.random.default_rng(0), []) is not None


def test_its_settings_on_the_command_line() -> None:
    text = 'proxy-first(strategy="random", proxies=("params", "zen(repeats=1)"), pool=6, first=2)'
    wanted = nw.ProxyFirst(nw.RandomSearch(), (nw.Params(), nw.Zen(repeats=1)), pool=6, first=2)
    assert by_name("--strategy", text) == wanted


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"first": 0}, r"`ProxyFirst\(first=...\)` must be a whole number, at least 1"),
        ({"pool": 19}, r"`ProxyFirst\(pool=...\)` must be a whole number, at least 20"),
        ({"proxies": ("snip",)}, "must be proxies that need no targets"),
        ({"proxies": ()}, "must be proxies that need no targets"),
        ({"strategy": "random"}, "must be a Strategy such as"),
    ],
    ids=str,
)
def test_wrong_settings_are_refused(wrong, said) -> None:
    with pytest.raises(SettingError, match=said):
        nw.ProxyFirst(**wrong)


@pytest.mark.parametrize("learns", [True, False])
def test_who_goes_on_under_a_stopper_is_as_the_strategy_wants_it(monkeypatch, learns) -> None:
    class Last(nw.RandomSearch):
        learns_budgets = learns

        def start(self, space, objectives):
            search = super().start(space, objectives)
            search.preferred = lambda candidates, pending: candidates[-1]
            return search

    made = nw.ProxyFirst(Last(), (nw.Params(),), pool=8, first=2)
    assert made.learns_budgets is learns
    assert nw.ProxyFirst(nw.RandomSearch(), (nw.Params(),)).learns_budgets is False
    space = SPACES["huge"]()
    candidates = [Proposal(space.sample(np.random.default_rng(seed))) for seed in range(3)]
    assert made.start(space, ONE).preferred(candidates, []) is candidates[-1]
