"""Data sets of Hugging Face's `datasets`: pictures with labels, or columns of a table.

The package is the user's: nothing here imports it, since what it gives says all that is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from netwright.data.base import PARTS
from netwright.data.dataset import ArrayData
from netwright.data.frames import frame_of
from netwright.data.picture_data import Labelled, Source, picture_data
from netwright.data.pictures import Reading
from netwright.data.split import PART_NAMES, Split
from netwright.data.table_data import TableData
from netwright.data.tables import load_pieces
from netwright.data.text_data import TextData
from netwright.errors import DataError, SettingError, require
from netwright.tasks import Task

_LABELS = ("label", "labels", "fine_label", "target", "class", "y")


def is_hugging_face(source: object) -> bool:
    """Whether something is a `datasets.Dataset` or a `DatasetDict`."""
    module, name = type(source).__module__, type(source).__name__
    return module.partition(".")[0] == "datasets" and name.endswith(("Dataset", "DatasetDict"))


@dataclass(frozen=True)
class RowPicture:
    """The picture of a row, which is read when it is wanted."""

    rows: Any
    column: str
    row: int
    part: str

    @property
    def name(self) -> str:
        """How messages call it."""
        return str(self)

    def picture(self) -> Any:
        """The bytes of a file, its path, or an image of Pillow.

        Raises:
            ValueError: The row has none.
        """
        cell = self.rows[self.row][self.column]
        if isinstance(cell, Mapping):
            cell = cell["bytes"] if cell.get("bytes") is not None else cell.get("path")
        if cell is None:
            raise ValueError("the row has no picture")
        return cell

    def __str__(self) -> str:
        return f"row {self.row} (counted from 0) of {self.part}"


def load_hugging_face(
    source: Any,
    split: Split,
    *,
    label: str | None,
    reading: Reading,
    task: str | Task | None,
) -> ArrayData:
    """Data of pictures, of which there is a column; splits that are called as parts are kept.

    Raises:
        DataError: There is no label, or as `picture_data`.
        SettingError: It is streamed, so that its rows have no numbers.
    """
    parts = parts_of(source)
    train = parts["train"]
    column = _of_kind(train, "Image")
    assert column is not None
    target = _label(train, label, column)
    told = [f"column '{column}' holds the pictures and '{target}' what is predicted"]
    others = [name for name in train.features if name not in (column, target)]
    if others:
        told.append(f"other columns are left out: {', '.join(others[:5])}")
    made = {key: _labelled(rows, column, target, key) for key, rows in parts.items()}
    name = _name(train)
    prints = "".join(str(getattr(rows, "_fingerprint", "")) for rows in parts.values())
    known = Source(name, name, reading, split, task, None, (), tuple(told), key=prints)
    return picture_data(made, known)


def has_pictures(source: Any) -> bool:
    """Whether a data set has a column of pictures, in its train part.

    Raises:
        DataError: As `parts_of`.
        SettingError: It is streamed.
    """
    return _of_kind(parts_of(source)["train"], "Image") is not None


def load_hugging_face_table(
    source: Any, split: Split, *, label: str | None, **told: Any
) -> TableData | TextData:
    """Data of columns of numbers, names of classes and texts, as those of a table.

    Splits that are called as parts are kept as they are. Columns of lists and of mappings are left
    out. `told` is what `load_pieces` is told.

    Raises:
        DataError: Recordings are among the columns, or as `load_pieces`.
        SettingError: It is streamed, so that its rows have no numbers.
    """
    parts = parts_of(source)
    train = parts["train"]
    if (sounds := _of_kind(train, "Audio")) is not None:
        raise DataError(
            f"Column '{sounds}' holds recordings, which are not read from a "
            f"{type(source).__name__}; give them as `load((waves, labels), kind='sound', "
            "rate=...)`, or write them to files."
        )
    plain = [name for name, kind in train.features.items() if _is_plain(kind)]
    others = [name for name in train.features if name not in plain]
    if label in others:
        raise DataError(f"Column '{label}' must hold one value a row; got {_columns(train)}.")
    classes = [name for name in plain if hasattr(train.features[name], "names")]
    label = label or (classes[0] if len(classes) == 1 else None)
    pandas = require("pandas", extra="tables", purpose="Reading a table")
    frames = {}
    for key, rows in parts.items():
        absent = [name for name in plain if name not in rows.features]
        if absent:
            raise DataError(f"The {key} part has no column '{absent[0]}'; got {_columns(rows)}.")
        cells = {name: _cells(rows, name) for name in plain}
        frames[key] = frame_of(pandas.DataFrame(cells), label, f"dataset: {key}")
    said = [f"columns of lists are left out: {', '.join(others[:5])}"] if others else []
    return load_pieces(frames, split, name=_name(train), said=said, **told)


def _name(rows: Any) -> str:
    return getattr(getattr(rows, "info", None), "dataset_name", None) or "dataset"


def _is_plain(kind: Any) -> bool:
    """Whether a column has one number, text, date or class in each row."""
    return type(kind).__name__ in ("Value", "ClassLabel")


def _cells(rows: Any, column: str) -> list[Any]:
    """The values of a column; of classes their names, and None where there is none."""
    values = list(rows.with_format(None)[column])
    names = getattr(rows.features[column], "names", None)
    if names is None:
        return values
    return [None if value is None or value < 0 else names[value] for value in values]


def parts_of(source: Any) -> dict[str, Any]:
    """The splits by part; a data set without splits is the train part.

    Raises:
        DataError: A split is called as no part, or there is none to learn from.
        SettingError: It is streamed.
    """
    if type(source).__name__.startswith("Iterable"):
        raise SettingError(
            f"`load(...)` must get a data set with numbered rows, got a {type(source).__name__}; "
            "load it without `streaming=True`."
        )
    if not hasattr(source, "keys"):
        return {"train": source}
    parts: dict[str, Any] = {}
    for name in source:
        part = PART_NAMES.get(str(name).lower())
        if part is None or part in parts:
            raise DataError(
                "`load(DatasetDict)` must have splits called "
                f"{', '.join(PART_NAMES)}, one for each part, got "
                f"{', '.join(map(str, source))}; give one split, or a dict of those that are "
                "wanted: `datasets.DatasetDict(train=..., test=...)`."
            )
        parts[part] = source[name]
    if "train" not in parts:
        raise DataError(f"`load(DatasetDict)` has no train split, got {', '.join(source)}.")
    return dict(sorted(parts.items(), key=lambda pair: PARTS.index(pair[0])))


def _columns(rows: Any) -> str:
    pairs = (f"{name} ({type(kind).__name__})" for name, kind in rows.features.items())
    return ", ".join(pairs)


def _of_kind(rows: Any, kind: str) -> str | None:
    found = [name for name, each in rows.features.items() if type(each).__name__ == kind]
    return str(found[0]) if found else None


def _label(rows: Any, label: str | None, pictures: str) -> str:
    names = [name for name in rows.features if name != pictures]
    if label is not None:
        if label not in names:
            raise DataError(f"There is no column '{label}' for `label=...`; got {_columns(rows)}.")
        return label
    classes = [name for name in names if type(rows.features[name]).__name__ == "ClassLabel"]
    called = [name for name in names if name.lower() in _LABELS]
    for found in (classes, called, names):
        if len(found) == 1:
            return str(found[0])
    raise DataError(
        f"`load(...)` must have one column to predict, got {_columns(rows)}; say which by "
        "`label=...`."
    )


def _labelled(rows: Any, column: str, label: str, part: str) -> Labelled:
    feature = rows.features[label]
    values = rows.with_format(None)[label]
    values = list(values)
    names = getattr(feature, "names", None)
    if names is not None:
        gone = [row for row, value in enumerate(values) if value is None or value < 0]
        if gone:
            raise DataError(f"row {gone[0]} (counted from 0) of {part} has no label.")
        values = [names[value] for value in values]
    raw = rows.with_format(None)
    feature = raw.features[column]
    if hasattr(feature, "decode"):
        raw = raw.cast_column(column, type(feature)(decode=False))
    pictures = [RowPicture(raw, column, row, part) for row in range(len(values))]
    return Labelled(pictures, np.array(values), f"{part}: column '{label}'")
