from collections import Counter

import numpy as np
import pytest
from torch import nn

from netwright.errors import SettingError
from netwright.objective import maximize, minimize
from netwright.space import Space
from netwright.strategies import RandomSearch, RegularizedEvolution
from netwright.testing.spaces import SPACES
from netwright.testing.strategies import drive, score
from netwright.trial import Proposal, Trial

ONE = (maximize("accuracy"),)


def observed(search, space, accuracies):
    rng = np.random.default_rng(0)
    trials = []
    for number, accuracy in enumerate(accuracies):
        proposal = Proposal(space.sample(rng))
        trials.append(Trial(number, proposal, "done", {"accuracy": accuracy}))
        search.observe(trials[-1])
    return trials


def parents(search, times=200):
    return Counter(search.propose(np.random.default_rng(i), []).parent for i in range(times))


def test_the_oldest_dies_not_the_worst():
    # As in algorithm 1 of the paper: the best member dies when it is the oldest.
    space = SPACES["huge"]()
    search = RegularizedEvolution(population=4, sample=4).start(space, ONE)
    observed(search, space, [0.9, 0.1, 0.2, 0.3])
    assert set(parents(search)) == {0}
    search.observe(
        Trial(4, Proposal(space.sample(np.random.default_rng(9))), "done", {"accuracy": 0.25})
    )
    assert set(parents(search)) == {3}  # trial 0 is gone, 3 is the best of 1..4


def test_the_winner_of_a_sample_is_the_parent():
    # With S=1 every member is a parent equally often; with S=P only the best is.
    space = SPACES["huge"]()
    search = RegularizedEvolution(population=5, sample=1).start(space, ONE)
    observed(search, space, [0.1, 0.2, 0.3, 0.4, 0.5])
    counts = parents(search, 1000)
    assert set(counts) == set(range(5))
    assert min(counts.values()) > 140  # 200 expected, standard deviation 13


def test_a_child_is_one_mutation_away():
    space = SPACES["huge"]()
    search = RegularizedEvolution(population=3, sample=3).start(space, ONE)
    best = observed(search, space, [0.1, 0.9, 0.2])[1].architecture
    for seed in range(50):
        child = search.propose(np.random.default_rng(seed), []).architecture
        changed = [n for n in best.answers if child.answers.get(n) != best.answers[n]]
        assert len(changed) == 1


def test_children_come_only_after_the_population_is_full():
    space = SPACES["huge"]()
    search = RegularizedEvolution(population=5, sample=2).start(space, ONE)
    observed(search, space, [0.1, 0.2, 0.3])
    flying = [Proposal(space.smallest())]
    assert search.propose(np.random.default_rng(0), flying).parent is None
    assert search.propose(np.random.default_rng(0), flying * 2).parent is not None


def test_failed_trials_are_never_parents():
    space = SPACES["huge"]()
    search = RegularizedEvolution(population=2, sample=2).start(space, ONE)
    observed(search, space, [0.1, 0.2])
    rng = np.random.default_rng(5)
    for number, metrics in ((2, {}), (3, {"accuracy": float("nan")})):
        search.observe(Trial(number, Proposal(space.sample(rng)), "done", metrics))
    search.observe(Trial(4, Proposal(space.sample(rng)), "failed", {"accuracy": 1.0}))
    assert set(parents(search)) == {1}


def test_with_two_objectives_parents_are_not_dominated():
    space = SPACES["huge"]()
    search = RegularizedEvolution(population=4, sample=4).start(
        space, (maximize("accuracy"), minimize("latency_ms"))
    )
    rng = np.random.default_rng(0)
    points = [(0.9, 2.0), (0.8, 1.0), (0.7, 1.5), (0.6, 3.0)]  # the last two are dominated
    for number, (accuracy, latency) in enumerate(points):
        metrics = {"accuracy": accuracy, "latency_ms": latency}
        search.observe(Trial(number, Proposal(space.sample(rng)), "done", metrics))
    assert set(parents(search)) == {0, 1}


def test_evolution_beats_random_search_where_structure_helps():
    # Accuracy counts the right answers of 20 binary choices: mutation keeps what is right.
    def switches(choose, inputs, classes):
        biases = [choose.value(f"bias{i}", [True, False]) for i in range(20)]
        return nn.Sequential(*[nn.Linear(4, 4, bias=bias) for bias in biases])

    space = Space(switches, (4,), 4)

    def best(strategy, seed):
        search = strategy.start(space, ONE)
        found = 0.0
        for number in range(200):
            rng = np.random.default_rng([seed, number, 0])
            proposal = search.propose(rng, [])
            right = sum(proposal.architecture[f"bias{i}"] is True for i in range(20)) / 20
            found = max(found, right)
            search.observe(Trial(number, proposal, "done", {"accuracy": right}))
        return found

    evolved = np.mean([best(RegularizedEvolution(20, 5), seed) for seed in range(5)])
    drawn = np.mean([best(RandomSearch(), seed) for seed in range(5)])
    assert evolved > drawn + 0.1


@pytest.mark.parametrize(
    ("arguments", "part"),
    [((1, 1), "population=...)` must be at least 2, got 1"), ((4, 5), "sample"), ((4, 0), "got 0")],
)
def test_bad_settings_are_refused(arguments, part):
    with pytest.raises(SettingError) as caught:
        RegularizedEvolution(*arguments)
    assert part in str(caught.value)


def test_scores_differ_so_that_the_checks_can_fail():
    space = SPACES["huge"]()
    trials = drive(RandomSearch().start(space, ONE), space, 20)
    assert len({score(t.proposal)["accuracy"] for t in trials}) > 15
