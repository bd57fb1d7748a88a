import numpy as np
import pytest

import netwright as nw
from netwright.errors import SettingError
from netwright.objective import maximize, minimize
from netwright.strategies import BayesianOptimization, RegularizedEvolution, bayesian
from netwright.surrogates import features_of
from netwright.testing.spaces import SPACES
from netwright.trial import Proposal, Trial

ONE = [maximize("accuracy")]
CONVNET = nw.spaces.convnet((1, 14, 14), 10)


def search(strategy, worth, trials, seed):
    made, best = strategy.start(CONVNET, ONE), -np.inf
    for number in range(trials):
        proposal = made.propose(np.random.default_rng([seed, number, 0]), [])
        value = worth(proposal.architecture)
        best = max(best, value)
        made.observe(Trial(number, proposal, "done", {"accuracy": value}))
    return best


@pytest.mark.thorough
def test_it_beats_evolution_where_answers_add_up():
    weights = np.random.default_rng(7).normal(size=len(CONVNET.columns()))

    def worth(architecture):
        return float(CONVNET.encode([architecture])[0] @ weights)

    found = [search(BayesianOptimization(), worth, 30, seed) for seed in range(3)]
    evolved = [search(RegularizedEvolution(), worth, 30, seed) for seed in range(3)]
    assert np.mean(found) > np.mean(evolved) + 2


def test_proposals_in_flight_are_not_repeated():
    space = SPACES["conditional"]()
    made = BayesianOptimization(initial=4, pool=50).start(space, ONE)
    rng = np.random.default_rng(0)
    for number in range(8):
        proposal = made.propose(np.random.default_rng([0, number]), [])
        made.observe(Trial(number, proposal, "done", {"accuracy": rng.random()}))
    flying = []
    for _ in range(6):
        proposal = made.propose(np.random.default_rng(5), flying)
        assert proposal.architecture not in [p.architecture for p in flying]
        flying.append(proposal)


def test_a_space_that_is_used_up_is_sampled_again():
    space = SPACES["one_point"]()
    made = BayesianOptimization(initial=2, pool=4).start(space, ONE)
    for number in range(4):
        proposal = made.propose(np.random.default_rng(number), [])
        assert proposal == Proposal(space.smallest())
        made.observe(Trial(number, proposal, "done", {"accuracy": 0.5}))


def test_several_objectives_are_weighed_anew():
    space = SPACES["flat"]()
    made = BayesianOptimization(4, 50).start(space, [*ONE, minimize("latency_ms")])
    rng = np.random.default_rng(0)
    for number in range(10):
        proposal = made.propose(np.random.default_rng(number), [])
        metrics = {"accuracy": rng.random(), "latency_ms": rng.random()}
        made.observe(Trial(number, proposal, "done", metrics))
    proposed = {made.propose(np.random.default_rng([1, i]), []).architecture for i in range(30)}
    assert len(proposed) > 1


def test_all_members_are_looked_at_by_what_these_cost(monkeypatch):
    space = SPACES["cells"]()
    monkeypatch.setattr(bayesian, "_MEASURED", 10)

    def looked_at(**costs):
        for name, most in costs.items():
            monkeypatch.setattr(bayesian, name, most)
        space.memo.pop("every", None)
        return bayesian.Candidates(space, features_of(space), 400).every is not None

    members = space.count()
    parts = 3 + bayesian._OWN  # three operations at most
    assert looked_at()
    assert looked_at(_READ=members * parts)
    assert not looked_at(_READ=members * bayesian._OWN)
    assert not looked_at(_READ=bayesian._READ * 100, _KEPT=members)


@pytest.mark.parametrize("setting", [{"initial": 1}, {"pool": 0}, {"initial": "3"}])
def test_bad_settings_are_refused(setting):
    name = next(iter(setting))
    message = rf"`BayesianOptimization\({name}=...\)` must be a whole number, at least 2"
    with pytest.raises(SettingError, match=message):
        BayesianOptimization(**setting)
