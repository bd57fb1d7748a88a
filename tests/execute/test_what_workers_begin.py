"""Processes that a training begins in a worker: they work, and none outlives its time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from netwright.execute import Key, Processes
from netwright.testing.executors import begun, gather, started


def outcome(work: Callable[[Any, Any], Any], job: Any = None) -> Any:
    """What a worker gives for one job."""
    with started(Processes(1), work) as executor:
        executor.submit(Key(0), job, 60.0)
        last = gather(executor, 1)[-1]
        assert last.kind == "ended", last
        return last.body


def gone(pids: list[int]) -> bool:
    """Whether these processes have ended, or do within some seconds."""
    alive = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    _, left = psutil.wait_procs(alive, timeout=20)
    return not [p for p in left if p.status() != psutil.STATUS_ZOMBIE]


def multiprocessing_pool(method: str) -> list[int]:
    import multiprocessing

    with multiprocessing.get_context(method).Pool(1) as pool:
        return pool.map(abs, [-1, 2])


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_of_each_kind(method) -> None:
    assert outcome(lambda job, report: multiprocessing_pool(job), method) == [1, 2]


def by_a_script() -> Callable[[Any, Any], int]:
    """Work that spawns a process for a function of a script, which the worker has by value."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(
        "def square(x):\n    return x * x\n\n"
        "def work(job, report):\n"
        "    from concurrent.futures import ProcessPoolExecutor\n"
        "    from multiprocessing import get_context\n"
        "    with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as pool:\n"
        "        return pool.submit(square, job).result()\n",
        namespace,
    )
    return namespace["work"]


def test_a_spawned_process_runs_functions_of_the_script() -> None:
    assert outcome(by_a_script(), 7) == 49


def loading(job: Any, report: Any) -> list[int]:
    """Read all rows by processes of a `DataLoader` that are kept for the next epoch."""
    from torch.utils.data import DataLoader

    loader = DataLoader(range(8), 2, num_workers=2, persistent_workers=True)
    return [int(sum(sum(batch.tolist()) for batch in loader)) for _ in range(2)]


def test_a_data_loader_with_processes() -> None:
    assert outcome(lambda job, report: loading(job, report)) == [28, 28]


def in_joblib(job: Any, report: Any) -> list[int]:
    from joblib import Parallel, delayed

    return list(Parallel(2)(delayed(abs)(each) for each in (-1, -2, 3)))


def test_joblib() -> None:
    assert outcome(lambda job, report: in_joblib(job, report)) == [1, 2, 3]


def a_forgotten_fork() -> Callable[[Any, Any], int]:
    """Work whose forked process returns into the worker's code as well."""

    def work(job: Any, report: Any) -> int:
        return 1 if os.fork() else 2

    return work


def test_a_forked_process_that_returns_says_nothing() -> None:
    with started(Processes(1), a_forgotten_fork()) as executor:
        executor.submit(Key(0), None)
        news = gather(executor, 1) + executor.wait(0.5)
        assert [m.body for m in news] == [1]


def test_standard_input_is_empty() -> None:
    with started(Processes(1), lambda job, report: input()) as executor:
        executor.submit(Key(0), None, 60.0)
        assert gather(executor, 1)[-1].body[0] == "failed"


STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
os.write(1, b"%d\\n" % os.getpid())  # at once, since two processes write here
time.sleep(600)
"""


def stubborn(way: str) -> Callable[[Any, Any], Any]:
    """Work that begins processes that ignore SIGTERM, one in a session of its own, and then `way`.

    It reports their numbers.
    """
    interpreter, script = sys.executable, STUBBORN

    def work(job: Any, report: Any) -> None:
        child = subprocess.Popen([interpreter, "-c", script], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        report([os.getpid(), *(int(child.stdout.readline()) for _ in range(2))])
        if way == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if way == "exits":
            os._exit(3)
        time.sleep(600)

    return work


@pytest.mark.parametrize("way", ["killed", "exits", "timeout", "cancelled", "stopped"])
def test_what_a_worker_began_ends_with_it(way) -> None:
    with started(Processes(1), stubborn(way)) as executor:
        executor.submit(Key(0), None, 600.0)
        pids = begun(executor, Key(0))[0].body
        assert len(pids) == 3
        if way == "timeout":
            executor._workers[0].deadline = 0.0
        if way == "cancelled":
            executor.cancel(Key(0))
        elif way == "stopped":
            executor.stop()
        else:
            assert gather(executor, 1)[-1].kind == "lost"
        assert not [pid for pid in pids if psutil.pid_exists(pid)]


PARENT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {here!r})
from test_what_workers_begin import stubborn
from netwright.execute import Key, Processes
from netwright.testing.executors import begun
import cloudpickle
cloudpickle.register_pickle_by_value(sys.modules["test_what_workers_begin"])
executor = Processes(2)
executor.start(stubborn(""))
pids = []
for key in (Key(0), Key(1)):
    executor.submit(key, None)
    pids += [pid for message in begun(executor, key) for pid in message.body]
pids += [worker.process.pid for worker in executor._workers]
print(*pids, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"])
def test_nothing_outlives_a_run_that_a_signal_ends(number) -> None:
    """Also where the signal goes to the group of the run, as a terminal or a batch system does."""
    here = os.path.dirname(__file__)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(here=here)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 8
    os.killpg(parent.pid, getattr(signal, number))
    parent.wait()
    parent.stdout.close()
    assert gone(pids)


def ticking() -> Callable[[Any, Any], list[float]]:
    """Work whose other process writes so many times; without a number a measurement of its own."""

    def work(job: Any, report: Any) -> list[float]:
        if job is None:
            first = time.time()
            time.sleep(0.5)
            return [first, time.time()]
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            for _ in range(job):
                os.write(write, b"%f\n" % time.time())
                time.sleep(0.01)
            os._exit(0)
        os.close(write)
        report("begun")
        with os.fdopen(read) as lines:
            return [float(line) for line in lines]

    return work


def test_what_others_began_stands_still_during_a_measurement() -> None:
    with started(Processes(2), ticking()) as executor:
        executor.submit(Key(0), 50)
        begun(executor, Key(0))
        executor.submit(Key(1), None, alone=True)
        bodies = {m.key.trial: m.body for m in gather(executor, 2) if m.kind == "ended"}
    first, last = bodies[1]
    assert not [at for at in bodies[0] if first < at < last]
    assert len(bodies[0]) == 50


def test_a_worker_has_imported_what_a_first_training_would() -> None:
    """So that the seconds of the first job are not those of imports."""
    import torch

    def modules(job: object, report: object) -> int:
        before = len(sys.modules)
        weight = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.Adam([weight])
        weight.sum().backward()
        optimizer.step()
        return len(sys.modules) - before

    assert outcome(modules) < 20  # of some 800
