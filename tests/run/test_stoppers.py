"""Stoppers in the loop: who is ended on the way, and whose seed goes on."""

import time
from pathlib import Path

import pytest
from test_loop import loop, plan

from netwright.evaluate.base import Candidate, Context, Evaluator, Result
from netwright.execute import Inline, Processes
from netwright.stopping import Stopper, Stopping, SuccessiveHalving
from netwright.trial import Budget, Proposal, Trial


class EndsAt(Stopper):
    """Ends every second network after so many epochs."""

    cli_name = "ends-at"
    ends_trials = True

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def start(self, space, objectives) -> Stopping:
        return _EndsAt(self.epochs)


class _EndsAt(Stopping):
    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def promoted(self, pending) -> None:
        return None

    def entry(self, pending) -> None:
        return None

    def observe(self, trial: Trial) -> None: ...

    def goes_on(self, proposal: Proposal, curve) -> bool:
        return len(curve) < self._epochs or int(proposal.architecture.id, 16) % 2 == 0


class Slow(Evaluator):
    """Takes five epochs, and notes how far it came; one that is ended in a process dies there."""

    epochs = 5
    full_epochs = 5

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def evaluate(self, candidate: Candidate, budget: Budget, context: Context) -> Result:
        for epoch in range(1, budget.amount + 1):
            context.report(epoch, {"accuracy": epoch / 10})
            if epoch == 2 and int(candidate.architecture.id, 16) % 2 and self.seconds:
                time.sleep(self.seconds)
        return Result({"accuracy": budget.amount / 10}, model=candidate.build())


@pytest.mark.parametrize("workers", [0, 2])
def test_a_trial_that_does_not_go_on_is_ended_and_said(workers: int, tmp_path: Path) -> None:
    """In another process it is killed on its way: otherwise it would take ten minutes."""
    executor = Processes(workers) if workers else Inline()
    evaluator = Slow(600.0 if workers else 0.0)
    made = plan(
        evaluator=evaluator,
        stopper=EndsAt(2),
        trials=6,
        finals=(),
        deterministic=False,
    )
    run = loop(tmp_path, made, executor)
    run.run()
    ended = [t for t in run.history if int(t.architecture.id, 16) % 2]
    assert 0 < len(ended) < 6
    for trial in ended:
        assert trial.status == "preempted"
        assert trial.reason == "the stopper ended it after 2 of 5 epochs"
        assert trial.metrics["accuracy"] == 0.2
        assert "epoch" not in trial.metrics
        assert len(trial.curve) == 2
    assert all(t.done for t in run.history if t not in ended)
    assert len(run.history) == 6


def test_a_promoted_trial_has_the_seed_of_its_first(tmp_path: Path) -> None:
    seeds: dict[tuple[str, int], int] = {}

    class Noting(Evaluator):
        epochs = full_epochs = 1

        def evaluate(self, candidate: Candidate, budget: Budget, context: Context) -> Result:
            seeds[candidate.architecture.id, budget.amount] = candidate.seed
            return Result({"accuracy": int(candidate.architecture.id, 16) % 97 / 97})

    stopper = SuccessiveHalving(budgets=(1, 3, 9))
    made = plan(evaluator=Noting(), stopper=stopper, trials=13, finals=())
    run = loop(tmp_path, made)
    run.run()
    first = [seed for (_, epochs), seed in seeds.items() if epochs == 1]
    assert len(set(first)) == 9
    assert {epochs for _, epochs in seeds} == {1, 3, 9}
    assert all(seed == seeds[name, 1] for (name, _), seed in seeds.items())
