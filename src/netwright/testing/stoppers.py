"""What every stopper must do. A check is given `make()`, which makes the stopper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from netwright.space import Space
from netwright.stopping import Stopped, Stopper, Stopping
from netwright.strategies import BayesianOptimization, RandomSearch, RegularizedEvolution
from netwright.testing.spaces import SPACES
from netwright.testing.strategies import ONE, SCORE, TWO, drive, score
from netwright.trial import STATUSES, Budget, Proposal, Trial, size_of

Make = Callable[[], Stopper]
_TRIALS = 40


def _driven(make: Make, workers: int = 1) -> Iterator[tuple[Space, Stopping, list[Trial]]]:
    """A state after a search with random networks, in each space with room for one."""
    for space in (SPACES["huge"](), SPACES["conditional"]()):
        trials = drive(
            Stopped(RandomSearch(), make()).start(space, ONE), space, _TRIALS, workers=workers
        )
        state = make().start(space, ONE)
        for trial in trials:
            state.observe(trial)
        yield space, state, trials


def _answers(state: Stopping, pending: Sequence[Proposal] = ()) -> tuple[object, ...]:
    """What a state says of three moments, the last with a trial on its way."""
    promoted, entry = state.promoted(pending), state.entry(pending)
    curve = [{"epoch": 1.0, SCORE: 0.5, "latency_ms": 1.0}]
    goes_on = state.goes_on(promoted, curve) if promoted is not None else None
    return promoted, entry, goes_on


def who_goes_on_ended_well_with_less(make: Make) -> None:
    """A promoted trial has the architecture of its parent, which is done, and a larger budget."""
    for workers in (1, 4):
        for _, _, trials in _driven(make, workers):
            by_number = {trial.number: trial for trial in trials}
            for trial in trials:
                if trial.proposal.parent is None:  # it is new: random networks have none
                    continue
                parent = by_number[trial.proposal.parent]
                assert parent.done
                assert trial.architecture == parent.architecture
                assert size_of(trial.proposal.budget) > size_of(parent.proposal.budget)


def nothing_is_trained_twice(make: Make) -> None:
    """A network is promoted to a budget once, also while it is in flight."""
    space = SPACES["huge"]()
    search = Stopped(RandomSearch(), make()).start(space, ONE)
    for workers in (1, 5):
        trials = drive(search, space, _TRIALS, workers=workers, seed=workers)
        jobs = [(t.architecture, t.proposal.budget) for t in trials]
        assert len(set(jobs)) == len(jobs)


def asking_changes_nothing(make: Make) -> None:
    """Asked again a state answers alike."""
    for _, state, _ in _driven(make):
        assert _answers(state) == _answers(state) == _answers(state)


def state_is_a_fold(make: Make) -> None:
    """A fresh state that observes the same trials answers the same, whatever it was asked."""
    for space, state, trials in _driven(make):
        again = make().start(space, ONE)
        for trial in trials:
            _answers(again)
            again.observe(trial)
        assert _answers(again) == _answers(state)


def failures_go_on_nowhere(make: Make) -> None:
    """Of trials with any status, those that are not done are never promoted; the search goes on."""
    space = SPACES["huge"]()
    search = Stopped(RandomSearch(), make()).start(space, ONE)
    statuses: dict[int, str] = {}
    for number in range(_TRIALS):
        proposal = search.propose(np.random.default_rng([2, number]), [])
        assert proposal is not None and space.contains(proposal.architecture)
        if proposal.parent is not None:
            assert statuses[proposal.parent] == "done"
        statuses[number] = STATUSES[number % len(STATUSES)]
        metrics = score(proposal) if number % 3 else {}
        search.observe(Trial(number, proposal, STATUSES[number % len(STATUSES)], metrics))


def there_is_always_something_to_do(make: Make) -> None:
    """However many workers ask, and however small the space, there is a budget for a new network.

    Though its first trials never end.
    """
    for space in (SPACES["huge"](), SPACES["one_point"]()):
        state, pending = make().start(space, ONE), list[Proposal]()
        for number in range(30):
            promoted = state.promoted(pending)
            budget = state.entry(pending)
            assert budget is None or isinstance(budget, Budget)
            new = Proposal(space.sample(np.random.default_rng(number)), budget)
            pending.append(promoted or new)


def trials_of_others_are_survived(make: Make) -> None:
    """Trials of another run come with budgets of their own, or none."""
    for space in (SPACES["huge"](), SPACES["conditional"]()):
        state = make().start(space, TWO)
        for number, epochs in enumerate([None, 7, 1, None, 100, 2] * 4):
            budget = None if epochs is None else Budget(epochs)
            proposal = Proposal(space.sample(np.random.default_rng(number)), budget)
            state.observe(Trial(1000 + number, proposal, "done", score(proposal)))
        _answers(state)


def it_is_over_any_strategy(make: Make) -> None:
    """A strategy that learns proposes members under it, with two objectives."""
    space = SPACES["conditional"]()
    strategy = Stopped(RegularizedEvolution(population=4, sample=2), make())
    for trial in drive(strategy.start(space, TWO), space, _TRIALS, workers=3):
        assert space.contains(trial.architecture)


def it_is_over_one_that_learns_from_all_budgets(make: Make) -> None:
    """Where a strategy may choose who goes on, all candidates may, and none is trained twice."""
    for space in (SPACES["conditional"](), SPACES["huge"]()):
        stopped = Stopped(BayesianOptimization(initial=3, pool=8), make())
        trials = drive(stopped.start(space, TWO), space, _TRIALS // 2, workers=2)
        jobs = [(t.architecture, t.proposal.budget) for t in trials if t.proposal.parent]
        assert len(jobs) == len(set(jobs))
        state = make().start(space, TWO)
        for trial in trials:
            state.observe(trial)
            known = {t.number: t for t in trials if t.number <= trial.number}
            due = state.candidates([])
            if due is None:
                continue
            assert due == state.candidates([])
            assert len({p.budget for p in due}) <= 1
            for proposal in due:
                parent = known[proposal.parent if proposal.parent is not None else -1]
                assert parent.done
                assert parent.architecture == proposal.architecture
                assert size_of(parent.proposal.budget) < size_of(proposal.budget)
                assert (proposal.architecture, proposal.budget) not in [
                    (t.architecture, t.proposal.budget) for t in known.values()
                ]


def only_who_says_so_ends_trials(make: Make) -> None:
    """A trial on its way goes on where `ends_trials` is not set, and where nothing is known."""
    curves = [[{"epoch": 1.0, SCORE: value}] for value in (0.0, 0.5, 1.0)]
    for space, state, _ in _driven(make):
        for number, curve in enumerate(curves):
            proposal = Proposal(space.sample(np.random.default_rng(number)), Budget(9))
            assert make().start(space, ONE).goes_on(proposal, curve)
            if not make().ends_trials:
                assert state.goes_on(proposal, curve)


STOPPER_CHECKS: tuple[Callable[[Make], None], ...] = (
    who_goes_on_ended_well_with_less,
    nothing_is_trained_twice,
    asking_changes_nothing,
    state_is_a_fold,
    failures_go_on_nowhere,
    there_is_always_something_to_do,
    trials_of_others_are_survived,
    it_is_over_any_strategy,
    it_is_over_one_that_learns_from_all_budgets,
    only_who_says_so_ends_trials,
)
