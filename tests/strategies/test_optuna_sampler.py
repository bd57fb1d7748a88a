import numpy as np
import pytest

from netwright.errors import SettingError
from netwright.objective import maximize, minimize
from netwright.strategies import Optuna, RandomSearch
from netwright.testing.spaces import SPACES
from netwright.trial import Trial

optuna = pytest.importorskip("optuna", reason="needs optuna")


def search(strategy, seed, trials=40):
    space = SPACES["huge"]()
    made, found = strategy.start(space, (maximize("accuracy"),)), []
    for number in range(trials):
        proposal = made.propose(np.random.default_rng([seed, number]), [])
        value = float(space.encode([proposal.architecture])[0][::2].sum())
        found.append(value)
        made.observe(Trial(number, proposal, "done", {"accuracy": value}))
    return np.mean(found[-10:])


def test_its_sampler_learns_from_the_trials():
    asked = np.mean([search(Optuna("tpe"), seed) for seed in range(2)])
    drawn = np.mean([search(RandomSearch(), seed) for seed in range(2)])
    assert asked > drawn + 1


def test_it_knows_what_a_study_of_the_same_trials_knows():
    space = SPACES["conditional"]()
    made = Optuna("random").start(space, (maximize("accuracy"), minimize("latency_ms")))
    rng = np.random.default_rng(0)
    for number in range(12):
        proposal = made.propose(np.random.default_rng(number), [])
        metrics = {"accuracy": rng.random(), "latency_ms": rng.random()}
        made.observe(Trial(number, proposal, "done" if number % 3 else "failed", metrics))
    ended = [t for t in made._study.trials if t.state == optuna.trial.TrialState.COMPLETE]
    assert len(ended) == 8
    for trial in ended:
        answers = {
            name: space.choices[name].options[int(place)] for name, place in trial.params.items()
        }
        assert space.contains(space.architecture(answers))


def test_a_sampler_of_ones_own(tmp_path):
    strategy = Optuna(lambda seed: optuna.samplers.RandomSampler(seed=seed))
    space = SPACES["flat"]()
    made = strategy.start(space, (maximize("accuracy"),))
    assert space.contains(made.propose(np.random.default_rng(0), []).architecture)


def test_an_unknown_sampler_is_refused():
    with pytest.raises(SettingError, match="must be one of tpe, gp, nsga2, random"):
        Optuna("annealing")
