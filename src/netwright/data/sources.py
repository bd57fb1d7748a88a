"""One entry for every kind of source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader, Dataset

from netwright.data.arrays import from_any
from netwright.data.asked import Asked, check_not_empty
from netwright.data.dataset import ArrayData
from netwright.data.embedded import load_digits, load_fashion14
from netwright.data.faults import noticed
from netwright.data.folders import load_folder
from netwright.data.hugging_face import (
    has_pictures,
    is_hugging_face,
    load_hugging_face,
    load_hugging_face_table,
)
from netwright.data.items import read_dataset
from netwright.data.kinds import check_kind
from netwright.data.long_tables import load_long
from netwright.data.npz import load_npz
from netwright.data.picture_tables import load_picture_table, names_pictures
from netwright.data.pictures import reading_of
from netwright.data.series_data import SeriesData
from netwright.data.series_files import SUFFIXES, load_series
from netwright.data.sound_data import SoundData
from netwright.data.sound_files import check_rate, is_sound_folder, sound_column
from netwright.data.sounds import load_sound_arrays, load_sound_folder, load_sound_table
from netwright.data.stream_data import StreamData, load_stream
from netwright.data.table_data import TableData
from netwright.data.tables import load_table
from netwright.data.targets import check_asked
from netwright.data.text_data import TextData
from netwright.data.texts import (
    is_text_dataset,
    is_text_folder,
    is_texts,
    load_text_folder,
    load_texts,
)
from netwright.data.tokens import checked_tokens
from netwright.errors import DataError, SettingError
from netwright.tasks import Task

_EMBEDDED = ("fashion14", "digits")

AnyData = ArrayData | SeriesData | TableData | TextData | StreamData | SoundData
"""What `load` gives."""


def load(
    source: str | os.PathLike[str] | tuple[Any, Any] | Dataset[Any],
    *,
    seed: int = 0,
    validation: float = 0.2,
    test: float | str | os.PathLike[str] = 0.2,
    label: str | None = None,
    size: int | tuple[int, int] | None = None,
    fit: str = "stretch",
    page: int = 1,
    channels: str | None = None,
    task: str | Task | None = None,
    group: str | None = None,
    time: str | None = None,
    drop_rare: bool = False,
    kind: str | None = None,
    tokens: str = "bytes",
    rate: int | None = None,
    series: str | None = None,
) -> AnyData:
    r"""Read a data set into memory, split and checked.

    `source` is "fashion14" or "digits"; a path to an `.npz`, `.csv`, `.parquet`, `.ts` or UCR's
    `.tsv` file or to a folder of images; a table of pandas or Polars; a pair (X, y) of arrays or
    tensors; a `torch.utils.data.Dataset`; or a data set of Hugging Face's `datasets`, of pictures
    or of plain columns. Parts that the source brings (fashion14 brings all) are kept as they are;
    the others are carved out of train, classes stratified, in an order drawn from `seed`:
    `validation` and `test` are fractions of the rows of train, and `test=0` makes no test part.
    A table with a column of paths to images, relative to it, is read as these images with its
    `label`, or with several that are written with commas. A folder of images has a sub-folder for
    each class, and `test` may be another such folder; `size` is (height, width) of images, or one
    number for both, `fit` says how another aspect gets it ("stretch", "crop" or "pad"), and `page`
    which page of a file is read, from 1 on. Images that take more than 256 MiB are decoded once,
    into a file that is mapped (`netwright.data.cache`), and so are other rows. Arrays with four
    axes have their `channels` "first" or "last"; by default the reading with equal sides is taken.
    `task` says what targets mean: "classification", "regression", "multilabel" or a task, as
    `from_arrays` has it; by default it is found out, and `remarks` of the data has what was; it
    also has what is odd about the rows.

    Texts are a pair of two lists (texts, labels), a folder with a sub-folder of .txt files for each
    class, a Dataset of texts and labels, or a table that has a column of texts and no other to
    learn from; `kind="text"` says that a table's are learned from alone in any case. `tokens` is
    what they are made of: "bytes", or "bpe" for the pairs of bytes that the train part has often.

    Recordings are a folder with a sub-folder of WAV, FLAC or OGG files for each class, a .csv
    with a column of their paths, or arrays (X, y) with `kind="sound"`. They are brought to
    `rate` Hz; by default to 8,000 or 16,000, whichever more of the files are near.

    Of a table, `label` is the label column, by default the one called label, target, class or y,
    else the last, and `test` may be another table. Rows with one value in the column `group` are
    all in one part. For a folder of files `group` is a regular expression that is searched in the
    path of each, from the folder that holds those of the classes on: what is in its parentheses,
    or all that it matches, is the file's group, so that `group=r"(speaker\d+)_"` keeps the
    recordings of one speaker together. By the column `time` the last rows are the test part, and
    those before them the validation part. A class with fewer rows than there are parts is in the
    train part alone; `drop_rare` leaves its rows out.

    `kind` says what data are, "table", "images", "series", "sound" or "text", and of arrays it is
    as `from_arrays` has it. In a long
    table rows with one value in the column `series` are one series, ordered by the column `time`;
    other columns but the label are its channels.

    Raises:
        DataError: the data cannot be used as it is; the message names the file or the row.
        SettingError: a fraction is outside its rule, or an argument does not belong to the source.
        MissingExtra: reading this kind of file needs an optional package.
    """
    check_kind(kind)
    check_asked(task)
    check_rate(rate)
    check_not_empty(label=label, group=group, time=time, series=series, test=test)
    check_not_empty(source=source, channels=channels)
    options: dict[str, Any] = {
        "task": task,
        "seed": seed,
        "validation": validation,
        "test": test,
        "label": label,
    }
    options |= {"channels": channels, "group": group, "time": time, "drop_rare": drop_rare}
    options |= {"kind": kind, "tokens": checked_tokens(tokens), "rate": rate, "series": series}
    made = _loaded(Asked(source, reading=reading_of(size, fit, page), **options))
    _check_fits(made, kind, rate, source)
    made = replace(made, remarks=(*made.remarks, *noticed(made)))
    if isinstance(source, (str, os.PathLike)):
        known = source if source in _EMBEDDED else str(Path(source).absolute())
        kept = test if isinstance(test, float | int) else str(Path(test).absolute())
        told = {**options, "source": known, "test": kept, "size": size, "fit": fit, "page": page}
        object.__setattr__(made, "loaded", told)
    return made


def _loaded(asked: Asked) -> AnyData:
    """What `load` gives, without what it was given."""
    if not asked.is_table and not is_hugging_face(asked.source):
        asked.check_belongs(("label", "time", "drop_rare", "series"), "a table")
        if asked.path is None or not asked.path.is_dir():
            asked.check_belongs(("group",), "a table or a folder of files")
    for read in (_hugging_face, _table, _folder, _embedded, _memory, _file):
        made = read(asked)
        if made is not None:
            return made
    raise _unreadable(asked.source, asked.path)


def _hugging_face(asked: Asked) -> AnyData | None:
    """The pictures or the table of a data set of Hugging Face's, whose splits are parts."""
    if not is_hugging_face(asked.source):
        return None
    if not has_pictures(asked.source):
        asked.check_no_images()
        asked.check_belongs(("series", "channels"), "a long table, or arrays")
        told: dict[str, Any] = {"task": asked.task, "kind": asked.kind, "tokens": asked.tokens}
        split = asked.of_table(asked.drawn)
        return load_hugging_face_table(asked.source, split, label=asked.label, **told)
    asked.check_belongs(("group", "time", "drop_rare", "series"), "a table of values")
    read: dict[str, Any] = {"label": asked.label, "reading": asked.reading, "task": asked.task}
    return load_hugging_face(asked.source, asked.drawn, **read)


def _table(asked: Asked) -> AnyData | None:
    """Rows of a table, what its column of paths names, or the series of a long one."""
    if not asked.is_table or (asked.path is not None and asked.file is None):
        return None
    file, label = asked.file, asked.label
    if asked.series is not None:
        if asked.kind not in (None, "series"):
            raise SettingError(f"`load(series=...)` must have no other `kind`, got {asked.kind!r}.")
        asked.check_belongs(("drop_rare",), "a table of values")
        by: dict[str, Any] = {"series": asked.series, "time": asked.time, "label": label}
        return load_long(file or asked.source, asked.split, task=asked.task, **by)
    column = sound_column(file) if file is not None and asked.kind in (None, "sound") else None
    if file is not None and column is not None:
        asked.check_belongs(("time", "drop_rare"), "a table of values")
        read: dict[str, Any] = {"label": label, "rate": asked.rate, "task": asked.task}
        return load_sound_table(file, column, asked.drawn, **read)
    if file is not None and asked.kind in (None, "images") and names_pictures(file, label):
        asked.check_belongs(("time", "drop_rare"), "a table of values")
        read = {"reading": asked.reading, "label": label, "task": asked.task}
        return load_picture_table(file, asked.split, **read)
    asked.check_no_images()
    read = {"label": label, "task": asked.task, "kind": asked.kind, "tokens": asked.tokens}
    return load_table(file or asked.source, asked.of_table(asked.split), **read)


def _folder(asked: Asked) -> AnyData | None:
    """Recordings, texts or pictures of a folder."""
    path = asked.path
    if path is None or not path.is_dir():
        return None
    if asked.kind == "sound" or (asked.kind is None and is_sound_folder(path)):
        return load_sound_folder(path, asked.drawn, rate=asked.rate, task=asked.task)
    if asked.kind == "text" or (asked.kind is None and is_text_folder(path)):
        return load_text_folder(path, asked.drawn, task=asked.task, tokens=asked.tokens)
    asked.check_belongs(("channels",), "arrays")
    _check_classes(asked)
    return load_folder(path, asked.split, reading=asked.reading)


def _check_classes(asked: Asked) -> None:
    """Refuse another task than the one of what comes in classes."""
    if asked.task not in (None, "classification"):
        raise SettingError(
            f'`load(task=...)` must be "classification" for {str(asked.source)!r}, got '
            f"{asked.task!r}."
        )


def _embedded(asked: Asked) -> AnyData | None:
    """The data sets that come with netwright."""
    if asked.path is None or asked.source not in _EMBEDDED:
        return None
    asked.check_no_images()
    asked.check_belongs(("channels",), "arrays")
    _check_classes(asked)
    split = asked.drawn
    return load_fashion14() if asked.source == "fashion14" else load_digits(split)


def _memory(asked: Asked) -> AnyData | None:
    """A pair of inputs and targets, or a Dataset."""
    source = asked.source
    is_pair = isinstance(source, tuple) and len(source) == 2
    if not is_pair and not isinstance(source, Dataset):
        return None
    asked.check_no_images()
    if is_pair:
        x, y = source
    elif asked.kind in (None, "text") and is_text_dataset(source):
        pairs = [source[place] for place in range(len(source))]
        x, y = (list(each) for each in zip(*pairs, strict=True))
    else:
        unequal = asked.kind in ("series", "sound")
        x, y = read_dataset(source, "dataset: train", unequal=unequal)
    if asked.kind == "sound":
        return load_sound_arrays(x, y, asked.drawn, rate=asked.rate, task=asked.task)
    if asked.kind == "text" or (asked.kind is None and is_texts(x)):
        return load_texts(x, y, asked.drawn, tokens=asked.tokens, task=asked.task)
    told: dict[str, Any] = {"channels": asked.channels, "kind": asked.kind, "task": asked.task}
    name = "arrays" if is_pair else "dataset"
    return from_any({"train": (x, y)}, asked.drawn, name=name, source=name, **told)


def _file(asked: Asked) -> AnyData | None:
    """Arrays, series or a text of a file."""
    file = asked.file
    if file is None:
        return None
    if asked.suffix in SUFFIXES:
        return load_series(file, asked.split, task=asked.task)
    asked.check_no_images()
    if asked.suffix == ".txt":
        return load_stream(file, asked.drawn, tokens=asked.tokens)
    if asked.suffix == ".npz":
        told: dict[str, Any] = {"channels": asked.channels, "kind": asked.kind}
        return load_npz(file, asked.drawn, task=asked.task, **told)
    return None


def _check_fits(made: AnyData, kind: str | None, rate: int | None, source: object) -> None:
    """Refuse a kind that the data are not of, and a rate of what are no recordings."""
    is_images = isinstance(made, ArrayData) and len(made.shape) == 3
    fits = {
        "sound": (isinstance(made, SoundData), "recordings"),
        "text": (isinstance(made, TextData | StreamData), "texts"),
        "series": (isinstance(made, SeriesData), "series"),
        "images": (is_images, "pictures"),
        "table": (isinstance(made, TableData) or not is_images, "a table"),
    }
    if kind is not None and not fits[kind][0]:
        raise SettingError(f'`load(kind="{kind}")` must be given {fits[kind][1]}, got {source!r}.')
    if rate is not None and not isinstance(made, SoundData):
        raise SettingError(f"`load(rate=...)` belongs to recordings, not {source!r}.")


def _unreadable(source: object, path: Path | None) -> DataError:
    """Why nothing can be read from a source."""
    if isinstance(source, DataLoader):
        return DataError(
            "`load(...)` must get the Dataset and not what loads it in batches, got a DataLoader; "
            "write `load(loader.dataset)`."
        )
    if isinstance(source, Iterator):
        return DataError(
            f"`load(...)` cannot begin a {type(source).__name__} again; read it first: "
            "`X, y = zip(*rows)`, then `load((numpy.stack(X), y))`."
        )
    if path is None:
        return DataError(
            "`load(...)` must get a name, a path, a pair (X, y) or a Dataset, "
            f"got {type(source).__name__}."
        )
    if not path.exists():
        return DataError(
            f"`load({str(source)!r})`: there is no such file or folder, and it is not the name of "
            "an embedded set (fashion14, digits)."
        )
    return DataError(
        f"{path} is of no kind that is read: give an .npz, .csv, .parquet, .ts or .txt file, or a "
        "folder of images, of recordings or of .txt files for each class."
    )
