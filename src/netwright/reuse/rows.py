"""The rows that an exported network is asked about: a table, arrays, or pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from netwright.data.columns import as_values
from netwright.data.encodings import picture_files
from netwright.data.folders import read_pictures
from netwright.data.frames import read_rows
from netwright.data.labels import label_values
from netwright.data.long_tables import read_long
from netwright.data.npz import read_arrays, read_numbered
from netwright.data.pictures import SUFFIXES
from netwright.data.series_files import SUFFIXES as SERIES
from netwright.data.series_files import read_series_file
from netwright.data.sound_files import SOUNDS, recordings_in, sound_column
from netwright.data.table_texts import joined
from netwright.data.targets import read_targets
from netwright.data.texts import read_text_folder, read_utf8
from netwright.errors import DataError
from netwright.reuse.exported import ExportedNetwork, column_names, missing_columns

_TABLES, _ARRAYS = (".csv", ".parquet"), (".npz", ".npy")


@dataclass(frozen=True)
class Rows:
    """Raw tensors of all rows; their names, if they have some, and targets (n, ...) if those are.

    `named` is the column of the names. `remarks` say what was left out, a sentence each, without
    its end.
    """

    inputs: tuple[Tensor, ...]
    names: list[str] | None = None
    targets: Tensor | None = None
    remarks: tuple[str, ...] = ()
    named: str = "file"


def read_asked(network: ExportedNetwork, path: Path) -> Rows:
    """The rows of a file or a folder as the network takes them.

    Raises:
        DataError: It cannot be read, is of another kind than the network learned from, or a row
            cannot be encoded.
    """
    suffix, kind = path.suffix.lower(), network.book["kind"]
    if not path.exists():
        raise DataError(f"There is no file or folder {str(path)!r}.")
    if kind == "text":
        return _texts(network, path)
    if kind == "sound":
        return _sounds(network, path)
    if path.is_dir() or suffix in SUFFIXES:
        if kind in ("arrays", "pictures"):
            return _pictures(network, path)
    elif suffix in _TABLES:
        if kind == "columns":
            return _table(network, path)
        if kind == "series" and "id" in network.book:
            return _long(network, path)
    elif suffix in SERIES:
        if kind == "series":
            found = read_series_file(path)
            return _encoded(network, path, found.series, found.labels, [])
    elif suffix in _ARRAYS:
        if kind != "columns":
            return _arrays(network, path)
    else:
        raise DataError(
            f"{path} is of no kind that is read: give a .csv, .parquet, .npz, .npy or .ts file, or "
            "a folder of pictures."
        )
    takes = {"columns": "rows of a table (.csv, .parquet)", "named": "named arrays (.npz)"}
    takes["series"] = "series (.npz, .ts)"
    raise DataError(
        f"{path} is of another kind than the data that the network learned from; it takes "
        f"{takes.get(kind, 'arrays or pictures')}."
    )


def _table(network: ExportedNetwork, path: Path) -> Rows:
    frame = read_rows(path, network.label)
    columns = list(frame.table.columns)
    missing_columns(network, columns, path)
    wanted = column_names(network.book)
    extra = [name for name in columns if name not in wanted and name != frame.label]
    remarks = [_left_out("columns that the network does not take", extra)] if extra else []
    try:
        is_text = network.book["kind"] == "text"
        given = joined(frame.table, wanted) if is_text else frame.table[wanted]
        inputs = network.encode(given)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    targets = None
    if frame.label:
        where = f"{path}: column '{frame.label}'"
        cells = label_values(as_values(frame.table[frame.label]), where, remarks)
        targets = _targets(network, cells, where, remarks)
    return Rows(inputs, None, targets, tuple(remarks))


def _texts(network: ExportedNetwork, path: Path) -> Rows:
    """The texts of a table, of a file with one on each line, or of the files of a folder."""
    if path.suffix.lower() in _TABLES and network.book["columns"]:
        return _table(network, path)
    remarks: list[str] = []
    if path.is_dir():
        texts, labels, names = read_text_folder(path, alone=True)
        targets = None
        if all(labels):
            targets = _targets(network, np.array(labels, object), str(path), remarks)
        return Rows(network.encode(texts), names, targets, tuple(remarks))
    if path.suffix.lower() != ".txt":
        takes = " or a table (.csv, .parquet) with its columns" if network.book["columns"] else ""
        raise DataError(
            f"{path} is of another kind than the data that the network learned from; it takes a "
            f"folder of .txt files, a .txt file with a text on each line{takes}."
        )
    lines = read_utf8(path).splitlines()
    return Rows(network.encode(lines))


def _sounds(network: ExportedNetwork, path: Path) -> Rows:
    """The recordings of a folder, of a table of paths, or one of them."""
    remarks: list[str] = []
    column = sound_column(path)
    if column is not None:
        frame = read_rows(path, network.label)
        given = [str(cell).strip() for cell in frame.table[column]]
        sounds, names = [path.parent / cell for cell in given], given
        labels = None
        if frame.label:
            where = f"{path}: column '{frame.label}'"
            labels = label_values(as_values(frame.table[frame.label]), where, remarks)
    elif path.is_dir() or path.suffix.lower() in SOUNDS:
        sounds, folders, others = recordings_in(path)
        if not sounds:
            raise DataError(f"{path} holds no recording ({', '.join(sorted(SOUNDS))}).")
        names = [str(file.relative_to(path)) if path.is_dir() else file.name for file in sounds]
        labels = np.array(folders, object) if all(folders) else None
        if others:
            left = [str(file.relative_to(path)) for file in others]
            remarks.append(_left_out("files that are no recordings", left))
    else:
        raise DataError(
            f"{path} is of another kind than the data that the network learned from; it takes a "
            "recording, a folder of them, or a table (.csv) with their paths."
        )
    targets = None
    if labels is not None:
        targets = _targets(network, labels, str(path), remarks)
    return Rows(network.encode(sounds), names, targets, tuple(remarks))


def _long(network: ExportedNetwork, path: Path) -> Rows:
    """The series of a long table, which are called by their ids."""
    book, frame = network.book, read_rows(path, network.label)
    wanted = [channel["name"] for channel in book["channels"]]
    for name in (book["id"], *([book["time"]] if book["time"] else []), *wanted):
        if name not in frame.table.columns:
            raise DataError(f"{path} has no column '{name}', which the network takes.")
    long = read_long(frame, book["id"], book["time"], tuple(wanted))
    cells = None
    remarks: list[str] = []
    if frame.label:
        where = f"{path}: column '{frame.label}'"
        cells = label_values(as_values(frame.table[frame.label]), where, remarks)[long.rows]
    found = _encoded(network, path, long.series, cells, remarks)
    return replace(found, names=long.ids, named=book["id"])


def _arrays(network: ExportedNetwork, path: Path) -> Rows:
    kind = network.book["kind"]
    numbered = read_numbered(path) if kind == "series" and path.suffix.lower() == ".npz" else None
    if numbered is not None:
        return _encoded(network, path, numbered[0], numbered[1], [])
    names = (
        ["x"]
        if kind in ("arrays", "pictures", "series")
        else [spec.name for spec in network.signature.inputs]
    )
    arrays = read_arrays(path, [*names, "y", "x_test", "y_test"])
    remarks: list[str] = []
    if names == ["x"] and "x" not in arrays and "x_test" in arrays:
        remarks.append("the arrays of the test part are asked about, since there is no `x`")
        arrays = {name.removesuffix("_test"): array for name, array in arrays.items()}
    absent = [name for name in names if name not in arrays]
    if absent:
        needed = " and ".join(f"`{name}`" for name in names)
        raise DataError(f"{path} must hold {needed}, got none called {absent[0]!r}.")
    given = arrays if kind == "named" else arrays["x"]
    return _encoded(network, path, given, arrays.get("y"), remarks)


def _encoded(network: ExportedNetwork, path: Path, given: Any, y: Any, remarks: list[str]) -> Rows:
    """Rows of arrays, with their targets where there are some."""
    try:
        inputs = network.encode(given)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    targets = None if y is None else _targets(network, y, f"{path}: y", remarks)
    if targets is not None and len(targets) != len(inputs[0]):
        raise DataError(f"{path}: x has {len(inputs[0]):,} rows and y has {len(targets):,}.")
    return Rows(inputs, None, targets, tuple(remarks))


def _pictures(network: ExportedNetwork, path: Path) -> Rows:
    encoding = picture_files(network.book)
    shape = encoding.shape
    found = read_pictures(path, encoding)
    remarks = []
    if found.others:
        remarks.append(_left_out("files that are no pictures", found.others))
    if found.resized:
        size = f"{shape[1]}x{shape[2]}"
        remarks.append(f"{found.resized:,} pictures of another size become {size} pixels")
    targets = None
    if all(found.labels) and set(found.labels) <= {*network.names}:
        targets = torch.tensor([network.names.index(label) for label in found.labels])
    elif any(found.labels):
        strange = sorted({label for label in found.labels if label not in network.names})
        remarks.append(f"no metric is told: {strange[0] or 'the top folder'!r} is no class")
    return Rows((torch.from_numpy(found.x),), found.names, targets, tuple(remarks))


def _targets(network: ExportedNetwork, cells: Any, where: str, remarks: list[str]) -> Tensor | None:
    """Targets (n, ...) of the cells of a label; None, and why, where they are none of the task."""
    if network.task is None:
        return None
    try:
        found = read_targets({"rows": cells}, task=network.task, where=where)
    except DataError as error:
        remarks.append(f"no metric is told: {str(error).rstrip('.')}")
        return None
    return torch.from_numpy(found.parts["rows"])


def _left_out(what: str, names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{what} are left out: {', '.join(names[:5])}{more}"
