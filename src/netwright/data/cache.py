"""Where decoded rows are kept that are too large for memory: a mapped file of the user's cache.

All workers map the one file, so that none has a copy. Its name is a digest of the files that it was
made of (path, size and time of change) and of how they were read, so that it is found again while
nothing changed. It is written under another name first: what a killed process leaves is removed by
the next one, and two processes at once make a file each, of which the last takes its place.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from netwright.data.dataset import ArrayData
from netwright.errors import DataError
from netwright.files.whole import whole

MOST_BYTES = 2**28
"""Rows that take more are mapped from a file."""

VARIABLE = "NETWRIGHT_CACHE"
"""The environment variable that names another folder for such files."""

_VERSION = 1  # of how pictures are read: another one has other files
_HEADER = 2**20  # bytes that are left free for what is known last
_SPARE = 2**28  # bytes of the disk that stay free


def cache_folder() -> Path:
    """The folder of `NETWRIGHT_CACHE`, else `netwright` in the user's cache folder."""
    if given := os.environ.get(VARIABLE):
        return Path(given).expanduser().absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "netwright"
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "netwright"


@dataclass(frozen=True)
class Cache:
    """A mapped file that is there or may be made."""

    file: Path

    @classmethod
    def of(cls, told: Any, files: Sequence[Any]) -> Cache:
        """The one of these files, read as is told in values of JSON."""
        digest = hashlib.sha256(json.dumps([_VERSION, told], default=str).encode())
        for file in files:
            if not isinstance(file, Path):
                digest.update(f"{file}\n".encode())
                continue
            with suppress(OSError):  # what is wrong with a file is said when it is read
                state = file.stat()
                digest.update(f"{file.absolute()}\0{state.st_size} {state.st_mtime_ns}\n".encode())
        return cls(cache_folder() / f"{digest.hexdigest()[:32]}.safetensors")

    def open(self) -> ArrayData | None:
        """The data of the file; None where there is none, or it is damaged."""
        if not self.file.is_file():
            return None
        try:
            return self._told(ArrayData.open(self.file))
        except DataError:
            return None

    @contextmanager
    def written(self, size: int) -> Iterator[Path]:
        """Give a file to write `size` bytes into, which takes its place when the block ends well.

        Raises:
            DataError: There is no room for it, or the folder cannot be written.
        """
        with _room(self.file.parent, size), whole(self.file) as part:
            yield part

    def opened(self) -> ArrayData:
        """The data of a file that was just written."""
        return self._told(ArrayData.open(self.file))

    def _told(self, data: ArrayData) -> ArrayData:
        size = self.file.stat().st_size / 2**20
        remark = (
            f"too large for memory: decoded once into {self.file} ({size:,.0f} MiB), which the "
            f"next run finds again; it may be removed at any time between runs, and {VARIABLE} "
            "names another folder for it"
        )
        return replace(data, remarks=(*data.remarks, remark))


@contextmanager
def _room(folder: Path, size: int) -> Iterator[None]:
    """Make a folder, and refuse where it has no room for `size` bytes or cannot be written."""
    remedy = f"set {VARIABLE} to a folder on another disk"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < size + _SPARE:
            raise DataError(
                f"The decoded rows take {size / 2**20:,.0f} MiB, and {folder} has "
                f"{free / 2**20:,.0f} MiB left; {remedy}, or take smaller rows."
            )
        yield
    except OSError as error:
        raise DataError(
            f"The decoded rows cannot be written to {folder}: {error.strerror or error}; {remedy}."
        ) from error


def spooled(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """An array on disk, in a file without a name: it is gone with the last that uses it.

    Raises:
        DataError: There is no room for it.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    folder = cache_folder()
    with _room(folder, size), TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
        return np.memmap(file, dtype, "r+", 0, shape)


def is_large(shape: Sequence[int], dtype: str) -> bool:
    """Whether rows of all parts, (n, *shape), are kept in a mapped file."""
    return int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize > MOST_BYTES


class MappedRows:
    """A file as `ArrayData.save` writes it, whose rows are written first and the rest at the end.

    `x` are the rows (n, c, h, w) or (n, f), mapped for writing; `y` are the targets (n, ...) of all
    rows, in the order of the parts, and `groups` (n,) those of the train and validation part.
    """

    def __init__(
        self,
        file: Path,
        shape: tuple[int, ...],
        dtype: str,
        y: NDArray[Any],
        groups: Tensor | None = None,
    ) -> None:
        self._file, self._y = file, np.ascontiguousarray(y)
        self._groups = np.zeros(0, np.int64) if groups is None else groups.numpy()
        channels = [shape[1], 1, 1] if len(shape) == 4 else [shape[1]]
        sizes = {"y": y.nbytes, "groups": self._groups.nbytes}
        sizes |= {"mean": 4 * shape[1], "std": 4 * shape[1]}
        start, ends = 0, {}
        for name, size in sizes.items():
            ends[name] = [start, start + size]
            start += size
        whole_size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        self._tensors = {
            "y": _described(str(y.dtype), list(y.shape), ends["y"]),
            "mean": _described("float32", channels, ends["mean"]),
            "std": _described("float32", channels, ends["std"]),
            "x": _described(dtype, list(shape), [start, start + whole_size]),
        }
        if groups is not None:
            self._tensors["groups"] = _described("int64", [len(groups)], ends["groups"])
        with file.open("wb") as opened:
            size = 8 + _HEADER + start + whole_size
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(opened.fileno(), 0, size)  # a full disk is told of now
            else:
                opened.truncate(size)
        self.x: NDArray[Any] = np.memmap(file, dtype, "r+", 8 + _HEADER + start, shape)

    def finish(self, data: ArrayData) -> None:
        """Write what else there is of the data, which are of these rows."""
        header = json.dumps({"__metadata__": data.metadata, **self._tensors}).encode()
        if len(header) > _HEADER:
            raise DataError(f"{data.source}: the names of classes take more than a file has place.")
        assert isinstance(self.x, np.memmap)
        self.x.flush()
        with self._file.open("r+b") as opened:
            opened.write(_HEADER.to_bytes(8, "little"))
            opened.write(header.ljust(_HEADER))
            for values in (self._y, self._groups, data.mean.numpy(), data.std.numpy()):
                opened.write(np.ascontiguousarray(values).tobytes())


def _described(dtype: str, shape: list[int], place: list[int]) -> dict[str, Any]:
    names = {"uint8": "U8", "float32": "F32", "int64": "I64"}
    return {"dtype": names[dtype], "shape": shape, "data_offsets": place}


@contextmanager
def progress(count: int, what: str) -> Iterator[Callable[[int], None]]:
    """Give a function to call with how many are done: a bar on a terminal, nothing otherwise."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=count)
        yield lambda done: bar.update(task, completed=done)
