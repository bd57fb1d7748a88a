"""What is known of a worker that ended without an answer."""

from __future__ import annotations

import signal
from pathlib import Path

_CRASHES = {
    "SIGSEGV": "a segmentation fault",
    "SIGBUS": "a bus error",
    "SIGFPE": "an arithmetic error",
    "SIGILL": "an illegal instruction",
    "SIGABRT": "an abort",
    "SIGTRAP": "a trap",
    "SIGSYS": "a forbidden system call",
}


def verdict(code: int, memory_kills: int) -> tuple[str, str]:
    """Status and reason of a job by the exit status of its worker, negative for a signal.

    `memory_kills` is by how much `memory_kills()` rose meanwhile: without that a SIGKILL is no
    proof that memory was short.
    """
    if code >= 0:
        return "failed", f"the worker ended with exit status {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if name in _CRASHES:
        return "failed", f"the worker crashed: {_CRASHES[name]} ({name})"
    if name == "SIGKILL" and memory_kills > 0:
        return "oom", "the system killed the worker (SIGKILL) for want of memory"
    return "preempted", f"the worker was killed from outside ({name})"


def memory_kills() -> int:
    """How many processes the kernel has killed for want of memory, as far as it says so.

    Those of the control group of this process where it counts them, else those of the machine.
    """
    counts = [count for file in _counters() if (count := _count(file)) is not None]
    return counts[0] if counts else 0


def _counters() -> list[Path]:
    """Files with a line `oom_kill N`, the nearest first."""
    root, found = Path("/sys/fs/cgroup"), list[Path]()
    try:
        groups = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        groups = []
    for line in groups:
        _, kinds, path = line.split(":", 2)
        group = path.lstrip("/")
        if not kinds:
            found += [root / group / "memory.events", root / "memory.events"]
        elif "memory" in kinds.split(","):
            found += [each / "memory.oom_control" for each in (root / "memory" / group,)]
    return [*found, Path("/proc/vmstat")]


def _count(file: Path) -> int | None:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    words = (line.split() for line in lines)
    return next((int(each[1]) for each in words if each[0] == "oom_kill"), None)
