"""Runs each task in this very process: for debugging, and for evaluations that take no time."""

from __future__ import annotations

from collections import deque
from typing import Any

from netwright.execute.base import Executor, Job, Message


class Inline(Executor):
    """One slot, no isolation: a task that crashes the process crashes the run; no time limit."""

    def __init__(self) -> None:
        self._job: Job | None = None
        self._tasks: deque[tuple[int, Any]] = deque()

    @property
    def slots(self) -> int:
        """One."""
        return 1

    def start(self, job: Job) -> None:
        """Keep the job."""
        self._job = job

    def submit(
        self, key: int, task: Any, seconds: float | None = None, *, alone: bool = False
    ) -> None:
        """Queue a task; it runs at the next `wait`."""
        self._tasks.append((key, task))

    def wait(self, seconds: float) -> list[Message]:
        """Run the task that waits, if any."""
        if not self._tasks or self._job is None:
            return []
        key, task = self._tasks.popleft()
        news: list[Message] = []
        outcome = self._job(task, lambda body: news.append(Message("progress", key, body)))
        return [*news, Message("ended", key, outcome)]

    def stop(self) -> None:
        """Forget what waits."""
        self._tasks.clear()
