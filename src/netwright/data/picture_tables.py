"""Data from a table with a column of paths to pictures, and columns that are predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from netwright.data.columns import as_values
from netwright.data.dataset import ArrayData
from netwright.data.frames import Frame, read_frame
from netwright.data.groups import groups_of_column
from netwright.data.labels import label_values
from netwright.data.picture_data import Labelled, Source, picture_data
from netwright.data.pictures import SUFFIXES, Reading
from netwright.data.split import Split
from netwright.errors import DataError
from netwright.tasks import Task

_BEGIN = 2**16  # bytes of a table in which a picture is named, if any is
_SHOWN = 5  # columns that are left out, by name


def names_pictures(path: Path, label: str | None) -> bool:
    """Whether a column of a table, not its label, holds the paths of pictures that are there."""
    if not path.is_file() or (path.suffix.lower() != ".parquet" and not _may_name(path)):
        return False
    first = label.split(",")[0] if label else label
    frame = read_frame(path, label if label is None or "," not in label else first)
    return _column(frame, path) is not None


def _may_name(path: Path) -> bool:
    """Whether the beginning of a text has the ending of a picture's name."""
    with path.open("rb") as file:
        start = file.read(_BEGIN).lower()
    return any(suffix.encode() in start for suffix in SUFFIXES)


def _column(frame: Frame, path: Path) -> str | None:
    """The column of paths, relative to the table or absolute; None where there is none."""
    for name in frame.table.columns:
        cells = frame.table[name].tolist()
        if name == frame.label or not all(isinstance(cell, str) for cell in cells):
            continue
        if all(Path(cell.strip()).suffix.lower() in SUFFIXES for cell in cells) and any(
            (path.parent / cell.strip()).is_file() for cell in cells
        ):
            return str(name)
    return None


def load_picture_table(
    path: Path,
    split: Split,
    *,
    label: str | None,
    reading: Reading,
    task: str | Task | None = None,
) -> ArrayData:
    """Data from a CSV or Parquet table with a column of paths, relative to the table.

    `label` is the column that is predicted, or several with a comma between them: several labels,
    or several numbers. Other columns are left out, which is said. The test part may be another such
    table.

    Raises:
        DataError: A file or a label is missing, or as `picture_data`.
        MissingExtra: pandas, pyarrow or pillow is absent.
    """
    remarks: list[str] = []
    labels = tuple(name.strip() for name in label.split(",")) if label else ()
    tables = {"train": path} | ({} if split.given is None else {"test": split.given})
    frames = {
        part: read_frame(table, labels[0] if labels else None) for part, table in tables.items()
    }
    parts = {
        part: _labelled(
            tables[part], frame, labels, split.group, remarks if part == "train" else []
        )
        for part, frame in frames.items()
    }
    columns = {part: frame.table for part, frame in frames.items()}
    groups = groups_of_column(split.group, columns, str(path), labels or [frames["train"].label])
    source = Source(
        path.stem,
        str(path),
        reading,
        split,
        task,
        names=labels if len(labels) > 1 else (),
        remarks=tuple(remarks),
        groups=groups,
    )
    return picture_data(parts, source)


def _labelled(
    path: Path, frame: Frame, labels: tuple[str, ...], group: str | None, remarks: list[str]
) -> Labelled:
    """The files and the targets of a table."""
    column = _column(frame, path)
    if column is None:
        raise DataError(
            f"{path} has no column of paths to pictures ({', '.join(sorted(SUFFIXES))})."
        )
    wanted = labels or (frame.label,)
    absent = [name for name in wanted if name not in frame.table.columns]
    if absent:
        raise DataError(f"{path} has no column '{absent[0]}' for `label=...`.")
    files = [path.parent / cell.strip() for cell in frame.table[column]]
    gone = [(row, file) for row, file in enumerate(files) if not file.is_file()]
    if gone:
        raise DataError(
            f"{path}: row {gone[0][0]} (counted from 0, without the header) names the file "
            f"{gone[0][1]}, which is not there; {len(gone):,} of the {len(files):,} are missing. "
            "Paths are relative to the table; mend them or remove the rows."
        )
    others = [str(name) for name in frame.table.columns if name not in (*wanted, column, group)]
    if others:
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        remarks.append(
            f"column '{column}' names pictures; other columns are left out: "
            f"{', '.join(others[:_SHOWN])}{more}"
        )
    where = f"{path}: column '{', '.join(wanted)}'"
    cells = [label_values(as_values(frame.table[name]), where, remarks) for name in wanted]
    targets: Any = cells[0] if len(cells) == 1 else np.stack(cells, 1).astype(np.float64)
    return Labelled(files, targets, where)
