"""Folds: the rows of train and validation divided anew, so that each is held out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netwright.data.base import Data, Inputs, Part
from netwright.network.normalised import Encoder
from netwright.network.signature import Signature, TensorSpec
from netwright.tasks.split import fold_rows


@dataclass(frozen=True, eq=False)
class Selected(Part):
    """Some rows of another part, by their numbers (n,) of int64; none of them is copied."""

    part: Part
    rows: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, rows: Tensor | slice) -> tuple[Inputs, Tensor]:
        """The raw inputs and targets of these of its rows."""
        return self.part.batch(self.rows[rows if isinstance(rows, slice) else rows.cpu()])

    def to(self, device: torch.device) -> Selected:
        """The same rows of the part where its batches are wanted."""
        return Selected(self.part.to(device), self.rows)


def folds_of(data: Data, count: int, repeats: int = 1) -> tuple[tuple[Part, Part], ...]:
    """What to learn from and what to score on, `count` times for each of `repeats` divisions.

    The rows are those of the train and validation parts. Each division is stratified as the task
    says, keeps groups together, and is the same whenever it is made of the same data. A row that
    is the only one of its class is always learned from.

    Raises:
        SettingError: There are fewer rows, or groups, than folds.
    """
    both = data.with_validation_in_train().train
    targets = both.batch(slice(None))[1].numpy()
    groups = None if data.groups is None else data.groups.numpy()
    found: list[tuple[Part, Part]] = []
    for repeat in range(repeats):
        rng = np.random.default_rng(repeat)
        folds = fold_rows(data.task.strata(targets), count, rng, groups)
        for fold in range(count):
            # in random order, so that the first rows are a fair sample
            held = rng.permutation(np.flatnonzero(folds == fold))
            rest = rng.permutation(np.flatnonzero(folds != fold))
            pair = (Selected(both, torch.from_numpy(rows)) for rows in (rest, held))
            found.append((next(pair), next(pair)))
    return tuple(found)


class Divided(Data):
    """Data with other train and validation parts, and without a test part."""

    def __init__(self, whole: Data, train: Part, validation: Part) -> None:
        self.whole, self.train, self.validation = whole, train, validation
        self.name, self.source, self.digest = whole.name, whole.source, whole.digest
        self.task, self.remarks, self.loaded = whole.task, whole.remarks, whole.loaded
        self.test = Selected(train, torch.empty(0, dtype=torch.int64))

    @property
    def raw(self) -> tuple[TensorSpec, ...]:
        """That of the whole."""
        return self.whole.raw

    @property
    def normalise(self) -> nn.Module:
        """That of the whole, which knows what its train part says."""
        return self.whole.normalise

    def encode(self, rows: Any) -> Inputs:
        """As the whole does."""
        return self.whole.encode(rows)

    def readable(self, part: Part, rows: Sequence[int]) -> list[Any]:
        """As the whole does."""
        return self.whole.readable(part, rows)

    @property
    def encoding(self) -> dict[str, Any]:
        """That of the whole."""
        return self.whole.encoding

    @property
    def encoder(self) -> Encoder:
        """That of the whole."""
        return self.whole.encoder

    @property
    def signature(self) -> Signature:
        """That of the whole."""
        return self.whole.signature

    def without_test(self) -> Divided:
        """The data themselves, which have no test part."""
        return self

    def with_validation_in_train(self) -> Divided:
        """The rows of both parts to learn from."""
        both = self.whole.with_validation_in_train().train
        return Divided(self.whole, both, self.test)
