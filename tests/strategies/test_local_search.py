import numpy as np
import pytest

from netwright.errors import SettingError
from netwright.objective import maximize, minimize
from netwright.strategies import LocalSearch
from netwright.testing.spaces import SPACES
from netwright.trial import Proposal, Trial

ONE = (maximize("accuracy"),)


def drive(search, score, trials, seed=0):
    ended = []
    for number in range(trials):
        proposal = search.propose(np.random.default_rng([seed, number]), [])
        ended.append(Trial(number, proposal, "done", score(proposal.architecture)))
        search.observe(ended[-1])
    return ended


def test_it_climbs_to_the_top_of_one_hill():
    space = SPACES["huge"]()
    goal = space.sample(np.random.default_rng(9))

    def score(a):
        return {"accuracy": -float(a.distance(goal))}

    ended = drive(LocalSearch(1).start(space, ONE), score, 900)
    best = np.maximum.accumulate([t.metrics["accuracy"] for t in ended])
    assert best[-1] == 0 and ended[int(np.argmax(best))].architecture == goal
    random = [score(space.sample(np.random.default_rng(i)))["accuracy"] for i in range(100, 500)]
    assert max(random) < best[100]


def test_neighbours_of_the_best_are_tried_and_a_better_one_is_gone_to():
    space = SPACES["cells"]()
    search = LocalSearch(1).start(space, ONE)
    start = space.sample(np.random.default_rng(0))
    search.observe(Trial(0, Proposal(start), "done", {"accuracy": 0.5}))
    first = search.propose(np.random.default_rng(1), [])
    assert first.architecture in space.neighbours(start) and first.parent == 0
    other = search.propose(np.random.default_rng(1), [first])
    assert other.architecture != first.architecture
    search.observe(Trial(1, first, "done", {"accuracy": 0.4}))
    again = [search.propose(np.random.default_rng(i), []).architecture for i in range(60)]
    assert first.architecture not in again and {*again} <= {*space.neighbours(start)}
    search.observe(Trial(2, other, "done", {"accuracy": 0.6}))
    assert search.propose(np.random.default_rng(1), []).parent == 2


def test_it_starts_anew_where_every_neighbour_is_worse():
    space = SPACES["cells"]()
    search = LocalSearch(1).start(space, ONE)
    top = space.sample(np.random.default_rng(0))

    def score(a):
        return {"accuracy": 1.0 if a == top else 0.0}

    search.observe(Trial(0, Proposal(top), "done", score(top)))
    near = space.neighbours(top)
    ended = drive(search, score, len(near))
    assert {t.architecture for t in ended} == {*near}
    assert search.propose(np.random.default_rng(0), []).parent is None


def test_with_two_objectives_a_better_one_dominates():
    space = SPACES["cells"]()
    search = LocalSearch(1).start(space, (maximize("accuracy"), minimize("latency_ms")))
    start = space.sample(np.random.default_rng(0))
    search.observe(Trial(0, Proposal(start), "done", {"accuracy": 0.5, "latency_ms": 1.0}))
    near = space.neighbours(start)
    search.observe(Trial(1, Proposal(near[0]), "done", {"accuracy": 0.6, "latency_ms": 2.0}))
    assert search.propose(np.random.default_rng(1), []).parent == 0
    search.observe(Trial(2, Proposal(near[1]), "done", {"accuracy": 0.6, "latency_ms": 1.0}))
    assert search.propose(np.random.default_rng(1), []).parent == 2


@pytest.mark.parametrize("starts", [0, -1, 1.5, True, "3"])
def test_wrong_settings_are_refused(starts):
    with pytest.raises(SettingError, match=r"`LocalSearch\(starts=...\)` must be a whole number"):
        LocalSearch(starts)
