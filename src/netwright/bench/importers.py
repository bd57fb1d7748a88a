"""Published tables as tables of ready spaces, checked against published facts.

Official files are told by their names: NAS-Bench-101 (.tfrecord), NATS-Bench (.pickle.pbz2, or its
folder), HW-NAS-Bench (.pickle) and NAS-Bench-Suite-Zero (.json). Compact tables, one row a network,
are told by their columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netwright import spaces
from netwright.bench.hwnasbench import read_hardware
from netwright.bench.natsbench import is_nats, read_nats
from netwright.bench.suite_zero import Scores, read_json, scores_of, table_parts
from netwright.bench.table import Table, read_frame
from netwright.bench.tfrecord import columns_of, read_cells
from netwright.errors import DataError, SettingError, SpaceError
from netwright.space import Architecture, Space
from netwright.spaces.nasbench101 import from_graph
from netwright.spaces.nasbench101_graphs import OPERATIONS as OPERATIONS_101
from netwright.spaces.nasbench201 import from_string, from_widths


@dataclass(frozen=True)
class Format:
    """A published table: columns that tell it, its space, and how its rows are read."""

    name: str
    columns: frozenset[str]
    space: Callable[[], Space]
    read: Callable[[Any, Space], list[Architecture]]
    derive: Callable[[Any], dict[str, Any]]
    check: Callable[[Table], None]


@dataclass(frozen=True)
class Part:
    """What a file has: networks of a space, columns, and what is published of them."""

    name: str
    space: Space
    members: Sequence[Architecture]
    columns: Mapping[str, Any]
    check: Callable[[Table], None]


def import_table(path: Path, *more: Path, space: str | None = None) -> Table:
    """The table of a published file; of several on the same space, their columns side by side.

    `space` says which part of a file of several spaces is meant. Networks are those of the first
    file; what another lacks is NaN.

    Raises:
        DataError: A file is none that is known, contradicts what is published, or is of another
            space than the first.
        MissingExtra: Without pandas.
    """
    parts: list[Part] = []
    for file in (path, *more):
        parts.append(_part(file, space, parts))
    first, *others = parts
    table = Table(first.space, first.members, first.columns, first.name)
    first.check(table)
    for file, part in zip(more, others, strict=True):
        if part.space.name != table.space.name:
            raise DataError(
                f"{file} has networks of {part.space.name!r}, and {path} of {table.space.name!r}; "
                "only files of one space are put together."
            )
        added = Table(part.space, part.members, part.columns, part.name)
        part.check(added)
        table = table.joined(added)
    return table


def is_published(path: Path) -> bool:
    """Whether a path is a published table that is known; raises as `Table.open`."""
    if path.suffix in (".tfrecord", ".pickle", ".json") or is_nats(path):
        return True
    return path.suffix != ".safetensors" and _format(read_frame(path)) is not None


def _part(path: Path, space: str | None, before: Sequence[Part]) -> Part:
    """What is in one file; one that names networks by their places in another has that one's."""
    if path.suffix == ".tfrecord":
        return _official_101(path)
    if is_nats(path):
        return _official_nats(path)
    if path.suffix == ".pickle":
        return _of_201(*read_hardware(path), "hwnasbench", path, _count_201)
    if path.suffix == ".json":
        return _scores(read_json(path), path)
    frame = read_frame(path)
    if {"space", "dataset", "arch"} <= {*frame.columns}:
        return _scores(scores_of(frame, space or "nasbench201", path), path)
    numbers = frame.select_dtypes("number")
    known = _format(frame)
    if known is None and "index" in frame.columns and before:
        return _by_index(numbers, before[0], path)
    if known is None:
        raise DataError(
            f"{path} is no published table that is known: it must have the columns of "
            + " or of ".join(f"{f.name} ({', '.join(sorted(f.columns))})" for f in FORMATS)
            + "; a table of your own needs no import, only its space."
        )
    own = known.space()
    told = [name for name in numbers if name in known.columns or str(name).startswith("op_")]
    columns = _columns(numbers.drop(columns=told)) | known.derive(frame)
    return Part(known.name, own, known.read(frame, own), columns, known.check)


def _columns(numbers: Any) -> dict[str, Any]:
    return {str(name): numbers[name].to_numpy() for name in numbers}


def _by_index(numbers: Any, before: Part, path: Path) -> Part:
    """Rows that say the official number of their network."""
    places = numbers["index"].to_numpy()
    if "index" not in before.columns:
        raise DataError(f"{path} numbers its networks; the file before it must number them, too.")
    members = dict(zip(before.columns["index"], before.members, strict=True))
    unknown = [int(place) for place in places if place not in members]
    if unknown:
        raise DataError(f"{path} has a network {unknown[0]}, which the file before it lacks.")
    columns = _columns(numbers.drop(columns="index"))
    return Part(path.stem, before.space, [members[p] for p in places], columns, _unchecked)


def _unchecked(table: Table) -> None:
    """Nothing is published of what it has."""


def _format(frame: Any) -> Format | None:
    return next((f for f in FORMATS if f.columns <= {*frame.columns}), None)


def _scores(scores: Scores, path: Path) -> Part:
    return Part("suitezero", *table_parts(scores, path), _unchecked)


def _of_201(
    texts: Sequence[str],
    columns: Mapping[str, Any],
    name: str,
    path: Path,
    check: Callable[[Table], None],
) -> Part:
    space = spaces.nasbench201()
    try:
        members = [from_string(text, space) for text in texts]
    except (SettingError, SpaceError) as error:
        raise DataError(f"{path} has a cell that is none of NAS-Bench-201: {error}") from error
    return Part(name, space, members, columns, check)


def _official_nats(path: Path) -> Part:
    texts, columns = read_nats(path)
    if not texts or texts[0].startswith("|"):
        return _of_201(texts, columns, "nats_topology", path, _check_201)
    space = spaces.nats_size()
    try:
        members = [from_widths(text, space) for text in texts]
    except (SettingError, SpaceError) as error:
        raise DataError(f"{path} has a network that is none of the size space: {error}") from error
    return Part("nats_size", space, members, columns, _check_size)


def _read_201(frame: Any, space: Space) -> list[Architecture]:
    return [from_string(text, space) for text in frame["arch_str"]]


def _derive_201(frame: Any) -> dict[str, Any]:
    """What a query costs: seconds of 12 and of 200 epochs on CIFAR-10."""
    names = ("c10v_train_sec_per_epoch", "c10v_val_sec_per_epoch")
    if not {*names} <= {*frame.columns}:
        return {}
    epoch = sum(frame[name].to_numpy(np.float64) for name in names)
    return {"seconds_12": 12 * epoch, "seconds_200": 200 * epoch}


def _count_201(table: Table) -> None:
    """Dong and Yang, arXiv 2001.00326: 15,625 cells."""
    _same("cells of NAS-Bench-201", len(table.distinct), 15_625)


def _check_size(table: Table) -> None:
    """Dong et al., arXiv 2009.00437: 32,768 networks."""
    _same("networks of the size space", len(table.distinct), 32_768)


def _check_201(table: Table) -> None:
    """The best cell has 94.37 % on CIFAR-10."""
    _count_201(table)
    if "c10_test_200" in table.columns:
        best = round(float(np.nanmax(table.column("c10_test_200"))), 2)
        _same("best test accuracy on CIFAR-10", best, 94.37)


def _read_101(frame: Any, space: Space) -> list[Architecture]:
    made = []
    inner = [frame[f"op_{i}"].to_numpy() for i in range(1, 6)]
    for row, (size, bits) in enumerate(zip(frame["n_vertices"], frame["edge_bits"], strict=True)):
        matrix = np.zeros((size, size), dtype=np.int64)
        pairs = [(i, j) for j in range(1, size) for i in range(j)]
        for place, (i, j) in enumerate(pairs):
            matrix[i, j] = int(bits) >> place & 1
        operations = [OPERATIONS_101[int(column[row])] for column in inner[: size - 2]]
        made.append(from_graph(matrix.tolist(), operations, space))
    return made


def _derive_101(frame: Any) -> dict[str, Any]:
    """Seconds of the shorter trainings, in proportion to those of 108 epochs."""
    if "train_sec_108" not in frame.columns:
        return {}
    whole = frame["train_sec_108"].to_numpy(np.float64)
    return {f"seconds_{epochs}": whole * epochs / 108 for epochs in (4, 12, 36, 108)}


def _official_101(path: Path) -> Part:
    cells = read_cells(path)
    space = spaces.nasbench101()
    try:
        members = [from_graph(cell.matrix, cell.operations, space) for cell in cells]
    except (SettingError, SpaceError) as error:
        raise DataError(f"{path} has a cell that is none of NAS-Bench-101: {error}") from error
    return Part("nasbench101", space, members, columns_of(cells), _check_101)


def _check_101(table: Table) -> None:
    """Ying et al., arXiv 1902.09635: at most 423,624 cells, all different."""
    if len(table.distinct) != len(table) or len(table) > spaces.nasbench101().count():
        raise DataError(
            f"The table {table.name!r} must have a row for each cell once, got {len(table):,} rows "
            f"of {len(table.distinct):,} cells."
        )


def _same(what: str, found: float, published: float) -> None:
    if found != published:
        raise DataError(
            f"The table contradicts what is published: {what} {published}, got {found}."
        )


OFFICIAL = (
    "NAS-Bench-101: nasbench_full.tfrecord, nasbench_only108.tfrecord",
    "NATS-Bench: NATS-tss-v1_0-3ffb9-simple, NATS-sss-v1_0-50262-simple, or the .pickle.pbz2",
    "HW-NAS-Bench: HW-NAS-Bench-v1_0.pickle",
    "NAS-Bench-Suite-Zero: zc_nasbench201.json, zc_nasbench101.json",
)
"""Files as their makers publish them."""

FORMATS = (
    Format(
        "nasbench201",
        frozenset({"arch_str"}),
        spaces.nasbench201,
        _read_201,
        _derive_201,
        _check_201,
    ),
    Format(
        "nasbench101",
        frozenset({"n_vertices", "edge_bits", *(f"op_{i}" for i in range(1, 6))}),
        spaces.nasbench101,
        _read_101,
        _derive_101,
        _check_101,
    ),
)
