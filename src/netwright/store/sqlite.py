"""The event log of runs in one SQLite file, and their artifacts in a folder beside it.

Write-ahead log with `synchronous=NORMAL`: an event that was appended survives the death of the
process at any moment; the last few may be lost only when the whole machine loses power.

A connection is opened for each call and closed after it, but while a thread is `connected` or holds
a run it keeps one, since opening and closing cost more than an event does.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from netwright.errors import Conflict, StoreError
from netwright.files.whole import PART, write_whole
from netwright.store.base import (
    Event,
    Store,
    check_key,
    check_name,
    held,
    missing,
    overtaken,
    taken,
    this_owner,
    unknown,
)

_PATIENCE = 30.0  # seconds that a writer waits for another
_APPLICATION = 0x6E777274  # "nwrt"
_SCHEMA = 1
_TABLES = """
create table run (name text primary key, created real not null);
create table event (
    id integer primary key autoincrement,
    run text not null references run (name),
    time real not null,
    kind text not null,
    trial integer,
    body text not null
);
create index event_of_run on event (run, id);
"""
_INSERT = "insert into event (run, time, kind, trial, body) "
_APPEND = _INSERT + (  # nothing where the run has no event, so that it is none, or a later one
    "select ?1, ?2, ?3, ?4, ?5 where coalesce(?6 = (select max(id) from event where run = ?1), "
    "exists (select 1 from event where run = ?1))"
)
_LOCK, _OWNER = "lock", ".owner"  # files beside a run's artifacts; old stores have the first


class SQLiteStore(Store):
    """Runs in an SQLite file; artifacts are files in the folder `FILE.files/RUN` beside it.

    Its URL is `sqlite:///` and the path, so that of an absolute path has four slashes. A store that
    cannot be written, such as one in a folder for reading only, can still be read.

    Raises:
        StoreError: The file is no netwright store, is of another schema, or cannot be opened.
    """

    scheme = "sqlite"

    def __init__(self, path: str | Path, *, create: bool = True) -> None:
        self.path = Path(path).absolute()
        self._kept = threading.local()
        try:
            if create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            elif not self.path.is_file():
                raise StoreError(
                    f"There is no store {str(path)!r}: name the file that `search` wrote with "
                    "--store."
                )
            self._connected().close()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"The store {str(path)!r} cannot be opened: {error}.") from error

    @classmethod
    def at(cls, url: str, *, create: bool = True) -> SQLiteStore:
        """Open the store of a path, or of `sqlite:///` and a path."""
        return cls(url.removeprefix("sqlite:///"), create=create)

    @property
    def url(self) -> str:
        """`sqlite:///` and the absolute path."""
        return f"sqlite:///{self.path.as_posix()}"

    def __str__(self) -> str:
        return str(self.path)

    # -- events -----------------------------------------------------------------------------------

    def runs(self) -> list[str]:
        """Name the runs, oldest first."""
        return [name for (name,) in self._rows("select name from run order by created", ())]

    def create(self, run: str, settings: Mapping[str, Any]) -> int:
        """Begin a run."""
        check_name(run)
        body = json.dumps(dict(settings), allow_nan=False)
        with self._transaction() as base:
            try:
                base.execute("insert into run values (?, ?)", (run, time.time()))
            except sqlite3.IntegrityError as error:
                raise taken(self, run) from error
            return _insert(base, run, "created", None, body)

    def append(
        self,
        run: str,
        kind: str,
        body: Mapping[str, Any],
        trial: int | None = None,
        *,
        after: int | None = None,
    ) -> int:
        """Append an event and return its id; durable against the death of this process."""
        text = json.dumps(dict(body), allow_nan=False)
        row = (run, time.time(), kind, trial, text)
        with self._writing() as base:  # one statement is a transaction of its own
            done = base.execute(_APPEND, (*row, after))
            if done.rowcount == 1:
                assert done.lastrowid is not None
                return done.lastrowid
            last = base.execute("select max(id) from event where run = ?", (run,)).fetchone()[0]
        if last is None:
            raise unknown(self, run)
        raise Conflict(overtaken(run, last if after is None else after, last))

    def events(self, run: str, after: int = 0) -> list[Event]:
        """Return the events of a run in order, those with an id above `after`."""
        rows = self._rows(
            "select id, time, kind, trial, body from event where run = ? and id > ? order by id",
            (run, after),
        )
        if not rows and run not in self.runs():
            raise unknown(self, run)
        try:
            events = [
                Event(i, at, kind, trial, json.loads(body)) for i, at, kind, trial, body in rows
            ]
        except (ValueError, TypeError) as error:
            raise self._damaged(f"an event of the run {run!r} is no JSON") from error
        if after == 0 and (not events or events[0].kind != "created"):
            raise self._damaged(f"the run {run!r} has no beginning")
        return events

    @contextmanager
    def lock(self, run: str) -> Iterator[None]:
        """Hold a run for this process; let go by the operating system if it dies."""
        folder = self._folder(run)
        lock, owner = FileLock(folder / _LOCK, timeout=0), folder / _OWNER
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            name = owner.read_text(encoding="utf-8") if owner.is_file() else "not named"
            raise held(run, name) from error
        except OSError as error:
            raise StoreError(
                f"The folder {str(folder)!r} of the run {run!r} cannot be written: "
                f"{error.strerror or error}."
            ) from error
        try:
            write_whole(owner, this_owner().encode())
            with self.connected():
                yield
        finally:
            owner.unlink(missing_ok=True)
            lock.release()

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Let this thread of this process use one connection for all calls."""
        if self._own() is not None:
            yield
            return
        with closing(self._connected()) as base:
            self._kept.base, self._kept.process = base, os.getpid()
            try:
                yield
            finally:
                self._kept.base = None

    # -- artifacts --------------------------------------------------------------------------------

    def put(self, run: str, key: str, content: bytes | Path) -> None:
        """Write a file of the run's folder, whole or not at all."""
        path = self._file(run, key)
        try:
            write_whole(path, content)
        except OSError as error:
            raise StoreError(
                f"The artifact {key!r} of the run {run!r} cannot be written to {str(path)!r}: "
                f"{error.strerror or error}."
            ) from error

    def open(self, run: str, key: str) -> BinaryIO:
        """Open a file of the run's folder for reading."""
        try:
            return self._file(run, key).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise missing(self, run, key) from error

    def has(self, run: str, key: str) -> bool:
        """Say whether there is such a file."""
        return self._file(run, key).is_file()

    def delete(self, run: str, key: str) -> None:
        """Remove a file of the run's folder."""
        with suppress(FileNotFoundError):
            self._file(run, key).unlink()

    def keys(self, run: str, prefix: str = "") -> list[str]:
        """Name the files of the run's folder by their paths in it, without unfinished ones."""
        folder = self._folder(run)
        keys = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        return sorted(
            key
            for key in keys
            if key.startswith(prefix)
            and key not in (_LOCK, _OWNER)
            and not key.rpartition("/")[2].startswith(PART)
        )

    def _folder(self, run: str) -> Path:
        check_name(run)
        return self.path.with_name(self.path.name + ".files") / run

    def _file(self, run: str, key: str) -> Path:
        check_key(key)
        if key == _LOCK:
            raise StoreError(f"The key {key!r} is the store's own; take another.")
        return self._folder(run) / key

    # -- connections ------------------------------------------------------------------------------

    def _connected(self) -> sqlite3.Connection:
        """Connect to write, else to read."""
        base = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
        try:
            self._prepare(base)
            return base
        except sqlite3.OperationalError:
            base.close()
            if not self.path.is_file() or self.path.stat().st_size == 0:
                raise
        except BaseException:
            base.close()
            raise
        # Where no file can be made beside it, SQLite reads only what it may take as unchangeable,
        # and that without the log of what was written last.
        log = self.path.with_name(self.path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise sqlite3.OperationalError(
                "it cannot be written, and its last events are in the -wal file beside it; copy "
                "both to a folder that can be written"
            )
        base = sqlite3.connect(f"{self.path.as_uri()}?immutable=1", uri=True, isolation_level=None)
        self._check_is_store(base)
        return base

    def _prepare(self, base: sqlite3.Connection) -> None:
        tables = base.execute("select count(*) from sqlite_master").fetchone()[0]
        if tables == 0:
            self._write_ahead(base)
            base.execute("begin immediate")
            if not base.execute("select count(*) from sqlite_master").fetchone()[0]:
                for statement in _TABLES.split(";"):
                    base.execute(statement)
                base.execute(f"pragma application_id={_APPLICATION}")
                base.execute(f"pragma user_version={_SCHEMA}")
            base.execute("commit")
        self._check_is_store(base)
        base.execute("pragma synchronous=normal")

    def _write_ahead(self, base: sqlite3.Connection) -> None:
        """Let the log be written ahead; SQLite does not wait for others who do the same."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                base.execute("pragma journal_mode=wal")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
            time.sleep(0.01)

    def _check_is_store(self, base: sqlite3.Connection) -> None:
        application = base.execute("pragma application_id").fetchone()[0]
        version = base.execute("pragma user_version").fetchone()[0]
        if application != _APPLICATION:
            raise StoreError(
                f"The file {str(self.path)!r} is a database of another program, "
                "not a netwright store; name another file."
            )
        if version != _SCHEMA:
            raise StoreError(
                f"The store {str(self.path)!r} has schema {version}; this version of netwright "
                f"reads schema {_SCHEMA}."
            )

    def _own(self) -> sqlite3.Connection | None:
        """The connection that this thread keeps; one of before a fork is not used."""
        base: sqlite3.Connection | None = getattr(self._kept, "base", None)
        return base if base is not None and self._kept.process == os.getpid() else None

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        own = self._own()
        if own is not None:
            yield own
            return
        with closing(self._connected()) as base:
            yield base

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._connection() as base:
                yield base
        except sqlite3.Error as error:
            raise StoreError(f"The store {str(self.path)!r} cannot be written: {error}.") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing() as base:
            base.execute("begin immediate")
            try:
                yield base
            except BaseException:
                base.execute("rollback")
                raise
            base.execute("commit")

    def _rows(self, query: str, given: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            with self._connection() as base:
                return base.execute(query, given).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, what: str) -> StoreError:
        return StoreError(
            f"The store {str(self.path)!r} cannot be read: {what}. Take an earlier copy, or "
            "rescue what is left with `sqlite3 FILE .recover`."
        )


def _insert(base: sqlite3.Connection, run: str, kind: str, trial: int | None, body: str) -> int:
    done = base.execute(
        f"{_INSERT} values (?, ?, ?, ?, ?)",
        (run, time.time(), kind, trial, body),
    )
    assert done.lastrowid is not None
    return done.lastrowid
