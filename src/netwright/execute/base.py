"""The contract of an executor: it runs tasks somewhere and says what became of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Report = Callable[[Any], None]
Job = Callable[[Any, Report], Any]
"""`job(task, report) -> outcome`, called in a worker; `report` sends news of a task on its way."""


@dataclass(frozen=True)
class Message:
    """News of a task: on its way (`progress`), ended (`ended`), or without its worker (`lost`).

    For `lost` the body is a (status, reason) pair.
    """

    kind: Literal["progress", "ended", "lost"]
    key: int
    body: Any


class Executor(ABC):
    """Runs tasks, at most `slots` at a time. A task is a value that can be pickled, with a key."""

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many tasks can run at a time."""

    @abstractmethod
    def start(self, job: Job) -> None:
        """Make ready to run tasks of this job."""

    @abstractmethod
    def submit(
        self, key: int, task: Any, seconds: float | None = None, *, alone: bool = False
    ) -> None:
        """Run a task; it is stopped and `lost` with status `timeout` after `seconds`.

        While a task that is to run `alone` does, the others stand still: it measures time.
        """

    @abstractmethod
    def wait(self, seconds: float) -> list[Message]:
        """The news that came, waiting for some at most `seconds`."""

    @abstractmethod
    def stop(self) -> None:
        """Stop all tasks at once and free everything; may be called twice."""
