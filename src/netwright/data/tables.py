"""Data from a table with one label column: a CSV, a Parquet file, or a frame in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.data.base import PARTS
from netwright.data.columns import Category, Column, Number, as_values, read_column
from netwright.data.dataset import json_digest
from netwright.data.encodings import Columns
from netwright.data.frames import Frame, frame_of, read_frame
from netwright.data.groups import Groups, groups_of_column
from netwright.data.labels import label_values, rare_classes
from netwright.data.named import NamedPart
from netwright.data.split import (
    Split,
    check_parts,
    moments,
    ordered,
    part_rows,
)
from netwright.data.table_data import TableData, encoded, measure_scales
from netwright.data.table_texts import joined, text_columns
from netwright.data.targets import read_targets
from netwright.data.text_data import TextData
from netwright.data.texts import from_texts
from netwright.data.tokens import Tokens
from netwright.data.worded import Words
from netwright.data.written import level_in
from netwright.errors import DataError
from netwright.tasks import Classification, Task

_ENOUGH = 20  # rows in which a column that tells the class is no accident


def load_table(
    source: Any,
    split: Split,
    *,
    label: str | None,
    task: str | Task | None = None,
    like: Columns | Tokens | None = None,
    kind: str | None = None,
    tokens: str = "bytes",
) -> TableData | TextData:
    """Data from a table: every column but the label is an input.

    With columns to be `like` these are the inputs, read as they say, and others are left out.

    The label is the column `label`, else the only one called label, target, class or y (in any
    case), else the last. What a column holds follows from its values: numbers (also with a percent
    sign or a decimal comma), booleans, dates, or categories; see `netwright.data.columns`. In a CSV
    the first row is the header; an empty cell, "?", NA, N/A, NaN, nan, null and NULL are missing
    values, but in the label column, where they are classes.

    A column of texts is learned from alone, where there is no other that can be, or where `kind` is
    "text"; several are read one after the other. `tokens` is what texts are made of. Beside others
    a column of texts becomes the weights of words; see `netwright.data.worded`.

    Raises:
        DataError: A label is missing, a number is infinite, or numbers stand beside words (the
            message names the row, counted from 0, without the header, and the column); the first
            row of a CSV is data; several columns are called as a label is; no column is left.
        MissingExtra: pandas or pyarrow is absent.
    """
    path = source if isinstance(source, Path) else None
    frame = frame_of(source, label, "table") if path is None else read_frame(path, label)
    pieces = {"train": frame}
    if split.given is not None:
        pieces["test"] = read_frame(split.given, frame.label)
    name = path.stem if path is not None else "table"
    told: dict[str, Any] = {"task": task, "like": like, "kind": kind, "tokens": tokens}
    return load_pieces(pieces, split, name=name, **told)


def load_pieces(
    pieces: Mapping[str, Frame],
    split: Split,
    *,
    name: str,
    task: str | Task | None = None,
    like: Columns | Tokens | None = None,
    kind: str | None = None,
    tokens: str = "bytes",
    said: Sequence[str] = (),
) -> TableData | TextData:
    """Data from tables of given parts, of which train is one: as `load_table`, which see.

    Parts that are not given are drawn from the train part. `said` are remarks on the tables.

    Raises:
        DataError: As `load_table`.
    """
    frame = pieces["train"]
    pieces = {key: _fitting(p, frame) if key != "train" else p for key, p in pieces.items()}
    remarks = list(said)
    if split.drop_rare:
        pieces["train"] = frame = _without_rare(frame, split, remarks)
    targets, task = _targets(pieces, task, remarks)
    values = {column: as_values(frame.table[column]) for column in frame.table.columns}
    tables = {key: piece.table for key, piece in pieces.items()}
    by = groups_of_column(split.group, tables, frame.where, [frame.label])
    rows = _rows(frame, values, targets, task, split, by)
    remarks += rare_classes(task, targets["train"], rows, "drop_rare=True")
    groups = None
    if by is not None:
        groups = by.numbers(rows)
        remarks.append(f"{by.told} divides the rows and is left out")
        remarks += by.remarks(rows, targets, task)
        del values[split.group]
    inputs = {name: cells for name, cells in values.items() if name != frame.label}
    train = rows["train"][1]
    reshuffles = split.time is None and "validation" not in pieces
    chosen = list(like.columns) if isinstance(like, Tokens) else []
    if like is None and kind != "table":
        chosen = text_columns(inputs, train, frame, only=kind == "text")
    if chosen:
        of_texts = from_texts(
            {key: joined(piece.table, chosen) for key, piece in pieces.items()},
            *(targets, task, rows),
            name=name,
            source=frame.where,
            tokens=tokens,
            columns=chosen,
            like=like if isinstance(like, Tokens) else None,
            remarks=[*remarks, *_read_as_text(chosen, inputs)],
            label=frame.label,
        )
        return replace(of_texts, reshuffles=reshuffles, groups=groups)
    assert not isinstance(like, Tokens)
    built = _of_columns(frame, pieces, values, targets, task, rows, like, name, remarks)
    return replace(built, label=frame.label, reshuffles=reshuffles, groups=groups)


def _of_columns(
    frame: Frame,
    pieces: Mapping[str, Frame],
    values: Mapping[str, NDArray[Any]],
    targets: Mapping[str, NDArray[Any]],
    task: Task,
    rows: Mapping[str, tuple[str, NDArray[np.int64]]],
    like: Columns | None,
    name: str,
    remarks: list[str],
) -> TableData:
    """Data of the columns of a table, read as `like` says or as is found out."""
    if like is None:
        inputs = {name: cells for name, cells in values.items() if name != frame.label}
        train, unnamed = rows["train"][1], frame.unnamed
        columns = _columns(inputs, train, targets["train"], task, frame.where, unnamed, remarks)
        made = {
            key: encoded(columns, {c: as_values(piece.table[c]) for c in values}, len(piece.table))
            for key, piece in pieces.items()
        }
    else:
        columns = like.columns
        made = {key: _encoded_like(piece, like) for key, piece in pieces.items()}
    taken = {
        key: (*(each[index] for each in made[owner]), targets[owner][index])
        for key, (owner, index) in rows.items()
    }
    return _built(taken, Columns(columns), task, name, frame.where, tuple(remarks))


def _read_as_text(chosen: Sequence[str], inputs: Collection[str]) -> list[str]:
    """What is said of the columns that texts are in, and of the others."""
    shown = " and ".join(f"'{name}'" for name in chosen)
    others = [name for name in inputs if name not in chosen]
    left = f"; left out are {', '.join(others[:10])}{', ...' * (len(others) > 10)}"
    after = ", one after the other" if len(chosen) > 1 else ""
    many = "s" * (len(chosen) > 1)
    return [
        f"column{many} {shown} {'are' if many else 'is'} read as text{after}" + left * bool(others)
    ]


def from_columns(
    values: Mapping[str, NDArray[Any]],
    targets: NDArray[Any],
    task: Task,
    *,
    train: NDArray[np.int64],
    validation: NDArray[np.int64],
    name: str = "table",
) -> TableData:
    """Data from columns in memory: each has the values (n,) of all rows, as `as_values` gives.

    The targets (n, ...) are encoded as the task has them. `train` and `validation` are the numbers
    of rows; there is no test part.

    Raises:
        DataError: As `load_table`, for what the columns hold.
    """
    remarks: list[str] = []
    columns = _columns(values, train, targets, task, name, (), remarks)
    made = encoded(columns, values, len(targets))
    nothing = np.empty(0, np.int64)
    parts = {"train": train, "validation": validation, "test": nothing}
    taken = {key: (*(each[rows] for each in made), targets[rows]) for key, rows in parts.items()}
    built = _built(taken, Columns(columns), task, name, name, tuple(remarks))
    return replace(built, reshuffles=True)


def _rows(
    frame: Frame,
    values: Mapping[str, NDArray[Any]],
    targets: Mapping[str, NDArray[Any]],
    task: Task,
    split: Split,
    groups: Groups | None,
) -> dict[str, tuple[str, NDArray[np.int64]]]:
    """For each of the three parts: the given part it is taken from, and its row numbers there."""
    by = split.time
    if by is None:
        return part_rows(targets, task, split, frame.where, groups)
    if by not in values or by == frame.label:
        raise DataError(
            f"{frame.where} has no column '{by}' for `time=...`; it has: "
            f"{', '.join(c for c in values if c != frame.label)}."
        )
    shares = {"test": split.test, "validation": split.validation}
    shares = {key: 0.0 if key in targets else share for key, share in shares.items()}
    wanted = {key: round((share or 0) * len(frame.table)) for key, share in shares.items()}
    parts = ordered(moments(values[by], by, frame.where), wanted)
    check_parts(parts, wanted, f"{frame.where}: column '{by}'")
    rows = {key: ("train", parts[key]) for key in PARTS}
    return rows | {key: (key, np.arange(len(y))) for key, y in targets.items() if key != "train"}


def _fitting(frame: Frame, train: Frame) -> Frame:
    """A table of the test part, with the columns of the other, in their order."""
    absent = [column for column in train.table.columns if column not in frame.table.columns]
    if absent:
        raise DataError(
            f"{frame.where} must have the columns of {train.where}, got none called '{absent[0]}'."
        )
    return replace(frame, table=frame.table[list(train.table.columns)])


def _without_rare(frame: Frame, split: Split, remarks: list[str]) -> Frame:
    """A table without the rows of classes that have fewer of them than there are parts."""
    parts = 2 + (split.test is not None)
    cells = np.array([level_in(v) for v in frame.table[frame.label].astype(object)], object)
    counts = {label: int((cells == label).sum()) for label in {*cells.tolist()}}
    rare = sorted(label for label, count in counts.items() if count < parts)
    if not rare:
        return frame
    remarks.append(f"rows of rare classes are left out: {', '.join(map(repr, rare))}")
    return replace(frame, table=frame.table[~np.isin(cells, rare)].reset_index(drop=True))


def _encoded_like(piece: Frame, like: Columns) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """All rows of a table as numbers (rows, n) and codes (rows, k) by given columns."""
    wanted = [column.name for column in like.columns]
    missing = [f"'{name}'" for name in wanted if name not in piece.table.columns]
    if missing:
        raise DataError(f"{piece.where} has no column {', '.join(missing)}.")
    try:
        given = [x.numpy() for x in like.encode(piece.table[wanted])]
    except DataError as error:
        raise DataError(f"{piece.where}: {error}") from error
    numbers = given.pop(0) if like.numbers else np.zeros((len(piece.table), 0), np.float32)
    return numbers, given[0] if given else np.zeros((len(piece.table), 0), np.int64)


def _targets(
    pieces: Mapping[str, Frame], task: str | Task | None, remarks: list[str]
) -> tuple[Mapping[str, NDArray[Any]], Task]:
    """The targets of each given part, and the task."""
    where = {key: f"{piece.where}: column '{piece.label}'" for key, piece in pieces.items()}
    labels = {
        key: label_values(as_values(piece.table[piece.label]), where[key], remarks)
        for key, piece in pieces.items()
    }
    found = read_targets(labels, task=task, where=where)
    if found.remark:
        remarks.append(found.remark)
    return found.parts, found.task


def _columns(
    values: Mapping[str, NDArray[Any]],
    train: NDArray[np.int64],
    targets: NDArray[Any],
    task: Task,
    where: str,
    unnamed: Collection[str],
    remarks: list[str],
) -> tuple[Column, ...]:
    """How each column is encoded."""
    columns: list[Column] = []
    for name, cells in values.items():
        read = read_column(cells, name, train, where, unnamed=name in unnamed)
        if read.column is not None:
            columns.append(read.column)
            if isinstance(task, Classification) and _tells(cells, read.column, targets):
                remarks.append(
                    f"column '{name}' alone tells the class; remove it if it is made of the answer"
                )
        if read.remark:
            remarks.append(read.remark)
    if not columns:
        why = f": {remarks[-1]}" if remarks else ""
        raise DataError(f"{where} has no column that can be learned from{why}.")
    return tuple(sorted(columns, key=lambda column: isinstance(column, Words)))  # those come last


def _tells(values: NDArray[Any], column: Column, classes: NDArray[np.int64]) -> bool:
    """Whether each class has levels, or a range of numbers, of its own alone."""
    if len(classes) < _ENOUGH or not isinstance(column, Category | Number):
        return False
    if isinstance(column, Category):
        codes = column.encode(values)
        return bool((codes > 0).all()) and len({*zip(codes, classes, strict=True)}) == len({*codes})
    numbers = column.encode(values)[:, 0]
    order = np.argsort(numbers, kind="stable")
    numbers, classes = numbers[order], classes[order]
    changes = np.flatnonzero(np.diff(classes))
    apart = bool((numbers[changes + 1] > numbers[changes]).all())
    return apart and len(changes) == len(np.unique(classes)) - 1


def _built(
    taken: Mapping[str, Sequence[NDArray[Any]]],
    columns: Columns,
    task: Task,
    name: str,
    source: str,
    remarks: tuple[str, ...],
) -> TableData:
    used = [bool(columns.numbers), bool(columns.categories)]

    def part(key: str) -> NamedPart:
        *both, y = (torch.from_numpy(np.ascontiguousarray(each)) for each in taken[key])
        return NamedPart(tuple(x for x, use in zip(both, used, strict=True) if use), y)

    train, validation, test = map(part, PARTS)
    task = task.fitted(taken["train"][2])
    center, scale = measure_scales(taken["train"][0])
    digest = json_digest((train, validation, test), [columns.to_json(), task.to_json()])
    return TableData(
        name,
        columns,
        task,
        train,
        validation,
        test,
        center=center,
        scale=scale,
        digest=digest,
        source=source,
        remarks=remarks,
    )
