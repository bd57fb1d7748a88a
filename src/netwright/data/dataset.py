"""A data set in memory: three parts of compact tensors, and one mapped file to share it by."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor, nn

from netwright.errors import DataError
from netwright.network.files import whole
from netwright.network.normalised import Standardise
from netwright.network.signature import Signature, TensorSpec
from netwright.tasks import Classification, Task

_FORMAT = "netwright.data/1"
_PART_NAMES = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of a data set: `x` uint8 or float32 of shape (n, *shape), `y` int64 of shape (n,).

    Raises:
        DataError: a dtype is another one, or `x` and `y` differ in length.
    """

    x: Tensor
    y: Tensor

    def __post_init__(self) -> None:
        if self.x.dtype not in (torch.uint8, torch.float32):
            raise DataError(f"`Part(x=...)` must be uint8 or float32, got {self.x.dtype}.")
        if self.y.dtype != torch.int64 or self.y.ndim != 1:
            raise DataError(
                f"`Part(y=...)` must be int64 of shape (n,), got {self.y.dtype} of shape "
                f"{tuple(self.y.shape)}."
            )
        if self.x.ndim not in (2, 4):
            raise DataError(
                f"`Part(x=...)` must have shape (n, f) or (n, c, h, w), got {tuple(self.x.shape)}."
            )
        if len(self.x) != len(self.y):
            raise DataError(f"`Part(...)`: x has {len(self.x)} rows and y has {len(self.y)}.")

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        return f"Part({len(self):,} rows, x {tuple(self.x.shape[1:])} {_short(self.x)})"


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    """A classification data set: what it is called, its three parts and how to normalise them.

    `shape` is one input without the batch: (c, h, w) or (f,). `mean` and `std` have shape (c, 1, 1)
    or (f,), are measured over the train part in raw input units, and `std` is 1 where the train
    part is constant, so that `(x - mean) / std` is always finite. `digest` is the SHA-256 of the
    content of all parts and of the class names. The test part is for one measurement at the end.

    Raises:
        DataError: parts, classes or statistics do not fit each other.
    """

    name: str
    shape: tuple[int, ...]
    classes: int
    class_names: tuple[str, ...]
    train: Part
    validation: Part
    test: Part
    mean: Tensor
    std: Tensor
    digest: str
    source: str
    file: Path | None = field(default=None)

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise DataError(f"'{self.name}' must have at least 2 classes, got {self.classes}.")
        if len(self.class_names) != self.classes:
            raise DataError(
                f"'{self.name}' has {self.classes} classes, got {len(self.class_names)} names."
            )
        if len(self.train) == 0:
            raise DataError(f"'{self.name}' must have at least 1 row in its train part, got 0.")
        for part_name in _PART_NAMES:
            self._check_part(part_name, getattr(self, part_name))
        expected = (self.shape[0], 1, 1) if len(self.shape) == 3 else self.shape
        for label, value in (("mean", self.mean), ("std", self.std)):
            if value.dtype != torch.float32 or tuple(value.shape) != expected:
                raise DataError(
                    f"`Data({label}=...)` of '{self.name}' must be float32 of shape {expected}, "
                    f"got {value.dtype} of shape {tuple(value.shape)}."
                )
            if not bool(torch.isfinite(value).all()):
                raise DataError(f"`Data({label}=...)` of '{self.name}' must be finite.")
        if not bool((self.std > 0).all()):
            raise DataError(f"`Data(std=...)` of '{self.name}' must be above 0.")

    @property
    def task(self) -> Task:
        """What outputs mean for these data."""
        return Classification(self.class_names)

    @property
    def raw(self) -> tuple[TensorSpec, ...]:
        """The tensors that the parts hold, before `normalise`."""
        return (TensorSpec("input", self.shape, _short(self.train.x)),)

    @property
    def signature(self) -> Signature:
        """What a network takes, after `normalise`, and what it must give."""
        return Signature((TensorSpec("input", self.shape),), self.task.outputs)

    @property
    def normalise(self) -> nn.Module:
        """What makes a network's inputs of raw ones (b, *shape), by mean and deviation."""
        return Standardise(self.mean, self.std)

    def _check_part(self, part_name: str, part: Part) -> None:
        where = f"the {part_name} part of '{self.name}'"
        if tuple(part.x.shape[1:]) != self.shape:
            raise DataError(
                f"{where} must hold inputs of shape {self.shape}, got {tuple(part.x.shape[1:])}."
            )
        if part.x.dtype != self.train.x.dtype:
            raise DataError(
                f"{where} must be {_short(self.train.x)} as the train part is, "
                f"got {_short(part.x)}."
            )
        if len(part) and not 0 <= int(part.y.min()) <= int(part.y.max()) < self.classes:
            raise DataError(
                f"{where} must have labels 0..{self.classes - 1}, "
                f"got {int(part.y.min())}..{int(part.y.max())}."
            )

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(getattr(self, name)):,} {name}" for name in _PART_NAMES)
        shape = "x".join(str(size) for size in self.shape)
        kind = _short(self.train.x)
        return f"Data({self.name}: {sizes}; {shape} {kind}; {self.classes} classes)"

    def without_test(self) -> Data:
        """The same data with an empty test part: what workers get during a search.

        `digest` stays that of the whole set, because it names the set.
        """
        empty = Part(self.test.x[:0].clone(), self.test.y[:0].clone())
        return replace(self, test=empty, file=None)

    def with_validation_in_train(self) -> Data:
        """The same data with the validation rows behind those of the train part.

        The validation part is then empty. `mean`, `std` and `digest` stay as they were.
        """
        x = torch.cat([self.train.x, self.validation.x])
        y = torch.cat([self.train.y, self.validation.y])
        empty = Part(self.validation.x[:0].clone(), self.validation.y[:0].clone())
        return replace(self, train=Part(x, y), validation=empty, file=None)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one uncompressed safetensors file that `open` maps; an older file is replaced.

        The file is written beside `path` and moved there at the end, so a process that has the old
        file open keeps reading the old content.
        """
        path = Path(path)
        tensors = {"mean": self.mean, "std": self.std}
        for part_name in _PART_NAMES:
            part: Part = getattr(self, part_name)
            tensors |= {f"{part_name}.x": part.x, f"{part_name}.y": part.y}
        metadata = {
            "format": _FORMAT,
            "name": self.name,
            "shape": json.dumps(self.shape),
            "class_names": json.dumps(self.class_names),
            "digest": self.digest,
            "source": self.source,
        }
        arrays = {key: value.contiguous().numpy() for key, value in tensors.items()}
        with whole(path) as file:
            save_file(arrays, file, metadata)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Data:
        """Map a file written by `save`: pages are read when used and shared between processes.

        A `Data` that was opened is sent to another process as its path alone.

        Raises:
            DataError: the file is missing, damaged or of another kind.
        """
        path = Path(path).absolute()
        if not path.is_file():
            raise DataError(f"`Data.open({str(path)!r})`: no such file.")
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != _FORMAT:
                    raise DataError(
                        f"{path} is not a data file of this version of netwright: write it with "
                        f"`Data.save`."
                    )
                parts = {
                    name: Part(file.get_tensor(f"{name}.x"), file.get_tensor(f"{name}.y"))
                    for name in _PART_NAMES
                }
                class_names = tuple(json.loads(metadata["class_names"]))
                return cls(
                    name=metadata["name"],
                    shape=tuple(json.loads(metadata["shape"])),
                    classes=len(class_names),
                    class_names=class_names,
                    mean=file.get_tensor("mean"),
                    std=file.get_tensor("std"),
                    digest=metadata["digest"],
                    source=metadata["source"],
                    file=path,
                    **parts,
                )
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{path} cannot be read as a data file: {error}.") from error

    def __reduce__(self) -> tuple[Callable[..., Data], tuple[Any, ...]]:
        if self.file is not None:
            return _open_same, (self.file, self.digest)
        return Data, tuple(getattr(self, name) for name in self.__dataclass_fields__)


def _open_same(path: Path, digest: str) -> Data:
    """Open `path` in another process, provided that it still holds the data of `digest`."""
    data = Data.open(path)
    if data.digest != digest:
        raise DataError(f"{path} changed since it was opened: keep the file until the run ends.")
    return data


def measure_digest(parts: Sequence[Part], class_names: Sequence[str]) -> str:
    """The SHA-256 of all tensors of `parts` and of the class names, as hex."""
    sizes = [[str(part.x.dtype), *part.x.shape] for part in parts]
    digest = hashlib.sha256(json.dumps([sizes, list(class_names)]).encode("ascii"))
    for part in parts:
        for tensor in (part.x, part.y):
            digest.update(tensor.contiguous().view(-1).numpy().data)
    return digest.hexdigest()


def _short(x: Tensor) -> str:
    return str(x.dtype).removeprefix("torch.")
