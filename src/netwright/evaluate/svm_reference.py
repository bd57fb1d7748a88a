"""What a classical model reaches on the same split: no network may silently do worse."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from netwright.data import Data

_ROWS = 15_000  # more rows are drawn down to so many: the time of an SVM grows with their square
_FEATURES = 256  # more features are first reduced to so many principal components


def reference(data: Data) -> dict[str, Any]:
    """An SVM with a radial kernel (C=10, gamma "scale") trained on the train part.

    The columns of tables are standardised. Of more than 15,000 rows a seeded sample is taken, and
    more than 256 features are reduced to their principal components. Returns name, accuracy on
    the test part (a fraction), rows and seconds.
    """
    began = time.perf_counter()
    rows = np.arange(len(data.train))
    if len(rows) > _ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, _ROWS, replace=False))
    x = data.train.x.numpy()[rows].reshape(len(rows), -1).astype(np.float32)
    # Pixels share one scale, which gamma "scale" takes out; the columns of a table do not.
    steps: list[Any] = [StandardScaler()] if len(data.shape) == 1 else []
    if x.shape[1] > _FEATURES and len(rows) > _FEATURES:
        steps.append(PCA(_FEATURES, random_state=0))
    model = make_pipeline(*steps, SVC(C=10.0, gamma="scale", cache_size=500))
    model.fit(x, data.train.y.numpy()[rows])
    test = data.test.x.numpy().reshape(len(data.test), -1).astype(np.float32)
    accuracy = float(np.mean(model.predict(test) == data.test.y.numpy()))
    return {
        "name": "SVM-RBF",
        "accuracy": accuracy,
        "rows": len(rows),
        "seconds": time.perf_counter() - began,
    }
