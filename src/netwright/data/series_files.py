"""Series from the text files of the UCR/UEA archive: `.ts`, and `.tsv` with the label first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.series_arrays import from_series
from netwright.data.series_data import SeriesData
from netwright.data.split import Split
from netwright.errors import DataError
from netwright.tasks import Task

SUFFIXES = (".ts", ".tsv")
"""Endings of files that hold series."""

_TRUE = ("true", "1", "yes")


@dataclass(frozen=True)
class SeriesFile:
    """Series (c, t) of float64 with NaN where a value is missing, and a label for each, if any.

    `task` is what the file says of its labels.
    """

    series: list[NDArray[np.float64]]
    labels: NDArray[Any] | None
    task: str | None


def load_series(path: Path, split: Split, *, task: str | Task | None = None) -> SeriesData:
    """Data of a file of series; the test part may be another file.

    Raises:
        DataError: A file cannot be read, or has no labels; the message names the line.
    """
    files = {"train": read_series_file(path)}
    if split.given is not None:
        files["test"] = read_series_file(split.given)
    where = {"train": path, "test": split.given}
    for key, each in files.items():
        if each.labels is None:
            raise DataError(f"{where[key]} has no labels (`@classLabel` or `@targetLabel`).")
    remarks = []
    beside = path.with_name(path.name.replace("_TRAIN.", "_TEST."))
    if split.given is None and beside != path and beside.is_file():
        remarks.append(
            f"the test part is drawn from {path.name}, though {beside.name} is beside it; "
            f"to test on that say `test={str(beside)!r}`"
        )
    return from_series(
        {key: (each.series, each.labels) for key, each in files.items()},
        split,
        name=path.stem.removesuffix("_TRAIN"),
        source=str(path),
        task=task or files["train"].task,
        remarks=tuple(remarks),
    )


def read_series_file(path: Path) -> SeriesFile:
    """The series of a `.ts` or a `.tsv` file.

    Raises:
        DataError: It cannot be read; the message names the line, counted from 1.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as text: {error}.") from error
    read = _read_tsv if path.suffix.lower() == ".tsv" else _read_ts
    found = read(path, lines)
    if not found.series:
        raise DataError(f"{path} has no series.")
    return found


def _read_tsv(path: Path, lines: list[str]) -> SeriesFile:
    """A series of one channel in each line, after its label.

    Raises:
        DataError: A value is no number; where the first line has names, it is a table of another
            kind.
    """
    series, labels = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        label, *values = line.rstrip("\r\n").split("\t")
        if number == 1 and values and not any(map(_is_number, values)):
            raise DataError(
                f"{path} begins with a header, {line.strip()[:40]!r}, and a .tsv file must hold "
                "series, a label and numbers on each line; a table may be called .csv, whatever is "
                "between its cells."
            )
        labels.append(label.strip())
        series.append(_numbers(values, f"{path}: line {number}")[None])
    return SeriesFile(series, _as_written(labels), None)


def _read_ts(path: Path, lines: list[str]) -> SeriesFile:
    """Channels between colons, the label last, after a header of words that begin with "@"."""
    header: dict[str, list[str]] = {}
    start = None
    for number, line in enumerate(lines):
        text = line.strip()
        if text.lower().startswith("@data"):
            start = number + 1
            break
        if text.startswith("@"):
            name, *values = text[1:].split()
            header[name.lower()] = values
        elif text and not text.startswith("#"):
            raise DataError(f"{path}: line {number + 1} stands before `@data`, got {text[:40]!r}.")
    if start is None:
        raise DataError(f"{path} has no line `@data`, after which the series of a .ts file stand.")
    if _says(header, "timestamps"):
        raise DataError(
            f"{path} has time stamps (`@timeStamps true`), which are not read; write the values "
            "alone, with ? where one is missing."
        )
    numbers, classes = _says(header, "targetlabel"), _says(header, "classlabel")
    labelled = numbers or classes
    series: list[NDArray[np.float64]] = []
    labels: list[str] = []
    for number, line in enumerate(lines[start:], start + 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        channels = line.strip().split(":")
        if labelled:
            labels.append(channels.pop().strip())
        where = f"{path}: line {number}"
        if not channels or (series and len(channels) != len(series[0])):
            wanted = f"{len(series[0])} channels" if series else "a channel"
            raise DataError(f"{where} must have {wanted}, got {len(channels)}.")
        rows = [_numbers(channel.split(","), where) for channel in channels]
        padded = np.full((len(rows), max(map(len, rows))), np.nan)
        for place, row in enumerate(rows):
            padded[place, : len(row)] = row
        series.append(padded)
    if not labelled:
        return SeriesFile(series, None, None)
    if numbers:
        return SeriesFile(series, _numbers(labels, f"{path}: the targets"), "regression")
    return SeriesFile(series, np.array(labels), "classification")


def _says(header: dict[str, list[str]], name: str) -> bool:
    return header.get(name, ["false"])[:1] != [] and header.get(name, ["false"])[0].lower() in _TRUE


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.strip() in ("", "?")
    return True


def _numbers(texts: list[str], where: str) -> NDArray[np.float64]:
    """Numbers; "?" and an empty text are a missing value."""
    found = np.full(len(texts), np.nan)
    for place, text in enumerate(texts):
        word = text.strip()
        if word in ("", "?"):
            continue
        try:
            found[place] = float(word)
        except ValueError:
            raise DataError(
                f"{where} holds {word[:40]!r} at value {place + 1}, which must be a number, or ? "
                "where it is missing."
            ) from None
    return found


def _as_written(labels: list[str]) -> NDArray[Any]:
    """Labels as whole numbers where all are that, else as text."""
    try:
        return np.array([int(label) for label in labels])
    except ValueError:
        return np.array(labels)
