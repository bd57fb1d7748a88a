"""A run and a store are values: they are pickled, and opened anew in another process."""

import io
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import cloudpickle
import pytest
import torch

import netwright as nw
from netwright.errors import SettingError, StoreError
from netwright.execute import Inline
from netwright.testing.spaces import SPACES

READ = """
import pickle, sys
run = pickle.load(sys.stdin.buffer)
best = run.best
network = best.model()
import torch
x = torch.arange(64.0).reshape(1, 1, 8, 8)
print(run.store.url, run.status, best.trial.number, float(network(x).detach().sum()))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    data = nw.data.load("digits")
    return nw.search(
        nw.spaces.mlp((1, 8, 8), 10),
        nw.Training(data, epochs=1, full_epochs=1),
        trials=2,
        targets=(),
        refit=False,
        executor=Inline(),
        store=tmp_path_factory.mktemp("store") / "runs.db",
    )


def test_a_run_is_read_in_a_fresh_process(run) -> None:
    told = subprocess.run(
        [sys.executable, "-c", READ], input=pickle.dumps(run), env=os.environ, capture_output=True
    )
    assert told.returncode == 0, told.stderr.decode()
    best = run.best
    expected = float(best.model()(torch.arange(64.0).reshape(1, 1, 8, 8)).detach().sum())
    url, status, number, total = told.stdout.decode().split()
    assert (url, status, int(number)) == (run.store.url, "done", best.trial.number)
    assert float(total) == pytest.approx(expected, rel=1e-6)


def test_a_run_goes_through_joblib(run) -> None:
    joblib = pytest.importorskip("joblib")
    file = io.BytesIO()
    joblib.dump(run, file)
    file.seek(0)
    again = joblib.load(file)
    assert again.trials == run.trials
    assert (again.name, again.store) == (run.name, run.store)
    assert again.plan.executor is None  # it is of the process that worked on the run
    assert run.plan.executor is not None


def test_a_run_of_functions_of_no_file_is_sent_with_them(tmp_path: Path) -> None:
    joblib = pytest.importorskip("joblib")
    space, settings = SPACES["flat"](), {"trials": 1, "finals": (), "targets": (), "workers": 0}
    store = tmp_path / "a.db"
    run = nw.search(space, lambda model, epochs: 0.5, store=store, run="a", **settings)
    joblib.dump(run, tmp_path / "run")
    told = subprocess.run(
        [sys.executable, "-c", f"import joblib; print(joblib.load({str(tmp_path / 'run')!r}))"],
        env=os.environ, capture_output=True, text=True,
    )  # fmt: skip
    assert told.stdout == "Run('a', done, trials=1, best=0.5000)\n", told.stderr

    lock = threading.Lock()
    held = nw.search(
        space, lambda model, epochs: float(lock.locked()), store=store, run="b", **settings
    )
    with pytest.raises(SettingError, match=r"run 'b' cannot be pickled, .* cannot pickle '_thread"):
        pickle.dumps(held)


def test_neither_run_nor_store_holds_a_connection(run) -> None:
    """Between calls no file of the store is open, and what is pickled is the URL alone."""
    assert run.record.status == "done"
    if Path("/proc/self/fd").is_dir():
        links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))
        opened = [os.readlink(link) for link in links if os.path.lexists(link)]
        assert not [file for file in opened if file.startswith(str(run.store.path))]
    assert len(pickle.dumps(run.store)) < 500
    assert cloudpickle.loads(pickle.dumps(run.store)).runs() == run.store.runs()


def test_a_store_that_is_gone_is_said_when_it_is_opened_anew(tmp_path: Path) -> None:
    store = nw.SQLiteStore(tmp_path / "a.db")
    pickled = pickle.dumps(store)
    (tmp_path / "a.db").unlink()
    with pytest.raises(StoreError, match="There is no store"):
        cloudpickle.loads(pickled)
