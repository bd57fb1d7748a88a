"""The event log of runs in one SQLite file, and a folder beside it for their weights.

Write-ahead log with `synchronous=NORMAL`: an event that was appended survives the death of the
process at any moment; the last few may be lost only when the whole machine loses power.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from netwright.errors import StoreError

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
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Event:
    """Something that happened to a run; `time` is seconds since the epoch."""

    id: int
    time: float
    kind: str
    trial: int | None
    body: dict[str, Any]


class Store:
    """Runs by name, each an append-only list of events.

    A store that cannot be written, such as one in a folder for reading only, can still be read.

    Raises:
        StoreError: The file is no netwright store, is of another schema, or cannot be opened.
    """

    def __init__(self, path: str | Path, *, create: bool = True) -> None:
        self.path = Path(path).absolute()
        try:
            if create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            elif not self.path.is_file():
                raise StoreError(
                    f"There is no store {str(path)!r}: name the file that `search` wrote with "
                    "--store."
                )
            self._base = self._connected()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"The store {str(path)!r} cannot be opened: {error}.") from error

    def _connected(self) -> sqlite3.Connection:
        """A connection to write with, else one to read with."""
        base = sqlite3.connect(self.path, timeout=30.0, isolation_level=None)
        try:
            self._open(base)
            return base
        except sqlite3.OperationalError:
            base.close()
            if not self.path.is_file() or self.path.stat().st_size == 0:
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

    def _open(self, base: sqlite3.Connection) -> None:
        tables = base.execute("select count(*) from sqlite_master").fetchone()[0]
        if tables == 0:
            base.execute("pragma journal_mode=wal")
            base.execute("begin immediate")
            if not base.execute("select count(*) from sqlite_master").fetchone()[0]:
                for statement in _TABLES.split(";"):
                    base.execute(statement)
                base.execute(f"pragma application_id={_APPLICATION}")
                base.execute(f"pragma user_version={_SCHEMA}")
            base.execute("commit")
        self._check_is_store(base)
        base.execute("pragma synchronous=normal")

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

    def close(self) -> None:
        """Close the file; the store is of no further use."""
        self._base.close()

    def create(self, run: str, settings: Mapping[str, Any]) -> None:
        """Begin a run: its first event is `created` with these settings.

        Raises:
            StoreError: The name is taken or is no name.
        """
        if not _NAME.fullmatch(run):
            raise StoreError(
                "A run's name must be 1 to 100 letters, digits, '.', '_' or '-', "
                f"starting with a letter or digit, got {run!r}."
            )
        body = json.dumps(dict(settings), allow_nan=False)
        with self._writing(), self._transaction():
            try:
                self._base.execute("insert into run values (?, ?)", (run, time.time()))
            except sqlite3.IntegrityError as error:
                raise StoreError(
                    f"The store {self.path.name!r} has a run {run!r} already; "
                    "resume it or choose another name."
                ) from error
            self._insert(run, "created", None, body)

    def append(self, run: str, kind: str, body: Mapping[str, Any], trial: int | None = None) -> int:
        """Append an event and return its id; durable against the death of this process."""
        text = json.dumps(dict(body), allow_nan=False)
        with self._writing():
            return self._insert(run, kind, trial, text)

    def events(self, run: str, after: int = 0) -> list[Event]:
        """The events of a run in order, those with an id above `after`.

        Raises:
            StoreError: There is no such run, or the file is damaged.
        """
        self._check(run)
        rows = self._rows(
            "select id, time, kind, trial, body from event where run = ? and id > ? order by id",
            (run, after),
        )
        try:
            found = [
                Event(i, at, kind, trial, json.loads(body)) for i, at, kind, trial, body in rows
            ]
        except (ValueError, TypeError) as error:
            raise self._damaged(f"an event of the run {run!r} is no JSON") from error
        if after == 0 and (not found or found[0].kind != "created"):
            raise self._damaged(f"the run {run!r} has no beginning")
        return found

    def runs(self) -> list[str]:
        """The names of the runs, oldest first.

        Raises:
            StoreError: The file is damaged.
        """
        return [name for (name,) in self._rows("select name from run order by created", ())]

    def files(self, run: str) -> Path:
        """The folder of a run's weights and exports, beside the store."""
        return self.path.with_name(self.path.name + ".files") / run

    def weights(self, run: str, trial: int) -> Path:
        """Where the weights of a trial are, if they are kept."""
        return self.files(run) / f"trial-{trial}.safetensors"

    @contextmanager
    def lock(self, run: str) -> Iterator[None]:
        """Hold a run for this process; let go by the operating system if it dies.

        Raises:
            StoreError: Another process holds it, or its folder cannot be written.
        """
        lock = FileLock(self.files(run) / "lock", timeout=0)
        try:
            self.files(run).mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise StoreError(
                f"The run {run!r} is being worked on by another process; wait for it or stop it."
            ) from error
        except OSError as error:
            raise StoreError(
                f"The folder {str(self.files(run))!r} of the run {run!r} cannot be written: "
                f"{error.strerror or error}."
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _rows(self, query: str, given: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._base.execute(query, given).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, what: str) -> StoreError:
        return StoreError(
            f"The store {str(self.path)!r} cannot be read: {what}. Take an earlier copy, or "
            "rescue what is left with `sqlite3 FILE .recover`."
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"The store {str(self.path)!r} cannot be written: {error}.") from error

    def _check(self, run: str) -> None:
        if run not in self.runs():
            known = ", ".join(self.runs()[-10:]) or "none"
            raise StoreError(
                f"The store {self.path.name!r} has no run {run!r}; its runs are: {known}."
            )

    def _insert(self, run: str, kind: str, trial: int | None, body: str) -> int:
        done = self._base.execute(
            "insert into event (run, time, kind, trial, body) values (?, ?, ?, ?, ?)",
            (run, time.time(), kind, trial, body),
        )
        assert done.lastrowid is not None
        return done.lastrowid

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._base.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._base.execute("rollback")
            raise
        self._base.execute("commit")
