"""Writing a file whole or not at all, whatever kills the process on the way.

What is written goes into an unfinished file of the same folder, which takes the place of the old
one at its end. Where a process is killed on the way it stays behind; whoever writes into the folder
next removes it. Its name says whose it is: one of a process that lives, or of another machine that
has the folder too, is left alone.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import psutil

PART = ".part-"
"""How the names of unfinished files begin."""

_AGAIN = 60.0  # seconds until this process looks into a folder again for what others left
_looked: dict[Path, float] = {}  # when it did


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a file beside `path` to write, which takes its place when the block ends well.

    Folders that are missing are made. After an error `path` is as it was, and nothing is left.
    A process that has the old file open goes on reading the old content.

    Raises:
        OSError: The folder cannot be made, or the file cannot take its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear(path.parent)
    part = path.with_name(f"{_owner()}{os.getpid()}-{secrets.token_hex(8)}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes | Path | BinaryIO) -> None:
    """Write a text in UTF-8, bytes, or what a file holds; others see the old file or the new one.

    Raises:
        OSError: It cannot be written; then nothing is left of the attempt.
    """
    with whole(path) as part, part.open("xb") as file:  # closed before it is moved
        if isinstance(content, str):
            file.write(content.encode())
        elif isinstance(content, bytes):
            file.write(content)
        elif isinstance(content, Path):
            with content.open("rb") as source:
                shutil.copyfileobj(source, file, 1 << 20)
        else:
            shutil.copyfileobj(content, file, 1 << 20)


@cache
def _owner() -> str:
    """How the names of the unfinished files of this machine begin."""
    return f"{PART}{sha256(socket.gethostname().encode()).hexdigest()[:8]}-"


def _clear(folder: Path) -> None:
    """Remove the unfinished files that processes of this machine left which are gone."""
    now = time.monotonic()
    if now - _looked.get(folder, -_AGAIN) < _AGAIN:
        return
    _looked[folder] = now
    with suppress(OSError), os.scandir(folder) as entries:  # clearing is no matter of who writes
        for entry in entries:
            if entry.name.startswith(_owner()):
                process = entry.name.removeprefix(_owner()).partition("-")[0]
                if process.isdecimal() and not psutil.pid_exists(int(process)):
                    os.unlink(entry.path)
