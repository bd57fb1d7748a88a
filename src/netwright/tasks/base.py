"""The contract of a task: what the outputs of a network mean, and how good they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
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

    A `fraction` is a share of the examples, from 0 to 1; people read it in percent, with the
    interval that the number of examples leaves. What is no such share, as a mean over several
    names, is no fraction.
    """

    name: str
    direction: Literal["maximize", "minimize"]
    fraction: bool = False

    @property
    def objective(self) -> Objective:
        """The objective that this metric be good."""
        return Objective(MetricName(self.name), self.direction)

    def is_below(self, metrics: Mapping[str, float], others: Mapping[str, Any]) -> bool:
        """Whether `others` have a better value of it than `metrics`; False where one has none."""
        if self.name not in metrics or self.name not in others:
            return False
        gain = self.objective.gain
        return gain(metrics) < gain({self.name: others[self.name]})

    def show(self, value: float) -> str:
        """A value as people read it."""
        return f"{value:.2%}" if self.fraction else f"{value:.5g}"

    @property
    def better(self) -> str:
        """What is to be said after a comparison where less is better; else empty."""
        return f" (less {self.name} is better)" if self.direction == "minimize" else ""

    def to_json(self) -> dict[str, Any]:
        """As the log has it."""
        return {"name": self.name, "direction": self.direction, "fraction": self.fraction}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Metric:
        """What `to_json` gave."""
        return cls(body["name"], body["direction"], body["fraction"])


@dataclass(frozen=True)
class Classical:
    """A classical model that a network is compared with.

    `fit` trains it on features (n, f) and targets (n, ...), and gives a function from features to
    what a network would give for these rows. Its time grows with that `power` of the rows. One that
    is for a `table` is not tried on pictures. `features` names what data have for it of their own,
    such as "TF-IDF": on those no other is tried. `lacks` are metrics that do not follow from it.
    """

    name: str
    fit: Callable[[NDArray[np.float32], NDArray[Any]], Callable[[NDArray[np.float32]], Tensor]]
    power: float = 1.0
    table: bool = False
    features: str = ""
    lacks: tuple[str, ...] = ()


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

    def row_values(self, metric: str, batches: Batches) -> NDArray[np.float64] | None:
        """A value for each row (n,) of a metric that is their mean, or of one that follows from it.

        It says how sure a figure is, and which of two networks is better on the same rows; see
        `netwright.tasks.spread`. None, for any other metric, leaves `batches` as they are: then
        `measure` is asked, on rows that are drawn again and again.
        """
        return None

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

    @property
    def is_scored_as_trained(self) -> bool:
        """Whether the first metric is better where the loss is lower: rows count alike in both."""
        return True

    def examine(self, batches: Batches) -> dict[str, Any]:
        """What outputs say of targets in detail, as JSON, for the report: by class, the worst rows.

        `kind` says how it is read, see `netwright.tasks.examined`; by default there is nothing.
        """
        return {}

    def strata(self, targets: NDArray[Any]) -> NDArray[np.int64]:
        """A number for each row (n,): rows with one number are alike, and folds share them evenly.

        By default all rows are alike.
        """
        return np.zeros(len(targets), np.int64)

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

        By `answer` the answer to what `decoder` gives, (b, k) with a number for each of `names`, is
        the name of the largest ("class"), a list of the names that have 0.5 or more ("labels"), or
        all numbers by their names ("numbers"). With "values" it is what `decoder` gives.
        """
        return {"answer": "values", "names": list(self.names), "decoder": str(self.decoder())}

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """What a reader of the log or of an exported network needs; has `kind` and `metrics`."""

    def fitted(self, targets: NDArray[Any]) -> Task:
        """The task as the targets (n, ...) of a train part say: their mean, how many of a class.

        Data do it once they are split. It is the task itself where nothing follows from them.
        """
        return self

    def deployed(self) -> tuple[nn.Module | None, Task]:
        """What goes after a network that is handed back or exported, and what its outputs mean.

        So every form gives the units of the user, though networks learn others. None where outputs
        stay as they are.
        """
        return None, self

    @property
    def classical(self) -> tuple[Classical, ...]:
        """Classical models to compare with, the cheapest first."""
        return ()

    def reference(
        self,
        train: tuple[NDArray[np.float32], NDArray[Any]],
        test: tuple[NDArray[np.float32], NDArray[Any]],
    ) -> dict[str, Any] | None:
        """What a classical model reaches: its `name` and its metrics on `test`; None without one.

        Both are features (n, f) on one scale, and targets (n, ...). It is asked where there is no
        list of `classical` models, among which the better one is found out on rows of `train`.
        """
        return None

    @property
    def words(self) -> str:
        """What it is, in a few words."""
        return type(self).__name__

    @property
    def metric(self) -> Metric:
        """The metric that is searched for where nobody says otherwise."""
        return self.metrics[0]

    def led_by(self, objectives: Sequence[Objective]) -> Metric:
        """The metric that a search with these objectives is for: that of the first, if it is ours.

        It is what networks and references are compared by, and what people are told first.
        """
        wanted = objectives[0].metric if objectives else ""
        return next((metric for metric in self.metrics if metric.name == wanted), self.metric)

    @property
    def objective(self) -> Objective:
        """The first objective of a search."""
        return self.metric.objective


def checked_names(call: str, names: Sequence[object]) -> tuple[str, ...]:
    """The names of what a task predicts.

    Raises:
        SettingError: One is no text, or there twice; `call` is what the message says.
    """
    texts = tuple(name for name in names if isinstance(name, str))
    if len(texts) < len(names) or len(set(texts)) < len(texts):
        raise SettingError(f"`{call}(names)` must be texts that all differ, got {tuple(names)!r}.")
    return texts


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
