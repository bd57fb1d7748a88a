"""A run that begins with what another one found out."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from torch import nn

import netwright as nw
from netwright.errors import SettingError, StoreError
from netwright.execute import Inline
from netwright.objective import Objective
from netwright.run.finals import promoted
from netwright.run.loop import Loop
from netwright.space import Space, adopted, restricted
from netwright.strategies.base import Search, Strategy
from netwright.trial import Proposal, Trial

TOLD: list[Trial] = []


@dataclass(frozen=True)
class Listening(Strategy):
    """Proposes random members, and writes down what it is told."""

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        TOLD.clear()
        return _Listening(space)


class _Listening(Search):
    def __init__(self, space: Space) -> None:
        self.space = space

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal:
        return Proposal(self.space.sample(rng))

    def observe(self, trial: Trial) -> None:
        TOLD.append(trial)


def network(choose, inputs, classes):
    width = choose.width("width", 4, 64, step=4)
    act = choose.one_of("act", relu=nn.ReLU, tanh=nn.Tanh, gelu=nn.GELU)
    return nn.Sequential(nn.Linear(inputs[0], width), act, nn.Linear(width, classes))


def train(model: nn.Module, epochs: int) -> dict[str, float]:
    return {"accuracy": 1 - abs(model[0].out_features - 40) / 100}


SPACE = Space(network, 3, 2)


GIVEN = {"workers": 0, "finals": [(3, 2)], "refit": False}


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    store = tmp_path_factory.mktemp("older") / "runs.db"
    given = {"strategy": nw.RandomSearch(), "trials": 12, "run": "first", **GIVEN}
    run = nw.search(SPACE, train, store=store, **given)
    return run, store.parent


@pytest.fixture
def first(older, tmp_path):
    run, folder = older
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return run, {"store": tmp_path / "runs.db", **GIVEN}


def test_the_strategy_knows_and_the_best_are_trained_again(first):
    old, given = first
    new = nw.search(
        SPACE, train, strategy=Listening(), trials=6, run="second", warm_start="first", **given
    )
    scored = sorted(old.scored(), key=lambda each: -each[1])
    best = [a for a, _ in scored[:3]]
    search = [t for t in new.record.history if t.proposal.stage.is_search]
    assert [t.architecture for t in search[:3]] == best and len(search) == 6
    assert len(TOLD) == 12 - 3 + 6
    assert {t.architecture for t in TOLD[:9]} == {a for a, _ in scored[3:]}
    assert new.best.metrics["accuracy"] >= scored[0][1]
    finals = [t for t in new.record.history if t.proposal.stage.is_final]
    assert best[0] in [t.architecture for t in finals]


def test_an_older_run_of_a_larger_space_serves_a_smaller_one(first):
    old, given = first
    small = restricted(SPACE, {"width": range(4, 37, 4), "act": ["relu", "tanh"]})
    agree = [a for a, _ in old.scored() if adopted(small, a) is not None]
    assert 0 < len(agree) < 12
    new = nw.search(
        small, train, strategy=Listening(), trials=5, run="small", warm_start="first", **given
    )
    assert len(TOLD) == len(agree) - min(3, len(agree)) + 5
    assert all(small.contains(t.architecture) for t in (*TOLD, *new.record.history))


def test_what_was_known_is_in_the_log(first):
    """A resumed run knows the same, whatever became of the older one."""
    _, given = first
    more = {"warm_start": "first", "deterministic": True}
    nw.search(SPACE, train, strategy=Listening(), trials=4, run="b", **more, **given)
    told = list(TOLD)
    again = nw.search(SPACE, train, strategy=Listening(), trials=4, run="b", **given)
    assert again.status == "done"
    loop = Loop(again.plan, again.store, "b", Inline())
    assert [t.architecture for t in TOLD[:9]] == [t.architecture for t in told[:9]]
    assert len(loop.history) == len(again.record.history)


def test_a_run_on_other_data_says_what_to_try_first(first):
    """Its scores mean nothing here, so the strategy is not told; a resume knows the same."""
    old, given = first

    def elsewhere(model: nn.Module, epochs: int) -> dict[str, float]:
        return {"accuracy": train(model, epochs)["accuracy"] / 2}

    more = {"strategy": Listening(), "trials": 8, "run": "elsewhere"}
    new = nw.search(SPACE, elsewhere, warm_start="first", **more, **given)
    search = [t for t in new.record.history if t.proposal.stage.is_search]
    best = promoted(
        [t for t in old.record.history if t.proposal.stage.is_search], old.plan.objectives, 5
    )
    assert [t.architecture for t in search[:5]] == [t.architecture for t in best]
    assert len(TOLD) == len(search) == 8
    assert max(t.metrics["accuracy"] for t in TOLD) <= 0.5
    loop = Loop(new.plan, new.store, "elsewhere", Inline())
    assert loop.state.again == [t.architecture for t in best]


def test_other_runs_are_refused(first):
    _, given = first

    def start(space=SPACE, evaluator=train, **more):
        nw.search(space, evaluator, trials=2, run="c", warm_start="first", **{**given, **more})

    with pytest.raises(SettingError, match="with the same objectives"):
        start(objectives=[nw.minimize("accuracy")])
    other = Space(
        lambda choose, i, c: nn.Sequential(nn.Linear(3, choose.width("w", 2, 8)), nn.LazyLinear(c)),
        3,
        2,
    )
    with pytest.raises(SettingError, match=r"got \d+ trials and none that is"):
        start(space=other)
    with pytest.raises(StoreError, match="none"):
        nw.search(SPACE, train, trials=2, run="c", warm_start="none", **given)
    with pytest.raises(SettingError, match=r"`search\(warm_start=...\)` must be a name, got 3"):
        nw.search(SPACE, train, trials=2, run="c", warm_start=3, **given)
    assert "c" not in nw.search(SPACE, train, trials=1, run="d", **given).store.runs()
