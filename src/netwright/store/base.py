"""The contract of a store: the events of runs, and their artifacts by key.

A store is a value: it has a URL, holds no open connection, and is pickled as its URL. So a worker
in another process opens the store anew.
"""

from __future__ import annotations

import os
import re
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from netwright.errors import StoreError
from netwright.files.whole import write_whole

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_LONGEST = 200  # characters of a key


@dataclass(frozen=True)
class Event:
    """Something that happened to a run; `time` is seconds since the epoch."""

    id: int
    time: float
    kind: str
    trial: int | None
    body: dict[str, Any]


class Store(ABC):
    """Runs by name, each an append-only list of events with artifacts by key.

    A key is one or more names with `/` between them, such as `trial-3.safetensors` or
    `export-3/model.py`. What is put is there whole or not at all. Two stores of one URL are equal.
    """

    scheme: ClassVar[str]
    """What its URLs begin with, before `://`."""

    @classmethod
    @abstractmethod
    def at(cls, url: str, *, create: bool = True) -> Store:
        """Open the store of a URL of this scheme; `create` makes one where there is none.

        Raises:
            StoreError: There is none, or it cannot be opened.
        """

    @property
    @abstractmethod
    def url(self) -> str:
        """What it is opened anew from, in this process or another."""

    @property
    def reachable(self) -> bool:
        """Whether other processes can open it from its URL."""
        return True

    # -- events -----------------------------------------------------------------------------------

    @abstractmethod
    def runs(self) -> list[str]:
        """Name the runs, oldest first.

        Raises:
            StoreError: The store is damaged.
        """

    @abstractmethod
    def create(self, run: str, settings: Mapping[str, Any]) -> int:
        """Begin a run: its first event is `created` with these settings; returns its id.

        Raises:
            StoreError: The name is taken or is no name; see `check_name`.
        """

    @abstractmethod
    def append(
        self,
        run: str,
        kind: str,
        body: Mapping[str, Any],
        trial: int | None = None,
        *,
        after: int | None = None,
    ) -> int:
        """Append an event and return its id, which is above all before.

        It is durable against the death of this process. `after` is the id of the last event seen:
        if the run has a later one, nothing is appended. None appends whatever else happened.

        Raises:
            Conflict: The last event of the run is not `after`.
            StoreError: There is no such run, or the store cannot be written.
            ValueError: The body is no JSON, NaN included.
        """

    @abstractmethod
    def events(self, run: str, after: int = 0) -> list[Event]:
        """Return the events of a run in order, those with an id above `after`.

        Raises:
            StoreError: There is no such run, or the store is damaged.
        """

    @abstractmethod
    def lock(self, run: str) -> AbstractContextManager[None]:
        """Hold a run for its owner, this process; let go when it ends in whatever way.

        Raises:
            StoreError: Another owner holds it, who is named, or it cannot be held.
        """

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Let this thread make many calls, for which a store may keep a connection meanwhile."""
        yield

    # -- artifacts --------------------------------------------------------------------------------

    @abstractmethod
    def put(self, run: str, key: str, content: bytes | Path) -> None:
        """Keep bytes, or a copy of a file, by a key, in the place of what was there.

        Raises:
            StoreError: It is no key (see `check_key`), or the store cannot be written.
        """

    @abstractmethod
    def open(self, run: str, key: str) -> BinaryIO:
        """Open an artifact for reading.

        Raises:
            StoreError: There is none; see `missing`.
        """

    @abstractmethod
    def has(self, run: str, key: str) -> bool:
        """Say whether there is an artifact of this key."""

    @abstractmethod
    def delete(self, run: str, key: str) -> None:
        """Remove an artifact; nothing if there is none."""

    @abstractmethod
    def keys(self, run: str, prefix: str = "") -> list[str]:
        """Name the artifacts of a run whose keys begin with `prefix`, sorted."""

    # -- what follows from these ------------------------------------------------------------------

    def read(self, run: str, key: str) -> bytes:
        """Return an artifact as bytes.

        Raises:
            StoreError: There is none.
        """
        with self.open(run, key) as file:
            return file.read()

    def get(self, run: str, key: str, into: Path) -> None:
        """Copy an artifact into a file, whole or not at all.

        Raises:
            StoreError: There is none, or the file cannot be written.
        """
        with self.open(run, key) as file:
            try:
                write_whole(into, file)
            except OSError as error:
                raise StoreError(
                    f"The artifact {key!r} of the run {run!r} cannot be copied to {str(into)!r}: "
                    f"{error.strerror or error}."
                ) from error

    def __reduce__(self) -> tuple[Any, ...]:
        return _anew, (type(self), self.url)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Store) and self.url == other.url

    def __hash__(self) -> int:
        return hash(self.url)

    def __str__(self) -> str:
        """Say it as a person would write it after `--store`."""
        return self.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


def open_store(where: str | Path | Store, *, create: bool = True) -> Store:
    """Open the store of a path, which is a file of SQLite, or of a URL, or return the one given.

    Raises:
        StoreError: There is no store of the scheme, or it cannot be opened.
    """
    if isinstance(where, Store):
        return where
    if not str(where).strip():
        raise StoreError(
            f"`store=...` must be the path of a file or a URL, got {str(where)!r}; leave it out."
        )
    known = {kind.scheme: kind for kind in _kinds(Store)}  # type: ignore[type-abstract]
    scheme, separator, _ = str(where).partition("://")
    if isinstance(where, Path) or not separator:
        return known["sqlite"].at(str(where), create=create)
    if scheme not in known:
        near = get_close_matches(scheme, known, 1)
        begins = ", ".join(f"{name}://" for name in sorted(known))
        raise StoreError(
            f"The URL of a store must begin with one of {begins}, got {str(where)!r}"
            + (f"; did you mean {near[0]}://?" if near else "; or give the path of a file.")
        )
    return known[scheme].at(str(where), create=create)


def events_of(store: Store, run: str, after: int = 0) -> list[Event]:
    """The events of a run, as `Store.events` gives them.

    Raises:
        StoreError: There is no such run, the store is damaged, or it gave no list.
    """
    events: object = store.events(run, after=after)
    if not isinstance(events, list):
        raise StoreError(
            f"`{type(store).__name__}.events(...)` must return a list of events, got {events!r}."
        )
    return events


def locked(store: Store, run: str) -> AbstractContextManager[None]:
    """Hold a run, as `Store.lock` does.

    Raises:
        StoreError: Another owner holds it, or the store gave nothing that can be held.
    """
    lock: object = store.lock(run)
    if not isinstance(lock, AbstractContextManager):
        raise StoreError(
            f"`{type(store).__name__}.lock(run)` must return what `with` takes, such as a function "
            f"with `contextlib.contextmanager` does, got {lock!r}."
        )
    return lock


def check_name(run: str) -> None:
    """Refuse what cannot be the name of a run.

    Raises:
        StoreError: Says the rule.
    """
    if not _RUN.fullmatch(run):
        raise StoreError(
            "A run's name must be 1 to 100 letters, digits, '.', '_' or '-', "
            f"starting with a letter or digit, got {run!r}."
        )


def check_key(key: str) -> None:
    """Refuse what cannot be the key of an artifact.

    Raises:
        StoreError: Says the rule.
    """
    if not _KEY.fullmatch(key) or len(key) > _LONGEST:
        raise StoreError(
            f"The key of an artifact must be names of letters, digits, '.', '_' or '-' with '/' "
            f"between them, at most {_LONGEST} characters, got {key!r}."
        )


def missing(store: Store, run: str, key: str) -> StoreError:
    """Say that there is no artifact of a key."""
    return StoreError(f"The run {run!r} in the store {str(store)!r} has no artifact {key!r}.")


def taken(store: Store, run: str) -> StoreError:
    """Say that there is a run of the name already."""
    return StoreError(
        f"The store {str(store)!r} has a run {run!r} already; resume it or choose another name."
    )


def unknown(store: Store, run: str) -> StoreError:
    """Say that there is no run of a name."""
    known = ", ".join(store.runs()[-10:]) or "none"
    return StoreError(f"The store {str(store)!r} has no run {run!r}; its runs are: {known}.")


def held(run: str, owner: str) -> StoreError:
    """Say that a run is held by another owner."""
    return StoreError(
        f"The run {run!r} is being worked on by another process ({owner}); wait for it or stop it."
    )


def overtaken(run: str, after: int, last: int) -> str:
    """Say that a run has other events than its writer knows."""
    return (
        f"The run {run!r} has events that were not seen: its last is {last}, not {after}. Read "
        "what came after it, then append."
    )


def this_owner() -> str:
    """Name this process among all that may hold a run."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _anew(kind: type[Store], url: str) -> Store:
    return kind.at(url, create=False)


def _kinds(kind: type[Store]) -> Iterator[type[Store]]:
    for each in kind.__subclasses__():
        if "scheme" in vars(each):
            yield each
        yield from _kinds(each)
