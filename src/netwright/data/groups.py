"""Groups of rows that are in one part as a whole: by a column of a table, or by paths of files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.data.base import PARTS
from netwright.data.written import level_in
from netwright.errors import DataError, SettingError
from netwright.tasks import Classification, Task

Rows = NDArray[np.int64]

_DRAWS = 100  # of groups, at most, until each class has a row in the train part


@dataclass(frozen=True)
class Groups:
    """The name of the group of each row (n,) of the given parts; `told` is what messages call it.

    `by_files` says that they are pieces of paths, and no column.
    """

    names: Mapping[str, NDArray[Any]]
    told: str
    by_files: bool = False

    def drawn(
        self, wanted: Mapping[str, int], classes: Rows | None, rng: np.random.Generator
    ) -> dict[str, Rows]:
        """Rows of the given train part for each of the three parts.

        Of up to 100 draws the first that leaves a row of each class in the train part, or else
        the one that leaves out the fewest. `classes` are those of the rows (n,), if they have any.
        """
        best: dict[str, Rows] = {}
        least = None
        for _ in range(_DRAWS if classes is not None else 1):
            parts = grouped(self.names["train"], wanted, rng)
            absent = _absent(classes, parts["train"]) if classes is not None else 0
            if least is None or absent < least:
                best, least = parts, absent
            if not absent:
                break
        return best

    def numbers(self, rows: Mapping[str, tuple[str, Rows]]) -> Tensor | None:
        """The number of the group of each row of the train and validation part, for folds."""
        taken = [rows[key] for key in PARTS[:2]]
        names = [self.names[owner][index] for owner, index in taken]
        return torch.from_numpy(group_numbers(np.concatenate(names))[1])

    def remarks(
        self, rows: Mapping[str, tuple[str, Rows]], targets: Mapping[str, NDArray[Any]], task: Task
    ) -> list[str]:
        """How the groups were divided, and what is odd about that."""
        parts = {key: set(self._of(rows, key)) for key in PARTS}
        told = []
        if self.by_files:
            every = sorted(set().union(*parts.values()))
            sizes = ", ".join(f"{len(names):,} {key}" for key, names in parts.items() if names)
            told = [f"{self.told} has {len(every):,} groups, such as {every[0]!r}: {sizes}"]
        other = "train" if "validation" in self.names else "other"
        learnt = parts["train"] | parts["validation"]
        for key in sorted(self.names.keys() - {"train"}):
            both = parts[key] & (parts["train"] if key == "validation" else learnt)
            if both:
                told.append(
                    f"{len(both)} of {len(parts[key])} groups of {self.told} in the {key} part are "
                    f"in the {other} rows too, so that the {key} part says too much of new ones"
                )
        if isinstance(task, Classification):
            owner, index = rows["train"]
            seen = set(targets[owner][index].tolist())
            gone = [name for place, name in enumerate(task.names) if place not in seen]
            if gone:
                told.append(
                    f"class {gone[0]!r} has no row in the train part, since all of its groups are "
                    "in other parts"
                )
        return told

    def _of(self, rows: Mapping[str, tuple[str, Rows]], key: str) -> list[str]:
        """The names of the groups of a part, as text."""
        owner, index = rows[key]
        return group_numbers(self.names[owner][index])[0].tolist() if len(index) else []


def _absent(classes: Rows, train: Rows) -> int:
    """How many classes have no row among those of the train part."""
    return len(np.unique(classes)) - len(np.unique(classes[train]))


def grouped(
    values: NDArray[Any], wanted: Mapping[str, int], rng: np.random.Generator
) -> dict[str, Rows]:
    """Rows of each part, all of one value in one part.

    Groups in random order go to the test part, then to validation, until each has as many rows as
    are `wanted`; the rest is train.
    """
    names, groups = group_numbers(values)
    parts: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for group in rng.permutation(len(names)):
        rows = np.flatnonzero(groups == group).tolist()
        lacking = (key for key in ("test", "validation") if len(parts[key]) < wanted[key])
        parts[next(lacking, "train")] += rows
    return {key: np.sort(np.array(rows, np.int64)) for key, rows in parts.items()}


def group_numbers(values: NDArray[Any]) -> tuple[NDArray[Any], Rows]:
    """The names of the groups that a column has, and the number of its group for each row (n,)."""
    return np.unique([level_in(value) for value in values.tolist()], return_inverse=True)


def groups_of_files(
    pattern: str | None, files: Mapping[str, Sequence[Path]], folders: Mapping[str, Path]
) -> Groups | None:
    """The groups of the files of given parts, by a regular expression; None without one.

    It is searched in the path of each file from the folder of its part on, such as
    `cats/anna_3.wav`. What its parentheses hold is the name of the group, or all that it matches
    where it has none.

    Raises:
        DataError: A file has no group; the message names it.
        SettingError: It is no regular expression.
    """
    if pattern is None:
        return None
    try:
        found = re.compile(pattern)
    except re.error as error:
        raise SettingError(
            f"`load(group=...)` must be a regular expression for paths of files, got '{pattern}': "
            f"{error}."
        ) from error
    names = {
        part: np.array([_group_in(found, file, folders[part]) for file in some], object)
        for part, some in files.items()
    }
    return Groups(names, f"the group '{pattern}'", by_files=True)


def _group_in(pattern: re.Pattern[str], file: Path, folder: Path) -> str:
    path = file.relative_to(folder).as_posix()
    match = pattern.search(path)
    name = (
        "" if match is None else "/".join(piece or "" for piece in (match.groups() or (match[0],)))
    )
    if not name.strip("/ "):
        raise DataError(
            f"`load(group=...)` must match the path of every file, got '{pattern.pattern}', which "
            f"finds nothing in {path}; paths begin with the folder of the class."
        )
    return name


def groups_of_column(
    column: str | None, tables: Mapping[str, Any], where: str, aside: Sequence[str]
) -> Groups | None:
    """The groups of the rows of tables of pandas, by a column; None without one.

    `aside` are columns that can be no group.

    Raises:
        DataError: There is no such column.
    """
    if column is None:
        return None
    for table in tables.values():
        known = [str(name) for name in table.columns if name not in aside]
        if column not in known:
            raise DataError(
                f"{where} has no column '{column}' for `group=...`; it has: {', '.join(known)}."
            )
    cells = {part: table[column].astype(object).to_numpy() for part, table in tables.items()}
    return Groups(cells, f"column '{column}'")
