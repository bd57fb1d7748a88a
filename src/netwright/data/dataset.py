"""Data in memory: three parts that are views of compact tensors, and one mapped file to share."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor, nn

from netwright.data.base import PARTS, Data, Inputs, Part
from netwright.data.encodings import Arrays, Encoding, encoding_from
from netwright.data.shown import shown_numbers, shown_picture
from netwright.errors import DataError, SettingError
from netwright.files.whole import whole
from netwright.network.normalised import Encoder, Standardise
from netwright.network.signature import TensorSpec
from netwright.tasks import Classification, Task, is_ours, task_from

_FORMAT = "netwright.data/2"
_TARGETS = (torch.int64, torch.float32)


@dataclass(frozen=True, eq=False)
class ArrayPart(Part):
    """Rows: `x` uint8 or float32 of shape (n, *shape), `y` int64 or float32 of shape (n, ...).

    Raises:
        DataError: A dtype is another one, or `x` and `y` differ in length.
    """

    x: Tensor
    y: Tensor

    def __post_init__(self) -> None:
        if self.x.dtype not in (torch.uint8, torch.float32):
            raise DataError(f"`ArrayPart(x=...)` must be uint8 or float32, got {self.x.dtype}.")
        if self.y.dtype not in _TARGETS or self.y.ndim < 1:
            raise DataError(
                f"`ArrayPart(y=...)` must be int64 or float32 of shape (n, ...), got "
                f"{self.y.dtype} of shape {tuple(self.y.shape)}."
            )
        if self.x.ndim not in (2, 4):
            raise DataError(
                "`ArrayPart(x=...)` must have shape (n, f) or (n, c, h, w), got "
                f"{tuple(self.x.shape)}."
            )
        if len(self.x) != len(self.y):
            raise DataError(f"`ArrayPart(...)`: x has {len(self.x)} rows and y has {len(self.y)}.")

    def __len__(self) -> int:
        return len(self.y)

    def batch(self, rows: Tensor | slice) -> tuple[Inputs, Tensor]:
        """One tensor (b, *shape) and targets (b, ...); a slice is a view."""
        if isinstance(rows, Tensor):
            rows = rows.to(self.x.device)
        return (self.x[rows],), self.y[rows]

    def to(self, device: torch.device) -> ArrayPart:
        """All rows on a device."""
        return ArrayPart(self.x.to(device), self.y.to(device))

    def none(self) -> ArrayPart:
        """No row."""
        return ArrayPart(self.x[:0].clone(), self.y[:0].clone())

    def __reduce__(self) -> tuple[Callable[..., ArrayPart], tuple[Any, ...]]:
        return ArrayPart, (_own(self.x), _own(self.y))

    def __repr__(self) -> str:
        return f"ArrayPart({len(self):,} rows, x {tuple(self.x.shape[1:])} {_short(self.x)})"


@dataclass(frozen=True, eq=False, repr=False)
class ArrayData(Data):
    """Data in memory: what they are called, their task, three parts and how to normalise them.

    `shape` is one input without the batch: (c, h, w) or (f,). `mean` and `std` have shape (c, 1, 1)
    or (f,), are measured over the train part in raw input units, and `std` is 1 where the train
    part is constant, so that `(x - mean) / std` is always finite. `digest` is the SHA-256 of the
    content of all parts and of the class names. `encoded` says how rows become inputs; None for
    arrays that are kept as they are. `file` is where the rows are mapped from, None for rows in
    memory; `shown` are the methods that made these views of them. `seen` is what files of pictures
    had, as JSON: `height` and `width`, the least and the most, how many `sizes`, and their `modes`.

    Raises:
        DataError: Parts, targets or statistics do not fit each other.
    """

    name: str
    shape: tuple[int, ...]
    task: Task
    train: ArrayPart
    validation: ArrayPart
    test: ArrayPart
    mean: Tensor
    std: Tensor
    digest: str
    source: str
    encoded: Encoding | None = None
    file: Path | None = None
    remarks: tuple[str, ...] = ()
    reshuffles: bool = False
    shown: tuple[str, ...] = ()
    groups: Tensor | None = None
    seen: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.task, Task):
            raise DataError(f"`ArrayData(task=...)` must be a Task, got {self.task!r}.")
        if len(self.train) == 0:
            raise DataError(f"'{self.name}' must have at least 1 row in its train part, got 0.")
        for part_name in PARTS:
            self._check_part(part_name, getattr(self, part_name))
        expected = (self.shape[0], 1, 1) if len(self.shape) == 3 else self.shape
        for label, value in (("mean", self.mean), ("std", self.std)):
            if value.dtype != torch.float32 or tuple(value.shape) != expected:
                raise DataError(
                    f"`ArrayData({label}=...)` of '{self.name}' must be float32 of shape "
                    f"{expected}, got {value.dtype} of shape {tuple(value.shape)}."
                )
            if not bool(torch.isfinite(value).all()):
                raise DataError(f"`ArrayData({label}=...)` of '{self.name}' must be finite.")
        if not bool((self.std > 0).all()):
            raise DataError(f"`ArrayData(std=...)` of '{self.name}' must be above 0.")

    def _check_part(self, part_name: str, part: ArrayPart) -> None:
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
        if isinstance(self.task, Classification):
            _check_labels(part.y, self.classes, where)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of their numbers, or of what else the task names."""
        return self.task.names

    @property
    def classes(self) -> int:
        """How many names there are."""
        return len(self.task.names)

    @property
    def raw(self) -> tuple[TensorSpec, ...]:
        """One tensor of uint8 or float32."""
        return (TensorSpec("input", self.shape, _short(self.train.x)),)

    @property
    def normalise(self) -> nn.Module:
        """What makes a network's inputs of raw ones (b, *shape), by mean and deviation."""
        return Standardise(self.mean, self.std)

    def encode(self, rows: Any) -> Inputs:
        """Rows as the source had them: arrays, or for a table its columns but the label."""
        return (self._encoding.encode(rows),)

    def readable(self, part: Part, rows: Sequence[int]) -> list[Any]:
        """Pictures, or the first numbers of a row."""
        (x,), _ = part.batch(torch.tensor(rows, dtype=torch.int64))
        if len(self.shape) == 3:
            return [shown_picture(each) for each in x]
        return [shown_numbers(each) for each in x]

    @property
    def encoding(self) -> dict[str, Any]:
        """All that `encode` goes by."""
        return self._encoding.to_json()

    @property
    def encoder(self) -> Encoder:
        """What exported networks get of `encode`."""
        return self._encoding.encoder

    @property
    def _encoding(self) -> Encoding:
        return self.encoded or Arrays(self.shape, _short(self.train.x))

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(getattr(self, name)):,} {name}" for name in PARTS)
        shape = "x".join(str(size) for size in self.shape)
        return f"Data({self.name}: {sizes}; {shape} {_short(self.train.x)}; {self.task.words})"

    def without_test(self) -> ArrayData:
        """The same data with an empty test part: what workers get during a search.

        `digest` stays that of the whole set, because it names the set.
        """
        return replace(self, test=self.test.none(), shown=(*self.shown, "without_test"))

    def with_validation_in_train(self) -> ArrayData:
        """The same data with the validation rows after those of the train part, as a view.

        The validation part is then empty. `mean`, `std` and `digest` stay as they were.
        """
        both = ArrayPart(
            side_by_side(self.train.x, self.validation.x),
            side_by_side(self.train.y, self.validation.y),
        )
        shown = (*self.shown, "with_validation_in_train")
        return replace(self, train=both, validation=self.validation.none(), shown=shown)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one uncompressed safetensors file that `open` maps; an older file is replaced.

        The file is written beside `path` and moved there at the end, so a process that has the old
        file open keeps reading the old content.

        Raises:
            SettingError: The task is of the user's own, which no file can hold.
        """
        if not is_ours(self.task):
            raise SettingError(
                f"`ArrayData.save` must have a task of netwright's, got {type(self.task).__name__}."
            )
        tensors = {"mean": self.mean, "std": self.std, "x": self._all("x"), "y": self._all("y")}
        if self.groups is not None:
            tensors["groups"] = self.groups
        arrays = {key: value.contiguous().numpy() for key, value in tensors.items()}
        with whole(Path(path)) as partial:
            save_file(arrays, partial, self.metadata)

    @property
    def metadata(self) -> dict[str, str]:
        """What a file has of the data beside their tensors."""
        return {
            "format": _FORMAT,
            "name": self.name,
            "shape": json.dumps(self.shape),
            "rows": json.dumps([len(getattr(self, name)) for name in PARTS]),
            "task": json.dumps(self.task.to_json()),
            "encoding": json.dumps(self.encoding),
            "digest": self.digest,
            "source": self.source,
            "remarks": json.dumps(self.remarks),
            "reshuffles": json.dumps(self.reshuffles),
            "seen": json.dumps(self.seen),
        }

    def _all(self, name: str) -> Tensor:
        """`x` or `y` of all parts, one after the other."""
        train, validation, test = (getattr(getattr(self, part), name) for part in PARTS)
        return side_by_side(side_by_side(train, validation), test)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> ArrayData:
        """Map a file written by `save`: pages are read when used and shared between processes.

        Data that were opened are sent to another process as their path alone.

        Raises:
            DataError: the file is missing, damaged or of another kind.
        """
        path = Path(path).absolute()
        if not path.is_file():
            raise DataError(f"`ArrayData.open({str(path)!r})`: no such file.")
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != _FORMAT:
                    raise DataError(
                        f"{path} is not a data file of this version of netwright: write it with "
                        f"`ArrayData.save`."
                    )
                x, y = (torch.split(file.get_tensor(n), json.loads(metadata["rows"])) for n in "xy")
                train, validation, test = map(ArrayPart, x, y)
                return cls(
                    name=metadata["name"],
                    shape=tuple(json.loads(metadata["shape"])),
                    task=task_from(json.loads(metadata["task"])),
                    mean=file.get_tensor("mean"),
                    std=file.get_tensor("std"),
                    digest=metadata["digest"],
                    source=metadata["source"],
                    encoded=encoding_from(json.loads(metadata["encoding"])),
                    file=path,
                    remarks=tuple(json.loads(metadata.get("remarks", "[]"))),
                    reshuffles=json.loads(metadata.get("reshuffles", "false")),
                    seen=json.loads(metadata.get("seen", "{}")),
                    groups=file.get_tensor("groups") if "groups" in [*file.keys()] else None,
                    train=train,
                    validation=validation,
                    test=test,
                )
        except (SafetensorError, KeyError, TypeError, ValueError, OSError, RuntimeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{path} cannot be read as a data file: {error}.") from error

    def __reduce__(self) -> tuple[Callable[..., ArrayData], tuple[Any, ...]]:
        if self.file is not None:
            return _open_same, (self.file, self.digest, self.shown)
        return ArrayData, tuple(getattr(self, name) for name in self.__dataclass_fields__)


def _open_same(path: Path, digest: str, shown: tuple[str, ...]) -> ArrayData:
    """Open `path` in another process, provided that it still holds the data of `digest`."""
    data = ArrayData.open(path)
    if data.digest != digest:
        raise DataError(f"{path} changed since it was opened: keep the file until the run ends.")
    for name in shown:
        data = getattr(data, name)()
    return data


def side_by_side(a: Tensor, b: Tensor) -> Tensor:
    """Rows of `a`, then of `b`: a view where `b` begins in memory where `a` ends, else a copy."""
    if not len(b):
        return a
    follows = (
        a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
        and a.is_contiguous()
        and b.is_contiguous()
        and a.shape[1:] == b.shape[1:]
        and a.storage_offset() + a.numel() == b.storage_offset()
    )
    if not follows:
        return torch.cat([a, b])
    return a.as_strided((len(a) + len(b), *a.shape[1:]), a.stride(), a.storage_offset())


def measure_digest(parts: Sequence[ArrayPart], class_names: Sequence[str]) -> str:
    """The SHA-256 of all tensors of `parts` and of the class names, as hex."""
    sizes = [[str(part.x.dtype), *part.x.shape] for part in parts]
    digest = hashlib.sha256(json.dumps([sizes, list(class_names)]).encode("ascii"))
    for part in parts:
        for tensor in (part.x, part.y):
            digest.update(tensor.contiguous().view(-1).numpy().data)
    return digest.hexdigest()


def json_digest(parts: Sequence[Part], told: Any) -> str:
    """The SHA-256 of all rows of `parts` and of what is told of them as JSON, as hex."""
    sizes = [len(part) for part in parts]
    digest = hashlib.sha256(json.dumps([told, sizes]).encode("utf-8"))
    for part in parts:
        inputs, targets = part.batch(slice(None))
        for tensor in (*inputs, targets):
            digest.update(tensor.contiguous().view(-1).numpy().data)
    return digest.hexdigest()


def _check_labels(y: Tensor, classes: int, where: str) -> None:
    if y.dtype != torch.int64 or y.ndim != 1:
        raise DataError(
            f"{where} must have labels of int64 and shape (n,), got {y.dtype} of shape "
            f"{tuple(y.shape)}."
        )
    if len(y) and not 0 <= int(y.min()) <= int(y.max()) < classes:
        raise DataError(
            f"{where} must have labels 0..{classes - 1}, got {int(y.min())}..{int(y.max())}."
        )


def _own(tensor: Tensor) -> Tensor:
    """A tensor that is sent without the rows of its storage that it does not show."""
    return tensor if tensor.untyped_storage().nbytes() == tensor.nbytes else tensor.clone()


def _short(x: Tensor) -> str:
    return str(x.dtype).removeprefix("torch.")
