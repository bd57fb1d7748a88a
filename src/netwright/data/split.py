"""How rows become parts: by fractions of them, by groups that stay whole, or by time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.base import PARTS
from netwright.data.columns import Category, Number, read_column
from netwright.data.groups import Groups
from netwright.data.worded import Words
from netwright.errors import DataError, SettingError
from netwright.tasks import Classification, Task, check_fractions
from netwright.tasks.own import checked_split

Rows = NDArray[np.int64]
PART_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
"""The part that a folder or a split of this name is, in small letters."""


@dataclass(frozen=True)
class Split:
    """How rows become parts: by fractions of them, with given rows to test on, by groups or time.

    `validation` and `test` are fractions of the rows, drawn from `seed`; None makes no such part.
    `given` is another file or folder that is the test part. Rows of one group are in one part:
    `group` is a column of a table, or for a folder a regular expression that finds the group in the
    paths of files. By the column `time` the last rows are the test part. With `drop_rare` classes
    with fewer rows than there are parts are left out. The last two are of tables alone.

    Raises:
        SettingError: A fraction is outside its rule, or two rules contradict each other.
    """

    seed: int = 0
    validation: float | None = 0.2
    test: float | None = 0.2
    given: Path | None = None
    group: str | None = None
    time: str | None = None
    drop_rare: bool = False

    def __post_init__(self) -> None:
        check_fractions(self.validation, self.test)
        if type(self.seed) is not int or self.seed < 0:
            raise SettingError(
                f"`load(seed=...)` must be a whole number, at least 0, got {self.seed!r}."
            )
        if type(self.drop_rare) is not bool:
            raise SettingError(
                f"`load(drop_rare=...)` must be True or False, got {self.drop_rare!r}."
            )
        for name in ("group", "time"):
            column = getattr(self, name)
            if column is not None and (not isinstance(column, str) or not column):
                told = " or, for a folder, a regular expression" if name == "group" else ""
                raise SettingError(
                    f"`load({name}=...)` must be the name of a column{told}, got {column!r}."
                )
        if self.group is not None and self.time is not None:
            raise SettingError("`load(...)` must have `group` or `time`, got both.")


def split_of(
    seed: int,
    validation: float,
    test: float | str | os.PathLike[str],
    group: str | None = None,
    time: str | None = None,
    drop_rare: bool = False,
) -> Split:
    """The split that the arguments of `load` mean: `test=0` makes no test part."""
    if test == "" or test is None:
        raise SettingError(
            f"`load(test=...)` must be a fraction of the rows, 0 for none, or a path, got {test!r}."
        )
    if isinstance(test, (str, os.PathLike)):
        return Split(seed, validation, None, Path(test), group, time, drop_rare)
    return Split(seed, validation, test or None, None, group, time, drop_rare)


def part_folders(path: Path) -> dict[str, Path]:
    """The folders of the parts, whose sub-folders are classes; all is train if those are.

    Raises:
        DataError: Parts stand beside classes, or there is none to train on.
    """
    tops = sorted(each for each in path.iterdir() if each.is_dir() and each.name[0] != ".")
    named = [top for top in tops if top.name.lower() in PART_NAMES]
    if not any(child.is_dir() for top in named for child in top.iterdir()):
        return {"train": path}
    return named_parts(path, tops)


def named_parts(path: Path, tops: Sequence[Path]) -> dict[str, Path]:
    """The folders of a folder that are parts, by these.

    Raises:
        DataError: One is no part, two are one part, or there is none to train on.
    """
    named = {PART_NAMES.get(top.name.lower(), ""): top for top in tops}
    if "train" not in named or "" in named or len(named) != len(tops):
        raise DataError(
            f"{path} must hold a train folder, at most one for validation and one for test, and "
            f"nothing else, got {', '.join(top.name for top in tops)}; the names of parts are "
            f"{', '.join(PART_NAMES)}, in any case. Rename the other folders or move them away."
        )
    return named


def ordered(times: NDArray[np.float64], wanted: Mapping[str, int]) -> dict[str, Rows]:
    """Rows of each part by time: train, then validation, then test; equal times stay together."""
    order = np.argsort(times, kind="stable")
    held, last = (
        _before(times[order], len(order) - count)
        for count in (
            wanted["validation"] + wanted["test"],
            wanted["test"],
        )
    )
    pieces = np.split(order, [held, last])
    return {key: np.sort(rows) for key, rows in zip(PARTS, pieces, strict=True)}


def _before(times: NDArray[np.float64], place: int) -> int:
    """The first place at or before `place` at which a new time begins."""
    while 0 < place < len(times) and times[place] == times[place - 1]:
        place -= 1
    return place


def moments(values: NDArray[Any], name: str, where: str) -> NDArray[np.float64]:
    """A column of numbers or dates as numbers that grow with time.

    Raises:
        DataError: It holds neither, or a value is missing.
    """
    read = read_column(values, name, np.arange(len(values)), where)
    column = read.column if read.column is not None else Number(name)
    try:
        if isinstance(column, Category | Words):
            raise ValueError
        times = column.encode(values)[:, 0].astype(np.float64)
    except ValueError:  # words, or dates of one day, which are no column to learn from
        raise DataError(
            f"{where}: column '{name}' must hold different numbers or dates to divide by time."
        ) from None
    gone = np.flatnonzero(np.isnan(times))
    if len(gone):
        raise DataError(
            f"{where}: row {gone[0]} (counted from 0, without the header) has no value in column "
            f"'{name}', by which the rows are divided."
        )
    return times


def check_parts(parts: Mapping[str, Rows], wanted: Mapping[str, int], where: str) -> None:
    """Refuse a part that should have rows and has none.

    Raises:
        DataError: Says which.
    """
    for key, rows in parts.items():
        if not len(rows) and wanted.get(key, 1):
            raise DataError(
                f"{where} has too few different values: no row is left for the {key} part."
            )


def part_rows(
    targets: Mapping[str, NDArray[Any]],
    task: Task,
    split: Split,
    source: str,
    groups: Groups | None = None,
) -> dict[str, tuple[str, Rows]]:
    """For each of the three parts: the given part it is taken from, and its row numbers there.

    With groups each of them is in one part of those that are drawn.

    Raises:
        DataError: There are too few groups for the parts.
        SettingError: The task does not give row numbers of three parts that share none.
    """
    y, rng = targets["train"], np.random.default_rng(split.seed)
    shares = {"validation": split.validation, "test": split.test}
    shares = {key: None if key in targets else share for key, share in shares.items()}
    if groups is not None:
        wanted = {key: round((share or 0) * len(y)) for key, share in shares.items()}
        index = groups.drawn(wanted, y if isinstance(task, Classification) else None, rng)
        check_parts(index, wanted, f"{source}: {groups.told}")
        rows = {key: ("train", index[key]) for key in PARTS}
    else:
        drawn: object = task.split(y, **shares, rng=rng, source=source)
        parts = checked_split(task, drawn, len(y))
        rows = dict(zip(PARTS, (("train", index) for index in parts), strict=True))
    for key in targets.keys() - {"train"}:
        rows[key] = (key, np.arange(len(targets[key])))
    return rows
