"""A run that was begun from Python is gone on with on the command line, where that is possible."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import netwright as nw
from netwright.cli import launch
from netwright.cli.app import app
from netwright.cli.exits import guarded
from netwright.errors import SettingError
from netwright.record.reading import read_record
from netwright.run.fingerprint import settings_of
from netwright.run.origin import origin_of
from netwright.run.plan import Plan
from netwright.store import open_store

FILE = """
from torch import nn
import netwright as nw

def network(choose, inputs, outputs, most: int = 16):
    width = choose.width("width", 8, most, step=8)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.Linear(width, outputs))

def train(model, epochs):
    return {"accuracy": 1 - 1 / sum(p.numel() for p in model.parameters()) / epochs}

"""
SCRIPT = (
    FILE
    + """
if __name__ == "__main__":
    data = nw.data.load("digits", seed=4, test=0.1)
    nw.search(
        nw.Space(network, data), nw.Training(data, epochs=1, full_epochs=2, batch=256),
        stopper=nw.ASHA(budgets=(1, 2), eta=2), limits={"params": 2_000}, trials=2, targets=(),
        finals=[(1, 1)], workers=0, seed=3, store="runs.db", run="a", watch=killed,
    )
"""
).replace(
    "if __name__",
    """
def killed(progress):
    if progress.history:
        import os
        os._exit(9)

if __name__""",
)


@pytest.fixture
def own(tmp_path: Path, monkeypatch) -> ModuleType:
    """A module of a file, as a program imports it."""
    (tmp_path / "own_module.py").write_text(FILE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_module", raising=False)
    import own_module

    return own_module


def rebuilt(plan: Plan, tmp_path: Path) -> Plan:
    call, why = origin_of(plan)
    assert call is not None, why
    call = json.loads(json.dumps(call))  # as the log has it
    return launch.plan_of(call | {"store": str(tmp_path / "a.db"), "run": "a"})


def test_a_killed_script_is_resumed_from_its_log(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    killed = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=os.environ, capture_output=True, text=True
    )
    assert killed.returncode == 9, killed.stderr
    store = str(tmp_path / "runs.db")
    assert len(read_record(open_store(store), "a").history) == 1
    told = CliRunner().invoke(
        app, ["resume", "a", "--store", store, "--out", str(tmp_path / "out"), "--quiet", "--json"]
    )
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["status"] == "done"
    (tmp_path / "script.py").write_text("1 / 0\n", encoding="utf-8")
    told = CliRunner().invoke(app, ["resume", "a", "--store", store, "--trials", "3"])
    said = "The run 'a' cannot be built again from what its log names: The file"
    assert said in str(told.exception) and "fails at line 1: ZeroDivision" in str(told.exception)
    assert (tmp_path / "out" / "model.py").is_file()


def test_what_is_rebuilt_is_what_was_planned(own: ModuleType, tmp_path: Path) -> None:
    data = nw.data.load("digits", seed=1, validation=0.3)
    space = nw.spaces.mobilenet_v3((1, 8, 8), 10, width=0.25, resolutions=(8,))
    plan = Plan(
        space,
        nw.Training(data, epochs=2, full_epochs=3, flip=True),
        nw.RegularizedEvolution(population=7, sample=3),
        nw.Hyperband((1, 2), 2, one_schedule=True),
        objectives=[nw.maximize("accuracy"), nw.minimize("latency_ms@pytorch")],
        limits={"params": 1e5, "latency_ms@pytorch": 5.0},
        trials=5,
        finals=(),
        refit=False,
        baseline=2,
        seed=8,
        workers=0,
        rehearse=False,
    )
    again = rebuilt(plan, tmp_path)
    ours, theirs = settings_of(plan), settings_of(again)
    for name in ours.keys() - {"call", "not_rebuilt", "versions", "machine"}:
        assert theirs[name] == ours[name], name
    assert again.evaluator.data.settings == data.settings
    assert again.finals == () and not again.has_usual_finals
    assert not again.rehearse and rebuilt(replace(plan, rehearse=True), tmp_path).rehearse


def test_functions_are_named_by_their_file(own: ModuleType, tmp_path: Path) -> None:
    space = nw.Space(partial(own.network, most=32), 64, 10, name="ours")
    plan = Plan(space, nw.Function(own.train, 2, 4), trials=2, targets=())
    call, _ = origin_of(plan)
    assert call["space"] == f"{tmp_path / 'own_module.py'}:network(most=32)"
    assert call["evaluator"]["train"] == f"{tmp_path / 'own_module.py'}:train"
    again = rebuilt(plan, tmp_path)
    assert again.space.digest == space.digest and again.space.name == "ours"
    assert (again.evaluator.epochs, again.evaluator.full_epochs) == (2, 4)
    assert again.finals == plan.finals and again.has_usual_finals


def inner(most: int):
    def network(choose, inputs, outputs):
        width = choose.width("width", 8, most, step=8)
        return nn.Sequential(nn.Linear(64, width), nn.Linear(width, outputs))

    return network


def test_what_cannot_be_rebuilt_is_said_in_words(own: ModuleType, tmp_path: Path) -> None:
    digits = nw.data.load("digits")
    memory = nw.data.load((torch.rand(60, 1, 8, 8), torch.arange(60) % 3))
    narrow = nw.spaces.mlp((1, 8, 8), 10)

    class Mine(nw.RandomSearch):
        """One of the user's own."""

    mine = Plan(nw.Space(own.network, digits), nw.Training(digits), trials=1, targets=())
    assert origin_of(mine)[1] is None
    for given, said in [
        ({"space": nw.Space(inner(16), 64, 10)}, "`inner.<locals>.network`, is made inside of"),
        ({"space": nw.Space(lambda c, i, o: inner(16)(c, i, o), 64, 10)}, "its space is a lambda"),
        (
            {"space": narrow.among([narrow.smallest()]), "evaluator": nw.Training(digits)},
            "its space 'mlp' has a recipe beside its function",
        ),
        ({"evaluator": lambda model, epochs: 0.5}, "its training is a lambda"),
        ({"strategy": Mine()}, "its strategy .* cannot be written as a name"),
        (
            {"space": nw.Space(own.network, memory), "evaluator": nw.Training(memory)},
            "its data .* were in memory",
        ),
    ]:
        plan = {"space": nw.Space(own.network, 64, 10), "evaluator": nw.Function(own.train)}
        call, why = origin_of(Plan(**plan | given, trials=1, targets=(), workers=0))
        assert call is None
        assert re.search(said, why), why


def test_a_run_that_cannot_be_rebuilt_is_refused_with_the_remedy(own, tmp_path, capsys) -> None:
    store = str(tmp_path / "a.db")
    space = nw.Space(inner(16), 64, 10)
    nw.search(space, own.train, trials=1, finals=[], targets=(), workers=0, store=store, run="a")
    assert guarded(app, ["resume", "a", "--store", store]) == 2
    said = capsys.readouterr().err
    assert "`inner.<locals>.network`, is made inside of another function or class" in said
    assert "Call `netwright.search` with the same arguments, also for the run's name 'a'" in said
    for command in ("status", "report"):
        out = ["--out", str(tmp_path / "r.html")] if command == "report" else []
        assert CliRunner().invoke(app, [command, "a", "--store", store, *out]).exit_code == 0


def test_a_file_that_searches_when_it_is_run_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "eager.py"
    search = "nw.search(nw.Space(network, 64, 10), train, trials=1, store='memory://eager')\n"
    file.write_text(FILE + search, encoding="utf-8")
    with pytest.raises(SettingError, match='under `if __name__ == "__main__"'):
        launch.load_function(f"{file}:network")
    assert not nw.MemoryStore("eager").runs()
