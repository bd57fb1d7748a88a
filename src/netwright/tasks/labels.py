"""Several labels: for each example any of them, none, or all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from netwright.errors import DataError, SettingError
from netwright.network.signature import TensorSpec
from netwright.tasks import classical
from netwright.tasks.base import Batches, Classical, Metric, Outputs, Task, checked_names, only
from netwright.tasks.examined import examined_labels
from netwright.tasks.extra import Extra, checked_extra, measured, metrics_of, name_of
from netwright.tasks.scores import by_label, collected, mean_area
from netwright.tasks.split import Rows, split_evenly

F1 = Metric("f1", "maximize")
AREA = Metric("roc_auc", "maximize")
LOSS = Metric("loss", "minimize")
_METRICS = (F1, AREA, LOSS)


@dataclass(frozen=True)
class MultiLabel(Task):
    """Each of the labels `names` holds or not, by a logit for each (b, k).

    Targets are float32 (b, k), 1 where a label holds, or probabilities. The loss is the binary
    cross-entropy, the mean over rows and labels. A label is said to hold from a probability of 0.5
    on. Without `names` labels are numbered, from 0.

    Metrics: `f1`, the mean over labels; `roc_auc`, the mean over labels that some rows have and
    others have not; `loss`; and those of `extra`: scorers of scikit-learn by their names, and
    functions of targets and probabilities (n, k), of which more is better.

    Raises:
        SettingError: A name is no text, or there twice.
    """

    names: tuple[str, ...] = ()
    extra: Sequence[Extra] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", checked_names("MultiLabel", self.names))
        taken = [metric.name for metric in _METRICS]
        object.__setattr__(self, "extra", checked_extra("MultiLabel", self.extra, taken))

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """A logit for each label.

        Raises:
            SettingError: The labels are not known yet.
        """
        if not self.names:
            raise SettingError(
                "`MultiLabel()` has no labels yet: data that are made with it give it theirs, or "
                'write `MultiLabel(("a", "b"))`.'
            )
        return (TensorSpec("output", (len(self.names),)),)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The mean F1, then the mean area under the ROC curve, then the cross-entropy."""
        return (*_METRICS, *metrics_of(self.extra))

    def loss(
        self,
        outputs: Outputs,
        targets: Tensor,
        weights: Tensor | None = None,
        *,
        smoothing: float = 0.0,
    ) -> Tensor:
        """The binary cross-entropy of logits (b, k); smoothed labels are nearer to 1/2."""
        logits = only(outputs)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        wanted = targets.to(logits.dtype)
        if smoothing:
            wanted = wanted * (1 - smoothing) + smoothing / 2
        if weights is None:
            return functional.binary_cross_entropy_with_logits(logits, wanted)
        losses = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        return (losses.mean(1) * weights).sum() / weights.sum()

    def measure(self, batches: Batches) -> dict[str, float]:
        """All metrics, by the logits of all rows."""
        logits, targets = collected(batches)
        loss = functional.binary_cross_entropy_with_logits(logits.double(), targets.double())
        there, scores = (targets > 0.5).numpy(), logits.double().numpy()
        ours = {
            F1.name: by_label(there, scores >= 0),
            AREA.name: mean_area(scores, there.T),
            LOSS.name: float(loss),
        }
        shares = logits.double().sigmoid().numpy()
        return ours | measured(self.extra, targets.numpy(), shares, "labels")

    def row_values(self, metric: str, batches: Batches) -> NDArray[np.float64] | None:
        """Of the loss that of a row."""
        if metric != LOSS.name:
            return None
        logits, targets = (x.double() for x in collected(batches))
        losses = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        return losses.mean(1).numpy()

    def examine(self, batches: Batches) -> dict[str, Any]:
        """By label, and the worst rows."""
        logits, targets = collected(batches)
        there = (targets > 0.5).numpy()
        return examined_labels(logits.double().sigmoid().numpy(), there, self.names)

    def soft_targets(self, outputs: Outputs) -> Tensor:
        """Probabilities (b, k)."""
        return only(outputs).detach().sigmoid()

    def split(
        self,
        targets: NDArray[Any],
        *,
        validation: float | None,
        test: float | None,
        rng: np.random.Generator,
        source: str,
    ) -> tuple[Rows, Rows, Rows]:
        """A random split in which rows go by the rarest label that they have.

        Each part has about its share of every label, and at least one row. Each label that a row
        has is had by a row of the train part.

        Raises:
            DataError: There are too few rows.
        """
        groups = self.strata(targets)
        parts = split_evenly(groups, validation=validation, test=test, rng=rng, source=source)
        return self._learnable(targets > 0.5, parts, source)

    def strata(self, targets: NDArray[Any]) -> NDArray[np.int64]:
        """The rarest label of each row; rows without a label are alike."""
        there = targets > 0.5
        rarity = np.argsort(np.argsort(there.sum(0), kind="stable"), kind="stable")
        rarest: NDArray[np.int64] = np.where(there, rarity, targets.shape[1]).min(1)
        return rarest

    def _learnable(
        self, there: NDArray[np.bool_], parts: tuple[Rows, Rows, Rows], source: str
    ) -> tuple[Rows, Rows, Rows]:
        """Parts of which the train part has each label: rows are moved where it has not."""
        train, *others = parts
        for label in np.flatnonzero(there.any(0) & ~there[train].any(0)):
            held = next(rows for rows in others if there[rows, label].any())
            place = int(there[held, label].argmax())
            if len(held) < 2:
                raise DataError(
                    f"{source}: the label {self.names[label]!r} is had by 1 row alone, which the "
                    "train part needs; give more rows, or leave the label out."
                )
            train = np.append(train, held[place])
            others = [np.delete(rows, place) if rows is held else rows for rows in others]
        return train, others[0], others[1]

    def decoder(self) -> nn.Module:
        """Logits (b, k) to probabilities (b, k)."""
        return nn.Sigmoid()

    def answers(self, decoded: Tensor) -> list[Any]:
        """The names of the labels that hold, a list for each row."""
        return [
            [name for name, share in zip(self.names, row, strict=True) if share >= 0.5]
            for row in decoded.tolist()
        ]

    @property
    def decoding(self) -> dict[str, Any]:
        """Probabilities of labels, the names of which are said."""
        return {**super().decoding, "answer": "labels"}

    @property
    def classical(self) -> tuple[Classical, ...]:
        """A logistic regression; on tables trees, too, boosted for up to 20 labels."""
        linear = classical.of_labels("linear_model", "LogisticRegression", max_iter=1000)
        forest = classical.of_labels("ensemble", "RandomForestClassifier", random_state=0)
        boosted = tuple(
            Classical(called, classical.of_labels(module, name, **settings), table=True)
            for called, module, name, settings in classical.boosting("Classifier")
        )
        found = (
            Classical("logistic regression", linear),
            Classical("random forest", forest, table=True),
        )
        few = (*found, *boosted) if len(self.names) <= classical.MOST else found[:1]

        def fit(strength: float) -> Any:
            settings = {"C": strength, "max_iter": 300}
            return classical.of_labels("linear_model", "LogisticRegression", **settings)

        return (
            *few,
            *classical.on_features("log-mel", found),
            *classical.on_features("random kernels", found[:1]),
            *classical.of_texts("logistic regression", fit),
        )

    @property
    def words(self) -> str:
        """How many labels."""
        return f"{len(self.names)} labels" if self.names else "labels"

    def to_json(self) -> dict[str, Any]:
        """The labels and the metrics."""
        return {
            "kind": "labels",
            "names": list(self.names),
            **({"extra": list(map(name_of, self.extra))} if self.extra else {}),
            "metrics": [metric.to_json() for metric in self.metrics],
        }
