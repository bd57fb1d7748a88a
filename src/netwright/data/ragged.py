"""Rows of unequal lengths, one after the other in one tensor."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.data.in_memory import MemoryPart


@dataclass(frozen=True, eq=False)
class RaggedPart(MemoryPart):
    """Rows: the values of all one after the other, where each begins (n + 1,), targets (n, ...)."""

    flat: Tensor
    starts: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.y)

    @property
    def all_targets(self) -> Tensor:
        """The targets of all rows."""
        return self.y

    @property
    def lengths(self) -> Tensor:
        """How many values each row has, (n,)."""
        return self.starts.diff()

    def row(self, place: int) -> Tensor:
        """The values of a row, (t,)."""
        return self.flat[self.starts[place] : self.starts[place + 1]]

    def bounds(self, rows: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Where each of b rows begins and ends, (b,) each."""
        if isinstance(rows, Tensor):
            rows = rows.to(self.y.device)
        return self.starts[:-1][rows], self.starts[1:][rows]

    def to(self, device: torch.device) -> Self:
        """All rows on a device."""
        return type(self)(self.flat.to(device), self.starts.to(device), self.y.to(device))

    def none(self) -> Self:
        """No row."""
        return type(self)(self.flat[:0].clone(), self.starts[:1] * 0, self.y[:0].clone())

    def with_rows_of(self, other: Self) -> Self:
        """These rows, and then those of another part."""
        starts = torch.cat([self.starts, other.starts[1:] + self.starts[-1]])
        flat = torch.cat([self.flat, other.flat])
        return type(self)(flat, starts, torch.cat([self.y, other.y]))

    @classmethod
    def of(cls, rows: Sequence[Tensor], y: NDArray[Any], dtype: torch.dtype) -> Self:
        """Rows (t,) of a dtype with their targets."""
        starts = torch.tensor([0, *map(len, rows)]).cumsum(0)
        flat = torch.cat([torch.zeros(0, dtype=dtype), *rows])
        return cls(flat, starts, torch.from_numpy(np.ascontiguousarray(y)))

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[Any, ...]]:
        return type(self), (self.flat, self.starts, self.y)


def ragged_digest(parts: Sequence[RaggedPart], told: Any) -> str:
    """The SHA-256 of all rows of `parts` and of what is told of them as JSON, as hex."""
    digest = hashlib.sha256(json.dumps([told, [len(part) for part in parts]]).encode("utf-8"))
    for part in parts:
        for tensor in (part.flat, part.starts, part.y):
            digest.update(tensor.contiguous().view(-1).numpy().data)
    return digest.hexdigest()
