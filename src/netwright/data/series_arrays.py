"""Series from arrays and lists of them, in the parts that are given or carved out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from netwright.data.given import suffixes_of, targets_of
from netwright.data.groups import Groups
from netwright.data.series import read_series
from netwright.data.series_data import SeriesData, build_series
from netwright.data.split import Split, part_rows
from netwright.errors import DataError
from netwright.tasks import Task


def from_series(
    parts: Mapping[str, tuple[object, object]],
    split: Split,
    *,
    name: str,
    source: str,
    class_names: Sequence[str] | None = None,
    suffixes: Mapping[str, str] | None = None,
    task: str | Task | None = None,
    remarks: tuple[str, ...] = (),
    channels: Sequence[str] = (),
    label: str | None = None,
    by: tuple[str, str | None] | None = None,
    groups: Groups | None = None,
) -> SeriesData:
    """Series of given parts, as `from_parts`; `channels` are the names of theirs.

    `by` are the columns of the id and the time of a long table, and `groups` are not divided.
    """
    suffix = suffixes or suffixes_of(parts)
    series = {key: read_series(x, f"{source}: x{suffix[key]}") for key, (x, _) in parts.items()}
    count = series["train"].shape[1]
    for key, x in series.items():
        if x.shape[1] != count:
            raise DataError(
                f"{source}: x{suffix[key]} has {x.shape[1]} channels, but train has {count}."
            )
    read = targets_of(parts, series, suffix, source, task, class_names)
    rows = part_rows(read.parts, read.task, split, source, groups)
    told = [*remarks, *([read.remark] if read.remark else [])]
    told += groups.remarks(rows, read.parts, read.task) if groups is not None else []
    made = build_series(
        series,
        read.parts,
        rows,
        read.task,
        name=name,
        source=source,
        channels=channels,
        remarks=tuple(told),
        label=label,
    )
    numbers = None if groups is None else groups.numbers(rows)
    return replace(made, reshuffles="validation" not in parts, by=by, groups=numbers)
