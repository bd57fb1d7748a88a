"""The contract of data: raw examples in parts, how they are encoded and normalised, their task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netwright.network.normalised import Encoder
from netwright.network.signature import Signature, TensorSpec
from netwright.tasks import Task

PARTS = ("train", "validation", "test")
"""What the parts of data are called, in their order."""

Inputs = tuple[Tensor, ...]
"""Raw tensors (b, *shape), one for each of `Data.raw`."""


class Part(ABC):
    """Some rows of the data, in a fixed order; a view, which holds no copy of them."""

    @abstractmethod
    def __len__(self) -> int:
        """How many rows there are."""

    @abstractmethod
    def batch(self, rows: Tensor | slice) -> tuple[Inputs, Tensor]:
        """The raw inputs of b rows and their targets (b, ...).

        `rows` are numbers (b,) of int64 from 0 on, or a slice.
        """

    @property
    def all_targets(self) -> Tensor:
        """The targets (n, ...) of all rows."""
        return self.batch(slice(None))[1]

    def to(self, device: torch.device) -> Part:
        """The part where its batches are wanted; one that stays where it is gives itself."""
        return self


class Epochs(NamedTuple):
    """For how long data are trained on: epochs and steps, at least, and epochs that are enough."""

    least: int
    steps: int
    enough: int


class Data(ABC):
    """Examples to learn from. It goes to workers without its test part, so it must be picklable.

    `name` is what reports call it, `source` where it is from, `digest` a text that differs for
    other content. `task` says what outputs mean. `train`, `validation` and `test` share no row; the
    test part is for one measurement at the end, and may be empty as the validation part may.
    """

    name: str
    source: str
    digest: str
    task: Task
    train: Part
    validation: Part
    test: Part

    remarks: tuple[str, ...] = ()
    """What is odd about the data, or was decided about them: a sentence each, without its end."""

    loaded: Mapping[str, Any] | None = None
    """What `load` was given, if it read a name or a path; None for what was in memory."""

    reshuffles: bool = False
    """Whether the validation part was drawn at random, so that other rows could be it as well."""

    groups: Tensor | None = None
    """(n,) int64 of the rows of train, then of validation: those with one number stay together."""

    reference_name: ClassVar[str] = ""
    """What `reference_features` are called; empty where there are none."""

    label: str | None = None
    """The column that is predicted, where the rows are from a table."""

    @property
    def usual_epochs(self) -> Mapping[str, Epochs]:
        """Epochs of a trial and in full.

        A step of a network for rows of numbers takes about as long with 64 rows as with 16. So few
        rows are trained on for more epochs, in as many steps of larger batches: on the folds of 379
        rows of Boston, four networks had 4 to 17 % less error after 100 epochs than after 24.
        """
        takes = self.signature.inputs
        if all(
            len(spec.shape) == 1 and spec.ids is None and None not in spec.shape for spec in takes
        ):
            return {"epochs": Epochs(3, 200, 100), "full_epochs": Epochs(30, 2000, 200)}
        return {"epochs": Epochs(3, 200, 24), "full_epochs": Epochs(30, 2000, 128)}

    @property
    @abstractmethod
    def raw(self) -> tuple[TensorSpec, ...]:
        """The tensors that parts hold and exported networks take: encoded, not normalised."""

    @property
    @abstractmethod
    def normalise(self) -> nn.Module:
        """A module from raw tensors, in the order of `raw`, to what a network takes.

        It gives a tensor, or a tuple where a network takes several; for a normaliser of its own
        for each tensor see `netwright.network.normalised.Each`.
        What it knows of values it knows of the train part. It goes into every exported form.
        """

    @abstractmethod
    def encode(self, rows: Any) -> Inputs:
        """Rows as a user has them, as the raw tensors of a batch.

        Raises:
            DataError: A row cannot be encoded; the message names it.
        """

    def readable(self, part: Part, rows: Sequence[int]) -> list[Any]:
        """Rows of a part as a person reads them, as JSON: for the report.

        Each is a mapping of columns to text, a `{"picture": {"shape": ..., "bytes": ...}}` with the
        bytes (h, w, c) in base64, or a text. Empty where there is nothing to show.
        """
        return []

    @property
    @abstractmethod
    def encoding(self) -> dict[str, Any]:
        """All that `encode` goes by, as JSON; `kind` says how it is read."""

    @property
    def encoder(self) -> Encoder:
        """What exported networks get of `encode`: the code book, and a function in plain Python.

        Data that give no function have networks that are asked with raw tensors alone.
        """
        return Encoder(self.encoding)

    def reference_features(self, rows: NDArray[np.int64]) -> tuple[Any, Any] | None:
        """What classical models learn from: of these rows of the train part, and of the test part.

        They are arrays (n, f) or sparse matrices of scipy, fitted on the rows of the train part.
        None stands for what is raw, side by side.
        """
        return None

    @property
    def usual_space(self) -> str | None:
        """The ready space for networks of these data, as `--space` has it; None: by the shape."""
        return None

    @abstractmethod
    def without_test(self) -> Data:
        """The same data with an empty test part: what workers get. `digest` stays."""

    @abstractmethod
    def with_validation_in_train(self) -> Data:
        """The same data with the validation rows after those of the train part.

        The validation part is then empty; `normalise` and `digest` stay.
        """

    @property
    def signature(self) -> Signature:
        """What a network takes after `normalise`: ids as they are, all else as floats.

        Data whose `normalise` changes more than that say so themselves.
        """
        takes = (s if s.ids is not None else TensorSpec(s.name, s.shape) for s in self.raw)
        return Signature(tuple(takes), self.task.outputs)

    @property
    def settings(self) -> dict[str, Any]:
        """What the data are, as JSON: for the log, the card and the report."""
        return {
            "name": self.name,
            "source": self.source,
            "digest": self.digest,
            "shape": list(self.raw[0].shape)
            if len(self.raw) == 1
            else {spec.name: list(spec.shape) for spec in self.raw},
            **{part: len(getattr(self, part)) for part in PARTS},
        }
