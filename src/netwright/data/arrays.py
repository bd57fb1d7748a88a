"""Data from arrays, tensors and datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray
from torch.utils.data import Dataset

from netwright.data.bands import are_last, check_channels
from netwright.data.building import build_data
from netwright.data.dataset import ArrayData
from netwright.data.encodings import Arrays
from netwright.data.given import suffixes_of, targets_of
from netwright.data.items import read_dataset
from netwright.data.kinds import kind_of
from netwright.data.series_arrays import from_series
from netwright.data.series_data import SeriesData
from netwright.data.split import Split, part_rows, split_of
from netwright.data.values import read_inputs, to_numpy
from netwright.errors import DataError, SettingError
from netwright.tasks import Task


def from_arrays(
    x: object,
    y: object,
    *,
    name: str = "arrays",
    seed: int = 0,
    validation: float = 0.2,
    test: float = 0.2,
    class_names: Sequence[str] | None = None,
    task: str | Task | None = None,
    channels: str | None = None,
    kind: str | None = None,
) -> ArrayData | SeriesData:
    """Data out of inputs `x` and targets `y`, split at random, classes in their proportion.

    `x` is an array, tensor or nested list of shape (n, f), (n, h, w), (n, c, h, w) or (n, h, w, c);
    see `netwright.data.values.read_inputs` for what is kept. As `kind="series"` it is (n, t), one
    channel, (n, c, t), or a list of series of unequal lengths, (t,) or (c, t) each; a step without
    a value is NaN. `kind` is "table", "images" or "series", and by default follows from axes and
    type; (n, a, b) of numbers that are no bytes must be told. `channels` says which axis of four
    counts them, "first" or "last"; by default `netwright.data.bands.are_last` finds out.

    `y` has n targets, and the `task` is what they mean: "classification", "regression",
    "multilabel" or a task; by default it is found out as `netwright.data.targets.read_targets`
    says. With a `task` of your own `y` are its targets, numbers of shape (n, ...), and it splits
    them. `class_names` are those of the sorted classes. `remarks` has all that was found out.

    `validation` and `test` are fractions of the n rows; `test=0` makes no test part. The same seed
    gives the same split.

    Raises:
        DataError: the data cannot be used; the message names the row.
        SettingError: a fraction is outside its rule.
    """
    return from_any(
        {"train": (x, y)},
        split_of(seed, validation, test),
        name=name,
        source=name,
        class_names=class_names,
        task=task,
        channels=channels,
        kind=kind,
    )


def from_dataset(
    train: Dataset[Any],
    validation: Dataset[Any] | float = 0.2,
    test: Dataset[Any] | float = 0.2,
    *,
    name: str = "dataset",
    seed: int = 0,
    class_names: Sequence[str] | None = None,
    task: str | Task | None = None,
    channels: str | None = None,
    kind: str | None = None,
) -> ArrayData | SeriesData:
    """Data out of one to three datasets that yield (x, y); a fraction is carved out of `train`.

    Every item is read once, so a random transform of the dataset is frozen: give the plain dataset
    and augment with `Augmentation`. `task` and `kind` are as in `from_arrays`.

    Raises:
        DataError: an item is no pair, or its shape or that of its target differs; the message names
            its row.
        SettingError: a fraction is outside its rule.
    """
    unequal = kind == "series"
    parts = {"train": read_dataset(train, f"{name}: train", unequal=unequal)}
    fractions: dict[str, float | None] = {"validation": None, "test": None}
    for part_name, given in (("validation", validation), ("test", test)):
        if isinstance(given, Dataset):
            parts[part_name] = read_dataset(given, f"{name}: {part_name}", unequal=unequal)
        else:
            fractions[part_name] = given
    return from_any(
        parts,
        Split(seed, fractions["validation"], fractions["test"] or None),
        name=name,
        source=name,
        class_names=class_names,
        task=task,
        channels=channels,
        kind=kind,
    )


def from_any(
    parts: Mapping[str, tuple[object, object]],
    split: Split,
    *,
    kind: str | None,
    name: str,
    source: str,
    class_names: Sequence[str] | None = None,
    suffixes: Mapping[str, str] | None = None,
    task: str | Task | None = None,
    channels: str | None = None,
) -> ArrayData | SeriesData:
    """Data of the kind that is told or found out; all else is as in `from_parts`."""
    suffix = suffixes or suffixes_of(parts)
    found, remark = kind_of(parts["train"][0], kind, f"{source}: x{suffix['train']}")
    told: dict[str, Any] = {"name": name, "source": source, "task": task, "suffixes": suffix}
    told |= {"class_names": class_names, "remarks": (remark,) if remark else ()}
    if found != "series":
        return from_parts(parts, split, channels=channels, **told)
    if channels is not None:
        raise SettingError(f"`channels` belongs to images, not to series, got {channels!r}.")
    return from_series(parts, split, **told)


def from_parts(
    parts: Mapping[str, tuple[object, object]],
    split: Split,
    *,
    name: str,
    source: str,
    class_names: Sequence[str] | None = None,
    suffixes: Mapping[str, str] | None = None,
    task: str | Task | None = None,
    channels: str | None = None,
    remarks: tuple[str, ...] = (),
) -> ArrayData:
    """Data out of (x, y) for "train" and, where they exist, "validation" and "test".

    A part that is missing is carved out of train: its fraction is of the rows of train. A part that
    is given stays as it is. `suffixes` says what messages write after the x and y of a part.
    """
    suffix = suffixes or suffixes_of(parts)
    check_channels(channels)
    said, axes = "", to_numpy(parts["train"][0], f"{source}: x{suffix['train']}").shape
    if len(axes) == 4 and 0 not in axes:
        last, said = are_last(axes, channels, f"{source}: x{suffix['train']}")
        channels = "last" if last else "first"
    inputs = {
        key: read_inputs(x, f"{source}: x{suffix[key]}", channels) for key, (x, _) in parts.items()
    }
    for key, x in inputs.items():
        _check_same(x, inputs["train"], f"{source}: x{suffix[key]}")
    read = targets_of(parts, inputs, suffix, source, task, class_names)
    rows = part_rows(read.parts, read.task, split, source)
    pieces = {
        key: (inputs[owner], read.parts[owner], index) for key, (owner, index) in rows.items()
    }
    told = (*remarks, *(remark for remark in (said, read.remark) if remark))
    x, encoded = inputs["train"], None
    if channels == "last":
        encoded = Arrays(x.shape[1:], str(x.dtype), "last")
    made = build_data(pieces, read.task, name=name, source=source, encoded=encoded, remarks=told)
    return replace(made, reshuffles="validation" not in parts)


def _check_same(x: NDArray[Any], train: NDArray[Any], where: str) -> None:
    if x.shape[1:] != train.shape[1:]:
        raise DataError(
            f"{where} holds inputs of shape {x.shape[1:]}, but train holds {train.shape[1:]}."
        )
    if x.dtype != train.dtype:
        raise DataError(
            f"{where} is {x.dtype}, but train is {train.dtype}: give all parts in one unit."
        )
