"""Data of series: channels at some times, of one length or of several, with gaps or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netwright.data.base import PARTS, Inputs, Part
from netwright.data.dataset import json_digest
from netwright.data.encodings import encoded_by
from netwright.data.in_memory import MemoryData
from netwright.data.named import NamedPart
from netwright.data.random_kernels import kernel_features
from netwright.data.series import Series, gaps_within, lengths_of, oddities, offsets_of
from netwright.data.written_series import encode_series, series_in
from netwright.network.normalised import Encoder
from netwright.network.signature import UNNAMED, Signature, TensorSpec
from netwright.tasks import Task

_SHORT = 8  # steps, below which nothing is gained by convolutions
_SHOWN = 12  # steps of a series that a person reads


class Steps(nn.Module):
    """Series on one scale: a step that is missing is 0, and masks say where there are values.

    A mask is 1 where there is a value. First come those of the channels `gaps`, then, where
    `masked`, one that is 1 where any channel has a value. What follows its last 1 is no part of a
    series, but what makes all of a batch as long.
    """

    mean: Tensor
    std: Tensor
    gaps: Tensor

    def __init__(self, mean: Tensor, std: Tensor, gaps: Tensor, masked: bool) -> None:
        super().__init__()
        self.register_buffer("mean", mean.detach().clone().float())
        self.register_buffer("std", std.detach().clone().float())
        self.register_buffer("gaps", gaps.detach().clone().long())
        self.masked = masked

    def forward(self, series: Tensor) -> Tensor:
        """(b, c, t) with NaN where there is no value to (b, c + masks, t)."""
        series = series.float()
        gone = torch.isnan(series)
        near = torch.where(gone, self.mean, series)
        near = (near - self.mean) / self.std
        if not self.masked:
            return near
        there = 1 - gone.float()
        some = there.amax(1, keepdim=True)
        return torch.cat([near, there[:, self.gaps], some], 1)


@dataclass(frozen=True, eq=False, repr=False)
class SeriesData(MemoryData):
    """Series in memory, as `load` reads them: their channels, task, three parts, and scales.

    Raw is one tensor of float32, (c, t), or (c, open) where lengths differ: NaN is a step without a
    value, in gaps and after the end of a series. `mean` and `std` (c, 1) are of the train part;
    `offsets` were taken from the channels before float32. A network takes the channels on one
    scale and masks after them, if the data have gaps or unequal lengths (`masked`): of each of the
    channels `gaps`, and of all. `by` are the columns of the id and the time in a long table.
    """

    name: str
    channels: tuple[str, ...]
    task: Task
    train: NamedPart
    validation: NamedPart
    test: NamedPart
    mean: Tensor
    std: Tensor
    digest: str
    source: str
    offsets: tuple[float, ...] = ()
    gaps: tuple[int, ...] = ()
    masked: bool = False
    length: int | None = None
    remarks: tuple[str, ...] = ()
    label: str | None = None
    reshuffles: bool = False
    by: tuple[str, str | None] | None = None
    groups: Tensor | None = None

    reference_name: ClassVar[str] = "random kernels"

    @property
    def longest(self) -> int:
        """Steps of the longest series of the train part, by which costs are measured."""
        return int(self.train.x[0].shape[2])

    @property
    def raw(self) -> tuple[TensorSpec, ...]:
        """The one tensor of channels at times."""
        shape = (len(self.channels), self.length)
        return (TensorSpec(UNNAMED, shape, longest=self.longest),)

    @property
    def normalise(self) -> nn.Module:
        """What puts channels on one scale, and masks beside them."""
        gaps = torch.tensor(self.gaps, dtype=torch.int64)
        return Steps(self.mean, self.std, gaps, self.masked)

    @property
    def signature(self) -> Signature:
        """The channels and their masks, and what the task wants."""
        count = len(self.channels) + len(self.gaps) + self.masked
        spec = TensorSpec(UNNAMED, (count, self.length), longest=self.longest)
        return Signature((spec,), self.task.outputs)

    @property
    def settings(self) -> dict[str, Any]:
        """What the data are, with the longest of their lengths."""
        known = {} if self.label is None else {"label": self.label}
        steps = {} if self.length is not None else {"longest": self.longest}
        return {**super().settings, "kind": "series", **steps, **known}

    def readable(self, part: Part, rows: Sequence[int]) -> list[Any]:
        """The first numbers of each channel, by its name."""
        (x,), _ = part.batch(torch.tensor(rows, dtype=torch.int64))
        told = x.double() + torch.tensor(self.offsets)[:, None].double()
        return [
            {
                name: " ".join(f"{value:.4g}" for value in series[:_SHOWN].tolist())
                for name, series in zip(self.channels, each, strict=True)
            }
            for each in told
        ]

    def encode(self, rows: Any) -> Inputs:
        """Series as the source had them: arrays, or a list of them of any lengths.

        Raises:
            DataError: They have other channels or, where all were of one length, another length.
        """
        return encoded_by(self.encoder, rows)

    @property
    def encoding(self) -> dict[str, Any]:
        """The channels, and the length where it is one."""
        offsets = self.offsets or (0.0,) * len(self.channels)
        channels = [
            {"name": name, "offset": offset}
            for name, offset in zip(self.channels, offsets, strict=True)
        ]
        book = {"kind": "series", "channels": channels, "length": self.length}
        return book if self.by is None else {**book, "id": self.by[0], "time": self.by[1]}

    @property
    def encoder(self) -> Encoder:
        """What exported networks get of `encode`: all of it."""
        return Encoder(self.encoding, encode_series, (series_in,))

    def reference_features(self, rows: NDArray[np.int64]) -> tuple[Any, Any]:
        """Shares of steps at which random convolutions are above thresholds, standardised."""
        learnt, asked = self.train.x[0][torch.from_numpy(rows)], self.test.x[0]
        return kernel_features(*((each - self.mean) / self.std for each in (learnt, asked)))

    @property
    def usual_space(self) -> str | None:
        """Convolutions over time, but for series of a few steps."""
        if self.length is not None and self.length < _SHORT:
            return None
        return "conv1d(masked=True)" if self.masked else "conv1d"

    def __repr__(self) -> str:
        steps = f"up to {self.longest}" if self.length is None else str(self.length)
        many = f"{len(self.channels)} channels" if len(self.channels) > 1 else "1 channel"
        return self.shown(f"{many} of {steps} steps")


def build_series(
    series: Mapping[str, Series],
    targets: Mapping[str, NDArray[Any]],
    rows: Mapping[str, tuple[str, NDArray[np.int64]]],
    task: Task,
    *,
    name: str,
    source: str,
    channels: Sequence[str] = (),
    remarks: Sequence[str] = (),
    label: str | None = None,
) -> SeriesData:
    """Data out of the series and targets of given parts, and of which rows the parts are made.

    `series` has (n, c, t) of each given part, padded with NaN; `rows` is as `part_rows` gives.
    """
    names = tuple(channels) or tuple(map(str, range(next(iter(series.values())).shape[1])))
    whole = _of_one_length(series)
    lengths = np.concatenate([lengths_of(each) for each in whole.values()])
    longest = max(each.shape[2] for each in whole.values())
    gaps, alone = gaps_within(np.concatenate(list(whole.values())))
    same = bool((lengths[lengths > 0] == longest).all())
    train = whole["train"][rows["train"][1]]
    offsets = offsets_of(train)
    told = [*remarks, *oddities(whole["train"], names, rows["train"][1])]
    parts: list[NamedPart] = []
    for key in PARTS:
        owner, index = rows[key]
        x = (whole[owner][index] - np.array(offsets)[:, None]).astype(np.float32)
        parts.append(NamedPart((torch.from_numpy(x),), torch.from_numpy(targets[owner][index])))
    learnt, held, last = parts
    mean, std = _scales(parts[0].x[0].numpy())
    task = task.fitted(parts[0].y.numpy())
    return SeriesData(
        name,
        names,
        task,
        learnt,
        held,
        last,
        mean=mean,
        std=std,
        digest=json_digest(parts, [list(names), list(offsets), task.to_json()]),
        source=source,
        offsets=offsets,
        gaps=tuple(np.flatnonzero(alone).tolist()) if len(names) > 1 else (),
        masked=gaps or not same,
        length=longest if same else None,
        remarks=tuple(told),
        label=label,
    )


def _of_one_length(series: Mapping[str, Series]) -> dict[str, Series]:
    """All parts padded to the longest series of any."""
    longest = max(int(lengths_of(each).max(initial=1)) for each in series.values())
    made = {}
    for key, each in series.items():
        rest = longest - each.shape[2]
        padding = ((0, 0), (0, 0), (0, max(0, rest)))
        made[key] = np.pad(each[:, :, :longest], padding, constant_values=np.nan)
    return made


def _scales(train: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
    """Mean and deviation (c, 1) of the values that are there; 0 and 1 where none is, or one."""
    count = len(train[0])
    mean, std = np.zeros((count, 1)), np.ones((count, 1))
    for place, channel in enumerate(np.moveaxis(train, 1, 0)):
        some = channel[~np.isnan(channel)].astype(np.float64)
        if len(some):
            mean[place], spread = some.mean(), some.std()
            std[place] = spread if spread > 1e-7 * abs(some.mean()) else 1
    return torch.from_numpy(mean).float(), torch.from_numpy(std).float()
