"""The classifier: names of classes, or how probable each is, for rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

from netwright.errors import DataError, SettingError
from netwright.estimators.base import NetEstimator
from netwright.estimators.searching import Network
from netwright.estimators.whole_targets import whole_labels
from netwright.objective import Limits
from netwright.store import Store
from netwright.strategies import Strategy
from netwright.tasks import Classification
from netwright.tasks.extra import Extra


class NetClassifier(ClassifierMixin, NetEstimator):  # type: ignore[misc]
    """A network for classes, found by a search; an estimator of scikit-learn.

    Without settings ten networks are tried, each for a few epochs, the best few are trained in
    full, and the one that is best on the validation rows is trained once more on all of them. All
    happens in this process, in one thread, and follows from `random_state`.

    Args:
        trials: networks to try; None for 10, or for as many as there is time for. With 1 a network
            is drawn and trained in full, and nothing is compared.
        minutes: minutes for the whole of `fit`, None for no bound. What is found within them
            depends on how quick the machine is.
        limits: bounds that no network may break, on params, macs, memory_mib or what a target
            measures: `{"params": 20_000, "latency_ms@onnxruntime": 0.1}`.
        metric: what is searched for, on the validation rows: "accuracy" (the default), "loss",
            "balanced_accuracy", "f1", "roc_auc" or "ece"; the name of a scorer of scikit-learn such
            as "neg_log_loss"; or a function of targets (n,), numbered by class, and probabilities
            (n, k), of which more is better. `score` is the accuracy.
        space: the networks that there are: a function `network(choose, inputs, outputs)`, the name
            of a ready space with its settings such as "ft_transformer(depths=(1, 2))", or a
            `Space` for rows of this shape; None for `tabular`, or where rows are images for
            `convnet`, and for `mlp` where these have fewer than 8 x 8 pixels.
        ensemble: how many networks of one architecture give the answer by their mean: of few rows
            each is trained on a fold of its own. Limits hold of all together. None for one for each
            fold, and for one alone where there are limits, or `space` is your own.
        strategy: what to try next: a strategy or its name, as `search` has it; None for random
            search of up to 10 trials, and for `Auto()` of more.
        trial_epochs: epochs of a trial; None for 3, or as many as make 40 steps of 128 rows; with
            `minutes` as many as `Training` has.
        full_epochs: epochs of a training in full; None for 30, or as many as make 200 such steps;
            with `minutes` as many as `Training` has.
        validation: share of the rows that networks are compared on. Of fewer than 10 rows, and
            where fewer than two classes have two rows, all are for both.
        refit: train the network that was chosen once more, on all rows.
        training: other settings of `Training`, such as `{"batch": 64}`.
        class_weight: "balanced", by which all classes count the same, or a number for each class;
            None for rows that count the same.
        device: "auto", "cpu" or "cuda".
        workers: processes of one thread each; 0 trains in this process.
        store: where the run is logged and its weights are kept, as `search` has it; None keeps it
            in the estimator, and `pickle` with it.
        kind: what rows are, where `X` does not say it: "series" for arrays (n, t) or (n, c, t) or a
            list of them of any lengths, "sound" for recordings (t,), "text", "images" or "table".
        rate: that of recordings, in Hz; with `kind="sound"` alone.
        random_state: seed of everything random, as scikit-learn has it. With it `fit` repeats, but
            with `minutes`.
        verbose: print a line for each trial.

    Attributes:
        classes_: the classes (k,), sorted.
        n_features_in_: how many features rows have.
        feature_names_in_: their names (f,), where `X` was a table.
        run_: the run, as `search` gives it. It holds no rows of the data.
        best_: the network of it that answers. `best_.metrics` has its metrics on the validation
            rows, of before the refit.
        remarks_: what was found out of the columns, such as those that were left out.
    """

    classes_: NDArray[Any]

    def __init__(
        self,
        *,
        trials: int | None = None,
        minutes: float | None = None,
        limits: Limits | None = None,
        metric: Extra | None = None,
        space: Network | None = None,
        ensemble: int | None = None,
        strategy: Strategy | str | None = None,
        trial_epochs: int | None = None,
        full_epochs: int | None = None,
        validation: float = 0.2,
        refit: bool = True,
        training: Mapping[str, Any] | None = None,
        class_weight: Mapping[Any, float] | str | None = None,
        device: str = "auto",
        workers: int = 0,
        store: str | Path | Store | None = None,
        kind: str | None = None,
        rate: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            trials=trials,
            minutes=minutes,
            limits=limits,
            metric=metric,
            space=space,
            ensemble=ensemble,
            strategy=strategy,
            trial_epochs=trial_epochs,
            full_epochs=full_epochs,
            validation=validation,
            refit=refit,
            training=training,
            device=device,
            workers=workers,
            store=store,
            kind=kind,
            rate=rate,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class (n,) of each row."""
        places = self.predict_proba(X).argmax(1)
        found: NDArray[Any] = self.classes_[places]
        return found

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """How probable each class is, (n, k) in the order of `classes_`."""
        chances: NDArray[np.float32] = self._outputs(X).softmax(1).numpy()
        return chances

    def _read_targets(self, y: Any) -> tuple[NDArray[np.int64], Classification]:
        y = whole_labels(y, f"`{type(self).__name__}.fit(X, y)`")
        given = column_or_1d(check_array(y, ensure_2d=False, dtype=None, input_name="y"), warn=True)
        check_classification_targets(given)
        self.classes_, codes = np.unique(given, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"`{type(self).__name__}.fit(X, y)` must have at least 2 classes, got 1 class: "
                f"{self.classes_[0]!r}."
            )
        weights = None
        if self.class_weight is not None:
            given_weight = self.class_weight
            if isinstance(given_weight, str) and given_weight != "balanced":
                raise SettingError(
                    f'`{type(self).__name__}(class_weight=...)` must be "balanced", a number for '
                    f"each class, or None, got {given_weight!r}."
                )
            found = compute_class_weight(given_weight, classes=self.classes_, y=given)
            weights = tuple(found.tolist())
        names = tuple(map(str, self.classes_.tolist()))
        return codes.astype(np.int64), Classification(names, weights)

    def _known(self) -> dict[str, Any]:
        labels = self.classes_.tolist()
        if not all(isinstance(label, str | int | float) for label in labels):
            raise SettingError(
                f"`{type(self).__name__}.save(folder)` can write classes that are texts or "
                f"numbers, got {labels[0]!r}."
            )
        kind = "O" if self.classes_.dtype.kind == "O" else self.classes_.dtype.str
        return {**super()._known(), "labels": labels, "labels_dtype": kind}

    def _restore(self, known: Mapping[str, Any]) -> None:
        super()._restore(known)
        self.classes_ = np.array(known["labels"], known["labels_dtype"])
