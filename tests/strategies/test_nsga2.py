import numpy as np
import pytest
from torch import nn

from netwright.errors import SettingError
from netwright.objective import maximize, minimize
from netwright.space import Space
from netwright.strategies import NSGA2, RandomSearch
from netwright.strategies.nsga2 import crowding, fronts, sorted_by_fronts
from netwright.testing.spaces import SPACES
from netwright.trial import Trial

TWO = (minimize("f1"), minimize("f2"))
STEPS = 21


def zdt1(choose, inputs, classes):
    for i in range(6):
        choose.value(f"x{i}", [round(k / (STEPS - 1), 3) for k in range(STEPS)])
    return nn.Linear(inputs[0], classes)


def values(architecture):
    """Zitzler, Deb and Thiele 2000: the front is f2 = 1 - sqrt(f1), where all but x0 are 0."""
    x = [architecture[f"x{i}"] for i in range(6)]
    g = 1 + 9 * np.mean(x[1:])
    return {"f1": x[0], "f2": float(g * (1 - np.sqrt(x[0] / g)))}


def area(points):
    """What is dominated within (0, 0) to (1, 6), by pairs (f1, f2)."""
    total, height = 0.0, 6.0
    for f1, f2 in sorted(points):
        if f2 < height:
            total += (1 - f1) * (height - f2)
            height = f2
    return total


def search(strategy, seed, trials=400):
    space = SPACE
    made, points = strategy.start(space, TWO), []
    for number in range(trials):
        proposal = made.propose(np.random.default_rng([seed, number]), [])
        found = values(proposal.architecture)
        points.append((found["f1"], found["f2"]))
        made.observe(Trial(number, proposal, "done", found))
    return area(points)


SPACE = Space(zdt1, (4,), 3)


def test_it_comes_near_the_known_front_of_zdt1():
    best = area([(k / (STEPS - 1), 1 - np.sqrt(k / (STEPS - 1))) for k in range(STEPS)])
    found = [search(NSGA2(), seed) for seed in range(3)]
    drawn = [search(RandomSearch(), seed) for seed in range(3)]
    assert np.mean(found) > 0.93 * best > np.mean(drawn)


def test_fronts_and_crowding_are_those_of_the_definition():
    gains = np.array([[1, 5], [2, 4], [3, 3], [1, 4], [0, 0], [3, 3.0]])
    assert fronts(gains).tolist() == [0, 0, 0, 1, 2, 0]
    line = np.array([[0, 10], [1, 8], [4, 4], [10, 0.0]])
    assert crowding(line).tolist() == [np.inf, 0.4 + 0.6, 0.9 + 0.8, np.inf]
    assert sorted_by_fronts(line) == [0, 3, 2, 1]


def test_the_fronts_of_random_points_are_peeled_one_by_one():
    rng = np.random.default_rng(0)
    gains = rng.integers(0, 6, (60, 3)).astype(float)
    ranks = fronts(gains)
    left = list(range(60))
    for rank in range(ranks.max() + 1):
        front = [
            i
            for i in left
            if not any((gains[j] >= gains[i]).all() and (gains[j] > gains[i]).any() for j in left)
        ]
        assert sorted(np.flatnonzero(ranks == rank)) == front
        left = [i for i in left if i not in front]


def test_one_objective_is_improved_as_well():
    space = SPACES["huge"]()
    made, best = NSGA2(10).start(space, (maximize("accuracy"),)), []
    for number in range(150):
        proposal = made.propose(np.random.default_rng([0, number]), [])
        value = float(space.encode([proposal.architecture])[0][::2].sum())
        best.append(value)
        made.observe(Trial(number, proposal, "done", {"accuracy": value}))
    assert np.mean(best[-20:]) > np.mean(best[:10]) + 3


@pytest.mark.parametrize("setting", [{"population": 1}, {"crossover": 2}, {"mutation": "all"}])
def test_bad_settings_are_refused(setting):
    with pytest.raises(SettingError, match=rf"`NSGA2\({next(iter(setting))}=...\)` must be"):
        NSGA2(**setting)
