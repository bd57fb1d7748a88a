"""Candidates: their seeds, the claims of attempts at their trials, and what they keep to go on."""

import json
import sqlite3
from pathlib import Path

import pytest
import torch
from safetensors.torch import load
from test_loop import Counted, Stopping, listed, loop, plan
from torch import nn

from netwright import data as datasets
from netwright.evaluate.base import Candidate, Context, Evaluator, Result
from netwright.evaluate.training import Training
from netwright.execute import Executor, Inline, Key, Message, Processes
from netwright.record.artifacts import STATES
from netwright.record.events import Claimed, Finished, Proposed
from netwright.record.rows import read
from netwright.run.candidates import seed_of
from netwright.run.loop import Loop
from netwright.space import Choose, Space
from netwright.stopping import ASHA, SuccessiveHalving
from netwright.trial import SEARCH, Budget

RUNGS = SuccessiveHalving(budgets=(1, 2, 4), eta=2, one_schedule=True)


class Keys(Stopping):
    """Notes the key of each job, in the order in which they are submitted."""

    def __init__(self, after: int = 10**6) -> None:
        super().__init__(after)
        self.keys: list[Key] = []

    def submit(self, key, job, seconds=None, *, alone=False) -> None:
        self.keys.append(key)
        super().submit(key, job, seconds, alone=alone)


class Counting(Evaluator):
    """Counts in named tensors the epochs that a candidate has had, and where it had them."""

    epochs = full_epochs = 4

    def evaluate(self, candidate: Candidate, budget: Budget, context: Context) -> Result:
        before = context.load("count")
        had = 0 if before is None else int(before["epochs"])
        assert before is None or before["seed"] == context.seed == candidate.seed
        assert context.load("other") is None
        context.save(
            "count", {"epochs": torch.tensor(budget.amount), "seed": torch.tensor(context.seed)}
        )
        score = int(candidate.architecture.id, 16) % 97 / 97
        metrics = {"accuracy": score, "had": float(had), "horizon": float(budget.horizon)}
        return Result(metrics, model=candidate.build())


def facts(made: Loop) -> list:
    return [read(event, 2) for event in made.store.events(made.name)[1:]]


def test_each_job_is_claimed_before_it_is_submitted(tmp_path: Path) -> None:
    executor = Keys()
    made = loop(tmp_path, plan(trials=4, targets=(Counted(),), finals=((2, 2),)), executor)
    made.run()
    claims = [fact for fact in facts(made) if isinstance(fact, Claimed)]
    assert [Key(claim.trial, claim.attempt) for claim in claims] == executor.keys
    assert len(set(executor.keys)) == len(executor.keys) == 4 * 2 + 2 + 2  # and confirmed
    assert {claim.owner for claim in claims} == {made.state.owner}
    assert made.state.owner != loop(tmp_path, made.plan).state.owner


@pytest.mark.parametrize("after", [0, 1, 2, 5, 8, 9, 10])
def test_a_resumed_run_uses_no_key_again(tmp_path: Path, after: int) -> None:
    made = plan(trials=4, targets=(Counted(),), finals=((2, 2),))
    executor = Keys(after)
    first = loop(tmp_path, made, executor)
    with pytest.raises(SystemError, match="killed"):
        first.run()
    again = Keys()
    loop(tmp_path, made, again).run()
    assert not {*executor.keys} & {*again.keys}


def test_late_news_of_an_attempt_before_the_last_is_ignored(tmp_path: Path) -> None:
    """Those of an earlier session too, whose executor lives on."""
    made = plan(trials=3, finals=())
    with pytest.raises(SystemError, match="killed"):
        loop(tmp_path, made, Keys(0)).run()

    class Late(Inline):
        def wait(self, seconds: float) -> list[Message]:
            late = [Message("lost", Key(0, 1), ("failed", "late"))]
            return [*late, *super().wait(seconds)]

    again = loop(tmp_path, made, Late())
    again.run()
    assert [t.status for t in again.history] == ["done"] * 3
    assert again.state.record.attempts == {0: 2, 1: 1, 2: 1}
    assert not [fact for fact in facts(again) if fact.kind == "restarted"]


def test_who_works_on_a_trial_is_known_until_it_ends(tmp_path: Path) -> None:
    made = loop(tmp_path, plan(trials=2, finals=()), Keys(0))
    made.state.owner = "here:1:a"
    with pytest.raises(SystemError, match="killed"):
        made.run()
    assert made.state.record.open[0].owner == "here:1:a"
    assert made.state.place(1).owner == ""


def test_a_seed_is_decided_when_a_trial_is_proposed_and_inherited(tmp_path: Path) -> None:
    made = loop(tmp_path, plan(evaluator=Counting(), stopper=RUNGS, trials=14, finals=((2, 4),)))
    made.run()
    known = {t.number: t for t in made.history}
    for trial in made.history:
        parent, searched = known.get(trial.proposal.parent), trial.proposal.stage == SEARCH
        goes_on = searched and parent and parent.architecture == trial.architecture
        assert trial.seed == (parent.seed if goes_on else seed_of(made.plan.seed, trial.number))
    proposed = {fact.trial: fact.seed for fact in facts(made) if isinstance(fact, Proposed)}
    assert proposed == {t.number: t.seed for t in made.history}


def test_a_log_without_seeds_goes_on_with_the_seeds_it_had(tmp_path: Path) -> None:
    """And with budgets that are epochs, and no claims, as logs were."""
    stopper = SuccessiveHalving(budgets=(1, 2, 4), eta=2)
    made = plan(evaluator=Counting(), stopper=stopper, trials=14, finals=((2, 4),))
    whole = loop(tmp_path, made, name="whole")
    whole.run()
    with pytest.raises(SystemError, match="killed"):
        loop(tmp_path, made, Stopping(6)).run()
    base = sqlite3.connect(tmp_path / "runs.db")
    with base:
        base.execute("delete from event where kind = 'claimed' and run = 'a'")
        rows = base.execute("select id, body from event where run = 'a'").fetchall()
        for number, text in rows:
            base.execute("update event set body = ? where id = ?", (_older(text), number))
    base.close()
    again = loop(tmp_path, made)
    assert {t.seed for t in again.history} == {None}
    again.run()
    seeds = {t.number: t.seed for t in again.history if t.seed is not None}
    assert seeds == {t.number: t.seed for t in whole.history if t.number in seeds}
    assert len(seeds) > 8
    anew = [t for t in again.history if t.number in seeds]
    assert listed(anew) == listed(t for t in whole.history if t.number in seeds)


def _older(text: str) -> str:
    def changed(body):
        if not isinstance(body, dict):
            return body
        found = {key: changed(value) for key, value in body.items() if key != "seed"}
        if "budget" in found and "architecture" in found:
            budget = found.pop("budget")
            found["epochs"] = budget and budget["amount"]
        return found

    body = json.loads(text)
    return json.dumps(body if "machine" in body else changed(body))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_promoted_trial_finds_what_its_candidate_saved(tmp_path: Path, workers: int) -> None:
    executor: Executor = Processes(workers) if workers else Inline()
    made = plan(evaluator=Counting(), stopper=RUNGS, trials=14, finals=((2, 4),))
    run = loop(tmp_path, made, executor)
    run.run()
    searched = [t for t in run.history if t.proposal.stage == SEARCH]
    assert [t.status for t in run.history] == ["done"] * 16
    had = {1: 0.0, 2: 1.0, 4: 2.0}
    assert {t.proposal.epochs for t in searched} == {1, 2, 4}
    assert all(t.metrics["had"] == had[t.proposal.epochs] for t in searched)
    assert {t.metrics["horizon"] for t in searched} == {4.0}
    finals = [t for t in run.history if t.proposal.stage != SEARCH]
    assert {t.metrics["had"] for t in finals} == {0.0}  # they are trained anew
    assert not run.store.keys(run.name, STATES)


def test_what_candidates_saved_is_there_until_the_search_is_over(tmp_path: Path) -> None:
    made = plan(evaluator=Counting(), stopper=RUNGS, trials=7, finals=())
    killed = loop(tmp_path, made, Stopping(5))
    with pytest.raises(SystemError, match="killed"):
        killed.run()
    first = {f"state-{number}/count.safetensors" for number in range(4)}
    assert {*killed.store.keys(killed.name, STATES)} == first
    again = loop(tmp_path, made)
    assert {*again.store.keys(again.name, STATES)} == first
    again.run()
    assert not again.store.keys(again.name, STATES)
    assert [t.metrics["had"] for t in again.history] == [0, 0, 0, 0, 1, 1, 2]


def small(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    width = choose.width("width", 4, 32)
    layers = [nn.Flatten(), nn.Linear(64, width), nn.BatchNorm1d(width), nn.Dropout(0.2)]
    return nn.Sequential(*layers, nn.Linear(width, classes))


@pytest.mark.parametrize("workers", [0, 2])
def test_training_that_goes_on_ends_as_one_straight_through(tmp_path: Path, workers: int) -> None:
    """To the bit, whichever worker had its parts."""
    digits = datasets.load("digits")
    space, training = Space(small, (1, 8, 8), 10), Training(digits, epochs=1, full_epochs=2)
    executor: Executor = Processes(workers) if workers else Inline()
    stopper = ASHA(budgets=(1, 3), eta=2, one_schedule=True)
    made = plan(space=space, evaluator=training, stopper=stopper, trials=6, finals=(), seed=5)
    run = loop(tmp_path, made, executor)
    run.run()
    searched = [t for t in run.history if t.proposal.stage == SEARCH]
    gone_on = [t for t in searched if t.proposal.budget == Budget(3)]
    assert gone_on
    for trial in gone_on:
        candidate = Candidate(space, trial.architecture, trial.seed)
        straight = training.evaluate(candidate, Budget(3), Context(trial.seed))
        assert [dict(point) for point in trial.curve] == [dict(p) for p in straight.curve]
        assert trial.metrics["accuracy"] == straight.metrics["accuracy"]
    best = max(gone_on, key=lambda trial: trial.metrics["accuracy"])
    kept = run.store.read(run.name, f"trial-{best.number}.safetensors")
    candidate = Candidate(space, best.architecture, best.seed)
    straight = training.evaluate(candidate, Budget(3), Context(best.seed))
    expected = straight.model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in load(kept).items())
    assert [fact.result.seed for fact in facts(run) if isinstance(fact, Finished)]
