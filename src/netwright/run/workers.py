"""Where the jobs of a run are done, and what its workers printed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from netwright.errors import SettingError, StoreError
from netwright.execute import Executor, Inline, Message, Processes
from netwright.oneshot import OneShot
from netwright.record.artifacts import log_key
from netwright.run.plan import Plan
from netwright.store import Store


@contextmanager
def executor_of(store: Store, run: str, given: Executor | int) -> Iterator[Executor]:
    """Give the executor of a run: the one given, or so many processes; 0 is this process.

    What processes print is put into the store at the end.

    Raises:
        SettingError: The jobs are done where the store cannot be reached.
    """
    if isinstance(given, Executor):
        slots: object = given.slots
        if type(slots) is not int or slots < 1:
            raise SettingError(
                f"`{type(given).__name__}.slots` must be a whole number above 0, got {slots!r}."
            )
        _check_reaches(store, given)
        yield given
        return
    executor = Processes(given) if given else Inline()
    _check_reaches(store, executor)
    try:
        yield executor
    finally:
        if isinstance(executor, Processes):
            for name, printed in executor.printed.items():
                _keep_log(store, run, name, printed)


def starts_early(plan: Plan, executor: Executor) -> bool:
    """Whether workers start while the minutes are divided, which then need not wait for them.

    Where a core is left for that, and no one-shot search trains in this process before them.
    """
    has_room = (os.cpu_count() or 1) > executor.slots
    return has_room and not executor.in_process and not isinstance(plan.strategy, OneShot)


def slowness() -> float:
    """How many times longer than on an idle machine things take, by the processes that run here."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1.0, (load + 1) / cores)


def news(executor: Executor, seconds: float) -> list[Message]:
    """What `Executor.wait` returns.

    Raises:
        SettingError: It is no list.
    """
    messages: object = executor.wait(seconds)
    if not isinstance(messages, list):
        raise SettingError(
            f"`{type(executor).__name__}.wait(seconds)` must return a list of messages, got "
            f"{messages!r}."
        )
    return messages


def _check_reaches(store: Store, executor: Executor) -> None:
    """Refuse workers that could not put weights into the store."""
    if not executor.in_process and not store.reachable:
        raise SettingError(
            f"`search(store={str(store)!r})` is in the memory of this process, which workers in "
            "other processes cannot reach: give workers=0, or a file as the store."
        )


def _keep_log(store: Store, run: str, name: str, printed: bytes) -> None:
    """Add what a worker printed to what one of its name did in earlier sessions."""
    key = log_key(name)
    if printed:
        before = store.read(run, key) if store.has(run, key) else b""
        with suppress(StoreError):  # what workers printed is no reason for a run to fail
            store.put(run, key, before + printed)
