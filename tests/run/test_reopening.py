"""A run that is over goes on with more trials, epochs or minutes, by what it knows."""

import time
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

import netwright as nw
from netwright.record.events import KINDS, Reopened
from netwright.run.result import Run
from netwright.trial import SEARCH, Stage

STRATEGY = nw.RegularizedEvolution(population=6, sample=3)


def network(choose, inputs, outputs):
    width = choose.width("width", 4, 64, step=4)
    depth = choose.value("depth", [1, 2, 3, 4])
    layers = [layer for _ in range(depth) for layer in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(nn.Linear(6, width), *layers, nn.Linear(width, 3))


class Training:
    """Better for wider networks and for longer trainings; counts what was trained."""

    def __init__(self) -> None:
        self.trained: list[tuple[int, int]] = []

    def __call__(self, model: nn.Module, epochs: int) -> dict[str, float]:
        size = sum(p.numel() for p in model.parameters())
        self.trained.append((size, epochs))
        with torch.no_grad():
            model[0].bias.add_(1.0)
        return {"accuracy": 1 - 1 / (size + epochs)}


def searched(store: str | Path, training, trials: int | None = 8, **given) -> Run:
    options = {"strategy": STRATEGY, "trials": trials, "finals": [(3, 4), (1, 9)], "workers": 0}
    options |= {"targets": (), "seed": 3, "store": store, "run": "r"} | given
    return nw.search(nw.Space(network, (6,), 3), training, **options)


def search_trials(run: Run) -> list:
    found = [t for t in run.record.history if t.proposal.stage == SEARCH]
    return [t.architecture for t in sorted(found, key=lambda t: t.number)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.mark.parametrize("deterministic", [False, True])
def test_the_search_goes_on_as_one_that_had_the_trials_at_once(tmp_path, deterministic) -> None:
    given = {"deterministic": deterministic}
    whole = searched(tmp_path / "whole.db", Training(), 16, **given)
    searched(tmp_path / "runs.db", Training(), 8, **given)
    run = searched(tmp_path / "runs.db", Training(), 16, **given)
    assert run.status == "done" and len(search_trials(run)) == 16
    assert search_trials(run)[:8] == search_trials(whole)[:8]
    numbers = [t.number for t in run.record.history]
    assert len(set(numbers)) == len(numbers)


def test_finals_that_were_trained_are_not_trained_again(store: Path) -> None:
    training = Training()
    first = searched(store, training, 8)
    before, tested = list(training.trained), first.record.tested.copy()
    run = searched(store, training, 16)
    finals = [t for t in run.record.history if t.proposal.stage == Stage.final(1)]
    seen = Counter((t.architecture, t.proposal.budget) for t in finals)
    assert max(seen.values()) == 1 and len(finals) >= 3
    assert len(training.trained) - len(before) <= 8 + 3 + 1
    last = [t for t in run.record.history if t.proposal.stage == Stage.final(2)]
    best = max(last, key=lambda t: t.metrics["accuracy"])
    assert run.best.trial.number == best.number
    assert run.record.exported is not None and run.record.exported.number == best.number
    assert run.record.tested.keys() >= tested.keys()


def test_with_the_same_budget_or_a_smaller_one_it_is_returned_as_it_is(store: Path) -> None:
    training = Training()
    searched(store, training, 8)
    count = len(training.trained)
    for trials in (8, 4):
        run = searched(store, training, trials)
        assert run.status == "done" and len(training.trained) == count
    assert run.record.reopened == 0


def test_a_space_that_is_used_up_ends_as_it_was(store: Path) -> None:
    training = Training()
    first = searched(store, training, 64).best.trial.number
    run = searched(store, training, 500)
    assert run.status == "done" and run.best.trial.number == first
    assert run.record.reopened == 1


def test_more_epochs_and_minutes_likewise(store: Path) -> None:
    searched(store, Training(), None, epochs=6)
    run = searched(store, Training(), None, epochs=9)
    assert len(search_trials(run)) == 9
    run = searched(store, Training(), 12, minutes=5)
    assert run.status == "done" and len(search_trials(run)) == 12
    assert run.record.settings["budget"] == {"trials": 12, "minutes": 5, "epochs": None}
    assert run.record.time_plan is not None
    assert searched(store, Training(), 13).record.time_plan is None  # of no minutes any more


def test_the_time_between_is_not_counted(store: Path, monkeypatch) -> None:
    searched(store, Training(), 4)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 86400)
    assert searched(store, Training(), 8).record.seconds < 3600


class Killed(Exception):
    pass


@pytest.mark.parametrize("after", [2, 9, 11])
def test_a_kill_in_what_was_reopened_goes_on_there(store: Path, tmp_path, after: int) -> None:
    whole = tmp_path / "whole.db"
    for trials in (8, 16):
        uninterrupted = searched(whole, Training(), trials)
    searched(store, Training(), 8)
    count = 0

    def watch(progress) -> None:
        nonlocal count
        count += 1
        if count > after:
            raise Killed

    with pytest.raises(Killed):
        searched(store, Training(), 16, watch=watch)
    run = searched(store, Training(), 16)
    assert run.record.reopened == 1 and run.status == "done"
    rows = [(t.number, t.architecture, dict(t.metrics)) for t in run.record.history]
    assert rows == [
        (t.number, t.architecture, dict(t.metrics)) for t in uninterrupted.record.history
    ]


def test_networks_of_both_ends_are_tested_and_that_is_said(store: Path) -> None:
    scored = []

    def score(model: nn.Module) -> dict[str, float]:
        scored.append(model)
        return {"accuracy": 0.5}

    first = searched(store, nw.Function(Training(), score=score), 2).best.trial.number
    run = searched(store, nw.Function(Training(), score=score), 24)
    assert run.best.trial.number != first
    assert run.record.tested.keys() == {first, run.best.trial.number}
    assert len(scored) == 2 and "2 networks were tested" in " ".join(run.notes)


def test_a_failed_run_may_find_a_network_with_more_trials(store: Path) -> None:
    def train(model: nn.Module, epochs: int) -> dict[str, float]:
        if len(trained) < 2:
            trained.append(epochs)
            raise ValueError("not yet")
        return Training()(model, epochs)

    trained: list[int] = []
    assert searched(store, train, 2, finals=[]).status == "failed"
    run = searched(store, train, 6, finals=[])
    assert run.status == "done" and len(search_trials(run)) == 6


def test_refits_and_several_objectives(store: Path) -> None:
    y = torch.arange(90) % 3
    data = nw.data.load((torch.rand(90, 6) + y[:, None], y))
    given = {"objectives": [nw.maximize("accuracy"), nw.minimize("params")], "finals": [(2, 2)]}
    for trials in (3, 6):
        run = searched(store, nw.Training(data, epochs=1, full_epochs=2), trials, **given)
        assert run.status == "done" and run.best.trial.proposal.stage.is_refit
        assert run.record.tested.keys() >= {each.trial.number for each in run.front}


def test_the_event_keeps_the_bounds_in_the_call_of_the_run(store: Path) -> None:
    assert KINDS["reopened"] is Reopened
    call = {"call": {"trials": 8, "data": "digits"}, "budget": {"trials": 8}}
    found = Reopened(16, None, None).among(call)
    assert found["call"] == {"trials": 16, "minutes": None, "epochs": None, "data": "digits"}
