"""What every executor must do. A check is given `make(slots)`, which makes an executor.

An executor may have fewer slots than it was asked for, but one. What no executor can do whose jobs
run in this process, such as to kill one, is not asked of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from netwright.execute import Executor, Key, Message, Report, Work
from netwright.trial import STATUSES

Make = Callable[[int], Executor]


def doubling() -> Work:
    """Return work that reports a job, then gives twice of it.

    The works are made in functions, so that they are sent by value and workers need not wait for
    the imports of this module.
    """

    def double(job: Any, report: Report) -> Any:
        report({"job": job})
        return job * 2

    return double


def misbehaving() -> Work:
    """Return work that dies, hangs, or answers."""

    def misbehave(job: Any, report: Report) -> Any:
        report("begun")
        if job == "exit":
            os._exit(3)
        if job == "hang":
            time.sleep(600)
        return job

    return misbehave


def ticking() -> Work:
    """Return work that takes as many seconds as the job says in steps, and gives their times."""

    def tick(job: float, report: Report) -> list[float]:
        times = []
        report("begun")
        for _ in range(round(job / 0.01)):
            times.append(time.time())
            time.sleep(0.01)
        return times

    return tick


def gather(executor: Executor, ended: int, seconds: float = 60.0) -> list[Message]:
    """Wait until so many jobs ended or were lost."""
    news: list[Message] = []
    limit = time.monotonic() + seconds
    while sum(m.kind != "progress" for m in news) < ended:
        assert time.monotonic() < limit, f"waited {seconds} seconds, got {news}"
        news += executor.wait(0.2)
    return news


def begun(executor: Executor, key: Key) -> list[Message]:
    """Wait until a job has reported for the first time, or ended."""
    news: list[Message] = []
    limit = time.monotonic() + 60.0
    while not any(m.key == key for m in news):
        assert time.monotonic() < limit, f"waited for {key}, got {news}"
        news += executor.wait(0.2)
    return news


@contextmanager
def started(executor: Executor, work: Work) -> Iterator[Executor]:
    """Start an executor, and stop it in the end."""
    executor.start(work)
    try:
        yield executor
    finally:
        executor.stop()


def every_job_ends_once(make: Make) -> None:
    """Each job ends exactly once, with its own outcome, after its progress."""
    with started(make(2), doubling()) as executor:
        assert 1 <= executor.slots <= 2
        todo, outcomes = [Key(number) for number in range(6)], dict[Key, Any]()
        flying: set[Key] = set()
        while todo or flying:
            while todo and len(flying) < executor.slots:
                executor.submit(key := todo.pop(), key.trial + 100)
                flying.add(key)
            for message in gather(executor, 1):
                if message.kind == "progress":
                    assert message.key not in outcomes
                    assert message.body == {"job": message.key.trial + 100}
                else:
                    assert message.kind == "ended"
                    outcomes[message.key] = message.body
                    flying.remove(message.key)
        assert outcomes == {Key(number): 2 * (number + 100) for number in range(6)}


def attempts_are_told_apart(make: Make) -> None:
    """News carry the attempt of the job they are of."""
    with started(make(1), doubling()) as executor:
        for attempt in (1, 2):
            executor.submit(Key(7, attempt), attempt)
            assert gather(executor, 1)[-1] == Message("ended", Key(7, attempt), 2 * attempt)


def waiting_without_jobs_returns(make: Make) -> None:
    """`wait` comes back with nothing when there is nothing."""
    with started(make(1), doubling()) as executor:
        assert executor.wait(0.05) == []


def stopping_twice_is_no_error(make: Make) -> None:
    """`stop` may be called at any time, and again."""
    executor = make(1)
    executor.start(doubling())
    executor.submit(Key(0), 1)
    executor.stop()
    executor.stop()


def a_stopped_one_starts_again(make: Make) -> None:
    """After `stop` an executor may be started for other work, and has no news of the old."""
    executor = make(1)
    with started(executor, doubling()):
        executor.submit(Key(0), 1)
    with started(executor, lambda job, report: job + 1):
        executor.submit(Key(0, 1), 1)
        assert gather(executor, 1) == [Message("ended", Key(0, 1), 2)]


def closures_can_be_work(make: Make) -> None:
    """The work may be a closure or a lambda, as in a notebook."""
    offset = 5
    with started(make(1), lambda job, report: job + offset) as executor:
        executor.submit(Key(3), 10)
        assert gather(executor, 1)[-1] == Message("ended", Key(3), 15)


def a_job_that_waits_is_cancelled(make: Make) -> None:
    """`cancel` frees the slot at once, and there are no news of what was cancelled."""
    with started(make(1), doubling()) as executor:
        executor.submit(Key(0, 1), 1)
        executor.cancel(Key(0, 1))
        executor.cancel(Key(9, 9))  # which is not in flight
        executor.submit(Key(0, 2), 2)
        news = gather(executor, 1)
        assert {m.key for m in news} == {Key(0, 2)}, news
        assert news[-1] == Message("ended", Key(0, 2), 4)
        executor.cancel(Key(0, 2))  # which has ended


def what_goes_wrong_is_a_message(make: Make) -> None:
    """A job that runs is cancelled unheard; one over its time or without its worker is lost.

    After each of these the next one runs.
    """
    with started(make(1), misbehaving()) as executor:
        if executor.in_process:
            return
        executor.submit(Key(0, 1), "hang")
        begun(executor, Key(0, 1))
        executor.cancel(Key(0, 1))
        executor.submit(Key(1), "hang", 0.3)
        news = gather(executor, 1)
        assert {m.key for m in news} == {Key(1)}, news
        assert (news[-1].kind, news[-1].body[0]) == ("lost", "timeout"), news
        executor.submit(Key(2), "exit")
        last = gather(executor, 1)[-1]
        assert last.kind == "lost" and last.body[0] in STATUSES and last.body[1], last
        executor.submit(Key(3), "fine", 60.0)
        assert gather(executor, 1)[-1] == Message("ended", Key(3), "fine")


def others_stand_still_while_a_job_runs_alone(make: Make) -> None:
    """Nothing runs while a job does that was submitted `alone`; what waited goes on after it."""
    with started(make(2), ticking()) as executor:
        several = executor.slots > 1
        news = list[Message]()
        if several:
            executor.submit(Key(0), 0.5)
            news += begun(executor, Key(0))
        executor.submit(Key(1), 0.2, alone=True)
        news += gather(executor, 1 + several - sum(m.kind != "progress" for m in news))
        executor.submit(Key(2), 0.2, alone=True)
        if several:
            executor.submit(Key(3), 0.05, alone=True)
        news += gather(executor, 1 + several)
        times = {m.key.trial: m.body for m in news if m.kind == "ended"}
        assert times.keys() == ({0, 1, 2, 3} if several else {1, 2})
        for alone in times.keys() - {0}:
            first, last = times[alone][0], times[alone][-1]
            others = [t for key in times.keys() - {alone} for t in times[key]]
            disturbed = sum(first < t < last for t in others)
            assert not disturbed, f"{disturbed} steps of other jobs while one ran alone"


def standing_still_costs_no_time(make: Make) -> None:
    """The seconds of a job do not run while it stands still for one that runs alone."""
    with started(make(2), ticking()) as executor:
        if executor.in_process or executor.slots == 1:
            return
        executor.submit(Key(0), 1.0, 5.0)
        news = begun(executor, Key(0))
        executor.submit(Key(1), 6.0, alone=True)
        news += gather(executor, 2 - sum(m.kind != "progress" for m in news))
        ended = {m.key: m.kind for m in news if m.kind != "progress"}
        assert ended == {Key(0): "ended", Key(1): "ended"}


EXECUTOR_CHECKS: tuple[Callable[[Make], None], ...] = (
    every_job_ends_once,
    attempts_are_told_apart,
    waiting_without_jobs_returns,
    stopping_twice_is_no_error,
    a_stopped_one_starts_again,
    closures_can_be_work,
    a_job_that_waits_is_cancelled,
    what_goes_wrong_is_a_message,
    others_stand_still_while_a_job_runs_alone,
    standing_still_costs_no_time,
)
