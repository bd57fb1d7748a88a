"""Classification: one class of several for each example."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from netwright.errors import SettingError
from netwright.network.signature import TensorSpec
from netwright.tasks.base import Batches, Metric, Outputs, Task, only
from netwright.tasks.split import Rows, split_rows

ACCURACY = Metric("accuracy", "maximize", fraction=True)
LOSS = Metric("loss", "minimize")


@dataclass(frozen=True)
class Classification(Task):
    """One of the classes `names` for each example, by logits (b, k).

    Targets are class numbers (b,) of int64, or probabilities (b, k). The loss is the cross-entropy.

    Raises:
        SettingError: Fewer than 2 classes, or a name that is no text.
    """

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if len(self.names) < 2:
            raise SettingError(
                f"`Classification(names)` must have at least 2 classes, got {len(self.names)}."
            )
        if not all(isinstance(name, str) for name in self.names):
            raise SettingError(f"`Classification(names)` must be texts, got {self.names!r}.")

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """A logit for each class."""
        return (TensorSpec("output", (len(self.names),)),)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The accuracy, then the cross-entropy."""
        return (ACCURACY, LOSS)

    def loss(
        self,
        outputs: Outputs,
        targets: Tensor,
        weights: Tensor | None = None,
        *,
        smoothing: float = 0.0,
    ) -> Tensor:
        """The cross-entropy of logits (b, k) with class numbers (b,) or probabilities (b, k)."""
        logits = only(outputs)
        if weights is None:
            return functional.cross_entropy(logits, targets, label_smoothing=smoothing)
        losses = functional.cross_entropy(
            logits, targets, reduction="none", label_smoothing=smoothing
        )
        return (losses * weights).sum() / weights.sum()

    def measure(self, batches: Batches) -> dict[str, float]:
        """The share of rows whose largest logit is that of their class, and the cross-entropy."""
        right, loss, rows = 0, 0.0, 0
        for outputs, targets in batches:
            logits = only(outputs)
            right += int((logits.argmax(1) == targets).sum())
            loss += float(functional.cross_entropy(logits, targets, reduction="sum"))
            rows += len(targets)
        return {ACCURACY.name: right / rows, LOSS.name: loss / rows}

    def soft_targets(self, outputs: Outputs) -> Tensor:
        """Probabilities (b, k)."""
        return only(outputs).detach().softmax(1)

    def split(
        self,
        targets: NDArray[Any],
        *,
        validation: float | None,
        test: float | None,
        rng: np.random.Generator,
        source: str,
    ) -> tuple[Rows, Rows, Rows]:
        """A stratified split: in each part every class has its share, and at least one row."""
        return split_rows(
            targets,
            validation=validation,
            test=test,
            rng=rng,
            class_names=self.names,
            source=source,
        )

    def decoder(self) -> nn.Module:
        """Logits (b, k) to probabilities (b, k)."""
        return nn.Softmax(1)

    def answers(self, decoded: Tensor) -> list[Any]:
        """The name of the most probable class of each row."""
        return [self.names[place] for place in decoded.argmax(1).tolist()]

    @property
    def decoding(self) -> dict[str, Any]:
        """Probabilities of classes, the names of which are said."""
        return {**super().decoding, "answer": "class"}

    def reference(
        self,
        train: tuple[NDArray[np.float32], NDArray[Any]],
        test: tuple[NDArray[np.float32], NDArray[Any]],
    ) -> dict[str, Any] | None:
        """An SVM with a radial kernel (C=10, gamma "scale")."""
        # imported here: it takes longer than torch does, and every worker imports this module
        model = import_module("sklearn.svm").SVC(C=10.0, gamma="scale", cache_size=500)
        model.fit(*train)
        right = float(np.mean(model.predict(test[0]) == test[1]))
        return {"name": "SVM-RBF", ACCURACY.name: right}

    def to_json(self) -> dict[str, Any]:
        """The classes and the metrics."""
        return {
            "kind": "classification",
            "names": list(self.names),
            "metrics": [metric.to_json() for metric in self.metrics],
        }
