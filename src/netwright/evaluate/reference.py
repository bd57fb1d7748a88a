"""What a classical model reaches on the same split: no network may silently do worse."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from netwright.data import Data

_ROWS = 15_000  # more rows are drawn down to so many: the time of an SVM grows with their square
_FEATURES = 256  # more features are first reduced to so many principal components

Features = NDArray[np.float32]


def reference(data: Data) -> dict[str, Any] | None:
    """The reference of the task, trained on the train part; None where the task has none.

    The columns of tables are standardised. Of more than 15,000 rows a seeded sample is taken, and
    more than 256 features are reduced to their principal components. Returns what the task says,
    with rows and seconds.
    """
    began = time.perf_counter()
    rows = np.arange(len(data.train))
    if len(rows) > _ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, _ROWS, replace=False))
    train = _flat(data.train.x.numpy()[rows])
    test = _flat(data.test.x.numpy())
    train, test = _on_one_scale(train, test, is_table=len(data.shape) == 1)
    found = data.task.reference((train, data.train.y.numpy()[rows]), (test, data.test.y.numpy()))
    if found is None:
        return None
    return {**found, "rows": len(rows), "seconds": time.perf_counter() - began}


def _flat(x: NDArray[Any]) -> Features:
    """Rows (n, ...) as features (n, f)."""
    return x.reshape(len(x), -1).astype(np.float32)


def _on_one_scale(train: Features, test: Features, *, is_table: bool) -> tuple[Features, Features]:
    """Both parts, standardised and reduced as the train part says."""
    steps: list[Any] = [StandardScaler()] if is_table else []  # pixels share one scale already
    if train.shape[1] > _FEATURES and len(train) > _FEATURES:
        steps.append(PCA(_FEATURES, random_state=0))
    for step in steps:
        train, test = step.fit_transform(train), step.transform(test)
    return train, test
