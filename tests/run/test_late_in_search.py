"""Where trials are trainings in full the search tries late answers, since no final does."""

import random
from contextlib import suppress
from typing import Any

import pytest
from torch import nn

import netwright as nw
from netwright.execute import Inline
from netwright.record.division import Division, Share
from netwright.record.events import TimePlanned
from netwright.record.reading import read_record
from netwright.record.writing import write
from netwright.run.designs import first_of_space
from netwright.run.fingerprint import settings_of
from netwright.run.loop import Loop
from netwright.run.plan import Plan
from netwright.space import Design
from netwright.store import MemoryStore
from netwright.strategies import RandomSearch

FULL = 6
DESIGNS = [Design(name, {"act": name}, {"width": 1}, usual=8) for name in ("tanh", "relu")]
WAYS = {"none": 0.0, "shifted": 0.1, "mixed": 0.4}  # what each adds to the accuracy


def network(choose: nw.Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    width = choose.width("width", 4, 64, step=4)
    act = choose.one_of("act", relu=nn.ReLU, tanh=nn.Tanh, gelu=nn.GELU)
    return nn.Sequential(nn.Flatten(), nn.Linear(4, width), act, nn.Linear(width, outputs))


def recipe(choose: nw.Choose) -> dict[str, Any]:
    return {"way": choose.value("way", [*WAYS], late=True)}


def of_recipe(model: nn.Module, epochs: int, recipe: dict[str, Any]) -> dict[str, float]:
    is_tanh = any(isinstance(module, nn.Tanh) for module in model.modules())
    return {"accuracy": WAYS[recipe["way"]] + 0.2 * is_tanh}


class Enough(Exception):
    """Raised to stop a run in its middle."""


def searched(
    monkeypatch,
    epochs: int = FULL,
    stops: tuple[int, ...] = (),
    several: Inline | None = None,
    **changes: Any,
) -> list[tuple[str | None, str, str]]:
    """Design, activation and late answer of each trial of `epochs`; stopped after so many of them.

    That trials have as many epochs is in the log before the first, as from a timed step.
    """
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))
    designs = changes.pop("designs_of_space", DESIGNS)
    plan = Plan(
        space=nw.Space(network, (4,), 3, recipe=recipe, designs=designs),
        evaluator=nw.Function(of_recipe, epochs=2, full_epochs=FULL),
        objectives=(nw.maximize("accuracy"),),
        targets=(),
        minutes=10,
        trials=12,
        **{"strategy": RandomSearch(), **changes},
    )
    store = MemoryStore("late")
    store.clear()
    store.create("a", settings_of(plan) | first_of_space(plan))
    write(store, "a", TimePlanned(Division(600.0, 0.0, 30.0, 1), Share(epochs, 90.0, None), ()))
    executor = several or Inline()
    for most in (*stops, None):

        def watch(progress: Any, most: int | None = most) -> None:
            if most is not None and len(progress.history) >= most:
                raise Enough

        loop = Loop(plan, store, "a", executor, watch, clock=lambda: 0.0, ending=30)
        with suppress(Enough):
            loop.run()
    found = [t for t in read_record(store, "a").history if t.proposal.stage.is_search]
    found.sort(key=lambda t: t.number)
    return [(t.proposal.design, t.architecture["act"], t.architecture["way"]) for t in found]


def test_after_the_designs_the_best_is_tried_with_the_others(monkeypatch) -> None:
    tried = searched(monkeypatch)
    # own training begins with the smallest network
    assert tried[0][2] == "none"
    assert tried[1:3] == [("tanh", "tanh", "none"), ("relu", "relu", "none")]
    assert tried[3:5] == [("tanh", "tanh", "shifted"), ("tanh", "tanh", "mixed")]
    assert {way for _, _, way in tried[5:]} == {"mixed"}


def test_of_many_designs_the_others_come_after_them(monkeypatch) -> None:
    """There is time for few trainings in full, and late answers may be worth more than the last."""
    more = [Design(f"gelu-{size}", {"act": "gelu"}, {"width": 1}, usual=size) for size in (8, 16)]
    tried = searched(monkeypatch, designs_of_space=[*DESIGNS, *more])
    assert [name for name, _, _ in tried[1:4]] == ["tanh", "relu", "gelu-8"]
    assert tried[4:6] == [("tanh", "tanh", "shifted"), ("tanh", "tanh", "mixed")]
    assert tried[6] == ("gelu-16", "gelu", "mixed")


def test_in_short_trials_they_are_left_to_the_finals(monkeypatch) -> None:
    assert {way for _, _, way in searched(monkeypatch, 2, finals=((2, FULL),))} == {"none"}


def test_under_a_stopper_there_are_none(monkeypatch) -> None:
    stopper = nw.ASHA(budgets=(1, FULL))
    assert {way for _, _, way in searched(monkeypatch, stopper=stopper)} == {"none"}


@pytest.mark.parametrize("stops", [(1,), (3,), (4,), (5,), (2, 4, 6)])
def test_a_resumed_run_tries_what_a_whole_one_does(monkeypatch, stops) -> None:
    assert searched(monkeypatch, stops=stops) == searched(monkeypatch)


def test_a_strategy_proposes_and_observes_the_first_options_alone(monkeypatch) -> None:
    known: list[str] = []

    class Watched(nw.RegularizedEvolution):
        def start(self, space, objectives):
            search = super().start(space, objectives)
            observe, propose = search.observe, search.propose
            search.observe = lambda trial: known.append(trial.architecture["way"]) or observe(trial)
            search.propose = lambda rng, pending: (
                known.extend(each.architecture["way"] for each in pending) or propose(rng, pending)
            )
            return search

    tried = searched(monkeypatch, strategy=Watched(population=3, sample=2))
    assert {way for _, _, way in tried} == set(WAYS)
    assert set(known) == {"none"} and len(known) >= len(tried)


class Several(Inline):
    """Three trials at a time, which end in an order of its own."""

    slots = 3  # type: ignore[assignment]

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._rng, self._held = random.Random(seed), []

    def wait(self, seconds: float) -> list[Any]:
        while message := super().wait(0.0):
            self._held += message
        self._rng.shuffle(self._held)
        ended, self._held = self._held[:1], self._held[1:]
        return ended


def test_with_several_workers_a_deterministic_run_does_not_depend_on_who_is_first(
    monkeypatch,
) -> None:
    found = [searched(monkeypatch, several=Several(seed), deterministic=True) for seed in range(6)]
    assert all(each == found[0] for each in found)
    assert {way for _, _, way in found[0]} == set(WAYS)
