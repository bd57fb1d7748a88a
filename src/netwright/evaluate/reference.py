"""What a classical model reaches on the same split: no network may silently do worse."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from netwright.data import Data
from netwright.data.base import Inputs

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
    raw, targets = data.train.batch(torch.from_numpy(rows))
    raw_test, test_targets = data.test.batch(slice(None))
    is_table = all(len(spec.shape) == 1 for spec in data.raw)
    train, test = _on_one_scale(_flat(raw), _flat(raw_test), is_table=is_table)
    found = data.task.reference((train, targets.numpy()), (test, test_targets.numpy()))
    if found is None:
        return None
    return {**found, "rows": len(rows), "seconds": time.perf_counter() - began}


def _flat(raw: Inputs) -> Features:
    """Raw inputs (n, ...) as features (n, f)."""
    return np.concatenate([x.numpy().reshape(len(x), -1).astype(np.float32) for x in raw], 1)


def _on_one_scale(train: Features, test: Features, *, is_table: bool) -> tuple[Features, Features]:
    """Both parts, standardised and reduced as the train part says."""
    steps: list[Any] = [StandardScaler()] if is_table else []  # pixels share one scale already
    if train.shape[1] > _FEATURES and len(train) > _FEATURES:
        steps.append(PCA(_FEATURES, random_state=0))
    for step in steps:
        train, test = step.fit_transform(train), step.transform(test)
    return train, test
