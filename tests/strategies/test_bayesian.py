import numpy as np
import pytest

import netwright as nw
from netwright.errors import SettingError
from netwright.objective import maximize, minimize
from netwright.strategies import BayesianOptimization, RegularizedEvolution
from netwright.strategies.bayesian import _Features, _Kernel, _Process, _scores
from netwright.testing import SPACES
from netwright.trial import Proposal, Trial

ONE = [maximize("accuracy")]
CONVNET = nw.spaces.convnet((1, 14, 14), 10)


def test_the_posterior_is_the_closed_form():
    rng = np.random.default_rng(0)
    x, y, new = rng.normal(size=(12, 4)), rng.normal(size=12), rng.normal(size=(5, 4))
    kernel = _Kernel(length=0.7, linear=0.4, noise=0.1)
    mean, deviation = _Process(kernel, x, y).predict(new)
    a, b = x - x.mean(0), new - x.mean(0)
    scale = np.mean(np.sum((x[:, None] - x[None]) ** 2, axis=2))  # the mean squared distance

    def covariance(u, v):
        squares = np.sum((u[:, None] - v[None]) ** 2, axis=2)
        return 0.4 * u @ v.T / scale + 0.6 * np.exp(-squares / (2 * scale * 0.7**2))

    inverse = np.linalg.inv(covariance(a, a) + 0.1 * np.eye(12))
    expected = covariance(b, a) @ inverse @ (y - y.mean()) + y.mean()
    variance = covariance(b, b) - covariance(b, a) @ inverse @ covariance(a, b)
    assert np.allclose(mean, expected)
    assert np.allclose(deviation**2, np.diag(variance))


def test_the_likelihood_is_that_of_the_normal_distribution():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=8)
    difference = []
    for noise in (0.1, 0.5):
        process = _Process(_Kernel(0.7, 0.4, noise), x, y)
        covariance = _Kernel(0.7, 0.4, noise)(x - x.mean(0), x - x.mean(0), process._scale)
        covariance += noise * np.eye(8)
        z = y - y.mean()
        exact = -0.5 * z @ np.linalg.solve(covariance, z) - 0.5 * np.linalg.slogdet(covariance)[1]
        difference.append(exact - process.likelihood())
    assert np.allclose(difference, 0)


def test_scores_are_those_of_ranks_and_failures_rank_last():
    scores = _scores(np.array([0.5, -np.inf, 0.9, 0.5, 0.1]))
    assert scores[0] == scores[3] == pytest.approx(0.2533, abs=1e-4)  # the middle of places 3 and 4
    assert np.argsort(scores)[0] == 1 and np.argmax(scores) == 2
    assert np.isfinite(scores).all()


def test_near_numbers_are_near():
    features = _Features(CONVNET)
    base = dict(CONVNET.smallest().answers)
    rows = features(
        [CONVNET.architecture({**base, "stage1.width": width}) for width in (16, 32, 128)]
    )
    first, near, far = rows
    assert np.sum((first - near) ** 2) < np.sum((first - far) ** 2) - 0.5


def search(strategy, worth, trials, seed):
    made, best = strategy.start(CONVNET, ONE), -np.inf
    for number in range(trials):
        proposal = made.propose(np.random.default_rng([seed, number, 0]), [])
        value = worth(proposal.architecture)
        best = max(best, value)
        made.observe(Trial(number, proposal, "done", {"accuracy": value}))
    return best


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
    proposed = {made.propose(np.random.default_rng([1, i]), []).architecture for i in range(12)}
    assert len(proposed) > 2


@pytest.mark.parametrize("setting", [{"initial": 1}, {"pool": 0}, {"initial": "3"}])
def test_bad_settings_are_refused(setting):
    name = next(iter(setting))
    message = rf"`BayesianOptimization\({name}=...\)` must be a whole number, at least 2"
    with pytest.raises(SettingError, match=message):
        BayesianOptimization(**setting)
