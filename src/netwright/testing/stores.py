"""What every store must do. A check is given `make()`, which opens the same store each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netwright.errors import StoreError
from netwright.store import Store

Make = Callable[[], Store]


def _raises(call: Callable[[], Any], *parts: str) -> None:
    try:
        call()
    except StoreError as error:
        assert all(part in str(error) for part in parts), str(error)
    else:
        raise AssertionError("no StoreError was raised")


def events_come_back_in_order(make: Make) -> None:
    """Events are read as they were appended, by whoever opens the store next."""
    store = make()
    store.create("a", {"seed": 1})
    for number in range(50):
        store.append("a", "finished", {"value": number, "text": "\u00e9\u2028\n"}, number)
    events = make().events("a")
    assert [e.kind for e in events] == ["created"] + ["finished"] * 50
    assert [e.trial for e in events] == [None, *range(50)]
    assert events[0].body == {"seed": 1}
    assert events[7].body == {"value": 6, "text": "\u00e9\u2028\n"}
    assert [e.id for e in events] == sorted({e.id for e in events})
    assert make().events("a", after=events[-2].id) == events[-1:]


def runs_are_apart(make: Make) -> None:
    """Runs do not see each other's events, and are listed oldest first."""
    store = make()
    for name in ("b", "a"):
        store.create(name, {})
        store.append(name, name, {})
    assert store.runs() == ["b", "a"]
    assert [e.kind for e in store.events("a")] == ["created", "a"]


def names_are_checked(make: Make) -> None:
    """A name that is taken, unknown or no name is an error that says so."""
    store = make()
    store.create("a", {})
    _raises(lambda: store.create("a", {}), "'a'", "already")
    _raises(lambda: store.create("../a", {}), "'../a'")
    _raises(lambda: store.create("", {}), "letter")
    _raises(lambda: store.events("nix"), "'nix'", "a")
    assert [e.kind for e in store.events("a")] == ["created"]


def a_run_is_held_by_one(make: Make) -> None:
    """While one process holds a run, nobody else can; afterwards they can."""
    store = make()
    store.create("a", {})
    with store.lock("a"):
        _raises(lambda: make().lock("a").__enter__(), "'a'", "another process")
    with make().lock("a"):
        pass


def only_json_is_taken(make: Make) -> None:
    """NaN and objects are refused before anything is written."""
    store = make()
    store.create("a", {})
    for body in ({"x": float("nan")}, {"x": object()}):
        try:
            store.append("a", "bad", body)
        except (ValueError, TypeError):
            continue
        raise AssertionError(f"{body} was stored")
    assert len(store.events("a")) == 1


STORE_CHECKS: tuple[Callable[[Make], None], ...] = (
    events_come_back_in_order,
    runs_are_apart,
    names_are_checked,
    a_run_is_held_by_one,
    only_json_is_taken,
)
