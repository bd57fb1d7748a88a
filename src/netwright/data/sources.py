"""One entry for every kind of source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader, Dataset

from netwright.data.arrays import from_arrays, from_dataset
from netwright.data.dataset import ArrayData
from netwright.data.embedded import load_digits, load_fashion14
from netwright.data.folders import load_folder
from netwright.data.npz import load_npz
from netwright.data.tables import load_table
from netwright.errors import DataError, SettingError
from netwright.tasks import check_fractions

_EMBEDDED = ("fashion14", "digits")


def load(
    source: str | os.PathLike[str] | tuple[Any, Any] | Dataset[Any],
    *,
    seed: int = 0,
    validation: float = 0.2,
    test: float = 0.2,
    label: str | None = None,
    size: tuple[int, int] | None = None,
) -> ArrayData:
    """Read a classification data set into memory, split and checked.

    `source` is "fashion14" or "digits"; a path to an `.npz`, `.csv` or `.parquet` file or to a
    folder of images; a pair (X, y) of arrays or tensors; or a `torch.utils.data.Dataset`. Parts
    that the source brings (fashion14 brings all) are kept as they are; the others are carved out
    of train, stratified, in an order drawn from `seed`: `validation` and `test` are fractions of
    the rows of train, and `test=0` makes no test part. `label` is the label column of a table, by
    default the one called label, target, class or y, else the last. `size` is (height, width) for
    a folder of images.

    Raises:
        DataError: the data cannot be used as it is; the message names the file or the row.
        SettingError: a fraction is outside its rule, or an argument does not belong to the source.
        MissingExtra: reading this kind of file needs an optional package.
    """
    made = _loaded(source, seed=seed, validation=validation, test=test, label=label, size=size)
    if isinstance(source, (str, os.PathLike)):
        known = source if source in _EMBEDDED else str(Path(source).absolute())
        given = {"validation": validation, "test": test, "label": label, "size": size}
        object.__setattr__(made, "loaded", {"source": known, "seed": seed, **given})
    return made


def _loaded(
    source: str | os.PathLike[str] | tuple[Any, Any] | Dataset[Any],
    *,
    seed: int,
    validation: float,
    test: float,
    label: str | None,
    size: tuple[int, int] | None,
) -> ArrayData:
    """What `load` gives, without what it was given."""
    check_fractions(validation, test or None)
    path = Path(source) if isinstance(source, (str, os.PathLike)) else None
    suffix = path.suffix.lower() if path is not None else ""
    is_table = suffix in (".csv", ".parquet")
    is_folder = path is not None and path.is_dir()
    if label is not None and not is_table:
        raise SettingError(f"`load(label=...)` belongs to a .csv or .parquet file, not {source!r}.")
    if size is not None and not is_folder:
        raise SettingError(f"`load(size=...)` belongs to a folder of images, not {source!r}.")
    if path is not None and source == "fashion14":
        return load_fashion14()
    if path is not None and source == "digits":
        return load_digits(seed=seed, validation=validation, test=test)
    if isinstance(source, tuple) and len(source) == 2:
        return from_arrays(*source, seed=seed, validation=validation, test=test)
    if isinstance(source, Dataset):
        return from_dataset(source, seed=seed, validation=validation, test=test)
    if path is None:
        raise _unreadable(source, path)
    if is_folder:
        return load_folder(path, seed=seed, size=size, validation=validation, test=test)
    if is_table and path.exists():
        return load_table(path, seed=seed, label=label, validation=validation, test=test)
    if suffix == ".npz" and path.exists():
        return load_npz(path, seed=seed, validation=validation, test=test)
    raise _unreadable(source, path)


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
        f"{path} is of no kind that is read: give an .npz, .csv or .parquet file, or a folder of "
        "images."
    )
