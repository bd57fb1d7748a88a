"""The export, tried before the first training."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import netwright as nw
from netwright.errors import SettingError, SpaceError
from netwright.evaluate.function import Function
from netwright.export import package
from netwright.run import rehearsal
from netwright.run.plan import Plan
from netwright.run.rehearsal import rehearse
from netwright.run.search import carried_out
from netwright.store import MemoryStore, open_store

pytestmark = pytest.mark.usefixtures("rehearsed_here")


class Gate(nn.Module):
    """Branches on values."""

    def forward(self, x: Tensor) -> Tensor:
        return x.relu() if x.mean() > 0 else x.tanh()


class Half(nn.Module):
    """Computes in bfloat16, for which ONNX Runtime has no multiplication."""

    def forward(self, x: Tensor) -> Tensor:
        return (x.bfloat16() * 2).float()


def built_with(*layers: type[nn.Module]):
    def network(choose: nw.Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        width = choose.width("width", 4, 8, step=4)
        middle = choose.one_of("act", **{layer.__name__.lower(): layer for layer in layers})
        return nn.Sequential(nn.Linear(6, width), middle, nn.Linear(width, classes))

    return nw.Space(network, (6,), 2)


class Counting:
    """A training that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, model: nn.Module, epochs: int) -> float:
        self.calls += 1
        return 0.5


def plan_of(space: nw.Space, **changes) -> Plan:
    given = {"strategy": "random", "trials": 2, "finals": (), "workers": 0, "run": "a"}
    return Plan(space, Function(Counting()), **{**given, **changes})


def rehearsed(space: nw.Space, **changes):
    made = plan_of(space, **changes)
    return rehearse(made, made.costs())


def test_what_no_form_can_hold_is_refused_before_the_first_training(tmp_path: Path) -> None:
    training, store = Counting(), tmp_path / "runs.db"
    with pytest.raises(SpaceError) as refusal:
        nw.search(built_with(nn.ReLU, Gate, nn.Tanh), training, trials=2, workers=0, store=store)
    told = str(refusal.value)
    assert training.calls == 0 and open_store(store).runs() == []
    assert "with 'act' = 'gate' could not be handed back" in told
    assert "(Gate) cannot be traced" in told and "torch.export says" in told
    assert "restricted" in told and "`search(rehearse=False)`" in told


def test_where_every_network_fails_no_option_is_blamed() -> None:
    with pytest.raises(
        SpaceError, match=r"^A network of `network` could not be handed .* Mend it, or"
    ):
        rehearsed(built_with(Gate))


def test_a_form_that_cannot_be_made_is_said_and_the_run_goes_on(tmp_path: Path) -> None:
    run = nw.search(
        built_with(nn.ReLU, Half),
        Counting(),
        trials=2,
        workers=0,
        store=tmp_path / "runs.db",
        strategy="random",
    )
    known = run.record.rehearsal
    assert known is not None and run.status == "done"
    assert len(known.notes) == 1 and known.notes[0].startswith("model.onnx is missing: it cannot")
    assert not run.record.losses  # it was said before


def test_networks_that_use_every_option_are_tried() -> None:
    def network(choose: nw.Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        layers: list[nn.Module] = []
        for i in range(3):
            layers += [choose.one_of(f"act{i}", relu=nn.ReLU, tanh=nn.Tanh, gelu=nn.GELU)]
        width = choose.width("width", 4, 64, step=4)
        return nn.Sequential(nn.Linear(6, width), *layers, nn.Linear(width, classes))

    made = plan_of(nw.Space(network, (6,), 2))
    tried = rehearsal._cover(made, made.costs())
    used = {(f"act{i}", a.answers[f"act{i}"]) for a in tried for i in range(3)}
    assert len(used) == 9
    assert {a.answers["width"] for a in tried} >= {4, 64}
    assert len(tried) <= 6


def test_only_networks_within_the_limits_are_tried() -> None:
    made = plan_of(built_with(nn.ReLU, nn.Tanh), limits={"params": 40})
    assert {a.answers["width"] for a in rehearsal._cover(made, made.costs())} == {4}


def test_what_a_space_showed_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    space = built_with(nn.ReLU, nn.Tanh)
    first = rehearsed(space)
    assert first.networks == 2 and first.ending is None and first.notes == ()
    monkeypatch.setattr(rehearsal, "export", lambda *given, **named: pytest.fail("again"))
    assert rehearsed(space).networks == 2


def test_one_network_is_tried_whatever_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "_SECONDS", 0.0)
    assert rehearsed(built_with(nn.ReLU, nn.Tanh)).networks == 1


def test_with_minutes_a_whole_export_is_timed() -> None:
    class Clock:
        now = 100.0

        def perf_counter(self) -> float:
            self.now += 7.0
            return self.now

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rehearsal, "time", Clock())
        found = rehearsed(built_with(nn.ReLU, nn.Tanh), minutes=5, trials=None)
    assert found.ending == 7.0


def test_in_few_minutes_one_network_of_our_own_spaces_is_tried_in_this_process(monkeypatch) -> None:
    """Of a user's own it is checked in a fresh one, as at the end."""
    made = package.export
    fresh: list[bool] = []

    def noted(*given, **named):
        fresh.append(named["fresh"])
        return made(*given, **named)

    monkeypatch.setattr(rehearsal, "export", noted)
    monkeypatch.setattr(rehearsal, "slowness", lambda: 2.0)
    monkeypatch.setattr(rehearsal, "_PROCESS", 1000.0)
    ready = nw.spaces.mlp((6,), 2)
    quick = rehearsed(ready, minutes=1, trials=None)
    assert fresh == [False] and quick.networks == 1
    assert 2000 < quick.ending < 2100  # with the fresh process at the end
    ready.memo.clear()
    fresh.clear()
    assert rehearsed(ready, minutes=5, trials=None).ending < 1000
    assert fresh[0] and not any(fresh[1:])
    fresh.clear()
    assert rehearsed(built_with(nn.ReLU, nn.Tanh), minutes=1, trials=None).ending < 1000
    assert fresh[0]


def test_a_resumed_run_takes_it_from_its_log(tmp_path: Path, monkeypatch) -> None:
    store = MemoryStore("rehearsed")
    store.clear()
    space = built_with(nn.ReLU, nn.Tanh)
    given = {"trials": 2, "workers": 0, "store": store, "run": "a", "strategy": "random"}
    nw.search(space, Counting(), **given)
    assert [e.kind for e in store.events("a")][:3] == ["created", "rehearsed", "session"]
    space.memo.clear()
    monkeypatch.setattr(rehearsal, "export", lambda *given, **named: pytest.fail("again"))
    nw.search(space, Counting(), **given)
    assert [e.kind for e in store.events("a")].count("rehearsed") == 1


def test_without_a_rehearsal_none_is_made(tmp_path: Path) -> None:
    space = built_with(Gate)
    store = tmp_path / "runs.db"
    run = nw.search(space, Counting(), trials=2, workers=0, store=store, rehearse=False)
    assert run.status == "done" and run.record.rehearsal is None
    assert run.best.model()(torch.zeros(2, 6)).shape == (2, 2)


def test_what_fails_its_check_alone_is_found_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoiled(model: nn.Module, *given: object, **settings: str) -> str:
        return made(model, *given, **settings).replace("nn.Tanh()", "nn.ReLU()")

    made = package.model_source
    monkeypatch.setattr(package, "model_source", spoiled)
    notes = rehearsed(built_with(nn.ReLU, nn.Tanh)).notes
    assert len(notes) == 1 and notes[0].startswith("model.py is missing: it differs")


def test_minutes_that_are_over_already_are_refused_without_one(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(rehearsal, "export", lambda *given, **named: pytest.fail("tried"))
    made = plan_of(built_with(nn.ReLU), minutes=0.05, trials=None, store=tmp_path / "runs.db")
    with pytest.raises(SettingError, match="the least that works is"):
        carried_out(made, spent=4.0)
