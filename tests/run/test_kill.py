"""A kill -9 of the whole process tree at random moments, each followed by a resume.

The space is declared in the script, so that workers need no more of netwright than they do in use.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_loop import listed

from netwright.record.reading import read_record
from netwright.store import SQLiteStore

SCRIPT = """
import sys, time
from pathlib import Path
from torch import nn
from netwright.evaluate.function import Function
from netwright.execute import Processes
from netwright.run.loop import Loop
from netwright.objective import maximize
from netwright.run.plan import Plan
from netwright.run.fingerprint import settings_of
from netwright.store import SQLiteStore
from netwright.space import Space
from netwright.strategies import RegularizedEvolution

def network(choose, inputs, classes):
    layers = []
    for i in range(4):
        layers += [nn.Linear(4, 4, bias=choose.value(f"bias{i}", [True, False]))]
        layers += [choose.one_of(f"a{i}", relu=nn.ReLU, tanh=nn.Tanh, elu=nn.ELU, silu=nn.SiLU)]
    return nn.Sequential(*layers, nn.Linear(4, classes))

def train(model, epochs):
    time.sleep(0.05)
    return {"accuracy": sum(float(p.sum()) for p in model.parameters())}

made = Plan(
    Space(network, (4,), 3), Function(train), strategy=RegularizedEvolution(10, 4),
    objectives=(maximize("accuracy"),), limits={"params": 10_000}, trials=int(sys.argv[3]),
    finals=((4, 2), (2, 3)), targets=(), baseline=4, deterministic=True, seed=3,
)
store = SQLiteStore(sys.argv[1])
if sys.argv[2] not in store.runs():
    store.create(sys.argv[2], settings_of(made))
print("ready", flush=True)
with store.lock(sys.argv[2]):
    Loop(made, store, sys.argv[2], Processes(2)).run()
print("ended", flush=True)
"""


def begin(path: Path, name: str, trials: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path), name, str(trials)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ends(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def kills(tmp_path: Path, times: int, trials: int) -> None:
    path = tmp_path / "runs.db"
    assert "ended" in ends(begin(path, "whole", trials))
    moments = random.Random(7)
    store = SQLiteStore(path)
    for _ in range(times):
        process = begin(path, "killed", trials)
        assert process.stdout is not None
        process.stdout.readline()
        logged = len(store.events("killed")) + moments.randrange(3 * trials // times)
        while len(store.events("killed")) < logged and process.poll() is None:
            time.sleep(0.02)
        time.sleep(moments.uniform(0.0, 0.1))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    ends(begin(path, "killed", trials))
    whole, killed = (read_record(store, name) for name in ("whole", "killed"))
    assert listed(killed.history) == listed(whole.history)
    assert len(killed.history) == trials + 4 + 4 + 2
    assert sum(e.kind == "session" for e in store.events("killed")) > times / 2


def test_two_kills(tmp_path: Path) -> None:
    kills(tmp_path, 2, 16)


@pytest.mark.thorough
def test_twenty_kills(tmp_path: Path) -> None:
    kills(tmp_path, 20, 80)
