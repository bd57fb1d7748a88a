import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Thread

import psutil
import pytest

from netwright.errors import StoreError
from netwright.record.reading import read_record
from netwright.store import MemoryStore, SQLiteStore, Store, open_store
from netwright.store.memory import HeldStore
from netwright.testing.exports import STORES
from netwright.testing.stores import STORE_CHECKS

WHERE = {
    SQLiteStore: "sqlite:///{folder}/runs.db",
    MemoryStore: "memory://{name}",
}
"""The URL of an empty store of each kind, in an empty folder or of a name of its own."""


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", STORES, ids=lambda kind: kind.__name__)
def test_conformance(kind: type[Store], check, tmp_path: Path) -> None:
    url = WHERE[kind].format(folder=tmp_path.as_posix(), name=tmp_path.name)
    check(lambda: kind.at(url))


OF_A_HELD = [check for check in STORE_CHECKS if check.__name__ != "a_store_is_a_value"]
"""What a store does that no URL leads to."""


@pytest.mark.parametrize("check", OF_A_HELD, ids=lambda check: check.__name__)
def test_conformance_of_a_held_store(check) -> None:
    held = HeldStore()
    check(lambda: held)


def test_a_held_store_is_pickled_with_what_it_holds(tmp_path: Path) -> None:
    file = SQLiteStore(tmp_path / "runs.db")
    file.create("a", {"seed": 1})
    file.append("a", "begun", {"x": 2}, 3)
    file.put("a", "weights", b"kept")
    held = HeldStore.copied(file, "a")
    again = pickle.loads(pickle.dumps(held))  # noqa: S301 - bytes that this test made
    again.append("a", "ended", {})
    for store in (held, again):
        assert store.events("a")[:2] == file.events("a")
        assert store.read("a", "weights") == b"kept"
    assert len(held.events("a")) == 2 and held != again
    assert again.events("a")[-1].id == file.events("a")[-1].id + 1
    with pytest.raises(StoreError, match="nothing opens it anew"):
        open_store(held.url)
    held.clear()
    assert held.runs() == []


def test_a_store_is_opened_by_its_scheme(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    ours = SQLiteStore(tmp_path / "runs.db")
    for where in ("runs.db", Path("runs.db"), "sqlite:///runs.db", ours.url, ours):
        assert open_store(where, create=False) == ours
    assert ours.url == f"sqlite:///{tmp_path.as_posix()}/runs.db"
    assert open_store("memory://mine") == MemoryStore("mine")
    with pytest.raises(StoreError, match=r"sqlite://, got 'memry://x'; did you mean memory://"):
        open_store("memry://x")
    with pytest.raises(StoreError, match=r"begin with one of .*; or give the path of a file"):
        open_store("postgresql://x")
    with pytest.raises(StoreError, match="There is no store"):
        open_store("sqlite:///none.db", create=False)
    for empty in ("", " "):
        with pytest.raises(StoreError, match="must be the path of a file or a URL, got"):
            open_store(empty)
    assert [path.name for path in tmp_path.iterdir()] == ["runs.db"]


def test_no_connection_is_open_between_calls(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "runs.db")
    store.create("a", {})
    store.append("a", "said", {})
    assert [f.path for f in psutil.Process().open_files() if "runs.db" in f.path] == []
    with store.lock("a"):
        store.append("a", "said", {})
        assert [f.path for f in psutil.Process().open_files() if "runs.db" in f.path] != []
    assert [f.path for f in psutil.Process().open_files() if "runs.db" in f.path] == []


def test_threads_append_while_one_holds_the_run(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "runs.db")
    store.create("a", {})
    with store.lock("a"), ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda n: store.append("a", "said", {"n": n}), range(30)))
        store.append("a", "said", {"n": 30})
    assert sorted(e.body["n"] for e in store.events("a")[1:]) == list(range(31))


def test_memory_is_not_reached_from_another_process() -> None:
    code = "from netwright.store import MemoryStore; MemoryStore.at('memory://a', create=False)"
    MemoryStore("a")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "other processes cannot reach it" in done.stderr


def test_files_that_are_no_store_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello " * 300)
    foreign = tmp_path / "other.db"
    base = sqlite3.connect(foreign)
    base.execute("create table cat (name text)")
    base.close()
    for path, part in ((text, "cannot be opened"), (foreign, "another program")):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=part):
            SQLiteStore(path)
        assert path.read_bytes() == before


def test_a_store_of_a_later_schema_is_refused(tmp_path: Path) -> None:
    SQLiteStore(tmp_path / "a.db")
    base = sqlite3.connect(tmp_path / "a.db")
    base.execute("pragma user_version=99")
    base.close()
    with pytest.raises(StoreError, match="schema 99"):
        SQLiteStore(tmp_path / "a.db")


def test_reading_does_not_make_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store"):
        SQLiteStore(tmp_path / "none.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        SQLiteStore(tmp_path / "file" / "runs.db")


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user can enter, as pytest's own are not."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def for_reading_only(folder: Path) -> Iterator[None]:
    """A folder nobody may write in; root gives up its rights meanwhile."""
    root = os.geteuid() == 0
    folder.chmod(0o555)
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


def test_a_store_that_cannot_be_written_can_be_read(shared: Path) -> None:
    path = shared / "kept" / "runs.db"
    made = SQLiteStore(path)
    made.create("a", {"seed": 1})
    made.append("a", "said", {"x": 1})
    path.chmod(0o444)
    with for_reading_only(path.parent):
        store = SQLiteStore(path, create=False)
        assert [e.body for e in store.events("a")] == [{"seed": 1}, {"x": 1}]
        with pytest.raises(StoreError, match="cannot be written"):
            store.append("a", "said", {})
        with pytest.raises(StoreError, match="cannot be written"):
            store.create("b", {})
        with pytest.raises(StoreError, match="cannot be written"), store.lock("a"):
            pass
    assert [p.name for p in path.parent.iterdir()] == ["runs.db"]


def test_events_that_cannot_be_read_are_not_left_out(shared: Path) -> None:
    path = shared / "kept" / "runs.db"
    made = SQLiteStore(path)
    made.create("a", {"seed": 1})
    moved = shared / "moved"
    with made.lock("a"):
        made.append("a", "said", {})
        assert path.with_name("runs.db-wal").stat().st_size > 0
        shutil.copytree(path.parent, moved)  # as a kill leaves it
    (moved / "runs.db-shm").unlink()
    for file in moved.glob("runs.db*"):
        file.chmod(0o444 if file.is_file() else 0o555)
    with for_reading_only(moved), pytest.raises(StoreError, match=r"-wal file beside it; copy"):
        SQLiteStore(moved / "runs.db")


def test_a_damaged_store_is_said(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    store = SQLiteStore(path)
    store.create("a", {})
    with store.lock("a"):
        for i in range(400):
            store.append("a", "said", {"x": "x" * 100}, i)
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * 16384 + whole[24576:])
    with pytest.raises(StoreError, match="cannot be read"):
        SQLiteStore(path).events("a")


SETTINGS = {name: [] for name in ("space", "strategy", "objectives", "limits", "budget", "finals")}
SETTINGS |= {"evaluator": {}, "data": {}}
GOOD = SETTINGS | {"objectives": [{"metric": "accuracy", "direction": "maximize"}]}


@pytest.mark.parametrize(
    ("settings", "events"),
    [
        ({}, []),
        (SETTINGS, []),
        (GOOD, [("proposed", {"proposal": {}}, 1)]),
        (GOOD, [("ended", {"status": "weird", "reason": ""}, None)]),
        (GOOD, [("exported", {}, None)]),
        (GOOD, [("sketch", {"junk": 1}, 1)]),
        (
            GOOD,
            [
                ("exported", {"directory": "x", "trial": 99}, None),
                ("ended", {"status": "done", "reason": ""}, None),
            ],
        ),
    ],
)
def test_a_log_that_makes_no_sense_is_said(settings, events, tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "runs.db")
    store.create("a", settings)
    for kind, body, trial in events:
        store.append("a", kind, body, trial)
    with pytest.raises(StoreError, match=r"log of the run 'a' .* is damaged"):
        read_record(store, "a")


def test_a_log_without_trials_is_read(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "runs.db")
    store.create("a", GOOD)
    assert read_record(store, "a").best is None


@pytest.mark.parametrize(
    "harm", ["update event set body = '{'", "delete from event", "update event set body = '[]'"]
)
def test_a_harmed_log_is_said(harm: str, tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "runs.db")
    store.create("a", {})
    store.append("a", "proposed", {"proposal": {}}, 1)
    with sqlite3.connect(tmp_path / "runs.db") as base:
        base.execute(harm)
    with pytest.raises(StoreError, match=r"cannot be read|is damaged"):
        read_record(store, "a")


def test_a_new_store_may_be_begun_by_many_at_once(tmp_path: Path) -> None:
    wrong: list[BaseException] = []

    def begin(path: Path, name: str, together: Barrier) -> None:
        together.wait()
        try:
            store = SQLiteStore(path)
            store.create(name, {})
            store.append(name, "said", {"by": name})
            assert store.events(name)[1].body == {"by": name}
        except BaseException as error:
            wrong.append(error)

    for turn in range(10):
        path, together = tmp_path / f"{turn}.db", Barrier(8)
        threads = [Thread(target=begin, args=(path, f"run-{i}", together)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert len(SQLiteStore(path).runs()) == 8


def test_a_run_that_cannot_be_begun_leaves_nothing(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "runs.db")
    with sqlite3.connect(tmp_path / "runs.db") as base:
        base.execute(
            "create trigger full before insert on event begin select raise(abort, 'full'); end"
        )
    with pytest.raises(StoreError, match="cannot be written: full"):
        store.create("a", {})
    assert store.runs() == []
