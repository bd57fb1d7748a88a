"""The contract of an executor: it does jobs somewhere and says what became of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Report = Callable[[Any], None]
Work = Callable[[Any, Report], Any]
"""`work(job, report) -> outcome`, called where jobs run; `report` sends news of one on its way."""


class Key(NamedTuple):
    """Names one attempt at the job of a trial, so that late news of an earlier one are known."""

    trial: int
    attempt: int = 0


@dataclass(frozen=True)
class Message:
    """News of a job: on its way (`progress`), ended (`ended`), or without its worker (`lost`).

    For `lost` the body is a (status, reason) pair; the status is one of a trial, such as `timeout`,
    `oom` or `failed`.
    """

    kind: Literal["progress", "ended", "lost"]
    key: Key
    body: Any


class Executor(ABC):
    """Does jobs, at most `slots` at a time. A job is a value that can be pickled, with a key.

    After `stop` it may be started again, for another search.
    """

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many jobs can be in flight."""

    @property
    def in_process(self) -> bool:
        """Whether jobs run in this very process.

        There they reach its memory, cannot be killed, and take it with them if they crash it; so
        limits of time need not be kept.
        """
        return False

    @abstractmethod
    def start(self, work: Work) -> None:
        """Make ready to do jobs of this work."""

    @abstractmethod
    def submit(
        self, key: Key, job: Any, seconds: float | None = None, *, alone: bool = False
    ) -> None:
        """Do a job; it is stopped and `lost` with the status `timeout` after `seconds`.

        Called when fewer than `slots` jobs are in flight. While a job that is to run `alone` does,
        the others stand still or wait: it measures time.
        """

    @abstractmethod
    def cancel(self, key: Key) -> None:
        """Give up a job: no news of it come after, and its slot is free.

        In this process one that runs may go on unheard. Nothing if it is not in flight.
        """

    @abstractmethod
    def wait(self, seconds: float) -> list[Message]:
        """Return the news that came, waiting for some at most about `seconds`.

        Of a job its progress comes in order, and then one of `ended` and `lost`, once.
        """

    @abstractmethod
    def stop(self) -> None:
        """Stop all jobs at once and free everything; may be called twice."""
