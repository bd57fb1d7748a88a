import inspect
import os
import shutil
import signal
import sys
import time

import pytest

from netwright.errors import EvaluationError, SettingError
from netwright.execute import Executor, Key, Processes
from netwright.testing.executors import EXECUTOR_CHECKS, gather
from netwright.testing.exports import EXECUTORS


@pytest.mark.parametrize("check", EXECUTOR_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", EXECUTORS, ids=lambda kind: kind.__name__)
def test_conformance(kind: type[Executor], check) -> None:
    has_slots = bool(inspect.signature(kind).parameters)
    check(kind if has_slots else lambda slots: kind())


def test_a_worker_that_a_signal_kills_is_told() -> None:
    executor = Processes(1)
    executor.start(lambda job, report: os.kill(os.getpid(), getattr(signal, job)))
    try:
        verdicts = {}
        for trial, name in enumerate(["SIGKILL", "SIGTERM", "SIGABRT"]):
            executor.submit(Key(trial), name)
            verdicts[name] = gather(executor, 1)[-1].body
        outside = {n: ("preempted", f"the worker was killed from outside ({n})") for n in verdicts}
        assert verdicts["SIGKILL"] == outside["SIGKILL"]
        assert verdicts["SIGTERM"] == outside["SIGTERM"]
        assert verdicts["SIGABRT"] == ("failed", "the worker crashed: an abort (SIGABRT)")
    finally:
        executor.stop()


class OpenedLate:
    """Work that a worker needs longer to import than its job may take."""

    def __call__(self, job: float, report: object) -> str:
        time.sleep(job)
        return "done"

    def __setstate__(self, state: object) -> None:
        time.sleep(1.5)

    def __getstate__(self) -> str:
        return "some"


def test_a_job_is_not_charged_for_the_start_of_its_worker() -> None:
    executor = Processes(1)
    executor.start(OpenedLate())
    try:
        ends = []
        for trial, seconds in enumerate((0.0, 60.0, 0.0)):  # the third has a new worker
            executor.submit(Key(trial), seconds, seconds=1.0)
            ends.append(gather(executor, 1)[-1])
    finally:
        executor.stop()
    assert [end.kind for end in ends] == ["ended", "lost", "ended"]
    assert ends[1].body == ("timeout", "it took longer than it was given")


def test_what_workers_print_is_kept() -> None:
    executor = Processes(1)
    executor.start(lambda job, report: print(f"hällo from {job}"))
    try:
        executor.submit(Key(0), "a job")
        gather(executor, 1)
    finally:
        executor.stop()
    assert executor.printed == {"worker-0.log": "hällo from a job\n".encode()}


def test_bad_settings_are_refused() -> None:
    with pytest.raises(SettingError, match="at least 1"):
        Processes(0)


def test_a_worker_that_cannot_start_says_why(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(EvaluationError, match=r"at its start with exit status 1\."):
        Processes(1).start(print)
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho no such interpreter\nexit 4\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    with pytest.raises(EvaluationError, match="exit status 4; it printed: no such interpreter"):
        Processes(2).start(print)
