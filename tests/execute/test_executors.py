import inspect
import os
import shutil
import signal
import sys

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
