"""Data of several named tensors for each row: a picture and numbers, numbers and codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netwright.data.base import PARTS, Inputs
from netwright.data.dataset import json_digest, side_by_side
from netwright.data.encodings import encoded_by
from netwright.data.in_memory import MemoryData, MemoryPart
from netwright.data.split import part_rows, split_of
from netwright.data.targets import check_asked, read_targets
from netwright.data.values import measure_mean_std, read_inputs, to_numpy
from netwright.data.written import encode_named
from netwright.errors import DataError, SettingError
from netwright.network.normalised import AsIds, Each, Encoder, Standardise
from netwright.network.signature import TensorSpec
from netwright.tasks import Task


@dataclass(frozen=True, eq=False)
class NamedPart(MemoryPart):
    """Rows: `x` has a tensor (n, *shape) for each input, `y` targets (n, ...)."""

    x: tuple[Tensor, ...]
    y: Tensor

    def __len__(self) -> int:
        return len(self.y)

    def batch(self, rows: Tensor | slice) -> tuple[Inputs, Tensor]:
        """A tensor (b, *shape) for each input and targets (b, ...); a slice is a view."""
        if isinstance(rows, Tensor):
            rows = rows.to(self.y.device)
        return tuple(x[rows] for x in self.x), self.y[rows]

    def to(self, device: torch.device) -> NamedPart:
        """All rows on a device."""
        return NamedPart(tuple(x.to(device) for x in self.x), self.y.to(device))

    def none(self) -> NamedPart:
        """No row."""
        return NamedPart(tuple(x[:0].clone() for x in self.x), self.y[:0].clone())

    def with_rows_of(self, other: NamedPart) -> NamedPart:
        """These rows, and then those of another part, as a view if they lie so."""
        x = tuple(map(side_by_side, self.x, other.x))
        return NamedPart(x, side_by_side(self.y, other.y))

    def __reduce__(self) -> tuple[Callable[..., NamedPart], tuple[Any, ...]]:
        return NamedPart, (tuple(x.clone() for x in self.x), self.y.clone())


@dataclass(frozen=True, eq=False, repr=False)
class NamedData(MemoryData):
    """Several tensors for each row, in memory, as `from_named` makes them.

    `raw` are bytes, ids and numbers; `scales` has the mean and the deviation of each, measured over
    the train part, and None for ids, which stay as they are.
    """

    name: str
    specs: tuple[TensorSpec, ...]
    task: Task
    train: NamedPart
    validation: NamedPart
    test: NamedPart
    scales: tuple[tuple[Tensor, Tensor] | None, ...]
    digest: str
    source: str
    remarks: tuple[str, ...] = ()
    reshuffles: bool = False

    @property
    def raw(self) -> tuple[TensorSpec, ...]:
        """The tensors by name, in the order in which a network takes them."""
        return self.specs

    @property
    def normalise(self) -> nn.Module:
        """Each number and byte by its mean and deviation, ids as they are."""
        modules = (AsIds() if scale is None else Standardise(*scale) for scale in self.scales)
        each = dict(zip((spec.name for spec in self.specs), modules, strict=True))
        return next(iter(each.values())) if len(each) == 1 else Each(each)

    def encode(self, rows: Any) -> Inputs:
        """A mapping from names to arrays of b rows, or a list of b mappings from names to values.

        Raises:
            DataError: A tensor is missing, or has another shape or other values than the data.
        """
        return encoded_by(self.encoder, rows)

    @property
    def encoding(self) -> dict[str, Any]:
        """The tensors by name."""
        return {"kind": "named", "tensors": [spec.to_json() for spec in self.specs]}

    @property
    def encoder(self) -> Encoder:
        """What exported networks get of `encode`: all of it."""
        return Encoder(self.encoding, encode_named)

    def __repr__(self) -> str:
        return self.shown("; ".join(spec.text for spec in self.specs))


def from_named(
    x: Mapping[str, object],
    y: object,
    *,
    ids: Mapping[str, int] | None = None,
    name: str = "arrays",
    seed: int = 0,
    validation: float = 0.2,
    test: float = 0.2,
    class_names: Sequence[str] | None = None,
    task: str | Task | None = None,
) -> NamedData:
    """Data out of several inputs by name and labels `y`, split as `from_arrays` does.

    Each of `x` has n rows, and networks take them in this order. `ids` says of which inputs the
    values are ids, from 0 to below a number: they are int64 of any shape (n, ...) and go to an
    embedding. All else is as in `from_arrays`: bytes, or numbers that are standardised; also (n,),
    one number for each row. `task` says what `y` means, as in `from_arrays`.

    Raises:
        DataError: The data cannot be used; the message names the input and the row.
        SettingError: `x` is no mapping of names, an input has the name of an output of the task,
            `ids` names no input, or a fraction is outside its rule.
    """
    check_asked(task)
    counts = _checked(x, ids or {}, task, class_names)
    arrays = {key: _read(values, f"{name}: {key}", counts.get(key)) for key, values in x.items()}
    found = read_targets({"train": y}, task=task, where=f"{name}: y", class_names=class_names)
    targets, meant = found.parts["train"], found.task
    _check_names(x, meant)
    for key, array in arrays.items():
        if len(array) != len(targets):
            raise DataError(
                f"{name}: {key} has {len(array):,} rows and y has {len(targets):,}; every row "
                "needs one label."
            )
    rows = part_rows({"train": targets}, meant, split_of(seed, validation, test), name)
    places = [rows[part][1] for part in PARTS]
    sizes, order = [len(place) for place in places], np.concatenate(places)
    xs = [torch.split(torch.from_numpy(array[order]), sizes) for array in arrays.values()]
    ys = torch.split(torch.from_numpy(targets[order]), sizes)
    train, held, last = (NamedPart(tuple(each[part] for each in xs), ys[part]) for part in range(3))
    specs = tuple(
        TensorSpec(key, array.shape[1:], str(array.dtype), counts.get(key))
        for key, array in arrays.items()
    )
    scales = tuple(
        None if spec.ids is not None else _scale(tensor)
        for spec, tensor in zip(specs, train.x, strict=True)
    )
    told = [[spec.to_json() for spec in specs], list(meant.names)]
    digest = json_digest((train, held, last), told)
    meant = meant.fitted(targets[places[0]])
    remarks = (found.remark,) if found.remark else ()
    return NamedData(
        *(name, specs, meant, train, held, last, scales, digest, name, remarks), reshuffles=True
    )


def _checked(
    x: object, ids: Mapping[str, int], task: str | Task | None, class_names: object
) -> dict[str, int]:
    """The numbers of ids by input; refuses what cannot be meant."""
    if not isinstance(x, Mapping) or not x or not all(isinstance(name, str) for name in x):
        raise SettingError(
            "`from_named(x, ...)` must be a mapping from names to arrays, such as "
            f'{{"numbers": a, "codes": b}}, got {type(x).__name__}; one array goes to '
            "`from_arrays`."
        )
    if task is not None and class_names is not None:
        raise SettingError("`class_names` and `task` say the same; leave `class_names` out.")
    for name, count in ids.items():
        if name not in x or type(count) is not int or count < 1:
            raise SettingError(
                f"`from_named(ids=...)` must give inputs ({', '.join(x)}) the number of their ids, "
                f"at least 1, got {name!r}: {count!r}."
            )
    return dict(ids)


def _check_names(x: Mapping[str, object], task: Task) -> None:
    """Refuse inputs that have the name of what networks give."""
    for spec in task.outputs:
        if spec.name in x:
            raise SettingError(
                f"`from_named(x, ...)` must have no input with the name of an output of the task, "
                f"got {spec.name!r}; give the input another name."
            )


def _read(values: object, where: str, count: int | None) -> NDArray[Any]:
    """An input as uint8, float32 or, where they are `count` ids, int64."""
    if count is None:
        array = to_numpy(values, where)
        return read_inputs(array[:, None] if array.ndim == 1 else array, where)
    given = to_numpy(values, where)
    if given.dtype.kind not in "iu" or given.ndim < 1 or 0 in given.shape:
        raise DataError(
            f"{where} must hold ids, whole numbers of shape (n, ...), got {given.dtype} of shape "
            f"{given.shape}."
        )
    bad = np.argwhere((given < 0) | (given >= count))
    if len(bad):
        place = tuple(bad[0].tolist())
        raise DataError(
            f"{where}: row {place[0]} (counted from 0) holds the id {given[place]}, where they "
            f"must be from 0 to {count - 1}."
        )
    return np.ascontiguousarray(given, np.int64)


def _scale(x: Tensor) -> tuple[Tensor, Tensor]:
    mean, std = measure_mean_std(x.numpy())
    return torch.from_numpy(mean), torch.from_numpy(std)
