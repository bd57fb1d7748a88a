"""Data from files of pictures with targets: in memory, or mapped if they are too large."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.building import check_complete, data_of_rows
from netwright.data.cache import Cache, MappedRows, is_large, progress
from netwright.data.dataset import ArrayData
from netwright.data.encodings import PictureFiles
from netwright.data.given import check_known
from netwright.data.groups import Groups
from netwright.data.labels import rare_classes
from netwright.data.pictures import Picture, Reading, decode, encoding_of, read_headers, seen_in
from netwright.data.split import Split, part_rows
from netwright.data.targets import read_targets
from netwright.tasks import Task


@dataclass(frozen=True)
class Labelled:
    """Pictures and the target of each; `where` is what messages call the targets."""

    files: Sequence[Picture]
    targets: Any
    where: str


@dataclass(frozen=True)
class Source:
    """What pictures are called, where they are from, and how their rows are divided.

    `groups` are not divided. `like` is how they are read where a network says it. `key` names what
    is in no file, for the name of the mapped file.
    """

    name: str
    source: str
    reading: Reading
    split: Split
    task: str | Task | None = None
    like: PictureFiles | None = None
    names: Sequence[str] = ()
    remarks: Sequence[str] = field(default=())
    key: str = ""
    groups: Groups | None = None


def picture_data(parts: Mapping[str, Labelled], source: Source) -> ArrayData:
    """Data out of labelled files for "train" and, where they exist, "validation" and "test".

    Pictures that take more than `netwright.data.cache.MOST_BYTES` are decoded into a mapped file,
    which the next run of the same files finds again.

    Raises:
        DataError: A picture or a target cannot be used.
        MissingExtra: pillow is absent.
    """
    files = [file for part in parts.values() for file in part.files]
    groups = source.groups
    told = {key: _plain(part.targets) for key, part in parts.items()}
    known = None if groups is None else {key: _plain(names) for key, names in groups.names.items()}
    cache = Cache.of([told, repr(replace(source, source="", groups=None)), known], files)
    if (found := cache.open()) is not None:
        return found
    headers = read_headers(files, source.reading.page)
    remarks = list(source.remarks)
    if source.like is None:
        encoding, said = encoding_of(headers, source.reading)
        remarks += said
    else:
        encoding = source.like
    read = read_targets(
        {key: part.targets for key, part in parts.items()},
        task=source.task,
        where={key: part.where for key, part in parts.items()},
        names=source.names,
    )
    if read.remark:
        remarks.append(read.remark)
    targets, task = read.parts, read.task
    check_known(targets, task, source.source)
    rows = part_rows(targets, task, source.split, source.source, groups)
    ordered = [parts[owner].files[place] for owner, index in rows.values() for place in index]
    y = np.concatenate([targets[owner][index] for owner, index in rows.values()])
    sizes = [len(index) for _, index in rows.values()]
    check_complete(y[: sizes[0]], task, source.source)
    rare = rare_classes(task, targets["train"], rows, "drop_rare=True")
    remarks += [remark.partition(";")[0] for remark in rare]  # pictures have no such option
    reshuffles = "validation" not in parts
    numbers = None if groups is None else groups.numbers(rows)
    remarks += groups.remarks(rows, targets, task) if groups is not None else []

    def made(x: NDArray[Any]) -> ArrayData:
        built = data_of_rows(
            x, y, sizes, task, source.name, source.source, encoding, tuple(remarks)
        )
        return replace(built, reshuffles=reshuffles, groups=numbers, seen=seen_in(headers))

    shape = (len(ordered), *encoding.shape)
    if not is_large(shape, encoding.dtype):
        x = np.empty(shape, encoding.dtype)
        decode(ordered, encoding, x)
        return made(x)
    size = math.prod(shape) * np.dtype(encoding.dtype).itemsize
    with cache.written(size) as file, progress(len(ordered), "reading pictures") as done:
        mapped = MappedRows(file, shape, encoding.dtype, y, numbers)
        decode(ordered, encoding, mapped.x, done)
        mapped.finish(made(mapped.x))
    return cache.opened()


def _plain(targets: Any) -> Any:
    return np.asarray(targets).tolist()
