"""Data from a numpy archive, read without pickle and without trusting the sizes it claims."""

from __future__ import annotations

import math
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from netwright.data.arrays import from_any
from netwright.data.dataset import ArrayData
from netwright.data.series_data import SeriesData
from netwright.data.split import Split
from netwright.errors import DataError
from netwright.tasks import Task

_SUFFIXES = {
    "train": ("_train",),
    "validation": ("_val", "_valid", "_validation"),
    "test": ("_test",),
}
_ALL = tuple(f"{axis}{end}" for ends in _SUFFIXES.values() for end in ends for axis in "xy")
_ACCEPTED = (
    "`x` and `y` alone, or `x_train` and `y_train` with optional `x_val`, `y_val` (or `_valid`, "
    "`_validation`) and `x_test`, `y_test`"
)
_NUMBERED = re.compile(r"x(0|[1-9]\d*)")
_BOMB_BYTES = 2**28
_BOMB_RATIO = 200


def load_npz(
    path: Path,
    split: Split,
    *,
    task: str | Task | None = None,
    channels: str | None = None,
    kind: str | None = None,
) -> ArrayData | SeriesData:
    """Data from an `.npz` with `x, y`, or `x_train, y_train` and optional `_val` and `_test`.

    The validation part may be called `_val`, `_valid` or `_validation`. Parts that are missing are
    carved out of train. An array of another name is left alone, unless the name begins with `x_` or
    `y_`, in any case: that looks like a part, and is refused. `task`, `kind` and `channels` are as
    in `from_arrays`. Arrays `x0`, `x1` and so on with `y` are series of unequal lengths, one each.

    Raises:
        DataError: the file is damaged, holds Python objects, unpacks to far more than it should,
            names a part in two ways, or holds what looks like a part and is none.
    """
    numbered = read_numbered(path)
    if numbered is not None:
        if numbered[1] is None:
            raise DataError(f"{path} must hold `y`, the target of each of `x0`, `x1` and so on.")
        parts: dict[str, tuple[object, object]] = {"train": numbered}
        return from_any(parts, split, name=path.stem, source=str(path), task=task, kind=kind)
    arrays = read_npz(path)
    if _has_train(arrays):
        suffixes = {part: _only_suffix(part, arrays, path) for part in _SUFFIXES}
    else:
        suffixes = {"train": ""}
    parts = {}
    for part, suffix in suffixes.items():
        x, y = arrays.get(f"x{suffix}"), arrays.get(f"y{suffix}")
        if x is not None and y is not None:
            parts[part] = (x, y)
        elif part == "train" or x is not None or y is not None:
            raise DataError(
                f"{path} must hold the arrays {_ACCEPTED}; "
                f"got {', '.join(sorted(arrays)) or 'none of them'}."
            )
    return from_any(
        parts,
        split,
        name=path.stem,
        source=str(path),
        suffixes=suffixes,
        task=task,
        channels=channels,
        kind=kind,
    )


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of `path` that netwright knows by name; never a pickle."""
    try:
        with warnings.catch_warnings(), zipfile.ZipFile(path) as archive:
            warnings.simplefilter("ignore")  # numpy warns of headers written by Python 2
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            _check_names(members, path)
            known = {name: members[name] for name in ("x", "y", *_ALL) if name in members}
            _check_sizes(list(known.values()), path)
            return {name: _read_member(archive, known[name], path) for name in known}
    except DataError:
        raise
    except Exception as error:  # a damaged archive makes zipfile, zlib and numpy raise many kinds
        raise DataError(f"{path} cannot be read as an .npz file: {error}.") from error


def read_numbered(path: Path) -> tuple[list[NDArray[Any]], NDArray[Any] | None] | None:
    """The arrays `x0`, `x1` and so on of an `.npz` and its `y`; None where it has no `x0`.

    Raises:
        DataError: The file is damaged, holds Python objects, or one of the numbers has no array.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = {info.filename.removesuffix(".npy") for info in archive.infolist()}
    except Exception:  # of which a damaged archive makes zipfile raise many kinds
        return None  # said where it is read
    numbers = sorted(int(name[1:]) for name in names if _NUMBERED.fullmatch(name))
    if "x" in names or _has_train(names) or 0 not in numbers:
        return None
    missing = next((n for n, number in enumerate(numbers) if n != number), None)
    if missing is not None:
        raise DataError(f"{path} must hold `x{missing}`, since it has `x{numbers[-1]}`.")
    arrays = read_arrays(path, [*(f"x{n}" for n in numbers), "y"])
    return [arrays[f"x{n}"] for n in numbers], arrays.get("y")


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Those of the arrays `names` that an `.npz` holds, or the array of an `.npy` as the first.

    Raises:
        DataError: The file is damaged, or holds Python objects.
    """
    wanted = list(names)
    try:
        if path.suffix.lower() == ".npy":
            array: NDArray[Any] = np.load(path, allow_pickle=False)
            return {wanted[0]: array}
        with warnings.catch_warnings(), zipfile.ZipFile(path) as archive:
            warnings.simplefilter("ignore")  # numpy warns of headers written by Python 2
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            known = {name: members[name] for name in wanted if name in members}
            _check_sizes(list(known.values()), path)
            return {name: _read_member(archive, info, path) for name, info in known.items()}
    except DataError:
        raise
    except Exception as error:  # a damaged file makes zipfile, zlib and numpy raise many kinds
        kind = path.suffix.lower()
        raise DataError(f"{path} cannot be read as an {kind} file: {error}.") from error


def _has_train(names: Iterable[str]) -> bool:
    return not {"x_train", "y_train"}.isdisjoint(names)


def _only_suffix(part: str, arrays: Mapping[str, NDArray[Any]], path: Path) -> str:
    """The ending by which the arrays of `part` are called; the first one where there are none."""
    pairs = {suffix: (f"x{suffix}", f"y{suffix}") for suffix in _SUFFIXES[part]}
    found = [suffix for suffix, names in pairs.items() if not arrays.keys().isdisjoint(names)]
    if len(found) > 1:
        twice = ", ".join(f"`{n}`" for suffix in found for n in pairs[suffix] if n in arrays)
        raise DataError(
            f"{path} must name its {part} part in one way, got {twice}; keep one pair of them."
        )
    return (found or _SUFFIXES[part])[0]


def _check_names(members: Mapping[str, zipfile.ZipInfo], path: Path) -> None:
    """Refuse an array that looks like a part but would be dropped; nothing is unpacked for it."""
    read = () if "x" in members and not _has_train(members) else _ALL
    for name, info in members.items():
        like_part = name.lower().startswith(("x_", "y_")) and info.filename.endswith(".npy")
        if like_part and name not in read:
            raise DataError(
                f"{path} holds the array `{name}`, which looks like a part but is not read; the "
                f"arrays that are read are {_ACCEPTED}. Rename it or leave it out."
            )


def _check_sizes(members: list[zipfile.ZipInfo], path: Path) -> None:
    size = sum(info.file_size for info in members)
    packed = min(sum(info.compress_size for info in members), path.stat().st_size)
    if size > _BOMB_BYTES and size > _BOMB_RATIO * packed:
        raise DataError(
            f"{path} holds {packed / 2**20:,.1f} MiB that unpack to {size / 2**20:,.0f} MiB, as a "
            f"zip bomb does; if it is real data, save it with `numpy.savez` (not compressed)."
        )


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> NDArray[Any]:
    """One array, after its header was compared with the size of the member."""
    name = info.filename.removesuffix(".npy")
    with archive.open(info) as file:
        version = npy.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = npy.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, _, dtype = npy.read_array_header_2_0(file)
        else:
            raise DataError(f"{path}: array `{name}` has the .npy version {version}; save it anew.")
        if dtype.hasobject:
            raise DataError(
                f"{path}: array `{name}` holds Python objects (dtype object), which would need "
                f"pickle; save it as numbers or as text of a fixed width, `x.astype(str)`."
            )
        if math.prod(shape) * dtype.itemsize != info.file_size - file.tell():
            raise DataError(
                f"{path}: array `{name}` says shape {shape} {dtype}, but its size in the file is "
                f"another; the file is damaged."
            )
    with archive.open(info) as file:
        array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
    return array
