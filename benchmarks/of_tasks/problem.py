"""What a data set is to the benchmark of tasks, and what a method is; netwright's is the same."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, root_mean_squared_error

import netwright as nw

Answer = Callable[[Any], Any]
"""Takes rows, gives what is predicted of each."""


@dataclass(frozen=True)
class Parts:
    """Rows to learn from and rows of the test part, with what is to be predicted of them.

    `known` holds what an estimator is told of the rows, and `minutes` is the time of a search.
    """

    x: Any
    y: Any
    x_test: Any
    y_test: Any
    is_number: bool = False
    known: dict[str, Any] = field(default_factory=dict)
    minutes: float = 2.0

    def score(self, answers: Any) -> float:
        """Accuracy in percent, or the root of the mean squared error."""
        if self.is_number:
            return float(root_mean_squared_error(self.y_test, answers))
        return 100 * float(accuracy_score(np.asarray(self.y_test), np.asarray(answers)))


def is_there(needs: str | Path) -> bool:
    """Whether a package is installed, or a folder there; nothing is always."""
    if isinstance(needs, Path):
        return needs.is_dir()
    return not needs or find_spec(needs) is not None


@dataclass(frozen=True)
class Problem:
    """A data set by its name, its parts by a seed, and the package or folder that has it."""

    name: str
    parts: Callable[[int], Parts]
    needs: str | Path = ""


@dataclass(frozen=True)
class Method:
    """What learns from parts by a seed, and the package that it needs."""

    name: str
    fit: Callable[[Parts, int], Answer]
    needs: str = ""


def fitted(model: Any, parts: Parts) -> Answer:
    """What a model of scikit-learn's kind says after it has learned; its warnings are left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(parts.x, parts.y)

    def answer(rows: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.predict(rows)

    return answer


def estimator(parts: Parts, seed: int) -> Answer:
    """netwright's estimator by its defaults."""
    kind = nw.NetRegressor if parts.is_number else nw.NetClassifier
    return fitted(kind(minutes=parts.minutes, workers=1, random_state=seed, **parts.known), parts)
