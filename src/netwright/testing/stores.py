"""What every store must do. A check is given `make()`, which opens the same store each time.

The checks open it in other processes too, unless it says that these cannot reach it.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import cloudpickle

import netwright
from netwright.errors import Conflict, StoreError
from netwright.store import Store

Make = Callable[[], Store]
_MIB = 1 << 20


def _raises(call: Callable[[], Any], *parts: str, kind: type[StoreError] = StoreError) -> None:
    try:
        call()
    except kind as error:
        assert all(part in str(error) for part in parts), str(error)
    else:
        raise AssertionError(f"no {kind.__name__} was raised")


def _elsewhere(call: Callable[[], Any]) -> subprocess.Popen[bytes]:
    """Call it in another process; what it returns is printed, a line of text."""
    code = (
        "import sys; paths = sys.stdin.buffer.readline().decode().strip().split('\\0');"
        "sys.path[:] = paths; import cloudpickle;"
        "print(cloudpickle.load(sys.stdin.buffer)(), flush=True)"
    )
    paths = [str(Path(netwright.__file__).parents[1]), *(os.path.abspath(p) for p in sys.path)]
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    told: IO[bytes] | None = process.stdin
    assert told is not None
    told.write("\0".join(paths).encode() + b"\n" + cloudpickle.dumps(call))
    told.close()
    process.stdin = None  # so that `communicate` leaves it alone
    return process


def _said(process: subprocess.Popen[bytes]) -> str:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, f"exit status {process.returncode}"
    return out.decode().strip()


# -- events ---------------------------------------------------------------------------------------


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
    assert make().events("a", after=events[-1].id) == []


def what_was_read_cannot_be_changed(make: Make) -> None:
    """Who changes the body of an event that was read, or appended, does not change the log."""
    store, body = make(), {"list": [1]}
    store.create("a", body)
    body["list"].append(2)
    store.events("a")[0].body["list"].append(3)
    assert store.events("a")[0].body == {"list": [1]}


def runs_are_apart(make: Make) -> None:
    """Runs do not see each other's events and artifacts, and are listed oldest first."""
    store = make()
    for name in ("b", "a"):
        store.create(name, {})
        store.append(name, name, {})
        store.put(name, "x", name.encode())
    assert store.runs() == ["b", "a"]
    assert [e.kind for e in store.events("a")] == ["created", "a"]
    assert store.read("b", "x") == b"b"
    assert store.keys("a") == ["x"]


def names_are_checked(make: Make) -> None:
    """A name that is taken, unknown or no name is an error that says so."""
    store = make()
    store.create("a", {})
    _raises(lambda: store.create("a", {}), "'a'", "already")
    _raises(lambda: store.create("../a", {}), "'../a'")
    _raises(lambda: store.create("", {}), "letter")
    _raises(lambda: store.events("nix"), "'nix'", "a")
    _raises(lambda: store.events("nix", after=1), "'nix'", "a")
    _raises(lambda: store.append("nix", "said", {}), "'nix'", "a")
    assert store.runs() == ["a"]
    assert [e.kind for e in store.events("a")] == ["created"]


def only_json_is_taken(make: Make) -> None:
    """NaN and objects are refused before anything is written."""
    store = make()
    store.create("a", {})
    for body in ({"x": float("nan")}, {"x": object()}):
        for call in (partial(store.append, "a", "bad"), partial(store.create, "b")):
            try:
                call(body)
            except (ValueError, TypeError):
                continue
            raise AssertionError(f"{body} was stored")
    assert len(store.events("a")) == 1
    assert store.runs() == ["a"]


def who_has_not_seen_the_last_event_appends_nothing(make: Make) -> None:
    """`append(after=...)` is refused as a conflict unless that was the run's last event."""
    store = make()
    first = store.create("a", {})
    store.create("b", {})  # events of another run are nobody's concern
    second = store.append("a", "said", {}, after=first)
    assert [e.id for e in make().events("a")] == [first, second]
    for after in (first, second + 7):
        stale = partial(make().append, "a", "said", {}, after=after)
        _raises(stale, "'a'", str(second), kind=Conflict)
    assert len(store.events("a")) == 2
    third = make().append("a", "said", {}, after=second)
    assert store.append("a", "said", {}) > third  # without it, whatever happened


def several_processes_append(make: Make) -> None:
    """Events of several processes are all there, those of each one in its order."""
    store = make()
    first = store.create("a", {})
    if not store.reachable:
        return

    def freely(name: str) -> int:
        return max(store.append("a", name, {"number": number}) for number in range(40))

    def counting(name: str) -> int:
        """Each event has the number of those before it; who loses a race reads and tries again."""
        seen, done, count = first, 0, 0
        while done < 20:
            new = store.events("a", after=seen)
            seen = new[-1].id if new else seen
            count += sum("count" in event.body for event in new)
            with suppress(Conflict):
                store.append("a", name, {"count": count}, after=seen)
                done += 1
        return done

    jobs = [partial(freely, n) for n in "xy"] + [partial(counting, n) for n in "pq"]
    for process in [_elsewhere(job) for job in jobs]:
        _said(process)
    events = store.events("a")
    for name in "xy":
        assert [e.body["number"] for e in events if e.kind == name] == list(range(40))
    assert [e.body["count"] for e in events if "count" in e.body] == list(range(40))


def a_run_is_held_by_one(make: Make) -> None:
    """While one owner holds a run nobody else can, and is told who does; afterwards they can."""
    store = make()
    store.create("a", {})
    store.create("b", {})
    with store.lock("a"):
        owner = str(os.getpid())
        _raises(lambda: make().lock("a").__enter__(), "'a'", "another process", owner)
        with make().lock("b"):
            store.append("a", "said", {})
    assert [e.kind for e in make().events("a")] == ["created", "said"]
    with make().lock("a"):
        pass


def a_dead_process_holds_nothing(make: Make) -> None:
    """What a process that was killed has held is free."""
    store = make()
    store.create("a", {})
    if not store.reachable:
        return

    def hold() -> None:
        with store.lock("a"):
            print("held", flush=True)
            time.sleep(600)

    process = _elsewhere(hold)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    _raises(lambda: store.lock("a").__enter__(), "'a'", str(process.pid))
    process.kill()
    process.communicate()
    with store.lock("a"):
        pass


# -- artifacts ------------------------------------------------------------------------------------


def artifacts_come_back(make: Make) -> None:
    """What was put by a key is got by it, from bytes and from files, large or empty."""
    store = make()
    store.create("a", {})
    large = bytes(range(256)) * (4 * _MIB // 256)
    with TemporaryDirectory() as folder:
        source, into = Path(folder) / "source", Path(folder) / "new" / "into"
        source.write_bytes(large)
        store.put("a", "trial-1.safetensors", source)
        store.put("a", "export-1/model.py", b"")
        assert source.read_bytes() == large
        make().get("a", "trial-1.safetensors", into)
        assert into.read_bytes() == large
    assert make().read("a", "export-1/model.py") == b""
    with store.open("a", "trial-1.safetensors") as file:
        assert file.read(300) == large[:300]
    assert make().keys("a") == ["export-1/model.py", "trial-1.safetensors"]
    assert make().keys("a", "export-1/") == ["export-1/model.py"]
    assert make().has("a", "export-1/model.py")
    store.put("a", "export-1/model.py", b"new")
    assert make().read("a", "export-1/model.py") == b"new"
    store.delete("a", "export-1/model.py")
    store.delete("a", "export-1/model.py")  # a second time it is nothing
    assert not make().has("a", "export-1/model.py")
    assert make().keys("a") == ["trial-1.safetensors"]


def what_is_not_there_is_said(make: Make) -> None:
    """To read an artifact that is not there is an error that names it."""
    store = make()
    store.create("a", {})
    assert not store.has("a", "x") and store.keys("a") == []
    _raises(lambda: store.read("a", "x"), "'a'", "'x'")
    with TemporaryDirectory() as folder:
        _raises(lambda: store.get("a", "x", Path(folder) / "x"), "'a'", "'x'")
        assert list(Path(folder).iterdir()) == []


def keys_are_checked(make: Make) -> None:
    """What could leave the run, or means nothing, is no key."""
    store = make()
    store.create("a", {})
    for key in ("", "/x", "x/", "../x", "x/../y", "x//y", ".x", "x y", "x\n", "x" * 300):
        _raises(partial(store.put, "a", key, b""), repr(key))
    assert store.keys("a") == []


def a_kill_leaves_nothing_half_written(make: Make) -> None:
    """Whoever is killed while it puts leaves the old artifact or the new one, and no other."""
    store = make()
    store.create("a", {})
    if not store.reachable:
        return

    def put() -> None:
        contents = [letter * (8 * _MIB) for letter in (b"a", b"b")]
        store.put("a", "x", contents[0])
        print("put", flush=True)
        while True:
            for content in contents:
                store.put("a", "x", content)

    for wait in (0.0, 0.011, 0.023, 0.042):
        process = _elsewhere(put)
        assert process.stdout is not None
        assert process.stdout.readline() == b"put\n"
        time.sleep(wait)
        process.kill()
        process.communicate()
        content = store.read("a", "x")
        assert len(content) == 8 * _MIB and len(set(content)) == 1
        assert store.keys("a") == ["x"]


# -- values ---------------------------------------------------------------------------------------


def a_store_is_a_value(make: Make) -> None:
    """It is pickled as its URL, and what is unpickled is an equal store with the same runs."""
    store = make()
    store.create("a", {"seed": 1})
    assert store.url.startswith(f"{store.scheme}://")
    assert type(store).at(store.url, create=False) == store
    ways: list[Callable[[Any], bytes]] = [cloudpickle.dumps]
    if type(store).__module__ in sys.modules:  # plain pickle finds a class by its name
        ways.append(pickle.dumps)
    for dumps in ways:
        with store.lock("a"):  # an open connection, if there is one, is not pickled
            again = pickle.loads(dumps(store))  # noqa: S301 - of this very process
        assert (again, hash(again)) == (store, hash(store))
        assert again.events("a") == store.events("a")
    if store.reachable:
        assert _said(_elsewhere(lambda: store.append("a", "said", {"n": 1}))).isdigit()
        assert store.events("a")[-1].body == {"n": 1}


STORE_CHECKS: tuple[Callable[[Make], None], ...] = (
    events_come_back_in_order,
    what_was_read_cannot_be_changed,
    runs_are_apart,
    names_are_checked,
    only_json_is_taken,
    who_has_not_seen_the_last_event_appends_nothing,
    several_processes_append,
    a_run_is_held_by_one,
    a_dead_process_holds_nothing,
    artifacts_come_back,
    what_is_not_there_is_said,
    keys_are_checked,
    a_kill_leaves_nothing_half_written,
    a_store_is_a_value,
)
