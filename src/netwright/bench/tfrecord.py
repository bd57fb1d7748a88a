"""The official file of NAS-Bench-101, such as `nasbench_full.tfrecord`, without TensorFlow.

As its official code documents it (google-research/nasbench, `api.py`, `lib/model_metrics.proto`):
records of length, checksum, content and checksum; a content is a JSON list of the cell's hash, the
epochs, the adjacency matrix row by row, the operations, and a protocol buffer in base64 with what
was measured before, halfway through and after one training. Checksums are not verified; a record
that is cut off is refused.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from netwright.errors import DataError

Fields = dict[int, list[int | float | bytes]]
"""The values of a message by the numbers of its fields."""

_EVALUATIONS, _PARAMS = 1, 2  # of ModelMetrics
_SECONDS, _TRAIN, _VALIDATION, _TEST = 2, 3, 4, 5  # of EvaluationData
_LARGEST = 2**20  # bytes of a record, at most


@dataclass
class Cell:
    """A cell and its trainings: by epochs the train, validation and test accuracy, and seconds."""

    matrix: list[list[int]]
    operations: list[str]
    params: int
    runs: dict[int, list[tuple[float, float, float, float]]] = field(default_factory=dict)


def read_cells(path: Path) -> list[Cell]:
    """All cells of a file, in its order.

    Raises:
        DataError: It is damaged, or no such file.
    """
    cells: dict[str, Cell] = {}
    try:
        with path.open("rb") as file:
            for number, record in enumerate(_records(file)):
                try:
                    _take(record, cells)
                except (ValueError, TypeError, KeyError, IndexError, struct.error) as error:
                    raise DataError(f"{path}, record {number}, is damaged: {error}.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except EOFError as error:
        raise DataError(f"{path} is cut off or no TFRecord file: {error}.") from error
    if not cells:
        raise DataError(f"{path} has no record.")
    return list(cells.values())


def columns_of(cells: list[Cell]) -> dict[str, list[float]]:
    """Means over the trainings of each budget, in percent; and each training of its own."""
    columns: dict[str, list[float]] = {"params": [float(cell.params) for cell in cells]}
    for epochs in sorted({epochs for cell in cells for epochs in cell.runs}):
        most = max(len(cell.runs.get(epochs, ())) for cell in cells)
        made = np.full((len(cells), most, 4), math.nan)
        for row, cell in zip(made, cells, strict=True):
            for place, run in enumerate(cell.runs.get(epochs, ())):
                row[place] = run
        made[..., :3] *= 100
        for place, name in enumerate(("train", "val", "test", "seconds")):
            known = np.isfinite(made[..., place])
            sums, counts = np.where(known, made[..., place], 0).sum(1), known.sum(1)
            mean = np.divide(sums, counts, out=np.full(len(cells), math.nan), where=counts > 0)
            columns[f"{name}_{epochs}"] = mean.tolist()
        for repeat in range(most):
            columns[f"val_{epochs}_run{repeat}"] = made[:, repeat, 1].tolist()
            columns[f"test_{epochs}_run{repeat}"] = made[:, repeat, 2].tolist()
    return columns


def _records(file: BinaryIO) -> Iterator[bytes]:
    while head := file.read(12):
        if len(head) < 12:
            raise EOFError("a length is cut off")
        length = struct.unpack("<Q", head[:8])[0]
        if length > _LARGEST:
            raise EOFError(f"a record is said to have {length:,} bytes")
        content = file.read(length + 4)
        if len(content) < length + 4:
            raise EOFError("the last record is cut off")
        yield content[:length]


def _take(record: bytes, cells: dict[str, Cell]) -> None:
    name, epochs, adjacency, operations, metrics = json.loads(record)
    message = _message(base64.b64decode(metrics, validate=True))
    if name not in cells:
        size = math.isqrt(len(adjacency))
        matrix = [[int(edge) for edge in adjacency[i * size : (i + 1) * size]] for i in range(size)]
        cells[name] = Cell(matrix, operations.split(",")[1:-1], int(message[_PARAMS][0]))
    last = message[_EVALUATIONS][-1]
    if not isinstance(last, bytes):
        raise ValueError("an evaluation is no message")
    evaluation = _message(last)
    run = tuple(float(evaluation[k][0]) for k in (_TRAIN, _VALIDATION, _TEST, _SECONDS))
    cells[name].runs.setdefault(int(epochs), []).append((run[0], run[1], run[2], run[3]))


def _message(content: bytes) -> Fields:
    """The fields of a protocol buffer: integers, doubles, and bytes of what lies within."""
    found: Fields = {}
    place = 0
    while place < len(content):
        tag, place = _varint(content, place)
        kind = tag & 7
        value: int | float | bytes
        if kind == 0:
            value, place = _varint(content, place)
        elif kind == 1:
            value = struct.unpack_from("<d", content, place)[0]
            place += 8
        elif kind == 2:
            size, place = _varint(content, place)
            value = content[place : place + size]
            if len(value) < size:
                raise ValueError("a field is cut off")
            place += size
        elif kind == 5:
            value = struct.unpack_from("<f", content, place)[0]
            place += 4
        else:
            raise ValueError(f"a field has the unknown kind {kind}")
        found.setdefault(tag >> 3, []).append(value)
    return found


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """A whole number in groups of seven bits, and where it ends."""
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not byte & 0x80:
            return value, place
