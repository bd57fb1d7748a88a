"""Data for a network that was found before: other rows, read as the first ones were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netwright.data import Data
from netwright.data.columns import column_from
from netwright.data.encodings import Columns, picture_files
from netwright.data.folders import load_folder
from netwright.data.frames import read_rows
from netwright.data.long_tables import load_long
from netwright.data.npz import load_npz
from netwright.data.pictures import Reading
from netwright.data.series_files import SUFFIXES as SERIES
from netwright.data.series_files import load_series
from netwright.data.sound_files import is_sound_folder, sound_column
from netwright.data.sounds import load_sound_folder, load_sound_table
from netwright.data.split import Split
from netwright.data.stream_data import load_stream
from netwright.data.tables import load_table
from netwright.data.texts import is_text_folder, load_text_folder
from netwright.data.tokens import Tokens, tokens_from
from netwright.errors import DataError, SettingError
from netwright.reuse.exported import ExportedNetwork, column_names, missing_columns
from netwright.tasks import Classification, Task


def read_again(network: ExportedNetwork, source: Path, split: Split) -> Data:
    """Data of a file or a folder with the columns, the levels and the task of a network.

    A table keeps the encoding that the network has, so that its forms go on taking the same
    tensors: a level that it did not know counts as other. How numbers are scaled is learned anew.

    Raises:
        DataError: They cannot be read, or differ from what the network learned from: another kind,
            columns that are missing, other classes, another shape.
        SettingError: The network learned from data or for a task of a user's own.
    """
    task, book = network.task, network.book
    if task is None:
        raise SettingError(
            f"The network in {str(network.folder)!r} was trained for a task of your own, which its "
            "card cannot make again; search again."
        )
    data = _read(network, source, split, book["kind"], task)
    _check_names(network, data, source)
    if data.raw != network.signature.inputs:
        was, now = (
            ", ".join(spec.text for spec in specs) for specs in (network.signature.inputs, data.raw)
        )
        raise DataError(f"{source} gives {now}, but the network takes {was}.")
    return data


def _read(network: ExportedNetwork, source: Path, split: Split, kind: str, task: Task) -> Data:
    suffix = source.suffix.lower()
    if not source.exists():
        raise DataError(f"There is no file or folder {str(source)!r}.")
    columns = network.book.get("columns")
    if kind == "sound":
        return _sounds(network, source, split, task)
    if columns and suffix in (".csv", ".parquet"):
        return _table(network, source, split, task)
    if kind == "series" and suffix in SERIES:
        if split.group or split.time:
            raise SettingError(f"`retrain` must have no group or time with series, got {source}.")
        return load_series(source, split, task=task)
    if kind == "series" and "id" in network.book and suffix in (".csv", ".parquet"):
        if split.time:
            raise SettingError(f"`retrain` must have no time with series, got {source}.")
        return load_long(
            source,
            split,
            series=network.book["id"],
            time=network.book["time"],
            label=network.label,
            task=task,
        )
    pictures = kind in ("arrays", "pictures") and source.is_dir()
    if (split.given and not pictures) or split.time:
        raise SettingError(
            f"`retrain` must have test or time with a table alone, got {str(source)!r}."
        )
    if split.group and not source.is_dir():
        raise SettingError(
            "`retrain` must have group with a table or a folder of files alone, got "
            f"{str(source)!r}."
        )
    if kind == "text" and is_text_folder(source):
        return load_text_folder(source, split, task=task, like=tokens_from(network.book))
    if kind == "stream" and suffix == ".txt":
        return load_stream(source, split, like=tokens_from(network.book))
    if pictures:
        files = picture_files(network.book)
        return load_folder(source, split, reading=Reading(), like=files)
    if kind in ("arrays", "pictures") and suffix == ".npz":
        told_kind = {1: "table", 3: "images"}.get(len(network.book.get("shape", ())))
        told_kind = "images" if kind == "pictures" else told_kind
        axis = network.book.get("channels", "first") if told_kind == "images" else None
        return load_npz(source, split, task=task, kind=told_kind, channels=axis)
    if kind == "series" and suffix == ".npz":
        return load_npz(source, split, task=task, kind="series")
    texts_of = "a table (.csv, .parquet)" if columns else "a folder with .txt files of each class"
    takes = {
        "columns": "a table (.csv, .parquet)",
        "text": texts_of,
        "stream": "a .txt file",
        "series": "an .npz or a .ts file of series",
        "arrays": "an .npz or a folder of pictures",
        "pictures": "an .npz or a folder of pictures",
    }
    raise DataError(
        f"{source} is of another kind than the data that the network learned from; give "
        f"{takes.get(kind, 'them to a search in Python, since these have several tensors')}."
    )


def _sounds(network: ExportedNetwork, source: Path, split: Split, task: Task) -> Data:
    """Recordings at the rate of the network, and no longer than it knows them."""
    if split.given or split.time:
        raise SettingError(
            f"`retrain` must have test or time with a table alone, got {str(source)!r}."
        )
    book: Any = network.book
    told: dict[str, Any] = {"rate": book["rate"], "longest": book["longest"], "task": task}
    column = sound_column(source)
    if column is not None:
        return load_sound_table(source, column, split, label=network.label, **told)
    if is_sound_folder(source):
        return load_sound_folder(source, split, **told)
    raise DataError(
        f"{source} is of another kind than the data that the network learned from; give a folder "
        "with recordings of each class, or a table (.csv) with paths of recordings."
    )


def _table(network: ExportedNetwork, source: Path, split: Split, task: Task) -> Data:
    columns = list(read_rows(source, network.label).table.columns)
    missing_columns(network, columns, source)
    label = _label(network, columns, source)
    like: Columns | Tokens
    if network.book["kind"] == "text":
        like = tokens_from(network.book)
    else:
        like = Columns(tuple(map(column_from, network.book["columns"])))
    return load_table(source, split, label=label, task=task, like=like)


def _label(network: ExportedNetwork, columns: list[str], source: Path) -> str:
    """The column to be predicted; where it had no name, as in an estimator, the one that is left.

    Raises:
        DataError: There is none, or more than one.
    """
    if network.label is not None:
        if network.label not in columns:
            raise DataError(
                f"{source} has no column '{network.label}', which the network is to learn to "
                "predict."
            )
        return network.label
    known = column_names(network.book)
    others = [column for column in columns if column not in known]
    if len(others) != 1:
        raise DataError(
            f"{source} must have one column beside {', '.join(known)}, which is what the network "
            f"is to predict, got {', '.join(others) or 'none'}."
        )
    return others[0]


def _check_names(network: ExportedNetwork, data: Data, source: Path) -> None:
    """Refuse other classes than those of the network, and one that the train part lacks."""
    if not isinstance(data.task, Classification):
        return
    y = data.train.all_targets
    there = [name for place, name in enumerate(data.task.names) if bool((y == place).any())]
    strange = [name for name in there if name not in network.names]
    absent = [name for name in network.names if name not in there]
    if strange or absent:
        what = f"the class {strange[0]!r} beside" if strange else f"no row of {absent[0]!r} among"
        shown = ", ".join(network.names[:10]) + ", ..." * (len(network.names) > 10)
        raise DataError(
            f"{source} has {what} those that the network knows: {shown}; it takes a new search "
            "to predict others."
        )
