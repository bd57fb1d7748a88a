"""Data of texts from lists, a folder with a sub-folder for each class, a Dataset or a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from netwright.data.base import PARTS
from netwright.data.groups import Groups, groups_of_files
from netwright.data.labels import rare_classes
from netwright.data.ragged import ragged_digest
from netwright.data.sound_files import check_tops, top_folder
from netwright.data.split import Split, part_folders, part_rows
from netwright.data.targets import read_targets
from netwright.data.text_data import TextData, text_part
from netwright.data.tokens import Tokens, learn_merges
from netwright.data.written_text import text_in
from netwright.errors import DataError
from netwright.tasks import Task

_MOST = {"bytes": 2000, "bpe": 600}
"""Tokens of a text at most: what is beyond them costs time and says little."""

_SHARE = 0.99  # of the texts, which are not cut for being longer than the others
_SPARED = 2  # times that share's length, up to which nothing is cut
_PAIRS = 4000  # ids of byte pairs

Rows = Mapping[str, tuple[str, NDArray[np.int64]]]
"""For each of the three parts the given part it is taken from, and its row numbers there."""


def is_texts(source: object) -> bool:
    """Whether something is a list of texts, by its first twenty rows."""
    if isinstance(source, str | bytes) or not hasattr(source, "__iter__"):
        return False
    if not hasattr(source, "__len__") or hasattr(source, "columns") or isinstance(source, Mapping):
        return False
    first = [row for row, _ in zip(source, range(20), strict=False) if row is not None]
    return bool(first) and all(isinstance(row, str) for row in first)


def from_texts(
    texts: Mapping[str, Sequence[Any]],
    targets: Mapping[str, NDArray[Any]],
    task: Task,
    rows: Rows,
    *,
    name: str,
    source: str,
    tokens: str = "bytes",
    columns: Sequence[str] = (),
    like: Tokens | None = None,
    remarks: Sequence[str] = (),
    label: str | None = None,
) -> TextData:
    """Data of texts and targets of given parts, and of the rows that each part has of them.

    Tokens are bytes, or byte pairs that are learned from the train part; with tokens to be `like`
    those. What is longer than nearly all texts of the train part is cut.

    Raises:
        DataError: A row is no text, or none of the train part has any.
        MissingExtra: Byte pairs need tokenizers.
    """
    taken: dict[str, list[str]] = {}
    for key, (owner, index) in rows.items():
        given = texts[owner]
        try:
            taken[key] = [text_in(given[place], place) for place in index.tolist()]
        except ValueError as error:
            raise DataError(f"{source}: {error}.") from error
    if not any(text.strip() for text in taken["train"]):
        raise DataError(f"{source}: the train part has no text that is not empty.")
    told = list(remarks)
    merges: tuple[tuple[int, int], ...] = like.merges if like is not None else ()
    if like is None and tokens == "bpe":
        merges = learn_merges(taken["train"], _PAIRS)
    plain = Tokens(1, tuple(columns), merges)
    ids = {key: [plain.numbers(text) for text in part] for key, part in taken.items()}
    if like is None:
        longest = _longest(list(map(len, ids["train"])), _MOST[tokens])
        like = Tokens(longest, tuple(columns), merges)
        told += _cut(ids, like)
    told += _empty(taken)
    y = {key: targets[owner][index] for key, (owner, index) in rows.items()}
    parts = {key: text_part(ids[key], y[key], like.longest) for key in PARTS}
    task = task.fitted(y["train"])
    digest = ragged_digest([parts[key] for key in PARTS], [like.to_json(), task.to_json()])
    return TextData(
        name,
        like,
        task,
        parts["train"],
        parts["validation"],
        parts["test"],
        digest=digest,
        source=source,
        remarks=tuple(told),
        label=label,
    )


def _longest(lengths: list[int], most: int) -> int:
    """How many tokens a text has at most."""
    usual = int(np.quantile(lengths, _SHARE))
    longest = max(lengths)
    spared = longest + longest // 4  # others may be a little longer
    return max(1, min(spared if longest <= _SPARED * usual else usual, most))


def _cut(ids: Mapping[str, Sequence[NDArray[np.int32]]], tokens: Tokens) -> list[str]:
    cut = sum(len(row) > tokens.longest for part in ids.values() for row in part)
    if not cut:
        return []
    return [
        f"{cut:,} text{'s' * (cut > 1)} longer than {tokens.longest:,} {tokens.words} "
        f"{'are' if cut > 1 else 'is'} cut there"
    ]


def _empty(texts: Mapping[str, Sequence[str]]) -> list[str]:
    count = sum(not text.strip() for part in texts.values() for text in part)
    return [f"{count:,} text{'s are' if count > 1 else ' is'} empty"] if count else []


def load_texts(
    texts: Sequence[Any],
    labels: Any,
    split: Split,
    *,
    task: str | Task | None = None,
    name: str = "texts",
    source: str = "texts",
    tokens: str = "bytes",
    remarks: Sequence[str] = (),
) -> TextData:
    """Data of a list of texts and their labels, numbers or columns of labels.

    Raises:
        DataError: A row is no text, or has no label; the message names it.
    """
    listed = texts.tolist() if hasattr(texts, "tolist") else texts
    told: dict[str, Any] = {"name": name, "source": source, "tokens": tokens, "remarks": remarks}
    return _of_parts({"train": listed}, {"train": labels}, split, task=task, **told)


def load_text_folder(
    path: Path,
    split: Split,
    *,
    task: str | Task | None = None,
    tokens: str = "bytes",
    like: Tokens | None = None,
) -> TextData:
    """Data from `path/<class>/<text>.txt`, or `path/train/<class>/...` with `val` and `test`.

    Raises:
        DataError: A file is no UTF-8, a part has none, or parts stand beside classes.
    """
    texts, labels, files = {}, {}, {}
    folders = part_folders(path)
    for part, folder in folders.items():
        texts[part], labels[part], names = read_text_folder(folder)
        check_tops(folder, labels[part], ".txt file")
        files[part] = [folder / name for name in names]
    groups = groups_of_files(split.group, files, folders)
    told: dict[str, Any] = {"name": path.name, "source": str(path), "tokens": tokens, "like": like}
    return _of_parts(texts, labels, split, task=task, groups=groups, **told)


def _of_parts(
    texts: Mapping[str, Sequence[Any]],
    labels: Mapping[str, Any],
    split: Split,
    *,
    task: str | Task | None,
    source: str,
    remarks: Sequence[str] = (),
    groups: Groups | None = None,
    **told: Any,
) -> TextData:
    """Data of the texts and labels of given parts; the train part is divided where others lack."""
    found = read_targets(labels, task=task, where=f"{source}: y")
    targets = found.parts
    for part, given in texts.items():
        if len(given) != len(targets[part]):
            raise DataError(
                f"{source}: there are {len(given):,} texts and {len(targets[part]):,} labels; "
                "every text needs one."
            )
    rows = part_rows(targets, found.task, split, source, groups)
    said = [*remarks, *([found.remark] if found.remark else [])]
    said += rare_classes(found.task, targets["train"], rows, "drop_rare=True")
    said += groups.remarks(rows, targets, found.task) if groups is not None else []
    made = from_texts(texts, targets, found.task, rows, source=source, remarks=said, **told)
    numbers = None if groups is None else groups.numbers(rows)
    return replace(made, reshuffles="validation" not in texts, groups=numbers)


def is_text_folder(path: Path) -> bool:
    """Whether most files of a folder's sub-folders, or of those of its parts, are .txt files."""
    if not path.is_dir():
        return False
    files = (file for pattern in ("*/*", "*/*/*") for file in path.glob(pattern) if file.is_file())
    kinds = [file.suffix.lower() == ".txt" for file in files]
    return any(kinds) and sum(kinds) > len(kinds) / 2


def read_text_folder(path: Path, *, alone: bool = False) -> tuple[list[str], list[str], list[str]]:
    """The texts of a folder, their classes and their files, in the order of the files' names.

    Texts in folders inside that of a class are of that class. With `alone` those that lie in no
    sub-folder too, whose class is empty.

    Raises:
        DataError: A file is no UTF-8, or there is none.
    """
    every = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".txt")
    files = [
        file
        for file in every
        if file.is_file()
        and (alone or file.parent != path)
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not files:
        raise DataError(f"{path} has no .txt file.")
    classes = [top_folder(file, path) for file in files]
    return list(map(read_utf8, files)), classes, [str(f.relative_to(path)) for f in files]


def read_utf8(path: Path) -> str:
    """The text of a file.

    Raises:
        DataError: It is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8: {error}; save it as UTF-8.") from error


def is_text_dataset(dataset: Dataset[Any]) -> bool:
    """Whether a torch Dataset gives pairs of a text and a label, by its first."""
    if not hasattr(dataset, "__len__") or type(dataset).__getitem__ is Dataset.__getitem__:
        return False
    try:
        item: object = dataset[0]
    except Exception:  # a user's code raises many kinds; who reads all of it names the row
        return False
    return isinstance(item, tuple | list) and len(item) == 2 and isinstance(item[0], str)
