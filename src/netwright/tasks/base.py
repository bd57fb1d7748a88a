"""The contract of a task: what the outputs of a network mean, and how good they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from netwright.errors import SettingError
from netwright.network.signature import TensorSpec
from netwright.objective import MetricName, Objective
from netwright.tasks.split import Rows

Outputs = Tensor | tuple[Tensor, ...]
"""What a network gives for a batch: one tensor (b, ...), or several in the order of its outputs."""

Batches = Iterable[tuple[Outputs, Tensor]]
"""Outputs and targets of the batches of a part."""


@dataclass(frozen=True)
class Metric:
    """A metric by its name, and which direction is better.

    A `fraction` is counted over examples, from 0 to 1; people read it in percent.
    """

    name: str
    direction: Literal["maximize", "minimize"]
    fraction: bool = False

    @property
    def objective(self) -> Objective:
        """The objective that this metric be good."""
        return Objective(MetricName(self.name), self.direction)

    def show(self, value: float) -> str:
        """A value as people read it."""
        return f"{value:.2%}" if self.fraction else f"{value:.5g}"

    def to_json(self) -> dict[str, Any]:
        """As the log has it."""
        return {"name": self.name, "direction": self.direction, "fraction": self.fraction}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Metric:
        """What `to_json` gave."""
        return cls(body["name"], body["direction"], body["fraction"])


class Task(ABC):
    """What outputs mean. Settings are fields of a frozen dataclass; it goes to workers.

    Targets are one tensor (b, ...) for a batch, as `Data` has them. Nothing here draws random
    numbers but `split`, from the generator that it is given.
    """

    names: tuple[str, ...] = ()
    """What the decoder's answers are called, in their order; empty where they have no names."""

    @property
    @abstractmethod
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The tensors that a network must give."""

    @property
    @abstractmethod
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics that `measure` gives, the one that is searched for first."""

    @abstractmethod
    def loss(
        self,
        outputs: Outputs,
        targets: Tensor,
        weights: Tensor | None = None,
        *,
        smoothing: float = 0.0,
    ) -> Tensor:
        """The loss of a batch, a tensor () with a gradient: the mean over its rows.

        Soft targets are taken wherever hard ones are. `weights` (b,) weigh the rows. `smoothing`
        is label smoothing, of no effect where there are no labels.
        """

    @abstractmethod
    def measure(self, batches: Batches) -> dict[str, float]:
        """Each of `metrics` over all rows of `batches`, which are gone through once."""

    @abstractmethod
    def soft_targets(self, outputs: Outputs) -> Tensor:
        """The targets for a network that is to learn what these outputs say, without gradient."""

    @abstractmethod
    def split(
        self,
        targets: NDArray[Any],
        *,
        validation: float | None,
        test: float | None,
        rng: np.random.Generator,
        source: str,
    ) -> tuple[Rows, Rows, Rows]:
        """Row numbers of train, validation and test; together they are all rows, each once.

        A fraction is of the n rows of `targets`; None leaves that part empty.

        Raises:
            SettingError: A fraction is outside its rule.
            DataError: There are too few rows; the message names `source`.
        """

    @abstractmethod
    def decoder(self) -> nn.Module:
        """A module that turns outputs into the answer; it is exported with the network."""

    def answers(self, decoded: Tensor) -> list[Any]:
        """What `decoder` gave for b rows, as people read it: b names, numbers or lists of them."""
        answers: list[Any] = decoded.tolist()
        return answers

    @property
    def decoding(self) -> dict[str, Any]:
        """How outputs become answers, as JSON: for who reads an exported network.

        `answer` is "class" where `decoder` gives a number (b, k) for each of `names` and the answer
        is the name of the largest; "values" where what it gives is the answer.
        """
        return {"answer": "values", "names": list(self.names), "decoder": str(self.decoder())}

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """What a reader of the log or of an exported network needs; has `kind` and `metrics`."""

    def reference(
        self,
        train: tuple[NDArray[np.float32], NDArray[Any]],
        test: tuple[NDArray[np.float32], NDArray[Any]],
    ) -> dict[str, Any] | None:
        """What a classical model reaches: its `name` and its metrics on `test`; None without one.

        Both are features (n, f) on one scale, and targets (n, ...).
        """
        return None

    @property
    def metric(self) -> Metric:
        """The metric that is searched for where nobody says otherwise."""
        return self.metrics[0]

    @property
    def objective(self) -> Objective:
        """The first objective of a search."""
        return self.metric.objective


def only(outputs: Outputs) -> Tensor:
    """The one tensor that a network gives.

    Raises:
        SettingError: It gives several.
    """
    if isinstance(outputs, Tensor):
        return outputs
    if len(outputs) != 1:
        raise SettingError(
            f"The network must give one tensor for this task, got {len(outputs)}; write a `Task` "
            "of your own for several."
        )
    return outputs[0]
