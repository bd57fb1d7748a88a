"""Classification: one class of several for each example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from netwright.errors import SettingError
from netwright.network.signature import TensorSpec
from netwright.tasks import classical
from netwright.tasks.base import Batches, Classical, Metric, Outputs, Task, only
from netwright.tasks.examined import examined_classes
from netwright.tasks.extra import Extra, checked_extra, measured, metrics_of, name_of
from netwright.tasks.scores import area, by_class, calibration_error, collected, mean_area
from netwright.tasks.split import Rows, split_rows

ACCURACY = Metric("accuracy", "maximize", fraction=True)
LOSS = Metric("loss", "minimize")
BALANCED = Metric("balanced_accuracy", "maximize")
F1 = Metric("f1", "maximize")
AREA = Metric("roc_auc", "maximize")
CALIBRATION = Metric("ece", "minimize")
_METRICS = (ACCURACY, LOSS, BALANCED, F1, AREA, CALIBRATION)


@dataclass(frozen=True)
class Classification(Task):
    """One of the classes `names` for each example, by logits (b, k).

    Targets are class numbers (b,) of int64, or probabilities (b, k). The loss is the cross-entropy;
    with `weights` a row counts as much as its class weighs: "balanced", by which all classes of the
    train part count the same, or a number for each class. Without `names` they are those that are
    in the data.

    Metrics: `accuracy`; `loss`, the cross-entropy (log loss), which weights do not change;
    `balanced_accuracy`, the mean over classes of the share that is right; `f1`, the mean over
    classes; `roc_auc`, for more than two classes the mean of each against the rest; and `ece`, the
    expected calibration error over 15 bins; and those of `extra`: scorers of scikit-learn by their
    names, and functions of targets (n,) and probabilities (n, k), of which more is better.

    Raises:
        SettingError: Fewer than 2 classes, a name that is no text, or weights outside their rule.
    """

    names: tuple[str, ...] = ()
    weights: str | Sequence[float] | None = None
    extra: Sequence[Extra] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        taken = [metric.name for metric in _METRICS]
        object.__setattr__(self, "extra", checked_extra("Classification", self.extra, taken))
        if len(self.names) == 1:
            raise SettingError("`Classification(names)` must have at least 2 classes, got 1.")
        if not all(isinstance(name, str) for name in self.names):
            raise SettingError(f"`Classification(names)` must be texts, got {self.names!r}.")
        if self.weights is not None and not isinstance(self.weights, str):
            object.__setattr__(self, "weights", tuple(map(float, self.weights)))
        self._check_weights()

    def _check_weights(self) -> None:
        given = self.weights
        if given is None or given == "balanced":
            return
        good = not isinstance(given, str) and all(0 < each < np.inf for each in given)
        if not good or (self.names and len(given) != len(self.names)):
            each = f" for each of the {len(self.names)} classes" if self.names else ""
            raise SettingError(
                f'`Classification(weights=...)` must be "balanced" or a number above 0{each}, got '
                f"{given!r}."
            )

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """A logit for each class.

        Raises:
            SettingError: The classes are not known yet.
        """
        if not self.names:
            raise SettingError(
                "`Classification()` has no classes yet: data that are made with it give it theirs, "
                'or write `Classification(("a", "b"))`.'
            )
        return (TensorSpec("output", (len(self.names),)),)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The accuracy, then the cross-entropy, then those that say more."""
        return (*_METRICS, *metrics_of(self.extra))

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
        if self.weights is not None:
            weights = self._weighed(logits, targets, weights)
        if weights is None:
            return functional.cross_entropy(logits, targets, label_smoothing=smoothing)
        losses = functional.cross_entropy(
            logits, targets, reduction="none", label_smoothing=smoothing
        )
        return (losses * weights).sum() / weights.sum()

    def _weighed(self, logits: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """The weights of rows (b,), by their classes too."""
        if self.weights == "balanced":
            raise SettingError(
                '`Classification(weights="balanced")` does not know yet how many rows each class '
                "has: take `task.fitted(targets)` with the targets of the train part."
            )
        each = logits.new_tensor(self.weights)
        own = targets.to(each.dtype) @ each if targets.is_floating_point() else each[targets]
        return own if weights is None else own * weights

    def measure(self, batches: Batches) -> dict[str, float]:
        """All metrics, by the logits of all rows."""
        logits, targets = collected(batches)
        logits = logits.double()
        loss = functional.cross_entropy(logits, targets)
        y, said = targets.numpy(), logits.argmax(1).numpy()
        right = said == y
        balanced, f1 = by_class(y, said, len(self.names))
        logs = logits.log_softmax(1)
        if len(self.names) == 2:
            auc = area((logits[:, 1] - logits[:, 0]).numpy(), y == 1)
        else:
            auc = mean_area(logs.numpy(), (y == place for place in range(len(self.names))))
        ece = calibration_error(logs.amax(1).exp().numpy(), right)
        found = (int(right.sum()) / len(y), float(loss), balanced, f1, auc, ece)
        ours = dict(zip((metric.name for metric in _METRICS), found, strict=True))
        return ours | measured(self.extra, y, logs.exp().numpy(), "classes")

    def row_values(self, metric: str, batches: Batches) -> NDArray[np.float64] | None:
        """Of the accuracy whether a row is right, of the loss its cross-entropy."""
        if metric not in (ACCURACY.name, LOSS.name):
            return None
        logits, targets = collected(batches)
        if metric == ACCURACY.name:
            return (logits.argmax(1) == targets).double().numpy()
        return functional.cross_entropy(logits.double(), targets, reduction="none").numpy()

    @property
    def is_scored_as_trained(self) -> bool:
        """Whether rows count alike in training, as they do in the accuracy."""
        return self.weights is None

    def examine(self, batches: Batches) -> dict[str, Any]:
        """By class, which are taken for which, calibration, and the worst rows."""
        logits, targets = collected(batches)
        return dict(
            examined_classes(logits.double().softmax(1).numpy(), targets.numpy(), self.names)
        )

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

    def strata(self, targets: NDArray[Any]) -> NDArray[np.int64]:
        """The classes."""
        return targets.astype(np.int64)

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

    def fitted(self, targets: NDArray[Any]) -> Classification:
        """The task with the weights that balance the classes (n,) of a train part."""
        if self.weights != "balanced":
            return self
        counts = np.bincount(targets, minlength=len(self.names))
        each = len(targets) / (len(counts) * np.maximum(counts, 1))
        return replace(self, weights=tuple(each.tolist()))

    @property
    def classical(self) -> tuple[Classical, ...]:
        """An SVM with a radial kernel; on tables a logistic regression and trees, too.

        On texts a logistic regression of TF-IDF alone, on series a ridge on random kernels.

        An SVM gives no probabilities, so no loss. Trees are boosted for up to 20 classes.
        """
        k = len(self.names)
        weight = None if self.weights is None else "balanced"
        forest = classical.of_classes(
            "ensemble", "RandomForestClassifier", k, random_state=0, class_weight=weight
        )
        boosted = tuple(
            Classical(
                called,
                classical.of_classes(module, name, k, class_weight=weight, **settings),
                table=True,
            )
            for called, module, name, settings in classical.boosting("Classifier")
        )
        linear = classical.of_classes(
            "linear_model", "LogisticRegression", k, max_iter=1000, class_weight=weight
        )
        of_vectors: dict[str, Any] = {"C": 10.0, "gamma": "scale", "cache_size": 500}
        vectors = classical.by_scores("svm", "SVC", k, class_weight=weight, **of_vectors)
        of_ridge: dict[str, Any] = {"alphas": classical.ALPHAS, "class_weight": weight}
        ridge = classical.by_scores("linear_model", "RidgeClassifierCV", k, **of_ridge)
        lacks = (LOSS.name, CALIBRATION.name, *map(name_of, self.extra))
        found = (
            Classical("SVM-RBF", vectors, power=2.0, lacks=lacks),
            Classical("logistic regression", linear, table=True),
            Classical("random forest", forest, table=True),
        )
        few = (*found, *boosted) if k <= classical.MOST else found

        def fit(strength: float) -> Any:
            settings = {"C": strength, "max_iter": 300, "class_weight": weight}
            return classical.of_classes("linear_model", "LogisticRegression", k, **settings)

        return (
            *few,
            *classical.on_features("log-mel", found),
            *classical.on_features("random kernels", [Classical("ridge", ridge, lacks=lacks)]),
            *classical.of_texts("logistic regression", fit),
        )

    @property
    def words(self) -> str:
        """How many classes."""
        return f"{len(self.names)} classes" if self.names else "classes"

    def to_json(self) -> dict[str, Any]:
        """The classes and the metrics, and the weights where there are some."""
        weights = list(self.weights) if isinstance(self.weights, tuple) else self.weights
        return {
            "kind": "classification",
            "names": list(self.names),
            **({} if weights is None else {"weights": weights}),
            **({"extra": list(map(name_of, self.extra))} if self.extra else {}),
            "metrics": [metric.to_json() for metric in self.metrics],
        }
