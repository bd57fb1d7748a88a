"""The strategies that an ensemble guides: BANANAS, NPENAS and PNAS."""

import numpy as np
import pytest

from netwright.errors import SettingError
from netwright.objective import maximize
from netwright.strategies import BANANAS, NPENAS, PNAS, RandomSearch
from netwright.strategies.pnas import levels_of
from netwright.surrogates import Ensemble, features_of, normal_scores
from netwright.testing.spaces import READY, SPACES
from netwright.trial import Trial

ONE = (maximize("accuracy"),)
FOREST = READY["forest"]()


def worth(architecture):
    """More convolutions are better, and chains better than stars."""
    answers = architecture.answers
    made = sum("conv" in str(v) for k, v in answers.items() if k.startswith("operation"))
    return made + 0.3 * sum(int(v) for k, v in answers.items() if k.startswith("reads"))


def search(strategy, seed, trials=60, space=FOREST):
    made, trials_ = strategy.start(space, ONE), []
    for number in range(trials):
        proposal = made.propose(np.random.default_rng([seed, number]), [])
        value = worth(proposal.architecture)
        trials_.append(Trial(number, proposal, "done", {"accuracy": value}))
        made.observe(trials_[-1])
    return trials_


@pytest.mark.parametrize(
    "strategy",
    [NPENAS(), *(pytest.param(s, marks=pytest.mark.thorough) for s in (BANANAS(), PNAS()))],
    ids=lambda s: type(s).__name__,
)
def test_it_is_better_than_random_search(strategy):
    def late(trials):
        return np.mean([t.metrics["accuracy"] for t in trials[-20:]])

    guided = np.mean([late(search(strategy, seed)) for seed in range(2)])
    drawn = np.mean([late(search(RandomSearch(), seed)) for seed in range(2)])
    assert guided > drawn + 0.8


@pytest.mark.parametrize("strategy", [BANANAS(), NPENAS()], ids=lambda s: type(s).__name__)
def test_no_network_is_proposed_twice_whatever_its_answers(strategy):
    features = features_of(FOREST)
    trials = search(strategy, 0)[10:]
    keys = [features.key(int(features.rows([t.architecture])[0])) for t in trials]
    assert len(set(keys)) == len(keys)


def test_pnas_visits_levels_in_order():
    trials = search(PNAS(beam=5), 0, trials=15)
    levels = [levels_of(FOREST)(t.architecture) for t in trials]
    assert levels == [1] * 5 + [2] * 5 + [3] * 5


def test_pnas_goes_by_depth_where_networks_are_chains():
    space = SPACES["conditional"]()
    trials = search(PNAS(beam=3), 0, trials=9, space=space)
    levels = [levels_of(space)(t.architecture) for t in trials]
    assert levels == sorted(levels) and len(set(levels)) > 2


def test_pnas_waits_for_a_level_that_is_in_flight():
    made, flying = PNAS(beam=2).start(FOREST, ONE), []
    for number in range(2):
        flying.append(made.propose(np.random.default_rng(number), flying))
    assert made.propose(np.random.default_rng(5), flying) is None
    made.observe(Trial(0, flying[0], "done", {"accuracy": 1.0}))
    assert made.propose(np.random.default_rng(5), flying[1:]) is None
    made.observe(Trial(1, flying[1], "failed", {}))
    proposal = made.propose(np.random.default_rng(5), [])
    assert levels_of(FOREST)(proposal.architecture) == 2


def test_an_ensemble_learns_to_rank():
    features = features_of(FOREST)
    rng = np.random.default_rng(0)
    members = list(dict.fromkeys(FOREST.sample(rng) for _ in range(300)))[:160]
    ensemble = Ensemble(features, 5)
    for member in members[:120]:
        ensemble.learn(int(features.rows([member])[0]), worth(member))
    mean, deviation = ensemble.predict(features.rows(members[120:]))
    truth = normal_scores([worth(m) for m in members[120:]])
    assert np.corrcoef(mean, truth)[0, 1] > 0.8
    assert (deviation > 0).all()


@pytest.mark.parametrize("made", [BANANAS, NPENAS, PNAS])
def test_bad_settings_are_refused(made):
    with pytest.raises(SettingError, match=rf"`{made.__name__}\(candidates=...\)` must be a whole"):
        made(candidates=0)
    with pytest.raises(SettingError, match=rf"`{made.__name__}\(members=...\)` must be a whole"):
        made(members=1.5)
