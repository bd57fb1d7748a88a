"""Classical models that networks are compared with; each gives what a network would give."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.tasks.base import Classical

Features = NDArray[np.float32]
"""Features (n, f); a sparse matrix of scipy where there are many that are mostly 0."""

Answering = Callable[[Features], Tensor]

_LIGHTGBM = "lightgbm"

MOST = 20
"""Names of a task up to which trees are boosted: there is a model for each of them."""


def by_scores(
    module: str, name: str, classes: int, **settings: Any
) -> Callable[[Features, NDArray[Any]], Answering]:
    """A classifier of scikit-learn that gives no probabilities; what it gives are its scores."""

    def fit(x: Features, y: NDArray[Any]) -> Answering:
        model = _model(module, name, **settings)
        _train(model, x, y)

        def answer(rows: Features) -> Tensor:
            scores = model.decision_function(rows)
            if scores.ndim == 1:
                scores = np.stack([-scores, scores], 1)
            return _columns(scores, model.classes_, classes, scores.min() - 1.0)

        return answer

    return fit


def of_classes(
    module: str, name: str, classes: int, **settings: Any
) -> Callable[[Features, NDArray[Any]], Answering]:
    """A classifier of scikit-learn; what it gives are logarithms of probabilities (n, k)."""

    def fit(x: Features, y: NDArray[Any]) -> Answering:
        model = _model(module, name, **settings)
        _train(model, x, y)

        def answer(rows: Features) -> Tensor:
            chances = _columns(model.predict_proba(rows), model.classes_, classes, 0.0)
            return chances.clamp_min(1e-7).log()

        return answer

    return fit


def of_labels(
    module: str, name: str, **settings: Any
) -> Callable[[Features, NDArray[Any]], Answering]:
    """A classifier for each of k labels (n, k); what it gives are log-odds (n, k).

    A label that all rows have, or none, is said as it is.
    """

    def fit(x: Features, y: NDArray[Any]) -> Answering:
        made: list[Any] = []
        for column in (y > 0.5).T:
            if column.all() or not column.any():
                made.append(float(column[0]))
                continue
            made.append(_model(module, name, **settings))
            _train(made[-1], x, column)

        def answer(rows: Features) -> Tensor:
            chances = [
                np.full(len(rows), each)
                if isinstance(each, float)
                else each.predict_proba(rows)[:, 1]
                for each in made
            ]
            return torch.from_numpy(np.stack(chances, 1)).clamp(1e-7, 1 - 1e-7).logit().float()

        return answer

    return fit


def of_numbers(
    module: str, name: str, mean: NDArray[Any], deviation: NDArray[Any], **settings: Any
) -> Callable[[Features, NDArray[Any]], Answering]:
    """A regression of k numbers; learns and gives them less `mean`, in units of `deviation`."""

    def fit(x: Features, y: NDArray[Any]) -> Answering:
        wanted = (y.reshape(len(y), -1).astype(np.float64) - mean) / deviation
        made = []
        for column in wanted.T:
            made.append(_model(module, name, **settings))
            _train(made[-1], x, column)

        def answer(rows: Features) -> Tensor:
            found = [np.asarray(each.predict(rows), np.float32) for each in made]
            return torch.from_numpy(np.stack(found, 1))

        return answer

    return fit


def boosting(kind: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Boosted trees for a `kind` of estimator, "Classifier" or "Regressor": what they are called.

    Each is a name, then module, class and settings; LightGBM is among them where it is installed.
    """
    found: list[tuple[str, str, str, dict[str, Any]]] = []
    found.append(("HistGradientBoosting", "ensemble", f"HistGradientBoosting{kind}", {}))
    if find_spec(_LIGHTGBM):
        found.append(("LightGBM", _LIGHTGBM, f"LGBM{kind}", {"n_jobs": 1, "verbose": -1}))
    return [(*each[:3], {"random_state": 0, **each[3]}) for each in found]


def on_features(features: str, models: Sequence[Classical]) -> tuple[Classical, ...]:
    """The models on features that data have of their own, such as "log-mel"."""
    told = ((each, f"{each.name} on {features}") for each in models)
    return tuple(replace(m, name=name, table=False, features=features) for m, name in told)


ALPHAS = tuple(10.0**power for power in range(-3, 5))
"""How closely ridge models fit rows, of which each takes the best."""


STRENGTHS = (1.0, 10.0, 100.0)
"""How closely linear models of texts fit them, of which the best is taken."""


def of_texts(
    name: str, fit: Callable[[float], Callable[[Features, NDArray[Any]], Answering]]
) -> tuple[Classical, ...]:
    """Linear models of TF-IDF, for each strength."""
    told = f"{name} on TF-IDF"
    return tuple(Classical(f"{told} (C={c:g})", fit(c), features="TF-IDF") for c in STRENGTHS)


def _model(module: str, name: str, **settings: Any) -> Any:
    # imported here: it takes longer than torch does, and every worker imports this module
    where = module if module == _LIGHTGBM else f"sklearn.{module}"
    return getattr(import_module(where), name)(**settings)


def _train(model: Any, x: Features, y: NDArray[Any]) -> None:
    """Train a model; that it was not trained to the end is no matter for a comparison."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y)


def _columns(given: NDArray[Any], of: NDArray[Any], classes: int, missing: float) -> Tensor:
    """Scores (n, k) of all classes, where a model knows some of them alone."""
    found = np.full((len(given), classes), missing, np.float32)
    found[:, np.asarray(of, np.int64)] = given
    return torch.from_numpy(found)
