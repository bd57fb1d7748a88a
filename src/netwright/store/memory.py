"""Runs in the memory of this process: for tests, notebooks and searches of a moment."""

from __future__ import annotations

import io
import itertools
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from netwright.errors import Conflict, StoreError
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


@dataclass
class _Contents:
    """What a store of a name holds: events with their bodies as JSON, artifacts, and locks."""

    events: dict[str, list[tuple[Event, str]]] = field(default_factory=dict)
    artifacts: dict[str, dict[str, bytes]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    last: int = 0
    guard: threading.RLock = field(default_factory=threading.RLock)


_CONTENTS: dict[str, _Contents] = {}  # by name, as long as this process lives


class MemoryStore(Store):
    """Runs of this process by the name of their store; other processes have others.

    Its URL is `memory://` and the name. `clear` frees what it holds.
    """

    scheme = "memory"

    def __init__(self, name: str = "netwright", *, create: bool = True) -> None:
        check_name(name)
        self.name = name
        if create:
            _CONTENTS.setdefault(name, _Contents())
        self._contents()

    @classmethod
    def at(cls, url: str, *, create: bool = True) -> MemoryStore:
        """Open the store of `memory://` and a name."""
        return cls(url.removeprefix("memory://"), create=create)

    @property
    def url(self) -> str:
        """`memory://` and the name."""
        return f"memory://{self.name}"

    @property
    def reachable(self) -> bool:
        """Never."""
        return False

    def clear(self) -> None:
        """Forget all runs."""
        _CONTENTS[self.name] = _Contents()

    def runs(self) -> list[str]:
        """Name the runs, oldest first."""
        return list(self._contents().events)

    def create(self, run: str, settings: Mapping[str, Any]) -> int:
        """Begin a run."""
        check_name(run)
        text = json.dumps(dict(settings), allow_nan=False)
        contents = self._contents()
        with contents.guard:
            if run in contents.events:
                raise taken(self, run)
            contents.events[run] = []
            return _insert(contents, run, "created", None, text)

    def append(
        self,
        run: str,
        kind: str,
        body: Mapping[str, Any],
        trial: int | None = None,
        *,
        after: int | None = None,
    ) -> int:
        """Append an event and return its id."""
        text = json.dumps(dict(body), allow_nan=False)
        contents = self._contents()
        with contents.guard:
            last = self._events(run)[-1][0].id
            if after is not None and last != after:
                raise Conflict(overtaken(run, after, last))
            return _insert(contents, run, kind, trial, text)

    def events(self, run: str, after: int = 0) -> list[Event]:
        """Return the events of a run in order, those with an id above `after`."""
        return [
            Event(event.id, event.time, event.kind, event.trial, json.loads(text))
            for event, text in list(self._events(run))
            if event.id > after
        ]

    @contextmanager
    def lock(self, run: str) -> Iterator[None]:
        """Hold a run for whoever asks first."""
        contents = self._contents()
        with contents.guard:
            if run in contents.owners:
                raise held(run, contents.owners[run])
            contents.owners[run] = this_owner()
        try:
            yield
        finally:
            del contents.owners[run]

    def put(self, run: str, key: str, content: bytes | Path) -> None:
        """Keep bytes, or what a file holds."""
        check_name(run)
        check_key(key)
        kept = content if isinstance(content, bytes) else content.read_bytes()
        self._contents().artifacts.setdefault(run, {})[key] = kept

    def open(self, run: str, key: str) -> BinaryIO:
        """Open an artifact for reading."""
        try:
            return io.BytesIO(self._artifacts(run)[key])
        except KeyError:
            raise missing(self, run, key) from None

    def has(self, run: str, key: str) -> bool:
        """Say whether there is an artifact of this key."""
        return key in self._artifacts(run)

    def delete(self, run: str, key: str) -> None:
        """Remove an artifact."""
        self._artifacts(run).pop(key, None)

    def keys(self, run: str, prefix: str = "") -> list[str]:
        """Name the artifacts of a run."""
        return sorted(key for key in self._artifacts(run) if key.startswith(prefix))

    def _contents(self) -> _Contents:
        if self.name not in _CONTENTS:
            raise StoreError(
                f"There is no store {self.url!r} in the memory of this process: other processes "
                "cannot reach it. Give the path of a file where several are to work on a run."
            )
        return _CONTENTS[self.name]

    def _events(self, run: str) -> list[tuple[Event, str]]:
        try:
            return self._contents().events[run]
        except KeyError:
            raise unknown(self, run) from None

    def _artifacts(self, run: str) -> dict[str, bytes]:
        return self._contents().artifacts.get(run, {})


class HeldStore(MemoryStore):
    """Runs that this value holds: they are gone with it, and are pickled and copied with it."""

    scheme = "held"

    def __init__(self, contents: _Contents | None = None) -> None:
        self._held = contents or _Contents()
        super().__init__(f"{os.getpid()}-{next(_NUMBERS)}", create=False)

    @classmethod
    def at(cls, url: str, *, create: bool = True) -> HeldStore:
        """Refuse: no URL leads to what a value holds.

        Raises:
            StoreError: Always.
        """
        raise StoreError(f"The store {url!r} is a value of another place; nothing opens it anew.")

    @classmethod
    def copied(cls, store: Store, run: str) -> HeldStore:
        """A run of another store with its artifacts, which may be removed there afterwards."""
        events = store.events(run)
        listed = [(replace(event, body={}), json.dumps(event.body)) for event in events]
        kept = {key: store.read(run, key) for key in store.keys(run)}
        return cls(_Contents({run: listed}, {run: kept}, last=events[-1].id))

    @property
    def url(self) -> str:
        """`held://` and a name; nothing is opened from it."""
        return f"held://{self.name}"

    def clear(self) -> None:
        """Forget all runs."""
        self._held = _Contents()

    def __reduce__(self) -> tuple[Any, ...]:
        held = self._held
        with held.guard:
            return _held_again, (dict(held.events), dict(held.artifacts), held.last)

    def _contents(self) -> _Contents:
        return self._held


_NUMBERS = itertools.count(1)  # of the held stores of this process


def _held_again(events: Any, artifacts: Any, last: int) -> HeldStore:
    """What was pickled, with lists of its own."""
    listed = {run: list(each) for run, each in events.items()}
    kept = {run: dict(each) for run, each in artifacts.items()}
    return HeldStore(_Contents(listed, kept, last=last))


def _insert(contents: _Contents, run: str, kind: str, trial: int | None, text: str) -> int:
    contents.last += 1
    contents.events[run].append((Event(contents.last, time.time(), kind, trial, {}), text))
    return contents.last
