"""Data of recordings: folders with a sub-folder for each class, tables of paths, arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.base import PARTS
from netwright.data.columns import as_values
from netwright.data.frames import read_rows
from netwright.data.groups import Groups, groups_of_column, groups_of_files
from netwright.data.labels import label_values, rare_classes
from netwright.data.ragged import ragged_digest
from netwright.data.sound_data import SoundData, sound_part
from netwright.data.sound_faults import heard_in, oddities, of_sources
from netwright.data.sound_files import (
    SOUNDS,
    Recording,
    at_one_rate,
    check_tops,
    read_files,
    recordings_in,
)
from netwright.data.split import Split, part_folders, part_rows
from netwright.data.targets import read_targets
from netwright.errors import DataError, SettingError
from netwright.tasks import Task

_SECONDS = 30  # of a recording at most
_SHARE = 0.99  # of the recordings, which are not cut for being longer than the others
_TIMES = 3  # the mean length, beyond which few are: all of a batch are as long as its longest
_SPARED = 2  # times that share's length, up to which nothing is cut
_SHOWN = 5


def load_sound_folder(
    path: Path,
    split: Split,
    *,
    rate: int | None = None,
    task: str | Task | None = None,
    longest: int | None = None,
) -> SoundData:
    """Data from `path/<class>/<recording>`, or `path/train/<class>/...` with `val` and `test`.

    Raises:
        DataError: A file cannot be read, a class has no recording, or parts stand beside classes.
        MissingExtra: A file is no plain WAV, and soundfile is absent.
    """
    folders = part_folders(path)
    files: dict[str, list[Path]] = {}
    labels: dict[str, NDArray[Any]] = {}
    remarks: list[str] = []
    for part, folder in folders.items():
        sounds, classes, others = recordings_in(folder)
        check_tops(folder, classes, "recording")
        kept = [place for place, label in enumerate(classes) if label]
        left = [*others, *(sounds[place] for place in range(len(sounds)) if not classes[place])]
        files[part] = [sounds[place] for place in kept]
        labels[part] = np.array([classes[place] for place in kept], object)
        remarks += _left(left, "files that are no recordings of a class are left out")
        deep = sum(len(file.relative_to(folder).parts) > 2 for file in sounds)
        if deep:
            told = "recordings are in folders inside those of classes, and are of the class of the"
            remarks.append(f"{deep:,} {told} top one")
    return _of_files(
        files,
        labels,
        split,
        name=path.name,
        source=str(path),
        rate=rate,
        task=task,
        remarks=remarks,
        longest=longest,
        groups=groups_of_files(split.group, files, folders),
    )


def load_sound_table(
    path: Path,
    column: str,
    split: Split,
    *,
    label: str | None,
    rate: int | None = None,
    task: str | Task | None = None,
    longest: int | None = None,
) -> SoundData:
    """Data of a table with the paths of recordings, from its own folder on, and their labels.

    Raises:
        DataError: There is no label column, or a recording is not there or cannot be read.
    """
    header = [str(name) for name in read_rows(path, None).table.columns]
    usual = [name for name in ("label", "target", "class", "y") if name in header]
    others = [name for name in header if name != column]
    label = label or (usual[0] if usual else others[-1] if others else None)
    if label is None or label not in others:
        told = ", ".join(f"'{name}'" for name in others) or "none"
        raise DataError(
            f"{path} has no label column{f' {label!r}' if label else ''} beside '{column}', which "
            f"names recordings; its others are {told}."
        )
    frame = read_rows(path, label)
    files = [path.parent / str(cell).strip() for cell in frame.table[column]]
    gone = [str(file) for file in files if not file.is_file()]
    if gone:
        shown = ", ".join(gone[:_SHOWN]) + ", ..." * (len(gone) > _SHOWN)
        raise DataError(
            f"{path}: {len(gone):,} of {len(files):,} recordings are not there: {shown}. Paths "
            "must begin at the table's own folder, or be whole."
        )
    groups = groups_of_column(split.group, {"train": frame.table}, str(path), [label, column])
    left = [name for name in others if name not in (label, split.group)]
    remarks: list[str] = []
    where = f"{path}: column '{label}'"
    if left:
        remarks = [f"columns that are not learned from, beside recordings: {', '.join(left)}"]
    made = _of_files(
        {"train": files},
        {"train": label_values(as_values(frame.table[label]), where, remarks)},
        split,
        name=path.stem,
        source=str(path),
        rate=rate,
        task=task,
        remarks=remarks,
        longest=longest,
        groups=groups,
    )
    return replace(made, label=label)


def load_sound_arrays(
    x: Any,
    y: Any,
    split: Split,
    *,
    rate: int | None,
    task: str | Task | None = None,
) -> SoundData:
    """Data of arrays (n, t), or of a list of recordings (t,) of any lengths, all at `rate` Hz.

    Raises:
        DataError: A row is no recording.
        SettingError: The rate is not given.
    """
    if rate is None:
        raise SettingError("`load(rate=...)` must say the rate of arrays of sound in Hz, got none.")
    found = [(f"X: row {place} (counted from 0)", row, rate) for place, row in enumerate(x)]
    recordings, _ = at_one_rate(found, rate)
    if len(recordings) != len(y):
        raise DataError(f"(X, y): there are {len(recordings):,} recordings and {len(y):,} labels.")
    return _build(
        {"train": recordings},
        {"train": y},
        split,
        rate,
        name="sounds",
        source="arrays",
        task=task,
        remarks=(),
        longest=None,
    )


def _of_files(
    files: Mapping[str, list[Path]],
    labels: Mapping[str, Any],
    split: Split,
    *,
    rate: int | None,
    **told: Any,
) -> SoundData:
    """Data of the files of each given part."""
    flat = [file for part in files.values() for file in part]
    if not files["train"]:
        raise DataError(f"{told['source']} holds no recording ({', '.join(sorted(SOUNDS))}).")
    recordings, rate = read_files(flat, rate)
    parts, start = {}, 0
    for part, some in files.items():
        parts[part] = recordings[start : start + len(some)]
        start += len(some)
    return _build(parts, labels, split, rate, **told)


def _build(
    given: Mapping[str, Sequence[Recording]],
    labels: Mapping[str, Any],
    split: Split,
    rate: int,
    *,
    name: str,
    source: str,
    task: str | Task | None,
    remarks: Sequence[str],
    longest: int | None,
    groups: Groups | None = None,
) -> SoundData:
    """Data of recordings with their labels, in the parts that are given or carved out."""
    found = read_targets(dict(labels), task=task, where=f"{source}: the label")
    targets = found.parts
    rows = part_rows(targets, found.task, split, source, groups)
    told = [*remarks, *([found.remark] if found.remark else [])]
    told += rare_classes(found.task, targets["train"], rows, "drop_rare=True")
    told += groups.remarks(rows, targets, found.task) if groups is not None else []
    made = build_sounds(
        given, targets, rows, found.task, rate, name=name, source=source, remarks=told,
        longest=longest,
    )  # fmt: skip
    numbers = None if groups is None else groups.numbers(rows)
    return replace(made, reshuffles="validation" not in given, groups=numbers)


def build_sounds(
    given: Mapping[str, Sequence[Recording]],
    targets: Mapping[str, NDArray[Any]],
    rows: Mapping[str, tuple[str, NDArray[np.int64]]],
    task: Task,
    rate: int,
    *,
    name: str,
    source: str,
    remarks: Sequence[str] = (),
    longest: int | None = None,
) -> SoundData:
    """Data of recordings and encoded targets of given parts, and the rows that each part has.

    `rows` is as `part_rows` gives; what is longer than `longest` samples is cut to its middle.
    """
    everything = [each for part in given.values() for each in part]
    told = [*remarks, *of_sources(everything, rate)]
    owner, index = rows["train"]
    if longest is None:
        longest = _longest([len(given[owner][place].wave) for place in index.tolist()], rate)
    cut = sum(len(each.wave) > longest for each in everything)
    if cut:
        many = "recordings are" if cut > 1 else "recording is"
        told.append(f"{cut:,} {many} longer than {longest / rate:.1f} s: the middle is taken")
    y = {key: targets[of][places] for key, (of, places) in rows.items()}
    parts = {
        key: sound_part([given[of][place].wave for place in places.tolist()], y[key], longest)
        for key, (of, places) in rows.items()
    }
    fitted = task.fitted(y["train"])
    digest = ragged_digest([parts[key] for key in PARTS], [rate, longest, fitted.to_json()])
    heard = heard_in(everything)
    return SoundData(
        name,
        rate,
        longest,
        fitted,
        parts["train"],
        parts["validation"],
        parts["test"],
        digest=digest,
        source=source,
        heard=heard,
        remarks=(*told, *oddities(heard, everything)),
    )


def _longest(lengths: Sequence[int], rate: int) -> int:
    """How many samples a recording has at most."""
    usual, longest = int(np.quantile(lengths, _SHARE)), max(lengths)
    spared = longest + longest // 4  # others may be a little longer
    usual = min(usual, int(_TIMES * np.mean(lengths)))
    kept = spared if longest <= _SPARED * usual else usual
    return int(min(max(kept, rate // 10), _SECONDS * rate))


def _left(files: Sequence[Path], told: str) -> list[str]:
    names = ", ".join(file.name for file in files[:_SHOWN]) + ", ..." * (len(files) > _SHOWN)
    return [f"{len(files):,} {told}: {names}"] if files else []
