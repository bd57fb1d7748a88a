"""Data of recordings: int16 of each at one rate, as long as it is, padded in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netwright.data.base import Epochs, Inputs, Part
from netwright.data.encodings import encoded_by
from netwright.data.in_memory import MemoryData
from netwright.data.ragged import RaggedPart
from netwright.data.sound_features import log_mel_features
from netwright.data.written_sound import (
    compact_sound,
    encode_sound,
    middle_of,
    read_sound,
    resampled,
)
from netwright.network.normalised import Encoder
from netwright.network.signature import UNNAMED, Signature, TensorSpec
from netwright.tasks import Task

_FULL = 32768.0


class Heard(nn.Module):
    """A waveform and where it is: what comes after the end of a recording, NaN, is no silence."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, t) with NaN after each end to (b, 2, t): the samples, and 1 where there are any."""
        gone = torch.isnan(x)
        there = 1.0 - gone.float()
        return torch.stack([torch.where(gone, torch.zeros_like(x), x), there], 1)


@dataclass(frozen=True, eq=False)
class SoundPart(RaggedPart):
    """Rows: the samples of recordings, int16.

    A batch has float32 from -1 to 1, padded by NaN to its longest recording.
    """

    def batch(self, rows: Tensor | slice) -> tuple[Inputs, Tensor]:
        """Samples (b, t) of float32 and targets (b, ...)."""
        begins, ends = self.bounds(rows)
        size = max(1, int((ends - begins).max())) if len(begins) else 1
        made = torch.full((len(begins), size), float("nan"), device=self.flat.device)
        for place, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
            made[place, : end - begin] = self.flat[begin:end]
        return (made / _FULL,), self.y[rows]


@dataclass(frozen=True, eq=False, repr=False)
class SoundData(MemoryData):
    """Recordings in memory with what is to be said of each, as `load` reads them.

    Raw is the waveform (t,) of float32 at `rate` Hz, as long as the longest of a batch; NaN is
    after the end of each. What is longer than `longest` samples was cut to its middle. `heard` says
    what the files had: how many had which `rates` and `channels`, how many are `silent`, `clipped`
    and `empty`.
    """

    name: str
    rate: int
    longest: int
    task: Task
    train: SoundPart
    validation: SoundPart
    test: SoundPart
    digest: str
    source: str
    heard: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    label: str | None = None
    reshuffles: bool = False
    groups: Tensor | None = None

    reference_name: ClassVar[str] = "log-mel"

    @property
    def usual_epochs(self) -> Mapping[str, Epochs]:
        """Epochs of a trial and in full."""
        return {"epochs": Epochs(4, 150, 16), "full_epochs": Epochs(16, 900, 60)}

    @property
    def settings(self) -> dict[str, Any]:
        """What the data are, with rate and the longest, in seconds."""
        known = {} if self.label is None else {"label": self.label}
        sizes = {"rate": self.rate, "longest_seconds": round(self.longest / self.rate, 3)}
        return {**super().settings, "kind": "sound", **sizes, **known}

    @property
    def raw(self) -> tuple[TensorSpec, ...]:
        """The waveform, of any length."""
        return (TensorSpec(UNNAMED, (None,), longest=self.longest),)

    @property
    def normalise(self) -> nn.Module:
        """The waveform, and where it is."""
        return Heard()

    @property
    def signature(self) -> Signature:
        """The waveform with its mask, and what the task wants."""
        takes = TensorSpec(UNNAMED, (2, None), longest=self.longest)
        return Signature((takes,), self.task.outputs)

    def encode(self, rows: Any) -> Inputs:
        """A list of recordings: paths, pairs of an array and its rate, or arrays at the rate.

        Raises:
            DataError: A row is no recording.
        """
        return encoded_by(self.encoder, rows)

    @property
    def encoding(self) -> dict[str, Any]:
        """The rate in Hz, and how many samples a recording has at most."""
        return {"kind": "sound", "rate": self.rate, "longest": self.longest, "label": self.label}

    @property
    def encoder(self) -> Encoder:
        """What exported networks get of `encode`: all of it."""
        needs = (middle_of, read_sound, compact_sound, resampled)
        return Encoder(self.encoding, encode_sound, needs)

    def reference_features(self, rows: NDArray[np.int64]) -> tuple[Any, Any]:
        """Means and deviations of log-mel features and of their changes, standardised."""
        learnt = [self.train.row(row) for row in rows.tolist()]
        asked = [self.test.row(row) for row in range(len(self.test))]
        train, test = (log_mel_features(part, self.rate) for part in (learnt, asked))
        mean, std = train.mean(0), train.std(0)
        std[std < 1e-6] = 1
        return (train - mean) / std, (test - mean) / std

    def readable(self, part: Part, rows: Sequence[int]) -> list[Any]:
        """How long recordings are, and how loud."""
        assert isinstance(part, SoundPart)
        told = []
        for row in rows:
            wave = part.row(row).float() / _FULL
            loud = float(wave.square().mean().sqrt()) if len(wave) else 0.0
            told.append(f"{len(wave) / self.rate:.2f} s, loudness {loud:.3f} of 1")
        return told

    @property
    def usual_space(self) -> str:
        """Networks for sound at this rate."""
        return f"audio(rate={self.rate})"

    def __repr__(self) -> str:
        many = f"recordings of up to {self.longest / self.rate:.1f} s at {self.rate:,} Hz"
        return self.shown(many)


def sound_part(waves: Sequence[Tensor], y: NDArray[Any], longest: int) -> SoundPart:
    """Rows of int16, of each its middle where it is longer, with their targets."""
    return SoundPart.of([middle_of(wave, longest) for wave in waves], y, torch.int16)
