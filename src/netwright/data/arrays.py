"""Data from arrays, tensors and datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from netwright.data.dataset import ArrayData, ArrayPart, measure_digest
from netwright.data.encodings import Encoding
from netwright.data.items import read_dataset
from netwright.data.labels import encode_labels
from netwright.data.values import measure_mean_std, read_inputs, read_targets
from netwright.errors import DataError, SettingError
from netwright.tasks import Classification, Task
from netwright.tasks.own import check_task, checked_split

_SUFFIX = {"train": "_train", "validation": "_val", "test": "_test"}


def from_arrays(
    x: object,
    y: object,
    *,
    name: str = "arrays",
    seed: int = 0,
    validation: float = 0.2,
    test: float = 0.2,
    class_names: Sequence[str] | None = None,
    task: Task | None = None,
) -> ArrayData:
    """Data out of inputs `x` and labels `y`, split at random with every class in its proportion.

    `x` is an array, tensor or nested list of shape (n, f), (n, h, w), (n, c, h, w) or (n, h, w, c);
    see `netwright.data.values.read_inputs` for what is kept. `y` has n labels: whole numbers,
    booleans or text, mapped to 0..k-1 in sorted order. `validation` and `test` are fractions of the
    n rows; `test=0` makes no test part. The same seed gives the same split.

    With a `task` of your own `y` are its targets, numbers of shape (n, ...), and it splits them.

    Raises:
        DataError: the data cannot be used; the message names the row.
        SettingError: a fraction is outside its rule.
    """
    return from_parts(
        {"train": (x, y)},
        name=name,
        source=name,
        seed=seed,
        validation=validation,
        test=test,
        class_names=class_names,
        task=task,
    )


def from_dataset(
    train: Dataset[Any],
    validation: Dataset[Any] | float = 0.2,
    test: Dataset[Any] | float = 0.2,
    *,
    name: str = "dataset",
    seed: int = 0,
    class_names: Sequence[str] | None = None,
) -> ArrayData:
    """Data out of one to three datasets that yield (x, y); a fraction is carved out of `train`.

    Every item is read once into memory, so a random transform of the dataset is frozen: give the
    plain dataset and augment with `Augmentation`.

    Raises:
        DataError: an item is no pair, its shape differs, or its label is not one value; the
            message names its row.
        SettingError: a fraction is outside its rule.
    """
    parts = {"train": read_dataset(train, f"{name}: train")}
    fractions = {"validation": 0.0, "test": 0.0}
    for part_name, given in (("validation", validation), ("test", test)):
        if isinstance(given, Dataset):
            parts[part_name] = read_dataset(given, f"{name}: {part_name}")
        else:
            fractions[part_name] = given
    return from_parts(
        parts,
        name=name,
        source=name,
        seed=seed,
        validation=fractions["validation"],
        test=fractions["test"],
        class_names=class_names,
    )


def from_parts(
    parts: Mapping[str, tuple[object, object]],
    *,
    name: str,
    source: str,
    seed: int,
    validation: float,
    test: float,
    class_names: Sequence[str] | None = None,
    suffixes: Mapping[str, str] | None = None,
    task: Task | None = None,
) -> ArrayData:
    """Data out of (x, y) for "train" and, where they exist, "validation" and "test".

    A part that is missing is carved out of train: its fraction is of the rows of train. A part that
    is given stays as it is. `suffixes` says what messages write after the x and y of a part.
    """
    check_task(task)
    suffix = suffixes or (_SUFFIX if len(parts) > 1 else dict.fromkeys(_SUFFIX, ""))
    inputs = {key: read_inputs(x, f"{source}: x{suffix[key]}") for key, (x, _) in parts.items()}
    given = {f"{source}: y{suffix[key]}": y for key, (_, y) in parts.items()}
    if task is not None:
        if class_names is not None:
            raise SettingError("`class_names` and `task` say the same; leave `class_names` out.")
        codes = {where: read_targets(y, where) for where, y in given.items()}
    else:
        codes, names = encode_labels(given, class_names)
        task = Classification(names)
    targets = {key: codes[f"{source}: y{suffix[key]}"] for key in parts}
    for key, x in inputs.items():
        _check_same(x, inputs["train"], f"{source}: x{suffix[key]}")
        if len(x) != len(targets[key]):
            raise DataError(
                f"{source}: x{suffix[key]} has {len(x):,} rows and y{suffix[key]} has "
                f"{len(targets[key]):,}; every row needs one label."
            )
    if isinstance(task, Classification):
        _check_known(targets, task.names, source)
    rows = part_rows(targets, task, seed=seed, validation=validation, test=test, source=source)
    pieces = {key: (inputs[owner], targets[owner], index) for key, (owner, index) in rows.items()}
    return build_data(pieces, task, name=name, source=source)


def part_rows(
    targets: Mapping[str, NDArray[Any]],
    task: Task,
    *,
    seed: int,
    validation: float,
    test: float,
    source: str,
) -> dict[str, tuple[str, NDArray[np.int64]]]:
    """For each of the three parts: the given part it is taken from, and its row numbers there.

    Raises:
        SettingError: The task does not give row numbers of three parts that share none.
    """
    split: object = task.split(
        targets["train"],
        validation=None if "validation" in targets else validation,
        test=None if "test" in targets or test == 0 else test,
        rng=np.random.default_rng(seed),
        source=source,
    )
    parts = checked_split(task, split, len(targets["train"]))
    rows = dict(zip(_SUFFIX, (("train", index) for index in parts), strict=True))
    for key in targets.keys() - {"train"}:
        rows[key] = (key, np.arange(len(targets[key])))
    return rows


def build_data(
    pieces: Mapping[str, tuple[NDArray[Any], NDArray[Any], NDArray[np.int64] | None]],
    task: Task,
    *,
    name: str,
    source: str,
    encoded: Encoding | None = None,
) -> ArrayData:
    """Data out of inputs, targets and the rows of them (None is all) for each of the three parts.

    The parts become views of one array of all rows, in their order.

    Raises:
        DataError: A class is missing from a part.
    """
    taken = [
        (x, y, np.arange(len(y)) if rows is None else rows)
        for x, y, rows in (pieces[key] for key in _SUFFIX)
    ]
    if isinstance(task, Classification):
        for key, (_, y, rows) in zip(_SUFFIX, taken, strict=True):
            _check_complete(
                y[rows], task.names, f"{source}: class {{!r}} is missing from the {key}"
            )
    sizes = [len(rows) for _, _, rows in taken]
    xs = torch.split(torch.from_numpy(_gathered([(x, rows) for x, _, rows in taken])), sizes)
    ys = torch.split(torch.from_numpy(_gathered([(y, rows) for _, y, rows in taken])), sizes)
    train, validation, test = map(ArrayPart, xs, ys)
    mean, std = measure_mean_std(train.x.numpy())
    return ArrayData(
        name,
        tuple(train.x.shape[1:]),
        task,
        train,
        validation,
        test,
        mean=torch.from_numpy(mean),
        std=torch.from_numpy(std),
        digest=measure_digest([train, validation, test], task.names),
        source=source,
        encoded=encoded,
    )


def _gathered(pieces: Sequence[tuple[NDArray[Any], NDArray[np.int64]]]) -> NDArray[Any]:
    """Rows of arrays, one after the other in one array, each copied once."""
    first, _ = pieces[0]
    whole = np.empty((sum(len(rows) for _, rows in pieces), *first.shape[1:]), first.dtype)
    start = 0
    for array, rows in pieces:
        np.take(array, rows, 0, whole[start : start + len(rows)], "clip")
        start += len(rows)
    return whole


def _check_complete(y: NDArray[np.int64], names: Sequence[str], missing: str) -> None:
    """Every class is in a part that has rows; `missing` is the message for its name."""
    absent = np.flatnonzero(np.bincount(y, minlength=len(names)) == 0)
    if len(y) and len(absent):
        raise DataError(
            f"{missing.format(names[absent[0]])} part; every part needs at least one row of each "
            "class."
        )


def _check_known(
    targets: Mapping[str, NDArray[np.int64]], names: Sequence[str], source: str
) -> None:
    """Every class of a given part must be learnt from."""
    learnt = set(np.unique(targets["train"]).tolist())
    for key, y in targets.items():
        strange = sorted(set(np.unique(y).tolist()) - learnt)
        if strange:
            raise DataError(
                f"{source}: class {names[strange[0]]!r} is in the {key} part but has no row in the "
                "train part; give train some, or leave the class out."
            )


def _check_same(x: NDArray[Any], train: NDArray[Any], where: str) -> None:
    if x.shape[1:] != train.shape[1:]:
        raise DataError(
            f"{where} holds inputs of shape {x.shape[1:]}, but train holds {train.shape[1:]}."
        )
    if x.dtype != train.dtype:
        raise DataError(
            f"{where} is {x.dtype}, but train is {train.dtype}: give all parts in one unit."
        )
