"""What every executor must do. A check is given `make(slots)`, which makes an executor."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from netwright.execute import Executor, Message

Make = Callable[[int], Executor]


def double(task: Any, report: Callable[[Any], None]) -> Any:
    """A job: reports its task, then gives twice of it."""
    report({"task": task})
    return task * 2


def gather(executor: Executor, ended: int, seconds: float = 60.0) -> list[Message]:
    """Wait until so many tasks ended or were lost."""
    news: list[Message] = []
    limit = time.monotonic() + seconds
    while sum(m.kind != "progress" for m in news) < ended:
        assert time.monotonic() < limit, f"waited {seconds} seconds, got {news}"
        news += executor.wait(0.2)
    return news


def every_task_ends_once(make: Make) -> None:
    """Each task ends exactly once, with its own outcome, after its progress."""
    executor = make(2)
    executor.start(double)
    try:
        todo, outcomes = list(range(6)), {}
        flying: set[int] = set()
        while todo or flying:
            while todo and len(flying) < executor.slots:
                executor.submit(key := todo.pop(), key + 100)
                flying.add(key)
            for message in gather(executor, 1):
                if message.kind == "progress":
                    assert message.key not in outcomes
                    assert message.body == {"task": message.key + 100}
                else:
                    assert message.kind == "ended"
                    outcomes[message.key] = message.body
                    flying.remove(message.key)
        assert outcomes == {key: 2 * (key + 100) for key in range(6)}
    finally:
        executor.stop()


def waiting_without_tasks_returns(make: Make) -> None:
    """`wait` comes back with nothing when there is nothing."""
    executor = make(1)
    executor.start(double)
    try:
        assert executor.wait(0.05) == []
    finally:
        executor.stop()


def stopping_twice_is_no_error(make: Make) -> None:
    """`stop` may be called at any time, and again."""
    executor = make(1)
    executor.start(double)
    executor.submit(0, 1)
    executor.stop()
    executor.stop()


def closures_can_be_jobs(make: Make) -> None:
    """A job may be a closure or a lambda, as in a notebook."""
    offset = 5
    executor = make(1)
    executor.start(lambda task, report: task + offset)
    try:
        executor.submit(3, 10)
        assert gather(executor, 1)[-1] == Message("ended", 3, 15)
    finally:
        executor.stop()


def tick(task: float, report: Callable[[Any], None]) -> list[float]:
    """A job: takes about `task` seconds, and gives the times at which it ran."""
    times, last = [], time.monotonic() + task
    report("begun")
    while time.monotonic() < last:
        times.append(time.time())
        time.sleep(0.001)
    return times


def others_stand_still_while_a_task_runs_alone(make: Make) -> None:
    """Nothing runs while a task does that was submitted `alone`; what waited goes on after it."""
    executor = make(2)
    executor.start(tick)
    try:
        if executor.slots > 1:
            executor.submit(0, 0.5)
            while not executor.wait(0.2):
                pass
        executor.submit(1, 0.2, alone=True)
        news = gather(executor, min(executor.slots, 2))
        executor.submit(2, 0.2, alone=True)
        if executor.slots > 1:
            executor.submit(3, 0.01, alone=True)
        news += gather(executor, min(executor.slots, 2))
        times = {m.key: m.body for m in news if m.kind == "ended"}
        assert times.keys() == ({0, 1, 2, 3} if executor.slots > 1 else {1, 2})
        for alone in times.keys() - {0}:
            first, last = times[alone][0], times[alone][-1]
            others = [t for key in times.keys() - {alone} for t in times[key]]
            disturbed = sum(first < t < last for t in others)
            assert not disturbed, f"{disturbed} steps of other tasks while one ran alone"
    finally:
        executor.stop()


EXECUTOR_CHECKS: tuple[Callable[[Make], None], ...] = (
    every_task_ends_once,
    waiting_without_tasks_returns,
    stopping_twice_is_no_error,
    closures_can_be_jobs,
    others_stand_still_while_a_task_runs_alone,
)
