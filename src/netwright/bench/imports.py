"""Published tables as tables of ready spaces, checked against published facts.

What is known is told by its columns: the compact tables of NAS-Bench-201 and NAS-Bench-101, one row
a cell; and the official file of NAS-Bench-101 by its ending.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netwright import spaces
from netwright.bench.table import Table, read_frame
from netwright.bench.tfrecord import columns_of, read_cells
from netwright.errors import DataError, SettingError, SpaceError
from netwright.space import Architecture, Space
from netwright.spaces.nasbench101 import OPERATIONS as OPERATIONS_101
from netwright.spaces.nasbench101 import from_graph
from netwright.spaces.nasbench201 import from_string


@dataclass(frozen=True)
class Format:
    """A published table: columns that tell it, its space, and how its rows are read."""

    name: str
    columns: frozenset[str]
    space: Callable[[], Space]
    read: Callable[[Any, Space], list[Architecture]]
    derive: Callable[[Any], dict[str, Any]]
    check: Callable[[Table], None]


def import_table(path: Path) -> Table:
    """The table of a published file.

    Raises:
        DataError: The file is none that is known, or contradicts what is published.
        MissingExtra: Without pandas.
    """
    if path.suffix == ".tfrecord":
        return _official_101(path)
    frame = read_frame(path)
    known = _format(frame)
    if known is None:
        raise DataError(
            f"{path} is no published table that is known: it must have the columns of "
            + " or of ".join(f"{f.name} ({', '.join(sorted(f.columns))})" for f in FORMATS)
            + "; a table of your own needs no import, only its space."
        )
    space = known.space()
    numbers = frame.select_dtypes("number")
    told = [name for name in numbers if name in known.columns or str(name).startswith("op_")]
    numbers = numbers.drop(columns=told)
    columns = {str(name): numbers[name].to_numpy() for name in numbers} | known.derive(frame)
    table = Table(space, known.read(frame, space), columns, known.name)
    known.check(table)
    return table


def is_published(path: Path) -> bool:
    """Whether a file is a published table that is known; raises as `Table.open`."""
    if path.suffix == ".tfrecord":
        return True
    return _format(read_frame(path)) is not None


def _format(frame: Any) -> Format | None:
    return next((f for f in FORMATS if f.columns <= {*frame.columns}), None)


def _read_201(frame: Any, space: Space) -> list[Architecture]:
    return [from_string(text, space) for text in frame["arch_str"]]


def _derive_201(frame: Any) -> dict[str, Any]:
    """What a query costs: seconds of 12 and of 200 epochs on CIFAR-10."""
    names = ("c10v_train_sec_per_epoch", "c10v_val_sec_per_epoch")
    if not {*names} <= {*frame.columns}:
        return {}
    epoch = sum(frame[name].to_numpy(np.float64) for name in names)
    return {"seconds_12": 12 * epoch, "seconds_200": 200 * epoch}


def _check_201(table: Table) -> None:
    """Dong and Yang, arXiv 2001.00326: 15,625 cells, the best of which has 94.37 % on CIFAR-10."""
    _same("cells of NAS-Bench-201", len(table.distinct), 15_625)
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


def _official_101(path: Path) -> Table:
    cells = read_cells(path)
    space = spaces.nasbench101()
    try:
        members = [from_graph(cell.matrix, cell.operations, space) for cell in cells]
    except (SettingError, SpaceError) as error:
        raise DataError(f"{path} has a cell that is none of NAS-Bench-101: {error}") from error
    table = Table(space, members, columns_of(cells), "nasbench101")
    _check_101(table)
    return table


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
