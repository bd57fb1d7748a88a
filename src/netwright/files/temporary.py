"""Folders for a moment. One of a process that was killed is removed by whoever makes the next."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import psutil


@contextmanager
def temporary(prefix: str = "netwright-", parent: Path | None = None) -> Iterator[Path]:
    """Give an empty folder in `parent`, else among those of the system, and remove it at the end.

    Raises:
        OSError: No folder can be made there.
    """
    where = Path(tempfile.gettempdir()) if parent is None else parent
    prefix += f"{_machine()}-"
    _clear(where, prefix)
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{_process(os.getpid())}-", dir=where))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _machine() -> str:
    """Names the processes among which numbers are told apart: of a machine, or of a container."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:8]


def _process(number: int) -> str:
    """Names a process so that a later one of the same number is another."""
    return f"{number}-{round(psutil.Process(number).create_time() * 100)}"


def _clear(where: Path, prefix: str) -> None:
    """Remove the folders whose processes are gone; what cannot be removed is left."""
    for folder in where.glob(f"{prefix}*-*-*"):
        process = folder.name.removeprefix(prefix).rpartition("-")[0]
        number = process.partition("-")[0]
        if not number.isdecimal():
            continue
        with suppress(psutil.AccessDenied):
            try:
                lives = _process(int(number)) == process
            except (psutil.NoSuchProcess, OverflowError):
                lives = False
            if not lives:
                shutil.rmtree(folder, ignore_errors=True)
