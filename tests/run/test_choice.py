"""Which network is taken: of those that rows cannot tell apart the cheapest, else the best."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_loop import Stopping, listed, loop, plan
from test_resume import few

import netwright as nw
from netwright.cli.output import document, result_lines
from netwright.evaluate.base import Evaluator, Result
from netwright.evaluate.function import Function
from netwright.execute import Inline
from netwright.network.weights import tensor_bytes
from netwright.objective import limits_from, maximize, minimize
from netwright.record.artifacts import spread_key, weights_key
from netwright.record.events import Reopened
from netwright.record.reading import read_record
from netwright.record.writing import write
from netwright.report import write_report
from netwright.run.choice import Scored, chosen, rechecks, scored, tied
from netwright.run.conclude import conclude
from netwright.run.kept_weights import Weights
from netwright.run.pacing import Pacing
from netwright.run.plan import Plan
from netwright.space import Architecture, Space
from netwright.store import MemoryStore
from netwright.tasks.spread import Spread
from netwright.trial import RECHECK, REFIT, SEARCH, Budget, Proposal, Stage, Trial

ROWS = 400
FINAL = Stage.final(1)
LATENCY = "latency_ms@pytorch"


def hitting(base: int, *more: tuple[int, int]) -> Spread:
    """A network that is right in the first rows, and in `more` of them from one to another."""
    values = np.zeros(ROWS)
    for begin, end in ((0, base), *more):
        values[begin:end] = 1.0
    return Spread(values, ROWS, ROWS, which=7)


TIED = hitting(300, (300, 320)), hitting(300, (320, 337))
"""Two that differ by 3 rows, by an error of 6 rows."""


def network(
    number: int, spread: Spread | None, seeds: int = 1, error: float | None = None, **costs: float
) -> Scored:
    gain = 0.5 if spread is None else float(spread.values.mean())
    proposal = Proposal(Architecture({"a": number}), Budget(9), None, FINAL)
    trial = Trial(number, proposal, "done", {"accuracy": gain, "macs": 9.0, **costs})
    return Scored(trial, gain, seeds, spread, error if spread is None else spread.error)


def taken(found: Sequence[Scored], made: Plan | None = None, **given: bool) -> tuple[int, str]:
    choice = chosen(made or plan(), found, **{"again": False, **given})
    assert choice is not None
    return choice.number, choice.cost


def test_a_tie_goes_to_the_cheaper_network() -> None:
    best, other = TIED
    error = best.error_beside(other)
    assert error is not None and 0 < best.values.mean() - other.values.mean() <= error
    found = [network(3, best, macs=10.0), network(4, other, macs=5.0)]
    assert taken(found) == (4, "macs")
    choice = chosen(plan(), found, again=False)
    assert [(x.trial, x.tied) for x in choice.finalists] == [(3, True), (4, True)]
    assert choice.finalists[1].behind_error == pytest.approx(error)
    assert choice.finalists[0].error == pytest.approx(best.error)


def known(each: Scored) -> Scored:
    proposal = replace(each.trial.proposal, design="plain")
    return replace(each, trial=replace(each.trial, proposal=proposal))


def last_rows(spread: Spread, rows: int) -> Spread:
    """The same of fewer rows, with what these say of it."""
    return Spread(spread.values[-rows:], rows, rows, which=spread.which)


@pytest.mark.parametrize(("rows", "expected"), [(199, (4, "design")), (200, (3, ""))])
def test_of_few_rows_a_tie_goes_to_a_well_known_network(rows, expected) -> None:
    best, other = (last_rows(each, rows) for each in TIED)
    assert best.values.mean() > other.values.mean()
    found = [network(3, best), known(network(4, other))]
    assert taken(found) == expected
    assert taken([known(network(3, best)), network(4, other)]) == (3, "")
    cheap = [network(3, best), known(network(4, other)), known(network(5, other, macs=5.0))]
    assert taken(cheap) == ((4, "design") if rows == 199 else (5, "macs"))
    both = [known(network(3, other)), known(network(4, best))]
    assert taken(both) == ((3, "design") if rows == 199 else (4, ""))


def test_what_is_far_behind_is_not_taken_for_its_cost() -> None:
    best, other = hitting(300, (300, 322)), hitting(300, (322, 340))
    error = best.error_beside(other)
    assert error is not None and 0.5 * error < best.values.mean() - other.values.mean() < error
    found = [network(3, best, macs=10.0), network(4, other, macs=5.0)]
    assert taken(found) == (3, "")
    assert [x.tied for x in chosen(plan(), found, again=False).finalists] == [True, True]


def test_a_clear_winner_stays() -> None:
    """By the errors of each alone it would be a tie; on the same rows it is none."""
    best, other = hitting(326), hitting(320)
    assert best.values.mean() - other.values.mean() < best.error
    found = [network(3, best, macs=10.0), network(4, other, macs=1.0)]
    assert taken(found) == (3, "")
    assert [x.tied for x in chosen(plan(), found, again=False).finalists] == [True, False]
    assert rechecks(found) == []


def test_networks_of_about_one_cost_are_taken_by_their_figure() -> None:
    best, other = TIED
    found = [network(3, best, macs=10.4), network(4, other, macs=10.0)]
    assert taken(found) == (3, "")
    assert taken([network(3, best, macs=10.6), found[1]]) == (4, "macs")


def test_latency_decides_where_it_is_a_limit_else_macs_else_params() -> None:
    best, other = TIED
    found = [
        network(3, best, macs=9.0, params=9.0, **{LATENCY: 1.0}),
        network(4, other, macs=1.0, params=1.0, **{LATENCY: 2.0}),
    ]
    limited = plan(limits=limits_from({LATENCY: 3.0}), targets=(nw.PyTorch(),))
    assert taken(found, limited) == (3, "")
    assert taken(found) == (4, "macs")
    for each in found:
        del each.trial.metrics["macs"]
    assert taken(found) == (4, "params")


def test_up_to_three_that_cannot_be_told_apart_are_trained_again() -> None:
    found = [network(n, hitting(300, (300 + 20 * n, 320 + 19 * n))) for n in range(5)]
    assert len(tied(found)) == 5
    assert [(p.parent, p.epochs, p.stage) for p in rechecks(found)] == [
        (0, 9, RECHECK),
        (1, 9, RECHECK),
        (2, 9, RECHECK),
    ]
    assert rechecks([]) == []


def test_then_it_is_between_those() -> None:
    """One that was not trained again has a figure that was lucky once."""
    found = [network(n, hitting(300 + 9 * n), 2 if n < 2 else 1) for n in range(3)]
    assert taken(found, again=True)[0] == 1
    assert taken(found, again=False)[0] == 2


def test_nothing_is_claimed_without_rows() -> None:
    found = [network(3, None), network(4, None, macs=1.0)]
    assert chosen(plan(), found, again=False) is None and rechecks(found) == []
    known = [network(3, hitting(320)), network(4, None, macs=1.0)]
    assert taken(known) == (3, "")


@pytest.mark.parametrize(("error", "expected"), [(0.02, 4), (0.001, 3)])
def test_a_training_may_return_the_error_itself(error: float, expected: int) -> None:
    store = MemoryStore("errors")
    given = {3: (0.82, 9.0), 4: (0.81, 1.0)}
    found = []
    for number, (score, macs) in given.items():
        trial = network(number, None, macs=macs).trial
        metrics = {**trial.metrics, "accuracy": score, "accuracy_standard_error": error}
        trials = [replace(trial, metrics=metrics)]
        found.append(scored(store, "a", maximize("accuracy"), trials))
    assert taken(found)[0] == expected


# -- whole runs ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rows(Evaluator):
    """A network is right in 300 rows, in about 20 more by its seed, or else in some by its size."""

    slope: float = 0.0
    epochs: int = 1
    full_epochs: int = 3
    failing: bool = False

    @property
    def metric_names(self) -> tuple[str, ...]:
        return ("accuracy", "params")

    def evaluate(self, candidate, budget, context) -> Result:
        model = candidate.build()
        if self.failing and budget.amount == 3 and candidate.seed % 2:
            return Result({}, status="failed", reason="an odd seed")
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(1.0)
        size = sum(p.numel() for p in model.parameters())
        found = hitting(300 + round(self.slope * size))
        if not self.slope:
            rng = np.random.default_rng(context.seed)
            found.values[300 + rng.choice(60, 20 + context.seed % 3, replace=False)] = 1.0
        return Result({"accuracy": found.values.mean()}, model=model, spread=lambda metric: found)

    def for_refit(self) -> Evaluator:
        return self


@pytest.fixture(scope="module")
def space() -> Space:
    return Space(few, 4, 3)


def made_of(space: Space, **changes) -> Plan:
    given = {"evaluator": Rows(), "trials": 5, "finals": ((4, 3),), "refit": True, "export": False}
    return plan(**{"space": space, "rehearse": False, **given, **changes})


def concluded(path: Path, made: Plan, executor=None, name: str = "a"):
    run = loop(path, made, executor, name)
    run.run()
    conclude(run.store, name, made)
    return run, read_record(run.store, name)


def test_those_that_cannot_be_told_apart_are_trained_again_by_another_seed(tmp_path, space) -> None:
    run, record = concluded(tmp_path, made_of(space))
    last = [t for t in record.history if t.proposal.stage == FINAL]
    again = [t for t in record.history if t.proposal.stage == RECHECK]
    assert len(again) == 3
    by_number = {t.number: t for t in last}
    for trial in again:
        before = by_number[trial.proposal.parent]
        assert trial.architecture == before.architecture
        assert (trial.proposal.budget, trial.seed != before.seed) == (before.proposal.budget, True)
    rows = {x.trial: x for x in record.choice.finalists}
    for trial in again:
        scores = [by_number[trial.proposal.parent].metrics["accuracy"], trial.metrics["accuracy"]]
        finalist = rows[trial.proposal.parent]
        assert (finalist.score, finalist.seeds) == (pytest.approx(np.mean(scores)), 2)
    same = [by_number[n] for n, x in rows.items() if x.tied]
    winner = by_number[record.choice.number]
    assert len(same) > 1
    assert winner.metrics["macs"] <= 1.05 * min(t.metrics["macs"] for t in same)
    assert record.best.proposal.stage == REFIT
    assert record.best.proposal.parent == winner.number
    lines = result_lines(record)
    assert any(line.startswith("chosen") and "trained twice" in line for line in lines)
    assert any("points on 400 rows, which chose it" in line for line in lines)
    assert document(record)["choice"]["number"] == winner.number
    write_report(record, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "cannot be told apart by 400 validation rows" in page and "behind the best" in page


def test_without_a_refit_the_chosen_one_is_handed_back(tmp_path, space) -> None:
    _, record = concluded(tmp_path, made_of(space, refit=False, seed=3))
    assert record.best.number == record.choice.number
    assert record.best.proposal.stage == FINAL == record.stage
    figures = {t.number: t.metrics["accuracy"] for t in record.history if t.proposal.stage == FINAL}
    assert record.best.number != max(figures, key=figures.get)  # so the figure alone says otherwise


def test_a_clear_winner_is_trained_once(tmp_path, space) -> None:
    _, record = concluded(tmp_path, made_of(space, evaluator=Rows(slope=1.0)))
    assert RECHECK not in record.finalists
    last = [t for t in record.history if t.proposal.stage == FINAL]
    best = max(last, key=lambda t: t.metrics["accuracy"])
    assert (record.choice.number, record.choice.cost) == (best.number, "")
    assert record.best.proposal.parent == best.number
    assert not any(line.startswith("chosen") for line in result_lines(record))


def test_where_time_is_over_the_first_figures_decide(tmp_path, space, monkeypatch) -> None:
    monkeypatch.setattr(Pacing, "leaves_room", lambda pacing, trials, refit: False)
    _, record = concluded(tmp_path, made_of(space))
    assert RECHECK not in record.finalists
    assert {x.seeds for x in record.choice.finalists} == {1}
    macs = {t.number: t.metrics["macs"] for t in record.history}
    same = [macs[x.trial] for x in record.choice.finalists if x.tied]
    assert len(same) > 1 and macs[record.choice.number] <= 1.05 * min(same)


def test_where_one_of_them_fails_the_first_figures_decide(tmp_path, space) -> None:
    run, record = concluded(tmp_path, made_of(space, evaluator=Rows(failing=True), seed=3))
    again = [t for t in record.history if t.proposal.stage == RECHECK]
    assert {t.done for t in again} == {True, False}
    assert {x.seeds for x in record.choice.finalists} == {1}


def test_with_several_objectives_nothing_changes(tmp_path, space) -> None:
    objectives = (maximize("accuracy"), minimize("params"))
    _, record = concluded(tmp_path, made_of(space, objectives=objectives))
    assert record.choice is None and RECHECK not in record.finalists
    last = [t for t in record.history if t.proposal.stage == FINAL]
    assert len([t for t in record.history if t.proposal.stage == REFIT]) <= len(last)


def test_own_training_that_says_nothing_of_rows_is_taken_by_its_figure(tmp_path, space) -> None:
    def same(model, epochs: int) -> float:
        return 0.5

    _, record = concluded(tmp_path, made_of(space, evaluator=Function(same), refit=False))
    assert record.choice is None and RECHECK not in record.finalists


def test_a_run_that_was_stopped_anywhere_chooses_the_same(tmp_path, space) -> None:
    made = made_of(space)
    whole, record = concluded(tmp_path, made, name="whole")
    ends = len(record.history)
    for after in range(8, ends + 3, 2):
        folder = tmp_path / str(after)
        with suppress(SystemError):
            loop(folder, made, Stopping(after)).run()
        again, other = concluded(folder, made, Inline())
        assert listed(again.history) == listed(whole.history)
        assert other.choice == record.choice
        assert other.best.number == record.best.number


def test_a_run_that_goes_on_chooses_anew_and_trains_none_a_third_time(tmp_path, space) -> None:
    run, before = concluded(tmp_path, made_of(space))
    write(run.store, "a", Reopened(9, None, None))
    assert read_record(run.store, "a").choice is None
    _, record = concluded(tmp_path, made_of(space, trials=9))
    again = [t for t in record.history if t.proposal.stage == RECHECK]
    assert len({t.architecture for t in again}) == len(again)
    taken = record.history.numbered(record.choice.number)
    assert record.best.architecture == taken.architecture
    assert len(record.choice.finalists) > len(before.choice.finalists)


def test_without_finals_it_is_chosen_among_the_best_four(tmp_path, space) -> None:
    run, record = concluded(tmp_path, made_of(space, finals=(), trials=8, refit=False))
    assert len(record.choice.finalists) == 4 and RECHECK not in record.finalists
    kept = {t.number for t in record.history if run.state.weights.has(t.number)}
    assert kept == {x.trial for x in record.choice.finalists}
    gains = sorted((t.metrics["accuracy"] for t in record.history), reverse=True)
    assert [x.score for x in record.choice.finalists] == gains[:4]
    assert record.best.number == record.choice.number


def test_of_what_is_not_compared_the_best_weights_alone_are_kept() -> None:
    store = MemoryStore("kept")
    store.clear()
    store.create("a", {})
    weights = Weights(store, "a", [maximize("accuracy")], ())
    for number, score in enumerate((0.1, 0.5, 0.3, 0.4, 0.2, 0.6)):
        proposal = Proposal(Architecture({"a": number}), None, None, SEARCH)
        store.put("a", weights_key(number), b"weights")
        if number > 3:
            store.put("a", spread_key(number), tensor_bytes(hitting(300).to_tensors()))
        weights.take(Trial(number, proposal, "done", {"accuracy": score}))
    assert [n for n in range(6) if weights.has(n)] == [4, 5]
    assert [n for n in range(6) if store.has("a", spread_key(n))] == [4, 5]
