import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from netwright.errors import SettingError
from netwright.execute import Inline, Processes
from netwright.testing import EXECUTOR_CHECKS
from netwright.testing.executors import gather


@pytest.mark.parametrize("check", EXECUTOR_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("make", [lambda slots: Inline(), Processes], ids=["inline", "processes"])
def test_conformance(make, check) -> None:
    check(make)


def misbehave(task, report):
    """A job that dies, hangs, or answers."""
    report("begun")
    if task == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "exit":
        os._exit(3)
    if task == "abort":
        os.abort()
    if task == "hang":
        time.sleep(600)
    return task


def test_a_dying_worker_is_a_message_and_is_replaced() -> None:
    executor = Processes(1)
    executor.start(misbehave)
    try:
        verdicts = {}
        for key, (task, seconds) in enumerate(
            [("killed", None), ("exit", None), ("abort", None), ("hang", 0.3), ("fine", None)]
        ):
            executor.submit(key, task, seconds)
            last = gather(executor, 1)[-1]
            verdicts[task] = (last.kind, last.body)
        assert verdicts["killed"][1][0] == "oom"
        assert verdicts["exit"] == ("lost", ("failed", "the worker ended with exit status 3"))
        assert verdicts["abort"][1][1] == "the worker died of signal 6 (SIGABRT)"
        assert verdicts["hang"][1][0] == "timeout"
        assert verdicts["fine"] == ("ended", "fine")
    finally:
        executor.stop()


def test_workers_end_when_their_parent_is_killed() -> None:
    code = (
        "import time; from netwright.execute import Processes\n"
        "e = Processes(2); e.start(lambda task, report: time.sleep(600)); e.submit(0, 1)\n"
        "print(' '.join(str(w.process.pid) for w in e._workers), flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(workers) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs(
        [psutil.Process(pid) for pid in workers if psutil.pid_exists(pid)], timeout=20
    )
    assert alive == []


def test_what_workers_print_goes_to_their_logs(tmp_path) -> None:
    executor = Processes(1, logs=tmp_path)
    executor.start(lambda task, report: print(f"hello from {task}"))
    try:
        executor.submit(0, "a task")
        gather(executor, 1)
    finally:
        executor.stop()
    assert "worker-0.log" in [p.name for p in tmp_path.iterdir()]


def test_bad_settings_are_refused() -> None:
    with pytest.raises(SettingError, match="at least 1"):
        Processes(0)
