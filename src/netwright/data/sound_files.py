"""Where recordings are, and how they are read: all at one rate, as int16."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from netwright.data.pictures import SUFFIXES as PICTURES
from netwright.data.written_sound import compact_sound, read_sound
from netwright.errors import DataError, SettingError, require

SOUNDS = frozenset({".wav", ".flac", ".ogg", ".oga", ".aiff", ".aif", ".au", ".mp3", ".opus"})
"""How names of files end that are read as recordings."""

_KIND_OF = {
    **dict.fromkeys(SOUNDS, "sound"),
    **dict.fromkeys(PICTURES, "picture"),
    ".txt": "text",
}
_RATES = (8000, 16000)  # that recordings are brought to where nothing else is said
_SHOWN = 5


@dataclass(frozen=True)
class Recording:
    """Samples (t,) of int16 at the rate of the data, with the rate and channels of the source."""

    name: str
    wave: Tensor
    was: int
    channels: int


def is_sound_folder(path: Path) -> bool:
    """Whether a folder's sub-folders, or those of its parts, hold recordings.

    There are more of them than pictures, and at least as many as .txt files, which may say what is
    heard; files of other kinds do not count.
    """
    if not path.is_dir():
        return False
    seen: Counter[str] = Counter()
    for pattern in ("*/*", "*/*/*"):
        files = (file for file in path.glob(pattern) if not file.name.startswith("."))
        seen.update(_KIND_OF.get(file.suffix.lower(), "") for file in files)
    return seen["sound"] > seen["picture"] and seen["sound"] >= seen["text"]


def sound_column(path: Path) -> str | None:
    """The column of a CSV whose cells name recordings, by its first row; None if there is none."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return None
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        head, first = file.readline(100_000), file.readline(100_000)
    if not any(suffix in first.lower() for suffix in SOUNDS):
        return None
    separator = max(",;\t", key=head.count)
    cells = [cell.strip().strip('"') for cell in first.rstrip("\r\n").split(separator)]
    names = [name.strip().strip('"') for name in head.rstrip("\r\n").split(separator)]
    for name, cell in zip(names, cells, strict=False):
        if Path(cell).suffix.lower() in SOUNDS:
            return name
    return None


def recordings_in(path: Path) -> tuple[list[Path], list[str], list[Path]]:
    """The recordings of a folder and of those in it, the folder of each, and all other files.

    That folder is the one of `path` which each lies in, however deep, and empty for one that lies
    in `path` itself. `path` may be one recording.
    """
    if path.is_file():
        return [path], [""], []
    files = sorted(file for file in path.rglob("*") if file.is_file())
    files = [file for file in files if not file.name.startswith(".")]
    sounds = [file for file in files if file.suffix.lower() in SOUNDS]
    others = [file for file in files if file.suffix.lower() not in SOUNDS]
    return sounds, [top_folder(file, path) for file in sounds], others


def top_folder(file: Path, path: Path) -> str:
    """The name of the folder of `path` that a file lies in; empty for one in `path` itself."""
    return "" if file.parent == path else file.relative_to(path).parts[0]


def check_tops(path: Path, classes: Iterable[str], what: str) -> None:
    """Refuse a folder of `path` that is a class without a file.

    Raises:
        DataError: Names it.
    """
    tops = (top for top in sorted(path.iterdir()) if top.is_dir() and top.name[0] != ".")
    known = set(classes)
    for top in tops:
        if top.name not in known:
            raise DataError(f"{top} holds no {what}; a class needs some, or move it away.")


def read_files(files: Sequence[Path], rate: int | None) -> tuple[list[Recording], int]:
    """Recordings of files at one rate, and that rate: 8 or 16 kHz by most of them if None.

    Raises:
        DataError: Files are no recordings; the message says how many, and names some.
        MissingExtra: One is no plain WAV file, and soundfile is absent.
    """
    found: list[tuple[str, Any, int]] = []
    broken: list[str] = []
    for file in files:
        try:
            found.append((str(file), *read_sound(file)))
        except ValueError as error:
            if "need the package" in str(error):
                require("soundfile", extra="sound", purpose=f"Reading {file}")
            broken.append(str(error).replace(str(file), file.name, 1).rstrip("."))
    if broken:
        one = len(broken) == 1
        shown = "; ".join(broken[:_SHOWN]) + "; ..." * (len(broken) > _SHOWN)
        raise DataError(
            f"{len(broken):,} of {len(files):,} files cannot be read as {'a ' * one}recording"
            f"{'s' * (not one)}: {shown}. Remove {'it' if one else 'them'} or save "
            f"{'it' if one else 'them'} anew."
        )
    return at_one_rate(found, rate)


def at_one_rate(
    found: Sequence[tuple[str, Any, int]], rate: int | None
) -> tuple[list[Recording], int]:
    """Samples with their rates as recordings at one rate, and that rate.

    Raises:
        DataError: One is no recording.
    """
    if rate is None:
        high = sum(was > sum(_RATES) / 2 for _, _, was in found)
        rate = _RATES[high > len(found) / 2]
    made = []
    for name, samples, was in found:
        try:
            wave = compact_sound(samples, was, rate, name)
        except ValueError as error:
            raise DataError(f"{error}.") from error
        shape = np.shape(samples)
        made.append(Recording(name, wave, was, min(shape) if len(shape) == 2 and min(shape) else 1))
    return made, rate


def check_rate(rate: object) -> None:
    """Refuse what is no rate.

    Raises:
        SettingError: It is no whole number from 1,000 to 192,000.
    """
    if rate is None or (type(rate) is int and 1000 <= rate <= 192_000):
        return
    raise SettingError(
        f"`load(rate=...)` must be a whole number of Hz from 1000 to 192000, got {rate!r}."
    )
