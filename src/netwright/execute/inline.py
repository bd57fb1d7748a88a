"""Does each job in this very process: for debugging, and for evaluations that take no time."""

from __future__ import annotations

from collections import deque
from typing import Any

from netwright.execute.base import Executor, Key, Message, Work
from netwright.execute.ready import make_ready


class Inline(Executor):
    """One slot, no isolation: a job that crashes the process crashes the run; no time limit."""

    def __init__(self) -> None:
        self._work: Work | None = None
        self._jobs: deque[tuple[Key, Any]] = deque()

    @property
    def slots(self) -> int:
        """One."""
        return 1

    @property
    def in_process(self) -> bool:
        """Always."""
        return True

    def start(self, work: Work) -> None:
        """Keep the work."""
        make_ready()
        self._work = work

    def submit(
        self, key: Key, job: Any, seconds: float | None = None, *, alone: bool = False
    ) -> None:
        """Queue a job; it runs at the next `wait`."""
        self._jobs.append((key, job))

    def cancel(self, key: Key) -> None:
        """Take a job out of the queue."""
        self._jobs = deque(each for each in self._jobs if each[0] != key)

    def wait(self, seconds: float) -> list[Message]:
        """Do the job that waits, if any."""
        if not self._jobs or self._work is None:
            return []
        key, job = self._jobs.popleft()
        news: list[Message] = []
        outcome = self._work(job, lambda body: news.append(Message("progress", key, body)))
        return [*news, Message("ended", key, outcome)]

    def stop(self) -> None:
        """Forget what waits."""
        self._jobs.clear()
