"""What is said of a worker that ended without an answer, and by what evidence."""

import signal

import pytest

from netwright.execute import verdict as verdicts
from netwright.execute.verdict import memory_kills, verdict


@pytest.mark.parametrize(
    ("code", "kills", "status", "words"),
    [
        (0, 0, "failed", "exit status 0"),
        (7, 1, "failed", "exit status 7"),
        (-signal.SIGKILL, 0, "preempted", "from outside (SIGKILL)"),
        (-signal.SIGKILL, 1, "oom", "for want of memory"),
        (-signal.SIGTERM, 1, "preempted", "from outside (SIGTERM)"),
        (-signal.SIGSEGV, 1, "failed", "a segmentation fault (SIGSEGV)"),
        (-60, 0, "preempted", "from outside (signal 60)"),
    ],
)
def test_each_end_has_its_words(code, kills, status, words) -> None:
    found = verdict(code, kills)
    assert found[0] == status
    assert words in found[1]


def test_kills_are_counted_where_the_kernel_says_so(tmp_path, monkeypatch) -> None:
    group, machine = tmp_path / "memory.events", tmp_path / "vmstat"
    machine.write_text("nr_free_pages 5\noom_kill 9\n", encoding="utf-8")
    monkeypatch.setattr(verdicts, "_counters", lambda: [group, machine])
    assert memory_kills() == 9
    group.write_text("low 0\noom 3\noom_kill 2\noom_group_kill 1\n", encoding="utf-8")
    assert memory_kills() == 2
    monkeypatch.setattr(verdicts, "_counters", lambda: [tmp_path / "none", tmp_path])
    assert memory_kills() == 0
