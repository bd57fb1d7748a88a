"""What every strategy must do, on every test space."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from netwright.bench.hypervolume import hypervolume
from netwright.objective import Objective, minimize
from netwright.space import Space
from netwright.stopping import ASHA, Stopped
from netwright.stopping.over import Proposing
from netwright.strategies import RandomSearch, Search, Strategy
from netwright.tasks import USUAL
from netwright.testing.spaces import SPACES
from netwright.trial import STATUSES, Budget, Proposal, Trial

Make = Callable[[], Strategy]
SCORE = USUAL[0].name
ONE = (USUAL[0].objective,)
TWO = (*ONE, minimize("latency_ms"))
_TRIALS, _SEEDS = 40, 5
SOME = 26  # trials after which a strategy has long left its first, random ones


def score(proposal: Proposal) -> dict[str, float]:
    """Metrics that follow from the architecture alone, for checks without training."""
    digits = int(proposal.architecture.id, 16)
    return {SCORE: digits % 997 / 997, "latency_ms": 0.1 + digits % 89 / 89}


def drive(
    search: Proposing,
    space: Space,
    trials: int = _TRIALS,
    workers: int = 1,
    seed: int = 0,
    score: Callable[[Proposal], Mapping[str, float]] = score,
) -> list[Trial]:
    """Run a search as the loop would, oldest trial first; returns the trials."""
    ended: list[Trial] = []
    flying: list[tuple[int, Proposal]] = []
    for number in range(trials):
        rng = np.random.default_rng([seed, number, 0])
        proposal = search.propose(rng, [p for _, p in flying])
        if proposal is not None:
            flying.append((number, proposal))
        if flying and (len(flying) == workers or proposal is None):
            done, oldest = flying.pop(0)
            ended.append(Trial(done, oldest, "done", score(oldest)))
            search.observe(ended[-1])
    return ended


def _each(make: Make, objectives: Sequence[Objective] = ONE) -> list[tuple[Space, Search]]:
    if len(objectives) > 1:
        spaces = [SPACES["conditional"]()]
    else:
        spaces = [space() for name, space in SPACES.items() if name != "one_point"]
    return [(space, make().start(space, objectives)) for space in spaces]


def proposals_are_members(make: Make) -> None:
    """Every proposal is a member of the space in canonical form."""
    for space, search in _each(make):
        for trial in drive(search, space, SOME):
            assert space.contains(trial.architecture), trial.architecture


def proposing_changes_nothing(make: Make) -> None:
    """Asked again with an equal generator, a strategy answers alike."""
    for space, search in _each(make):
        drive(search, space, 15)
        first, second = (search.propose(np.random.default_rng(7), []) for _ in range(2))
        assert first == second


def state_is_a_fold(make: Make) -> None:
    """A fresh state that observes the same trials proposes the same."""
    for space, search in _each(make):
        trials = drive(search, space, SOME)
        again = make().start(space, ONE)
        for trial in trials:
            again.observe(trial)
        rngs = [np.random.default_rng(3) for _ in range(2)]
        assert search.propose(rngs[0], []) == again.propose(rngs[1], [])


def workers_out_of_order(make: Make) -> None:
    """Proposals in flight, and results that come in any order, are no trouble."""
    for space, search in _each(make):
        flying: list[tuple[int, Proposal]] = []
        for number in range(12):
            rng = np.random.default_rng([1, number])
            proposal = search.propose(rng, [p for _, p in flying])
            if proposal is not None:
                flying.append((number, proposal))
        for number, proposal in reversed(flying):
            search.observe(Trial(number, proposal, "done", score(proposal)))
        assert drive(search, space, 10, workers=4)


def failures_are_survived(make: Make) -> None:
    """Any status, NaN and missing metrics: the strategy goes on proposing members."""
    for space, search in _each(make):
        for number, status in enumerate(STATUSES * 3):
            proposal = search.propose(np.random.default_rng([2, number]), [])
            assert proposal is not None
            metrics = ({}, {SCORE: math.nan}, score(proposal))[number % 3]
            search.observe(Trial(number, proposal, status, metrics))
        assert all(space.contains(t.architecture) for t in drive(search, space, 10))


def two_objectives(make: Make) -> None:
    """With two objectives a strategy proposes members too."""
    for space, search in _each(make, TWO):
        assert all(space.contains(t.architecture) for t in drive(search, space))


def it_goes_under_a_stopper(make: Make) -> None:
    """Under a stopper it proposes members, and none twice for a budget."""
    for objectives in (ONE, TWO):
        for space in (SPACES["conditional"](), SPACES["huge"]()):
            search = Stopped(make(), ASHA(budgets=(1, 3), eta=2)).start(space, objectives)
            trials = drive(search, space, SOME, workers=2)
            assert all(space.contains(t.architecture) for t in trials)
            longer = [t.architecture for t in trials if t.proposal.epochs == 3]
            assert longer
            assert len(longer) == len(set(longer))


def who_learns_from_all_budgets_chooses(make: Make) -> None:
    """Where it `learns_budgets` it chooses one of the candidates, the same if it is asked again."""
    space = SPACES["huge"]()
    search = make().start(space, ONE)
    for number in range(SOME):
        proposal = search.propose(np.random.default_rng(number), [])
        assert proposal is not None
        budgeted = replace(proposal, budget=Budget(3 if number % 4 == 3 else 1))
        search.observe(Trial(number, budgeted, "done", score(budgeted)))
    members = [space.sample(np.random.default_rng(place)) for place in range(5)]
    candidates = [Proposal(member, Budget(3)) for member in members]
    chosen = [search.preferred(candidates, candidates[:1]) for _ in range(2)]
    assert chosen[0] in candidates
    assert chosen[0] == chosen[1]
    if not make().learns_budgets:
        assert chosen[0] == candidates[0]


def seeds_matter(make: Make) -> None:
    """Another seed gives other proposals, on a space where that is possible."""
    space = SPACES["huge"]()
    runs = [drive(make().start(space, ONE), space, 10, seed=seed) for seed in (0, 1)]
    assert [t.architecture for t in runs[0]] != [t.architecture for t in runs[1]]


def not_worse_than_random(make: Make) -> None:
    """Where near networks are about equally good, the best found is no worse than at random.

    The mean over seeds may be one standard deviation of random search's best below its mean.
    """
    space = SPACES["cells"]()
    goal = space.sample(np.random.default_rng(11))

    def near(proposal: Proposal) -> dict[str, float]:
        return {SCORE: -float(proposal.architecture.distance(goal))}

    def best(strategy: Strategy, seed: int) -> float:
        trials = drive(strategy.start(space, ONE), space, seed=seed, score=near)
        return max(t.metrics[SCORE] for t in trials)

    ours = [best(make(), seed) for seed in range(_SEEDS)]
    random = [best(RandomSearch(), seed) for seed in range(_SEEDS)]
    assert np.mean(ours) >= np.mean(random) - np.std(random), (ours, random)


def fronts_not_worse_than_random(make: Make) -> None:
    """Of two objectives that pull apart, the front that is found dominates no less than at random.

    Measured by hypervolume, as `not_worse_than_random`.
    """
    space = SPACES["cells"]()
    rng = np.random.default_rng(12)
    goals = space.sample(rng), space.sample(rng)
    reference = np.full(2, -float(len(space.choices)))

    def between(proposal: Proposal) -> dict[str, float]:
        near, far = (float(proposal.architecture.distance(goal)) for goal in goals)
        return {SCORE: -near, "latency_ms": far}

    def found(strategy: Strategy, seed: int) -> float:
        trials = drive(strategy.start(space, TWO), space, seed=seed, score=between)
        points = [[t.metrics[SCORE], -t.metrics["latency_ms"]] for t in trials]
        return hypervolume(np.array(points), reference)

    ours = [found(make(), seed) for seed in range(_SEEDS)]
    random = [found(RandomSearch(), seed) for seed in range(_SEEDS)]
    assert np.mean(ours) >= np.mean(random) - np.std(random), (ours, random)


STRATEGY_CHECKS: tuple[Callable[[Make], None], ...] = (
    proposals_are_members,
    proposing_changes_nothing,
    state_is_a_fold,
    workers_out_of_order,
    failures_are_survived,
    two_objectives,
    it_goes_under_a_stopper,
    who_learns_from_all_budgets_chooses,
    seeds_matter,
    not_worse_than_random,
    fronts_not_worse_than_random,
)
